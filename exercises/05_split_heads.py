"""Exercise 5: several heads side by side. Chapter 4, about 8 lines."""

from importlib import import_module

import numpy as np

attention = import_module("04_attention").attention  # yours


def split_heads(x: np.ndarray, n_heads: int) -> np.ndarray:
    """Give each head its own columns of a matrix.

    Parameters
    ----------
    x : array (seq, dim)
        The first head_dim columns are those of head 0, the next ones are those of head 1, …
    n_heads : int
        head_dim is dim / n_heads.

    Returns
    -------
    array (n_heads, seq, head_dim)
        x[:, first:last] are some columns of x, and np.array makes one array of a list of arrays.
        The methods `reshape` and `swapaxes` do it without a loop.

    >>> split_heads(np.array([[1, 2, 3, 4], [5, 6, 7, 8]]), 2)
    array([[[1, 2],
            [5, 6]],
    <BLANKLINE>
           [[3, 4],
            [7, 8]]])
    """
    raise NotImplementedError("`split_heads` takes about 2 lines.")


def merge_heads(heads: np.ndarray) -> np.ndarray:
    """Undo `split_heads`: from (n_heads, seq, head_dim) back to (seq, dim).

    np.concatenate([a, b], axis=1) puts matrices side by side. Or use `reshape` and `swapaxes`.
    """
    raise NotImplementedError("`merge_heads` takes about 2 lines.")


def multi_head(query: np.ndarray, key: np.ndarray, value: np.ndarray, n_heads: int) -> np.ndarray:
    """Let each head attend on its own columns, and put the results side by side.

    Parameters
    ----------
    query, key, value : array (seq, dim)
    n_heads : int

    Returns
    -------
    array (seq, dim)
    """
    raise NotImplementedError("`multi_head` takes about 4 lines.")
