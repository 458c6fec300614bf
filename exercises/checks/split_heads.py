"""Checks of 05_split_heads.py."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from encoder import attention, softmax

from checks import material
from checks.verdict import Floats, Function, Mistake, judge

N_HEADS: Final = 12


def split(x: Floats, n_heads: int) -> Floats:
    """Give each head its own columns."""
    seq, dim = x.shape
    return x.reshape(seq, n_heads, dim // n_heads).swapaxes(0, 1)


def merge(heads: Floats) -> Floats:
    """Put the columns of all heads side by side."""
    return np.concatenate([*heads], axis=1)


def averaged(query: Floats, key: Floats, value: Floats, n_heads: int) -> Floats:
    """Take the mean of the weights of all heads, and use it for all of them."""
    queries, keys = split(query, n_heads), split(key, n_heads)
    scores = queries @ keys.swapaxes(1, 2) / math.sqrt(queries.shape[2])
    return np.asarray(softmax(scores).mean(axis=0) @ value)


SPLIT_MISTAKES: Final[list[Mistake]] = [
    (
        "The numbers are cut into heads row after row, so a head gets the columns of other heads: "
        "reshape to (seq, n_heads, head_dim) first, and then swap the first two axes.",
        lambda x, n_heads: x.reshape(n_heads, len(x), -1),
    ),
    (
        "The axes are (seq, n_heads, head_dim); swap the first two.",
        lambda x, n_heads: x.reshape(len(x), n_heads, -1),
    ),
    (
        "Each head takes every n_heads-th column; its columns stand side by side.",
        lambda x, n_heads: x.reshape(len(x), -1, n_heads).transpose(2, 0, 1),
    ),
    (
        "The axes are (n_heads, head_dim, seq), as npbert has them; here a row is a token: "
        "(n_heads, seq, head_dim).",
        lambda x, n_heads: split(x, n_heads).swapaxes(1, 2),
    ),
    (
        "The tokens are shared out among the heads; a head gets some columns of every token.",
        lambda x, n_heads: np.array(np.split(x, n_heads)) if len(x) % n_heads == 0 else None,
    ),
]
MERGE_MISTAKES: Final[list[Mistake]] = [
    (
        "The heads are written one after the other, so a row mixes several tokens: swap the first "
        "two axes before the reshape.",
        lambda heads: heads.reshape(heads.shape[1], -1),
    ),
    (
        "The heads are put below each other; they belong side by side (axis=1).",
        lambda heads: np.concatenate([*heads], axis=0),
    ),
    ("The heads are added; they belong side by side.", lambda heads: heads.sum(axis=0)),
    ("The heads are averaged; they belong side by side.", lambda heads: heads.mean(axis=0)),
    (
        "The columns of the heads alternate; all columns of head 0 come first.",
        lambda heads: heads.transpose(1, 2, 0).reshape(heads.shape[1], -1),
    ),
]
MULTI_MISTAKES: Final[list[Mistake]] = [
    (
        "There is one attention over all columns; each head has its own scores and its own "
        "softmax.",
        lambda q, k, v, _n_heads: attention(q, k, v),
    ),
    (
        "The scores of a head are divided by sqrt(dim); a head has head_dim columns.",
        lambda q, k, v, n_heads: merge(
            np.array(
                [
                    softmax(a @ b.T / math.sqrt(q.shape[1])) @ c
                    for a, b, c in zip(*(split(x, n_heads) for x in (q, k, v)), strict=True)
                ]
            )
        ),
    ),
    ("The heads share the mean of their weights; each head uses its own weights.", averaged),
    (
        "The results of the heads are averaged; they belong side by side, as columns.",
        lambda q, k, v, n_heads: np.mean(
            [
                attention(a, b, c)
                for a, b, c in zip(*(split(x, n_heads) for x in (q, k, v)), strict=True)
            ],
            axis=0,
        ),
    ),
    (
        "The results of the heads are not put back side by side: the shape must be (seq, dim).",
        lambda q, k, v, n_heads: np.array(
            [
                attention(a, b, c)
                for a, b, c in zip(*(split(x, n_heads) for x in (q, k, v)), strict=True)
            ]
        ),
    ),
    (
        "Every head has the weights of head 0; split the queries and keys as well as the values.",
        lambda q, k, v, n_heads: merge(
            np.array(
                [
                    attention(split(q, n_heads)[0], split(k, n_heads)[0], c)
                    for c in split(v, n_heads)
                ]
            )
        ),
    ),
]


def check_split_heads(split_heads: Function) -> None:
    """Split a matrix that one can write down, and the queries of `mini`."""
    x = np.arange(1.0, 9).reshape(2, 4)
    judge(split_heads, [x, 2], [[[1, 2], [5, 6]], [[3, 4], [7, 8]]], SPLIT_MISTAKES)
    query, _, _ = material.projected(0)
    columns = np.array([query[:, first : first + 32] for first in range(0, 384, 32)])
    judge(split_heads, [query, N_HEADS], columns, SPLIT_MISTAKES)


def check_merge_heads(merge_heads: Function) -> None:
    """Merge what was split."""
    heads = np.array([[[1.0, 2], [5, 6]], [[3, 4], [7, 8]]])
    judge(merge_heads, [heads], np.arange(1.0, 9).reshape(2, 4), MERGE_MISTAKES)
    _, _, value = material.projected(0)
    judge(merge_heads, [split(value, N_HEADS)], value, MERGE_MISTAKES)


def check_multi_head(multi_head: Function) -> None:
    """Attend with all heads of the first layer, as npbert does."""
    query, key, value = material.projected(0)
    weights = np.array([material.attention_weights(0, head) for head in range(N_HEADS)])
    expected = np.concatenate([*(weights @ split(value, N_HEADS))], axis=1)
    judge(multi_head, [query, key, value, N_HEADS], expected, MULTI_MISTAKES)
