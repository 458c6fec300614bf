"""Checks of 10_backward.py: the gradients are those of finite differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from encoder import linear, normalize, softmax

from checks.verdict import Floats, Function, Mistake, judge

STEP: Final = 1e-5


def slope(function: Callable[[Floats], Floats], x: Floats, grad: Floats) -> Floats:
    """Return the derivative of sum(grad * function(x)), by changing one number of x at a time."""
    result = np.empty_like(x)
    for place in np.ndindex(x.shape):
        more, less = x.copy(), x.copy()
        more[place] += STEP
        less[place] -= STEP
        result[place] = (grad * (function(more) - function(less))).sum() / (2 * STEP)
    return result


def toy_numbers(*shapes: tuple[int, ...]) -> list[Floats]:
    """Return the same random numbers each time."""
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape) for shape in shapes]


def linear_slopes(grad: Floats, x: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the derivatives with respect to x, weight and bias."""
    bias = np.zeros(len(weight))
    return (
        slope(lambda some: linear(some, weight, bias), x, grad),
        slope(lambda some: linear(x, some, bias), weight, grad),
        slope(lambda some: linear(x, weight, some), bias, grad),
    )


LINEAR_MISTAKES: Final[list[Mistake]] = [
    (
        "grad_x uses weight.T; going backward, the weight stands as it is: grad @ weight.",
        lambda g, x, w: (g @ w.T, g.T @ x, g.sum(axis=0)) if w.shape == w.T.shape else None,
    ),
    (
        "grad_weight is transposed: it must have the shape of the weight, (out, in).",
        lambda g, x, w: (g @ w, x.T @ g, g.sum(axis=0)),
    ),
    (
        "grad_bias is the mean over the rows; it is the sum, since the bias is added in every row.",
        lambda g, x, w: (g @ w, g.T @ x, g.mean(axis=0)),
    ),
    (
        "grad_bias is not summed over the rows: the bias is added in every row.",
        lambda g, x, w: (g @ w, g.T @ x, g),
    ),
    (
        "grad_bias is summed over the wrong axis; it has one number for each column of y.",
        lambda g, x, w: (g @ w, g.T @ x, g.sum(axis=1)),
    ),
    (
        "grad_weight is divided by the number of rows; it is a sum over them.",
        lambda g, x, w: (g @ w, g.T @ x / len(x), g.sum(axis=0)),
    ),
    (
        "grad_x and grad_weight are exchanged; return grad_x first.",
        lambda g, x, w: (g.T @ x, g @ w, g.sum(axis=0)),
    ),
]


def check_linear_backward(linear_backward: Function) -> None:
    """Compare with finite differences, for a square weight and for one that is not square."""
    for n_out, n_in in ((3, 3), (2, 3)):
        arguments = toy_numbers((4, n_out), (4, n_in), (n_out, n_in))
        judge(linear_backward, arguments, linear_slopes(*arguments), LINEAR_MISTAKES)


SOFTMAX_MISTAKES: Final[list[Mistake]] = [
    (
        "This is probs * grad; a larger score also makes the other shares of its row smaller, so "
        "each row needs its m.",
        lambda g, p: p * g,
    ),
    (
        "This is the derivative of each share with respect to its own score alone; a score also "
        "changes the other shares of its row.",
        lambda g, p: g * p * (1 - p),
    ),
    (
        "m is the sum over a column; it belongs to a row (axis=-1, keepdims=True).",
        lambda g, p: p * (g - (g * p).sum(axis=0, keepdims=True)),
    ),
    (
        "m is one number for the whole array; each row has its own.",
        lambda g, p: p * (g - (g * p).sum()),
    ),
    (
        "m is the plain mean of grad; here each number of grad counts as much as its share says.",
        lambda g, p: p * (g - g.mean(axis=-1, keepdims=True)),
    ),
    (
        "m is the mean of grad * probs; it is the sum, since the shares are weights already.",
        lambda g, p: p * (g - (g * p).mean(axis=-1, keepdims=True)),
    ),
    (
        "m is the sum of grad; each number of grad counts as much as its share says.",
        lambda g, p: p * (g - g.sum(axis=-1, keepdims=True)),
    ),
    (
        "The factor probs in front is missing.",
        lambda g, p: g - (g * p).sum(axis=-1, keepdims=True),
    ),
]


