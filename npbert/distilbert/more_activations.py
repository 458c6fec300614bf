"""The activation functions that few models have, and the table of all of them by name.

They work in place, like those of `npbert.distilbert.activations`: each one overwrites x, a
C-contiguous float32 array of any shape, and returns it. `Phi` is the share of a standard normal
distribution below a number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from npbert.distilbert.activations import Array, gelu, gelu_new, in_blocks, relu, write_inverse_phi


def linear(x: Array) -> Array:
    """Leave x as it is."""
    return x


def tanh(x: Array) -> Array:
    """Compute tanh(x)."""
    return np.tanh(x, out=x)


def sigmoid(x: Array) -> Array:
    """Compute the logistic function 1 / (1 + exp(-x))."""
    return in_blocks(_sigmoid_block, x)


def silu(x: Array) -> Array:
    """Compute x * sigmoid(x)."""
    return in_blocks(_silu_block, x)


def quick_gelu(x: Array) -> Array:
    """Compute x * sigmoid(1.702 x), a rough approximation of GELU."""
    return in_blocks(_quick_gelu_block, x)


def gelu_10(x: Array) -> Array:
    """Compute GELU(x), but at least -10 and at most 10."""
    return np.clip(gelu(x), -10, 10, out=x)


def mish(x: Array) -> Array:
    """Compute x * tanh(log(1 + exp(x))), Misra 2019, arXiv:1908.08681."""
    return in_blocks(_mish_block, x)


def hardswish(x: Array) -> Array:
    """Compute x * relu6(x + 3) / 6, Howard et al. 2019, arXiv:1905.02244."""
    return in_blocks(_hardswish_block, x)


def relu6(x: Array) -> Array:
    """Compute max(x, 0), but at most 6."""
    return np.clip(x, 0, 6, out=x)


def relu2(x: Array) -> Array:
    """Compute max(x, 0)**2, So et al. 2021, arXiv:2109.08668."""
    return in_blocks(_relu2_block, x)


def leaky_relu(x: Array) -> Array:
    """Compute max(x, 0.01 x)."""
    return in_blocks(_leaky_relu_block, x)


def laplace(x: Array) -> Array:
    """Compute Phi((x - 0.707107) / 0.282095), Ma et al. 2022, arXiv:2209.10655."""
    return in_blocks(_laplace_block, x)


def sqrtsoftplus(x: Array) -> Array:
    """Compute sqrt(log(1 + exp(x)))."""
    return in_blocks(_sqrtsoftplus_block, x)


ACTIVATIONS: Final[dict[str, Callable[[Array], Array]]] = {
    "gelu": gelu,
    "gelu_python": gelu,
    "gelu_10": gelu_10,
    "gelu_new": gelu_new,
    "gelu_accurate": gelu_new,
    "gelu_fast": gelu_new,
    "gelu_python_tanh": gelu_new,
    "gelu_pytorch_tanh": gelu_new,
    "quick_gelu": quick_gelu,
    "hardswish": hardswish,
    "laplace": laplace,
    "leaky_relu": leaky_relu,
    "linear": linear,
    "mish": mish,
    "relu": relu,
    "relu2": relu2,
    "relu6": relu6,
    "sigmoid": sigmoid,
    "silu": silu,
    "sqrtsoftplus": sqrtsoftplus,
    "swish": silu,
    "tanh": tanh,
}
# These are in transformers, but they have weights of their own, which are learned.
LEARNED_ACTIVATIONS: Final = ("prelu", "xielu")


def _write_inverse_sigmoid(x: Array, scratch: Array, factor: float) -> None:
    """Write 1 / sigmoid(factor * x) into `scratch`."""
    np.multiply(x, -factor, out=scratch)
    np.exp(scratch, out=scratch)
    scratch += 1


def _sigmoid_block(x: Array, scratch: Array) -> None:
    _write_inverse_sigmoid(x, scratch, 1)
    np.divide(1, scratch, out=x)


def _silu_block(x: Array, scratch: Array) -> None:
    _write_inverse_sigmoid(x, scratch, 1)
    x /= scratch


def _quick_gelu_block(x: Array, scratch: Array) -> None:
    _write_inverse_sigmoid(x, scratch, 1.702)
    x /= scratch


def _mish_block(x: Array, scratch: Array) -> None:
    # With e = exp(x) and n = e * (e + 2), the tanh is n / (n + 2). From x = 20 on, it is 1.
    np.minimum(x, 20, out=scratch)
    np.exp(scratch, out=scratch)
    n = scratch * (scratch + 2)
    np.add(n, 2, out=scratch)
    n /= scratch
    x *= n


def _hardswish_block(x: Array, scratch: Array) -> None:
    np.add(x, 3, out=scratch)
    np.clip(scratch, 0, 6, out=scratch)
    scratch *= 1 / 6
    x *= scratch


def _relu2_block(x: Array, _scratch: Array) -> None:
    relu(x)
    x *= x


def _leaky_relu_block(x: Array, scratch: Array) -> None:
    np.multiply(x, 0.01, out=scratch)
    np.maximum(x, scratch, out=x)


def _laplace_block(x: Array, scratch: Array) -> None:
    x -= 0.707107
    x *= 1 / 0.282095
    write_inverse_phi(x, scratch)
    np.divide(1, scratch, out=x)


def _sqrtsoftplus_block(x: Array, scratch: Array) -> None:
    # log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)), where exp cannot overflow.
    np.abs(x, out=scratch)
    np.negative(scratch, out=scratch)
    np.exp(scratch, out=scratch)
    np.log1p(scratch, out=scratch)
    relu(x)
    x += scratch
    np.sqrt(x, out=x)
