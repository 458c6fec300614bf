"""Exercise 11: several texts at once, without padding or a mask. Chapter 8, about 9 lines."""

from importlib import import_module

import numpy as np

attention = import_module("04_attention").attention  # yours


def make_pack(texts: list[list[int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lay the ids of several texts side by side.

    Parameters
    ----------
    texts : list of lists of int
        The ids of each text. They have different lengths.

    Returns
    -------
    input_ids : array (tokens,)
        The ids of all texts, one text after the other.
    position_ids : array (tokens,)
        The place of each token in its own text, counted from 0.
    starts : array (number of texts + 1,)
        Where each text begins among the tokens, and at the end the number of all tokens: text i
        has the tokens from starts[i] up to, but not including, starts[i + 1].

    np.concatenate lays lists or arrays end to end, and np.cumsum([0, 3, 2]) is [0, 3, 5].

    >>> make_pack([[2, 51, 3], [2, 3]])
    (array([ 2, 51,  3,  2,  3]), array([0, 1, 2, 0, 1]), array([0, 3, 5]))
    """
    input_ids = np.concatenate(texts)
    position_ids = np.concatenate([np.arange(len(text)) for text in texts])
    starts = np.cumsum([0] + [len(text) for text in texts])
    return input_ids, position_ids, starts


def attend_pack(
    query: np.ndarray, key: np.ndarray, value: np.ndarray, starts: np.ndarray
) -> np.ndarray:
    """Let each token of a pack attend to the tokens of its own text, and to no others.

    Parameters
    ----------
    query, key, value : array (tokens, head_dim)
    starts : array (number of texts + 1,)
        As from `make_pack`.

    Returns
    -------
    array (tokens, head_dim)
        The same numbers as if each text stood alone.
    """
    result = np.empty_like(value)
    for begin, end in zip(starts[:-1], starts[1:], strict=True):
        own = slice(begin, end)
        result[own] = attention(query[own], key[own], value[own])
    return result
