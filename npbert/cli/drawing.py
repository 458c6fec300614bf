"""Results drawn for people, who read them on a terminal."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from npbert.pipelines.results import LabelScore

_BAR_WIDTH: Final = 20  # characters
_LEAST_ROOM: Final = 10  # characters of the text that are shown on the narrowest terminal


def draw_labels(text: str, labels: Sequence[LabelScore]) -> str:
    """Draw the labels of a text, one line per label.

    Parameters
    ----------
    text : str
    labels : sequence of LabelScore
        The labels, best first; empty for a row without a text.

    Returns
    -------
    str
        Each line has a label, its score and a bar. The first line also has the text, cut to the
        width of the terminal.
    """
    width = max((len(str(result["label"])) for result in labels), default=0)
    lines = []
    for result in labels:
        # The score of a regression model can lie below 0 or above 1. The bar ends there.
        filled = round(min(max(result["score"], 0), 1) * _BAR_WIDTH)
        bar = "█" * filled + "░" * (_BAR_WIDTH - filled)
        lines.append(f"{result['label']!s:<{width}}  {result['score']:.4f}  {bar}")
    lines = lines or ["(no text)"]
    room = max(shutil.get_terminal_size().columns - len(lines[0]) - 2, _LEAST_ROOM)
    shown = "".join(char if char.isprintable() else " " for char in text)
    lines[0] += "  " + (shown if len(shown) <= room else shown[: room - 1] + "…")
    return "\n".join(lines)
