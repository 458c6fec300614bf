"""Fit the polynomial that npbert/distilbert/activations.py uses instead of erf.

    python scripts/fit_gelu.py

prints the coefficients and the bound of their error, beside those that are committed.

GELU(x) = x * Phi(x), and Phi(x) = 1 / (1 + exp(x * Q(x**2))) for an even function Q. The fit
replaces Q by a polynomial of `N_COEFFICIENTS` coefficients, such that the largest value of

    error(x) = |x * Phi(x) - x / (1 + exp(x * Q(x**2)))| / max(1, |x|)

is as small as possible. The best polynomial is the one whose error reaches its largest value, with
alternating signs, at one point more than there are coefficients (Chebyshev). Remez's algorithm
finds this polynomial: solve for a polynomial whose error alternates at given points, take the
points where the error of this polynomial is largest, and begin again.

The error is an even function, so x >= 0 is enough.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.polynomial.polynomial import polyval
from numpy.typing import NDArray

from npbert.distilbert.activations import _GELU_Q

Float64 = NDArray[np.float64]

N_COEFFICIENTS = 7
# Beyond x = 9, both GELU and the approximation differ from x by less than 1e-17.
X = np.linspace(0, 9, 90_001)
UPPER_TAIL = np.array([math.erfc(x / math.sqrt(2)) / 2 for x in X])  # 1 - Phi(x)
WEIGHT = np.minimum(X, 1)  # x / max(1, x)
LARGEST_START = 5.0  # where the start is fitted: there, 1 - Phi(x) is 3e-7, and still matters
TOLERANCE = 1e-4  # of the bound: the search ends when no error is this much above the level
MAX_STEPS = 50


def fit() -> Float64:
    """Return the coefficients of x**0, x**2, ... in the best polynomial Q."""
    coefficients = first_guess()
    for _ in range(MAX_STEPS):
        error = signed_error(coefficients)
        points = alternating_points(error)
        if np.abs(error).max() < np.abs(error[points]).min() * (1 + TOLERANCE):
            return coefficients
        coefficients = coefficients + newton_step(coefficients, points)
    raise SystemExit(f"the fit did not converge in {MAX_STEPS} steps")


def signed_error(coefficients: Float64) -> Float64:
    """Return the error of GELU divided by max(1, x), with its sign, at all of `X`."""
    return WEIGHT * (UPPER_TAIL - approximate_tail(coefficients))


def approximate_tail(coefficients: Float64) -> Float64:
    """Return what the polynomial makes of 1 - Phi(x) at all of `X`."""
    with np.errstate(over="ignore"):  # exp overflows to infinity, which gives the right limit 0
        return np.asarray(1 / (1 + np.exp(-X * polyval(X**2, coefficients))))


def first_guess() -> Float64:
    """Return a least-squares fit of x * Q(x**2) = log((1 - Phi(x)) / Phi(x))."""
    inside = X <= LARGEST_START
    x, tail = X[inside], UPPER_TAIL[inside]
    # An error of x * Q changes GELU by x * Phi * (1 - Phi) times as much.
    weight = WEIGHT[inside] * tail * (1 - tail)
    matrix = weight[:, None] * odd_powers(x)
    scale = np.linalg.norm(matrix, axis=0)  # the powers differ by many orders of magnitude
    target = weight * np.log(tail / (1 - tail))
    return np.asarray(np.linalg.lstsq(matrix / scale, target)[0] / scale)


def odd_powers(x: Float64) -> Float64:
    """Return x, x**3, x**5, ...: the derivatives of x * Q(x**2), one column per coefficient."""
    return x[:, None] ** np.arange(1, 2 * N_COEFFICIENTS, 2)


def alternating_points(error: Float64) -> NDArray[np.int64]:
    """Return the places in `X` where the error is largest between its changes of sign.

    Neighbours have errors of opposite signs. If there are more than `N_COEFFICIENTS + 1` places,
    those with the smaller errors are left out at the ends.
    """
    changes = np.flatnonzero(error[:-1] * error[1:] < 0) + 1
    stretches = np.split(np.arange(len(X)), changes)
    points = [stretch[np.argmax(np.abs(error[stretch]))] for stretch in stretches]
    while len(points) > N_COEFFICIENTS + 1:
        points.pop(0 if abs(error[points[0]]) < abs(error[points[-1]]) else -1)
    if len(points) <= N_COEFFICIENTS:
        raise SystemExit(f"the error changes its sign only {len(points) - 1} times")
    return np.array(points)


def newton_step(coefficients: Float64, points: NDArray[np.int64]) -> Float64:
    """Return the change of the coefficients that makes the errors at `points` alternate.

    After the change, error(points[i]) = (-1)**i * level, as far as the error is linear in the
    coefficients. The level is the last unknown.
    """
    tail = approximate_tail(coefficients)[points]
    derivative = -(WEIGHT[points] * tail * (1 - tail))[:, None] * odd_powers(X[points])
    signs = (-1.0) ** np.arange(len(points))
    matrix = np.column_stack([derivative, -signs])
    scale = np.linalg.norm(matrix, axis=0)
    solution = np.linalg.solve(matrix / scale, -signed_error(coefficients)[points]) / scale
    return np.asarray(solution[:-1])


def main() -> None:
    """Print the fitted and the committed coefficients with their bounds."""
    fitted, committed = fit(), np.array(_GELU_Q)
    print(f"{'power of x':>10}{'fitted':>20}{'committed':>20}")
    for number, (ours, theirs) in enumerate(zip(fitted, committed, strict=True)):
        print(f"{2 * number:10}{ours:20.9e}{theirs:20.9e}")
    bounds = [np.abs(signed_error(some)).max() for some in (fitted, committed)]
    print(f"{'bound':>10}{bounds[0]:20.4e}{bounds[1]:20.4e}")


if __name__ == "__main__":
    main()
