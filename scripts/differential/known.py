"""The documented differences that a draw can run into, by the rows of docs/differences.md.

A rule looks at the call and at both outcomes, and tells whether they are what a row says.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

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


def _fails(message: str, kinds: str) -> Rule:
    """Make the rule of a call that npbert answers, and in which transformers fails."""

    def applies(draw: Draw, ours: Outcome, theirs: Outcome) -> bool:
        return (
            re.fullmatch(kinds, draw.kind) is not None
            and ours.error is None
            and theirs.error is not None
            and re.search(message, str(theirs.error)) is not None
        )

    return applies


def _stream_of_words(draw: Draw, _ours: Outcome, theirs: Outcome) -> bool:
    arguments = draw.arguments
    return bool(arguments.get("is_split_into_words") and arguments["is_stream"]) and (
        theirs.answer == []
    )


def _words_at_the_making(draw: Draw, ours: Outcome, _theirs: Outcome) -> bool:
    arguments = draw.arguments
    return bool(arguments.get("is_split_into_words") and arguments["is_made_late"]) and (
        ours.error is None
    )


def _padded_on_the_left(draw: Draw, ours: Outcome, theirs: Outcome) -> bool:
    arguments = {**draw.arguments, **(draw.arguments.get("tokenizer_kwargs") or {})}
    return (
        draw.kind in ("text-classification", "fill-mask")
        and ours.error is theirs.error is None
        and (arguments["padding_side"], arguments.get("padding")) == ("left", "max_length")
    )


def _positions_of_choices(draw: Draw, ours: Outcome, _theirs: Outcome) -> bool:
    positions = draw.arguments.get("position_ids")
    return draw.kind == "model" and ours.error is None and getattr(positions, "ndim", 0) == 3


def _first_entity_twice(draw: Draw, ours: Outcome, theirs: Outcome) -> bool:
    if draw.kind != "token-classification" or ours.error is not None or theirs.error is not None:
        return False
    are_several = bool(theirs.answer) and isinstance(theirs.answer[0], list)
    texts = theirs.answer if are_several else [theirs.answer]
    once = [found[1:] if _begins_with_two(found) else found for found in texts]
    return once != texts and draw.are_alike(ours.answer, once if are_several else once[0])


def _begins_with_two(found: list[dict[str, Any]]) -> bool:
    return found[:1] == found[1:2] != [] and found[0]["start"] == found[0]["end"]


RULES: Final[dict[str, Rule]] = {
    "a text too long for token-classification": _refused(
        "tokens long, expected at most", "token-classification"
    ),
    'rows of different lengths with `return_tensors="np"`': _refused("do not make an array"),
    "`max_length` that leaves no room for text": _refused("leaves no room"),
    "`stride` that leaves no room for new text": _refused("stride is .*, expected less than"),
    "a mask that hides the first token of a text": _refused("hides position 0 of row"),
    "a mask that hides a whole text": _refused("hides every token of row"),
    "texts that are cut, where `model_max_length` is larger than what the model can read": _fails(
        "size of tensor a .* must match|index out of range", ".*-.*"
    ),
    "a hypothesis of zero-shot-classification that leaves no room for the text": _refused(
        "cannot cut to max_length", "zero-shot-classification"
    ),
    "`top_k` of fill-mask that is larger than the vocabulary": _fails(
        "selected index k out of range", "fill-mask"
    ),
    "labels that are numbers, in groups of token-classification": _fails(
        "'int' object has no attribute", "token-classification"
    ),
    "an entity without characters, first in a text that token-classification reads in parts": (
        _first_entity_twice
    ),
    "a stream of lists of words for token-classification": _stream_of_words,
    "`is_split_into_words=True` when a pipeline is made": _words_at_the_making,
    '`padding="max_length"` with a tokenizer that pads on the left, for text-classification and '
    "fill-mask": _padded_on_the_left,
    "`position_ids` for multiple choice": _positions_of_choices,
}
