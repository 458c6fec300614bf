"""Activations against float64, over all of float32."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from npbert.distilbert.activations import gelu, gelu_new, relu, softmax_in_place

# Every 2,003rd of the 2**32 bit patterns, without infinities and NaNs: 2.1 million values.
_BITS = np.arange(0, 2**32, 2003, dtype=np.uint64).astype(np.uint32).view(np.float32)
ALL_MAGNITUDES = _BITS[np.isfinite(_BITS)]
# Where GELU is curved.
MIDDLE = np.linspace(-9, 9, 1_000_001, dtype=np.float32)


def exact_gelu(x: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = torch.tensor(x, dtype=torch.float64)
    return np.asarray(wide / 2 * torch.special.erfc(-wide / math.sqrt(2)))


@pytest.mark.parametrize("x", [ALL_MAGNITUDES, MIDDLE], ids=["all magnitudes", "middle"])
def test_gelu_is_exact_over_all_of_float32(x: NDArray[np.float32]) -> None:
    error = np.abs(gelu(x.copy()) - exact_gelu(x)) / np.maximum(1, np.abs(x.astype(np.float64)))
    assert error.max() < 1.5e-7  # the bound in the docstring


def test_gelu_is_no_less_exact_than_torch() -> None:
    ours = np.abs(gelu(MIDDLE.copy()) - exact_gelu(MIDDLE))
    theirs = np.abs(torch.nn.functional.gelu(torch.tensor(MIDDLE)).numpy() - exact_gelu(MIDDLE))
    assert ours.mean() <= theirs.mean()


def test_gelu_without_rounding_is_exact_to_3e8() -> None:
    """The polynomial alone, in float64, keeps the bound in the comment on its coefficients."""
    from npbert.distilbert.activations import _GELU_Q

    x = np.linspace(-9, 9, 200_001)
    exponent = x * np.polynomial.polynomial.polyval(x * x, _GELU_Q)
    with np.errstate(over="ignore"):
        approximate = x / (1 + np.exp(exponent))
    phi = np.array([math.erfc(-value / math.sqrt(2)) / 2 for value in x])
    assert (np.abs(approximate - x * phi) / np.maximum(1, np.abs(x))).max() < 2.3e-8


def test_gelu_has_the_right_limits() -> None:
    # torch is no yardstick here: with AVX-512 it turns 3e38 into infinity.
    ends = np.array([-np.inf, -3e38, -0.0, 0.0, 3e38, np.inf, np.nan], np.float32)
    expected = np.array([np.nan, -0.0, -0.0, 0.0, 3e38, np.inf, np.nan], np.float32)
    np.testing.assert_array_equal(gelu(ends.copy()), expected)


def test_gelu_by_hand() -> None:
    # Phi(1) = 0.841344746068543, from any table of the normal distribution.
    np.testing.assert_allclose(
        gelu(np.array([1, -1, 0], np.float32)), [0.8413447, -0.1586553, 0], atol=1.5e-7
    )


def test_gelu_new_is_the_other_function() -> None:
    expected = torch.nn.functional.gelu(torch.tensor(MIDDLE).double(), approximate="tanh").numpy()
    assert np.abs(gelu_new(MIDDLE.copy()) - expected).max() < 2e-6
    assert 4e-4 < np.abs(gelu_new(MIDDLE.copy()) - exact_gelu(MIDDLE)).max() < 6e-4


def test_an_array_that_cannot_be_changed_in_place_is_refused() -> None:
    with pytest.raises(ValueError, match="C-contiguous"):
        gelu(np.ones((4, 6), np.float32).T)


def test_relu_by_hand() -> None:
    np.testing.assert_array_equal(relu(np.array([-2, 0, 3], np.float32)), [0, 0, 3])


def test_softmax_by_hand() -> None:
    scores = np.log(np.array([[1, 3], [2, 2]], np.float32)) + np.float32(100)
    np.testing.assert_allclose(
        softmax_in_place(scores.copy()), [[0.25, 0.75], [0.5, 0.5]], rtol=1e-5
    )
    np.testing.assert_allclose(
        softmax_in_place(scores.copy(), axis=0), [[1 / 3, 0.6], [2 / 3, 0.4]], rtol=1e-5
    )
    assert softmax_in_place(scores).dtype == np.float32
    equal = softmax_in_place(np.zeros((2, 5, 4), np.float32))  # along the last axis
    np.testing.assert_array_equal(equal, np.float32(1 / 4))
