"""Exercise 2: normalize the vector of every token. Chapter 2, about 3 lines."""

import numpy as np

EPSILON = 1e-12  # is added to the variance, so that nothing is divided by 0


def layer_norm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Give each row the mean 0 and the variance 1, then stretch and shift it.

    Parameters
    ----------
    x : array (seq, dim)
        One row per token.
    weight, bias : array (dim,)
        Learned numbers: column j of the result is multiplied by weight[j], then bias[j] is added.

    Returns
    -------
    array (seq, dim)
        (x - mean) / sqrt(variance + EPSILON) * weight + bias, with the mean and the variance of
        each row. The variance is the mean of the squared differences from the mean.

    >>> layer_norm(np.array([[1.0, 3.0]]), np.array([1.0, 10.0]), np.array([0.0, 5.0]))
    array([[-1., 15.]])
    """
    raise NotImplementedError("`layer_norm` takes about 3 lines.")
