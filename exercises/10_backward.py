"""Exercise 10: gradients by hand. Chapter 7, about 12 lines.

A function f turns x into y, and much later a single number L comes out, such as a logit. `grad`
says how much L grows when a number of y grows: it is the derivative of L with respect to y, and has
the shape of y. `f_backward` turns it into the derivative with respect to x, which has the shape of
x. This is the chain rule. The checks compare your derivatives with *finite differences*: they
change one number of x by 0.00001 and look how much L changes.
"""

import numpy as np

EPSILON = 1e-12  # of layer_norm


def linear_backward(
    grad: np.ndarray, x: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Go backward through y = x @ weight.T + bias.

    Parameters
    ----------
    grad : array (seq, out)
    x : array (seq, in)
    weight : array (out, in)

    Returns
    -------
    grad_x : array (seq, in)
        y[i, k] has the summand x[i, j] * weight[k, j]. So grad_x[i, j] is the sum over k of
        grad[i, k] * weight[k, j].
    grad_weight : array (out, in)
        For the same reason, the sum over i of grad[i, k] * x[i, j].
    grad_bias : array (out,)
        bias[k] is added in every row.
    """
    raise NotImplementedError("`linear_backward` takes about 3 lines.")


def softmax_backward(grad: np.ndarray, probs: np.ndarray) -> np.ndarray:
    """Go backward through probs = softmax(scores), row by row.

    Parameters
    ----------
    grad : array (rows, columns)
    probs : array (rows, columns)
        What softmax returned. Within a row, the derivative of probs[k] with respect to scores[j]
        is probs[k] * (1 - probs[k]) where j is k, and -probs[k] * probs[j] elsewhere.

    Returns
    -------
    array (rows, columns)
        The gradient of the scores: the sum over k of grad[k] times this derivative. Written out,
        it is probs * (grad - m), where m is a number for each row. Find m.
    """
    raise NotImplementedError("`softmax_backward` takes about 2 lines.")


def layer_norm_backward(
    grad: np.ndarray, x: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Go backward through y = n * weight + bias, where n = (x - mean) / deviation.

    Parameters
    ----------
    grad : array (seq, dim)
    x : array (seq, dim)
    weight : array (dim,)

    Returns
    -------
    grad_x : array (seq, dim)
        (g - mean of g - n * mean of (g * n)) / deviation, with g = grad * weight, the means of each
        row, and deviation = sqrt(variance + EPSILON). The first mean is there because a change of
        one number moves the mean of its row, and the second because it moves the deviation.
    grad_weight, grad_bias : array (dim,)
        Sums over the rows, as in `linear_backward`.
    """
    raise NotImplementedError("`layer_norm_backward` takes about 7 lines.")
