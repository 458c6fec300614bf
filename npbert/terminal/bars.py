"""Bars of blocks for numbers from 0 to 1."""

from __future__ import annotations

from typing import Final

_WIDTH: Final = 20  # columns


def draw_bar(score: float) -> str:
    """Return a bar for a score.

    The score of a regression model can lie below 0 or above 1. The bar ends there.
    """
    filled = round(min(max(score, 0), 1) * _WIDTH)
    return "█" * filled + "░" * (_WIDTH - filled)
