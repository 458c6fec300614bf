"""Exercise 6: the bend between two linear layers. Chapter 5, about 3 lines."""

import math

import numpy as np


def gelu(x: np.ndarray) -> np.ndarray:
    """Multiply each number by the share of a standard normal distribution that lies below it.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    array of the same shape
        x * Phi(x), and Phi(x) = (1 + erf(x / sqrt(2))) / 2. NumPy has no erf. `math.erf` takes one
        number, and `np.vectorize(math.erf)` makes of it a function that takes an array.

    >>> gelu(np.array([-1.0, 0.0, 1.0])).round(4)
    array([-0.1587,  0.    ,  0.8413])
    """
    raise NotImplementedError("`gelu` takes about 2 lines.")
