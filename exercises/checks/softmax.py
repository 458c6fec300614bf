"""Checks of 03_softmax.py."""

from __future__ import annotations

from typing import Final

import numpy as np
from encoder import softmax as right_softmax

from checks import material
from checks.verdict import Floats, Function, Mistake, judge


def shares(scores: Floats, axis: int | None = -1, largest: Floats | float = 0) -> Floats:
    """Compute softmax; the axis, and what is subtracted, are places where one can go wrong."""
    exps = np.exp(scores - largest)
    return np.asarray(exps / exps.sum(axis=axis, keepdims=True))


def row_max(scores: Floats) -> Floats:
    """Return the largest score of each row."""
    return np.asarray(scores.max(axis=-1, keepdims=True))


WRONG_AXIS: Final = (
    "The columns have the sum 1, and not the rows: the sum runs over the wrong axis."
)
ALL_TOGETHER: Final = (
    "All numbers together have the sum 1; each row must have it (axis=-1, keepdims=True)."
)
NOT_DIVIDED: Final = "The numbers are not divided by their sum."
CUT_OFF: Final = (
    "Large scores are cut off, so that 1000 and 1001 become the same. Subtract the largest score "
    "of the row instead, which keeps the differences."
)

MISTAKES: Final[list[Mistake]] = [
    (
        "exp(1000) overflows to infinity, and infinity / infinity is nan: subtract the largest "
        "score of each row first.",
        shares,
    ),
    (WRONG_AXIS, lambda scores: right_softmax(scores.T).T),
    (WRONG_AXIS, lambda scores: shares(scores, axis=0)),
    (WRONG_AXIS, lambda scores: shares(scores, axis=0, largest=row_max(scores))),
    (ALL_TOGETHER, lambda scores: shares(scores, axis=None)),
    (ALL_TOGETHER, lambda scores: shares(scores, axis=None, largest=row_max(scores))),
    (ALL_TOGETHER, lambda scores: shares(scores, axis=None, largest=scores.max())),
    (
        "The largest score of the whole array is subtracted. In a row far below it every exp is "
        "0, and 0/0 is nan: subtract the largest score of each row.",
        lambda scores: shares(scores, largest=scores.max()),
    ),
    (NOT_DIVIDED, lambda scores: np.exp(scores - row_max(scores))),
    (NOT_DIVIDED, np.exp),
    (
        "The scores are divided by their sum without exp, which softmax takes first.",
        lambda scores: scores / scores.sum(-1, keepdims=True),
    ),
    (CUT_OFF, lambda scores: shares(np.clip(scores, -700, 700))),
    (CUT_OFF, lambda scores: shares(np.minimum(scores, 700))),
]


def check_softmax(softmax: Function) -> None:
    """Compute shares of small scores by hand, of real ones, and of very large ones."""
    thirds = np.array([[0.0, np.log(2)], [np.log(3), 0.0], [0.0, 0.0]])
    by_hand = [[1 / 3, 2 / 3], [3 / 4, 1 / 4], [1 / 2, 1 / 2]]
    judge(softmax, [thirds], by_hand, MISTAKES)
    query, key, _ = material.projected(0)
    scores = query[:, 64:96] @ key[:, 64:96].T / np.sqrt(32)
    judge(softmax, [scores], material.attention_weights(0, 2), MISTAKES)
    e = np.e
    large = np.array([[1000.0, 1001.0], [1.0, 0.0], [-1000.0, -1001.0]])
    judge(
        softmax, [large], [[1 / (1 + e), e / (1 + e)]] + 2 * [[e / (1 + e), 1 / (1 + e)]], MISTAKES
    )
