"""Exercise 3: turn scores into shares. Chapter 3, about 3 lines."""

import numpy as np


def softmax(scores: np.ndarray) -> np.ndarray:
    """Turn each row of scores into positive numbers with the sum 1.

    Parameters
    ----------
    scores : array (rows, columns)
        They may be as large as 1000, and exp(1000) is more than a computer can hold. But only
        the differences within a row count: with 5 less everywhere, the result is the same.

    Returns
    -------
    array (rows, columns)
        exp(score) / (sum of the exp of all scores in the row).

    >>> softmax(np.array([[0.0, 0.0], [1000.0, 0.0]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    exps = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exps / exps.sum(axis=-1, keepdims=True)
