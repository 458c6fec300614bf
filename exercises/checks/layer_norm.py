"""Checks of 02_layer_norm.py."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from checks import material
from checks.verdict import Floats, Function, Mistake, judge

EPSILON: Final = 1e-12


def normalized(
    x: Floats, axis: int | None = -1, ddof: int = 0, power: float = 0.5, mean: float = 1
) -> Floats:
    """Normalize; each argument is a place where one can go wrong."""
    spread: Any = x.var(axis=axis, ddof=ddof, keepdims=True) + EPSILON
    return np.asarray((x - mean * x.mean(axis=axis, keepdims=True)) / spread**power)


MISTAKES: Final[list[Mistake]] = [
    (
        "The mean and the variance are taken over the tokens (axis 0); each token is normalized "
        "by itself, over its own numbers (axis -1).",
        lambda x, weight, bias: normalized(x, axis=0) * weight + bias,
    ),
    (
        "One mean and one variance are taken of the whole array; each row has its own (axis=-1, "
        "keepdims=True).",
        lambda x, weight, bias: normalized(x, axis=None) * weight + bias,
    ),
    (
        "It divides by the variance, and not by its square root.",
        lambda x, weight, bias: normalized(x, power=1) * weight + bias,
    ),
    (
        "The variance is divided by dim - 1; here it is the plain mean of the squares, divided by "
        "dim.",
        lambda x, weight, bias: normalized(x, ddof=1) * weight + bias,
    ),
    (
        "The mean is not subtracted.",
        lambda x, weight, bias: normalized(x, mean=0) * weight + bias,
    ),
    ("The weight and the bias are not used.", lambda x, _weight, _bias: normalized(x)),
    ("The bias is not added.", lambda x, weight, _bias: normalized(x) * weight),
    ("The weight is not used.", lambda x, _weight, bias: normalized(x) + bias),
    (
        "The bias is added before the weight multiplies; it comes last.",
        lambda x, weight, bias: (normalized(x) + bias) * weight,
    ),
    (
        "A row of equal numbers has the variance 0, and 0/0 is nan: add EPSILON to the variance.",
        lambda x, weight, bias: (
            (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True) * weight + bias
        ),
    ),
]


def check_layer_norm(layer_norm: Function) -> None:
    """Normalize toy numbers, a row without any spread, and the embeddings of a real sentence."""
    x = np.array([[1.0, 3.0], [5.0, 1.0], [0.0, 4.0]])
    weight, bias = np.array([1.0, 10.0]), np.array([0.0, 5.0])
    judge(layer_norm, [x, weight, bias], [[-1.0, 15.0], [1.0, -5.0], [-1.0, 15.0]], MISTAKES)

    model = material.textbook()
    ids = material.tokenizer()(material.TEXT).input_ids
    words = model.weights["embeddings.word_embeddings.weight"][ids]
    x = words + model.weights["embeddings.position_embeddings.weight"][: len(ids)]
    weight, bias = (model.weights[f"embeddings.LayerNorm.{part}"] for part in ("weight", "bias"))
    judge(layer_norm, [x, weight, bias], material.state(0), MISTAKES)

    equal = np.full((2, 4), 7.0)
    judge(layer_norm, [equal, np.ones(4), np.zeros(4)], np.zeros((2, 4)), MISTAKES)
