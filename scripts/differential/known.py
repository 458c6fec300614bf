"""The documented differences that a draw can run into, by the rows of docs/differences.md.

A rule looks at the call and at both outcomes, and tells whether they are what a row says.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from differential.draw import Draw, Outcome

Rule = Callable[[Draw, Outcome, Outcome], bool]


def row_of(draw: Draw, ours: Outcome, theirs: Outcome) -> str | None:
    """Return the first cell of the row that says why two outcomes differ; None without one."""
    for row, applies in RULES.items():
        if applies(draw, ours, theirs):
            return row
    return None


def _refused(message: str, kind: str = "") -> Rule:
    """Make the rule of a call that npbert refuses, with a message, and transformers answers."""

    def applies(draw: Draw, ours: Outcome, theirs: Outcome) -> bool:
        return (
            draw.kind.startswith(kind)
            and isinstance(ours.error, (ValueError, TypeError))
            and re.search(message, str(ours.error)) is not None
            and theirs.error is None
        )

    return applies


RULES: Final[dict[str, Rule]] = {
    "a text too long for token-classification": _refused(
        "tokens long, expected at most", "token-classification"
    ),
    'rows of different lengths with `return_tensors="np"`': _refused("do not make an array"),
    "`max_length` that leaves no room for text": _refused("leaves no room"),
    "a mask that hides the first token of a text": _refused("hides position 0 of row"),
    "a mask that hides a whole text": _refused("hides every token of row"),
}
