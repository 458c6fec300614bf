"""The encoder of the course, which is the yardstick of the other tests, beside numbers by hand."""

from __future__ import annotations

import ast
import math

import numpy as np
from encoder import attention, gelu, linear, normalize, relu, softmax

from tests.support.paths import CHECKOUT

SOURCE = CHECKOUT / "docs" / "learn" / "encoder.py"


def test_it_shares_no_code_with_npbert() -> None:
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    modules = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert modules == {
        "__future__",
        "json",
        "math",
        "pathlib",
        "numpy",
        "numpy.typing",
        "safetensors.numpy",
    }


def test_linear() -> None:
    weight, bias = np.array([[3.0, 0.0], [1.0, -1.0], [0.0, 2.0]]), np.array([0.0, 5.0, 1.0])
    x = np.array([[1.0, 2.0], [0.0, 0.0]])
    np.testing.assert_array_equal(linear(x, weight, bias), [[3, 4, 5], [0, 5, 1]])


def test_normalize() -> None:
    rows = np.array([[1.0, 1.0, 5.0, 5.0], [-10.0, -10.0, 10.0, 10.0]])
    np.testing.assert_allclose(normalize(rows), [[-1, -1, 1, 1]] * 2, atol=1e-12)
    np.testing.assert_array_equal(normalize(np.array([3.0, 3.0])), [0, 0])  # epsilon


def test_softmax() -> None:
    thirds = np.log([[1.0, 2.0, 3.0], [1.0, 1.0, 4.0]])
    expected = np.array([[1, 2, 3], [1, 1, 4]]) / 6
    np.testing.assert_allclose(softmax(thirds), expected, atol=1e-15)
    np.testing.assert_allclose(softmax(thirds + 1000), expected, atol=1e-12)


def test_activations() -> None:
    x = np.array([-1.0, 0.0, 1.0, 30.0])
    np.testing.assert_array_equal(relu(x), [0, 0, 1, 30])
    below_1 = 0.8413447460685429  # of a standard normal distribution
    np.testing.assert_allclose(gelu(x), [below_1 - 1, 0, below_1, 30], atol=1e-15)


def test_attention() -> None:
    """The scores are 0 and 2 log 3 / sqrt(4) = log 3, so the shares are 1/4 and 3/4."""
    query = np.array([[2.0, 0.0, 0.0, 0.0]])
    key = np.array([[0.0, 1.0, 0.0, 0.0], [math.log(3), 0.0, 5.0, 0.0]])
    value = np.array([[4.0, 0.0, 0.0, 8.0], [0.0, 4.0, 0.0, 8.0]])
    np.testing.assert_allclose(attention(query, key, value), [[1, 3, 0, 8]], atol=1e-12)
