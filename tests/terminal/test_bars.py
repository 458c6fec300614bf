"""Bars of blocks."""

from __future__ import annotations

import pytest

from npbert.terminal.bars import draw_bar


@pytest.mark.parametrize(
    ("score", "n_filled"), [(-1.0, 0), (0.0, 0), (0.49, 10), (0.75, 15), (1.0, 20), (7.5, 20)]
)
def test_bars_end_at_0_and_1(score: float, n_filled: int) -> None:
    assert draw_bar(score) == "█" * n_filled + "░" * (20 - n_filled)
