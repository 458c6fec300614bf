"""Results drawn for people, who read them on a terminal."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from npbert.terminal.bars import draw_bar
from npbert.terminal.screen_width import cut, make_printable, pad, printable, width_of

if TYPE_CHECKING:
    from npbert.pipelines.results import LabelScore

_LEAST_ROOM: Final = 10  # columns of the text that are shown on the narrowest terminal


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
    names = [make_printable(str(result["label"])) for result in labels]
    width = max(map(width_of, names), default=0)
    lines = []
    for name, result in zip(names, labels, strict=True):
        score = result["score"]
        lines.append(f"{pad(name, width)}  {score:.4f}  {draw_bar(score)}")
    lines = lines or ["(no text)"]
    room = max(shutil.get_terminal_size().columns - width_of(lines[0]) - 2, _LEAST_ROOM)
    lines[0] += "  " + cut(printable(text), room)
    return "\n".join(lines)
