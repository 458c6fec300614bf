"""Checks of 04_attention.py."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from encoder import softmax

from checks import material
from checks.verdict import Floats, Function, Mistake, judge


def head(
    query: Floats,
    key: Floats,
    value: Floats,
    shares: Callable[[Floats], Floats] = softmax,
    scale: Callable[[int], float] = math.sqrt,
) -> Floats:
    """Compute one head; each argument is a place where one can go wrong."""
    scores = query @ key.T / scale(query.shape[1])  # (seq, seq), one row per query
    return np.asarray(shares(scores) @ value)


MISTAKES: Final[list[Mistake]] = [
    (
        "The softmax runs over the wrong axis: each row of the weights belongs to one query and "
        "must have the sum 1.",
        lambda q, k, v: head(q, k, v, shares=lambda scores: softmax(scores.T).T),
    ),
    (
        "The scores are not divided by sqrt(head_dim).",
        lambda q, k, v: head(q, k, v, scale=lambda _: 1),
    ),
    (
        "The scores are divided by head_dim, and not by its square root.",
        lambda q, k, v: head(q, k, v, scale=float),
    ),
    (
        "The scores are divided by the square root of the number of tokens; head_dim is the "
        "length of a row, query.shape[1].",
        lambda q, k, v: head(q, k, v, scale=lambda _: math.sqrt(len(q))),
    ),
    (
        "The scores are multiplied by sqrt(head_dim), and not divided by it.",
        lambda q, k, v: head(q, k, v, scale=lambda head_dim: 1 / math.sqrt(head_dim)),
    ),
    (
        "Query and key are swapped: row i of the scores has the query of token i with all keys, "
        "query @ key.T.",
        lambda q, k, v: head(k, q, v),
    ),
    (
        "The softmax is missing: the weights are the bare scores.",
        lambda q, k, v: head(q, k, v, shares=lambda scores: scores),
    ),
    (
        "The weights take the mean of the keys, and not of the values.",
        lambda q, k, _v: head(q, k, k),
    ),
    (
        "The weights take the mean of the queries, and not of the values.",
        lambda q, k, _v: head(q, k, q),
    ),
    (
        "The weights are transposed before they multiply the values; row i of the weights is for "
        "token i.",
        lambda q, k, v: head(q, k, v, shares=lambda scores: softmax(scores).T),
    ),
    (
        "The division by sqrt(head_dim) comes after the softmax; it must come before.",
        lambda q, k, v: head(q, k, v, scale=lambda _: 1) / math.sqrt(q.shape[1]),
    ),
    (
        "The function returns the weights; multiply the values by them.",
        lambda q, k, _v: softmax(q @ k.T / math.sqrt(q.shape[1])),
    ),
]


def check_attention(attention: Function) -> None:
    """Attend with toy numbers, and with head 2 of the first layer of `mini`."""
    query = np.array([[2.0, 0, 0, 0], [0, 0, 0, 0]])
    key = np.array([[0.0, 0, 0, 0], [np.log(3), 0, 0, 0]])
    value = np.array([[2.0, 0, 0, 0], [4, 0, 0, 8]])
    judge(attention, [query, key, value], [[3.5, 0, 0, 6], [3, 0, 0, 4]], MISTAKES)
    query, key, value = (array[:, 64:96] for array in material.projected(0))
    weights = material.attention_weights(0, 2)  # as npbert computes them
    judge(attention, [query, key, value], weights @ value, MISTAKES)
    # Other scores than those of a head that looks at one token alone.
    query, key, value = (array[:, :32] for array in material.projected(3))
    weights = material.attention_weights(3, 0)
    judge(attention, [query, key, value], weights @ value, MISTAKES)
