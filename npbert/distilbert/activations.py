"""The activation functions that most models have, and softmax, in float32.

An activation is a function between two linear layers that is not linear itself. Without it, the
two layers would be no more than one linear layer. All functions here work *in place*: they
overwrite the array that they are given. To keep an array, pass a copy of it: ``gelu(x.copy())``.

The functions that need many element-wise passes work block by block. A block and its scratch
array then stay in the processor's cache. Whole arrays would travel to memory and back in every
pass.

`npbert.distilbert.more_activations` has those that few models have, and the table of all names.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]  # the one type of the forward pass

_BLOCK_ELEMENTS: Final = 32_768  # 128 KB; a block and its scratch fit in an L2 cache of 512 KB

# GELU(x) = x * Phi(x), and Phi(x) = 1 / (1 + exp(log((1 - Phi(x)) / Phi(x)))). This logarithm is
# an odd function of x, so x * Q(x**2) can approximate it, where Q is a polynomial.
# These are the coefficients of x**0, x**2, ... x**12 in Q. They make the largest error of GELU,
# divided by max(1, |x|), as small as a polynomial of this degree can: 2.3e-8.
# scripts/fit_gelu.py finds them, and tests/distilbert/test_activations.py derives the bound anew.
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
    """Apply the Gaussian error linear unit, in place.

    Parameters
    ----------
    x : float32 array, any shape, C-contiguous
        Overwritten with the result.

    Returns
    -------
    float32 array
        `x` itself.

    Raises
    ------
    ValueError
        If `x` is not C-contiguous.

    Notes
    -----
    GELU(x) = x * Phi(x) = x/2 * (1 + erf(x / sqrt(2))), Hendrycks & Gimpel 2016,
    arXiv:1606.08415, where Phi(x) is the share of a standard normal distribution below x. It is a
    smooth ReLU. This is the exact form. Its approximation by tanh (`gelu_new`) is another
    function, which differs by up to 5e-4.

    NumPy has no erf. Here Phi is a logistic function of a polynomial. The error is below
    1.5e-7 * max(1, |x|) over the whole of float32, with rounding (in torch it is 1.7e-7). As in
    torch, -inf gives nan and inf gives inf.
    """
    return in_blocks(_gelu_block, x)


def gelu_new(x: Array) -> Array:
    """Apply the approximation of GELU by tanh, in place.

    Parameters
    ----------
    x : float32 array, any shape, C-contiguous
        Overwritten with the result.

    Returns
    -------
    float32 array
        `x` itself.

    Raises
    ------
    ValueError
        If `x` is not C-contiguous.

    Notes
    -----
    x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x**3))), Hendrycks & Gimpel 2016,
    arXiv:1606.08415, section 2.
    """
    return in_blocks(_gelu_new_block, x)


def relu(x: Array) -> Array:
    """Apply the rectified linear unit max(x, 0), in place.

    Parameters
    ----------
    x : float32 array, any shape
        Overwritten with the result.

    Returns
    -------
    float32 array
        `x` itself.
    """
    return np.maximum(x, 0, out=x)


def softmax_in_place(scores: Array, axis: int = -1) -> Array:
    """Turn scores into positive numbers with the sum 1 along an axis, in place.

    Parameters
    ----------
    scores : float32 array, any shape
        Overwritten with the result; it need not be contiguous.
    axis : int
        The axis along which the numbers have the sum 1.

    Returns
    -------
    float32 array
        `scores` itself.

    Notes
    -----
    exp(s) / sum(exp(s)). The largest score is subtracted first, so that exp cannot overflow;
    this changes nothing in the result, because only differences of scores count.
    """
    scores -= scores.max(axis=axis, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=axis, keepdims=True)
    return scores


def in_blocks(function: Callable[[Array, Array], None], x: Array) -> Array:
    """Apply a function to all of an array, block by block, in place.

    Parameters
    ----------
    function : callable
        Takes a block and a scratch array of its size, and overwrites both. Warnings of overflow
        are off.
    x : float32 array, any shape, C-contiguous
        Overwritten with the result.

    Returns
    -------
    float32 array
        `x` itself.

    Raises
    ------
    ValueError
        If `x` is not C-contiguous.
    """
    if not x.flags.c_contiguous:  # reshape would make a copy, and the result would be lost
        raise ValueError(
            "x is not C-contiguous, and activations work in place; pass np.ascontiguousarray(x)"
        )
    flat = x.reshape(-1)
    scratch = np.empty(min(_BLOCK_ELEMENTS, flat.size), np.float32)
    # Far from 0, exp overflows to infinity, and then the quotient has the right limit.
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, flat.size, _BLOCK_ELEMENTS):
            block = flat[start : start + _BLOCK_ELEMENTS]
            function(block, scratch[: block.size])
    return x


def write_inverse_phi(x: Array, scratch: Array) -> None:
    """Write 1 / Phi(x) into `scratch`; Phi(x) is the share of a standard normal below x.

    Parameters
    ----------
    x : float32 array (n,)
    scratch : float32 array (n,)
        Overwritten with the result.
    """
    square = x * x
    np.multiply(square, _GELU_Q[-1], out=scratch)
    for coefficient in _GELU_Q[-2:0:-1]:  # Horner's rule
        scratch += coefficient
        scratch *= square
    scratch += _GELU_Q[0]
    scratch *= x
    np.exp(scratch, out=scratch)
    scratch += 1


def _gelu_block(x: Array, scratch: Array) -> None:
    write_inverse_phi(x, scratch)
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
