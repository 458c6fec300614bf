"""Checks of 11_packs.py."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import numpy as np
from encoder import attention
from numpy.typing import NDArray

from checks import material
from checks.verdict import Floats, Function, Mistake, judge

Ints = NDArray[np.int64]
Texts = list[list[int]]


def pack(texts: Texts) -> tuple[Ints, Ints, Ints]:
    """Lay texts side by side."""
    return (
        np.concatenate(texts),
        np.concatenate([np.arange(len(text)) for text in texts]),
        np.cumsum([0, *map(len, texts)]),
    )


def padded(texts: Texts) -> tuple[Any, Any, Any]:
    """Fill the shorter texts up with 0."""
    longest = max(map(len, texts))
    ids = np.array([text + [0] * (longest - len(text)) for text in texts])
    return ids, np.broadcast_to(np.arange(longest), ids.shape), pack(texts)[2]


PACK_MISTAKES: Final[list[Mistake]] = [
    (
        "The positions count on through all texts; in each text they begin at 0 again.",
        lambda texts: (pack(texts)[0], np.arange(sum(map(len, texts))), pack(texts)[2]),
    ),
    (
        "The positions are counted from 1; they begin at 0.",
        lambda texts: (pack(texts)[0], pack(texts)[1] + 1, pack(texts)[2]),
    ),
    (
        "starts has no end: its last number is the number of all tokens, where the last text ends.",
        lambda texts: (*pack(texts)[:2], pack(texts)[2][:-1]),
    ),
    (
        "starts has no beginning: its first number is 0.",
        lambda texts: (*pack(texts)[:2], pack(texts)[2][1:]),
    ),
    (
        "starts has the lengths of the texts; add them up (np.cumsum).",
        lambda texts: (*pack(texts)[:2], np.array([*map(len, texts)])),
    ),
    (
        "starts has the lengths of the texts; add them up (np.cumsum).",
        lambda texts: (*pack(texts)[:2], np.array([0, *map(len, texts)])),
    ),
    ("The texts are padded to rows of one length; a pack has no padding.", padded),
]


def alone(query: Floats, key: Floats, value: Floats, starts: Ints) -> Floats:
    """Attend in each text by itself."""
    return np.concatenate(
        [attention(query[a:b], key[a:b], value[a:b]) for a, b in pairwise(starts)]
    )


def one_short(query: Floats, key: Floats, value: Floats, starts: Ints) -> Floats:
    """Leave out the last token of each text as a key."""
    return np.concatenate(
        [attention(query[a:b], key[a : b - 1], value[a : b - 1]) for a, b in pairwise(starts)]
    )


def with_those_before(query: Floats, key: Floats, value: Floats, starts: Ints) -> Floats:
    """Let each text see the texts before it, too."""
    return np.concatenate([attention(query[a:b], key[:b], value[:b]) for a, b in pairwise(starts)])


def zeros_for_the_last(query: Floats, key: Floats, value: Floats, starts: Ints) -> Floats:
    """Do not compute the last text."""
    result = alone(query, key, value, starts)
    result[starts[-2] :] = 0
    return result


ATTEND_MISTAKES: Final[list[Mistake]] = [
    (
        "The texts see each other: there is one attention over the whole pack.",
        lambda q, k, v, _starts: attention(q, k, v),
    ),
    (
        "Each text also sees the texts before it: cut the keys and values at both ends.",
        with_those_before,
    ),
    ("The last token of each text is not seen: starts[i + 1] is not included already.", one_short),
    (
        "The last text is left out: starts has one number more than there are texts.",
        lambda q, k, v, starts: alone(q, k, v, starts[:-1]),
    ),
    (
        "The last text is left out: starts has one number more than there are texts.",
        zeros_for_the_last,
    ),
    (
        "Only the last text is returned; put the results of all texts below each other.",
        lambda q, k, v, starts: alone(q, k, v, starts)[starts[-2] :],
    ),
    (
        "Only the first text is returned: the `return` stands inside the loop.",
        lambda q, k, v, starts: alone(q, k, v, starts)[: starts[1]],
    ),
]


def check_make_pack(make_pack: Function) -> None:
    """Pack two toy texts, and three real ones."""
    expected = [2, 51, 3, 2, 3], [0, 1, 2, 0, 1], [0, 3, 5]
    judge(make_pack, [[[2, 51, 3], [2, 3]]], expected, PACK_MISTAKES)
    texts = [material.tokenizer()(text).input_ids for text in ("Not bad.", material.TEXT, "No.")]
    judge(make_pack, [texts], pack(texts), PACK_MISTAKES)


def check_attend_pack(attend_pack: Function) -> None:
    """Attend in a pack of three texts, and compare with each text alone."""
    query, key, value = (array[:, :32] for array in material.projected(2))
    starts = np.array([0, 5, 8, len(query)])
    arguments = [query, key, value, starts]
    judge(attend_pack, arguments, alone(query, key, value, starts), ATTEND_MISTAKES)
