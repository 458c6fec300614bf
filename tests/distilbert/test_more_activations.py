"""All activations by name, beside those of transformers in float64, over all of float32."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers.activations import ACT2FN

from npbert.distilbert.activations import gelu, gelu_new, relu
from npbert.distilbert.more_activations import ACTIVATIONS, LEARNED_ACTIVATIONS
from tests.distilbert.test_activations import ALL_MAGNITUDES

# Where the functions are curved.
MIDDLE = np.linspace(-30, 30, 200_001, dtype=np.float32)
# The functions of which torch is no yardstick at infinity: its kernels differ from their formulas.
UNLIKE_TORCH_AT_INFINITY = ("gelu", "gelu_10")


def test_every_activation_of_transformers_is_there_or_learned() -> None:
    assert set(ACT2FN) == {*ACTIVATIONS, *LEARNED_ACTIVATIONS}
    learned = [name for name in ACT2FN if list(ACT2FN[name].parameters())]
    assert sorted(learned) == sorted(LEARNED_ACTIVATIONS)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@pytest.mark.parametrize("x", [ALL_MAGNITUDES, MIDDLE], ids=["all magnitudes", "middle"])
@pytest.mark.filterwarnings("error")
def test_activations_are_exact_over_all_of_float32(name: str, x: NDArray[np.float32]) -> None:
    expected = ACT2FN[name](torch.tensor(x, dtype=torch.float64)).numpy()
    result = ACTIVATIONS[name](x.copy())
    fits = np.abs(expected) < np.finfo(np.float32).max  # relu2 overflows
    error = np.abs(result[fits] - expected[fits]) / np.maximum(1, np.abs(expected[fits]))
    assert error.max() < 2e-7
    assert (result[~fits] == np.inf).all()


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@pytest.mark.filterwarnings("error")
def test_activations_have_the_limits_of_torch(name: str) -> None:
    ends = np.array([-np.inf, -1e37, -0.0, 0.0, 1e37, np.inf, np.nan], np.float32)
    if name in UNLIKE_TORCH_AT_INFINITY:
        ends = ends[1:-2]
    expected = ACT2FN[name](torch.tensor(ends)).numpy()
    np.testing.assert_allclose(ACTIVATIONS[name](ends.copy()), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@pytest.mark.parametrize("shape", [(0,), (1,), (7, 9), (300, 400)])
def test_activations_work_in_place_and_in_float32(name: str, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    one_by_one = np.array([ACTIVATIONS[name](value.reshape(1))[0] for value in x.ravel()[:500]])
    result = ACTIVATIONS[name](x)
    assert result is x
    assert result.dtype == np.float32
    np.testing.assert_allclose(x.ravel()[:500], one_by_one, rtol=1e-6, atol=1e-7)


def test_every_block_of_a_large_array_is_computed() -> None:
    x = np.ones((300, 400), np.float32)
    for name in ACTIVATIONS:
        assert np.unique(ACTIVATIONS[name](x.copy())).size == 1, name


def test_two_names_of_one_function() -> None:
    assert ACTIVATIONS["relu"] is relu
    assert ACTIVATIONS["gelu"] is ACTIVATIONS["gelu_python"] is gelu
    assert ACTIVATIONS["gelu_new"] is ACTIVATIONS["gelu_fast"] is gelu_new
    assert ACTIVATIONS["silu"] is ACTIVATIONS["swish"]
