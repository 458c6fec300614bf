"""Activation functions in float32, all in place.

The ones of many element-wise passes work block by block: a block and its scratch stay in
the processor's cache meanwhile, where whole arrays would travel to memory and back at every
pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]  # the one type of the forward pass

_BLOCK_ELEMENTS: Final = 32_768  # 128 KB; block and scratch fit in an L2 cache of 512 KB

# GELU(x) = x * Phi(x), and Phi(x) = 1 / (1 + exp(x * Q(x**2))) where
# x * Q(x**2) = log((1 - Phi(x)) / Phi(x)) is an odd function of x.  These are the
# coefficients of x**0, x**2, ... x**12 in Q: the minimax fit of GELU's error divided by
# max(1, |x|), which is at most 2.3e-8; tests/distilbert/test_activations.py derives the bound
# anew.
_GELU_Q: Final = (
    -1.595770615,
    -7.266412951e-2,
    6.34827149e-5,
    1.112080176e-4,
    -8.025227434e-6,
    2.714634111e-7,
    -3.693414508e-9,
)


def gelu(x: Array) -> Array:
    """Gaussian error linear unit, in place.

    Parameters
    ----------
    x : float32 array, any shape, C-contiguous
        Overwritten by the result.

    Returns
    -------
    float32 array
        `x` itself.

    Notes
    -----
    GELU(x) = x * Phi(x) = x/2 * (1 + erf(x / sqrt(2))), Hendrycks & Gimpel 2016,
    arXiv:1606.08415, the exact form and not its tanh approximation (`gelu_new`), which is
    another function and differs by up to 5e-4.

    NumPy has no erf.  Here Phi is a logistic function of a polynomial: |error| is below
    1.5e-7 * max(1, |x|) over the whole of float32, rounding included (1.7e-7 in torch).
    -inf gives nan, as in torch; inf gives inf.
    """
    return _in_blocks(_gelu_block, x)


def gelu_new(x: Array) -> Array:
    """The tanh approximation of GELU, in place; same parameters as `gelu`.

    Notes
    -----
    x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x**3))), Hendrycks & Gimpel 2016,
    arXiv:1606.08415, section 2.
    """
    return _in_blocks(_gelu_new_block, x)


def relu(x: Array) -> Array:
    """Rectified linear unit max(x, 0), in place; same parameters as `gelu`."""
    return np.maximum(x, 0, out=x)


def softmax_in_place(scores: Array, axis: int = -1) -> Array:
    """Softmax along an axis, in place; `scores` need not be contiguous.

    Notes
    -----
    exp(s) / sum(exp(s)). The largest score is subtracted first, so that exp cannot overflow;
    this changes nothing in the result, because only differences of scores count.
    """
    scores -= scores.max(axis=axis, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=axis, keepdims=True)
    return scores


ACTIVATIONS: Final[dict[str, Callable[[Array], Array]]] = {
    "gelu": gelu,
    "gelu_new": gelu_new,
    "relu": relu,
}


def _in_blocks(function: Callable[[Array, Array], None], x: Array) -> Array:
    if not x.flags.c_contiguous:  # reshape would copy, and the work be lost
        raise ValueError("activations work in place: expected a C-contiguous array")
    flat = x.reshape(-1)
    scratch = np.empty(min(_BLOCK_ELEMENTS, flat.size), np.float32)
    # Far from 0, exp overflows to infinity, which gives the right limits.
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, flat.size, _BLOCK_ELEMENTS):
            block = flat[start : start + _BLOCK_ELEMENTS]
            function(block, scratch[: block.size])
    return x


def _gelu_block(x: Array, scratch: Array) -> None:
    square = x * x
    np.multiply(square, _GELU_Q[-1], out=scratch)
    for coefficient in _GELU_Q[-2:0:-1]:  # Horner's rule
        scratch += coefficient
        scratch *= square
    scratch += _GELU_Q[0]
    scratch *= x
    np.exp(scratch, out=scratch)
    scratch += 1
    x /= scratch


def _gelu_new_block(x: Array, scratch: Array) -> None:
    np.multiply(x, x, out=scratch)
    scratch *= 0.044715
    scratch += 1
    scratch *= x
    scratch *= math.sqrt(2 / math.pi)
    np.tanh(scratch, out=scratch)
    scratch += 1
    scratch *= 0.5
    x *= scratch
