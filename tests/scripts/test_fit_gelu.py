"""scripts/fit_gelu.py: the committed coefficients of GELU are the best ones."""

from __future__ import annotations

import fit_gelu
import numpy as np
import pytest

from npbert.distilbert.activations import _GELU_Q


@pytest.fixture(scope="module")
def fitted() -> fit_gelu.Float64:
    return fit_gelu.fit()


def bound(coefficients: fit_gelu.Float64) -> float:
    return float(np.abs(fit_gelu.signed_error(coefficients)).max())


def test_the_error_alternates_so_that_no_polynomial_is_better(fitted: fit_gelu.Float64) -> None:
    error = fit_gelu.signed_error(fitted)
    points = fit_gelu.alternating_points(error)
    assert len(points) == len(fitted) + 1  # Chebyshev's criterion
    assert np.all(error[points[:-1]] * error[points[1:]] < 0)
    np.testing.assert_allclose(np.abs(error[points]), bound(fitted), rtol=2e-4)


def test_the_committed_coefficients_are_those_of_the_fit(fitted: fit_gelu.Float64) -> None:
    committed = np.array(_GELU_Q)
    np.testing.assert_allclose(committed, fitted, rtol=1e-6)
    # The committed ones are rounded to ten digits, which costs a thousandth of the bound.
    assert bound(fitted) <= bound(committed) < 1.01 * bound(fitted)
    assert bound(committed) < 2.3e-8  # what the comment on the coefficients says


@pytest.mark.parametrize("number", range(len(_GELU_Q)))
def test_other_coefficients_are_worse(number: int) -> None:
    """The bound notices a change of one coefficient by a thousandth."""
    changed = np.array(_GELU_Q)
    changed[number] *= 1 + 1e-3
    assert bound(changed) > 1.1 * bound(np.array(_GELU_Q))


def test_the_report_shows_both(capsys: pytest.CaptureFixture[str]) -> None:
    fit_gelu.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["0", "-1.595770615e+00", "-1.595770615e+00"]
    assert lines[-1].split() == ["bound", "2.2108e-08", "2.2129e-08"]