def check_softmax_backward(softmax_backward: Function) -> None:
    """Compare with finite differences."""
    grad, scores = toy_numbers((3, 4), (3, 4))
    judge(softmax_backward, [grad, softmax(scores)], slope(softmax, scores, grad), SOFTMAX_MISTAKES)


def norm_slopes(grad: Floats, x: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the derivatives with respect to x, weight and bias."""
    return (
        slope(lambda some: normalize(some) * weight, x, grad),
        slope(lambda some: normalize(x) * some, weight, grad),
        slope(lambda some: normalize(x) * weight + some, np.zeros_like(weight), grad),
    )


def norm_backward(
    grad: Floats,
    x: Floats,
    weight: Floats,
    by_mean: float = 1,
    by_deviation: float = 1,
    axis: int = -1,
) -> tuple[Floats, Floats, Floats]:
    """Go backward through layer_norm; each argument is a place where one can go wrong."""
    n, g = normalize(x), grad * weight
    deviation = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-12)
    inner = g - by_mean * g.mean(axis=axis, keepdims=True)
    inner = inner - by_deviation * n * (g * n).mean(axis=axis, keepdims=True)
    return inner / deviation, (grad * n).sum(axis=0), grad.sum(axis=0)


NORM_MISTAKES: Final[list[Mistake]] = [
    (
        "The mean and the deviation are taken for constants; a change of one number of x moves "
        "both.",
        lambda g, x, w: norm_backward(g, x, w, by_mean=0, by_deviation=0),
    ),
    (
        "The deviation is taken for a constant: the term n * mean of (g * n) is missing.",
        lambda g, x, w: norm_backward(g, x, w, by_deviation=0),
    ),
    (
        "The mean is taken for a constant: the term mean of g is missing.",
        lambda g, x, w: norm_backward(g, x, w, by_mean=0),
    ),
    (
        "grad_x is without the weight: g is grad * weight.",
        lambda g, x, w: (norm_backward(g, x, np.ones_like(w))[0], *norm_backward(g, x, w)[1:]),
    ),
    (
        "grad_x is not divided by the deviation.",
        lambda g, x, w: (
            norm_backward(g, x, w)[0] * np.sqrt(x.var(axis=-1, keepdims=True)),
            *norm_backward(g, x, w)[1:],
        ),
    ),
    (
        "grad_x is divided by the variance; it is divided by its square root.",
        lambda g, x, w: (
            norm_backward(g, x, w)[0] / np.sqrt(x.var(axis=-1, keepdims=True)),
            *norm_backward(g, x, w)[1:],
        ),
    ),
    (
        "The means are those of the columns; each row has its own (axis=-1, keepdims=True).",
        lambda g, x, w: norm_backward(g, x, w, axis=0),
    ),
    (
        "grad_weight is the sum of grad * x; y is n * weight + bias, so it is the sum of grad * n.",
        lambda g, x, w: (norm_backward(g, x, w)[0], (g * x).sum(axis=0), g.sum(axis=0)),
    ),
    (
        "grad_weight uses grad * weight; it is the sum of grad * n.",
        lambda g, x, w: (
            norm_backward(g, x, w)[0],
            (g * w * normalize(x)).sum(axis=0),
            g.sum(axis=0),
        ),
    ),
    (
        "grad_weight and grad_bias are exchanged.",
        lambda g, x, w: tuple(norm_backward(g, x, w)[number] for number in (0, 2, 1)),
    ),
]


def check_layer_norm_backward(layer_norm_backward: Function) -> None:
    """Compare with finite differences."""
    arguments = toy_numbers((3, 5), (3, 5), (5,))
    judge(layer_norm_backward, arguments, norm_slopes(*arguments), NORM_MISTAKES)
