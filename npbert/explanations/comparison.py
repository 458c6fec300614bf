"""Two texts side by side: what the change of some words does to the label, and to the others."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Final, NamedTuple

from npbert.explanations.drawing import draw_label, format_effect
from npbert.explanations.results import Explanation, Word
from npbert.terminal.screen_width import cut, make_printable, pad, printable, width_of, wrap

_N_ROWS: Final = 8
_LONGEST_WORD: Final = 24
_ABSENT: Final = "--"


class Aligned(NamedTuple):
    """A word that is in both texts, or in one of them.

    Attributes
    ----------
    first, second : Word, optional
        The word in each text.
    """

    first: Word | None
    second: Word | None

    @property
    def text(self) -> str:
        """The word, as the first text has it if it is there."""
        return next(word.text for word in self if word is not None)

    @property
    def is_new(self) -> bool:
        """Whether it is in one of the texts alone."""
        return self.first is None or self.second is None

    @property
    def change(self) -> float:
        """How much larger its effect is in the second text."""
        first, second = (word.effect if word else 0.0 for word in self)
        return second - first


def align(first: Explanation, second: Explanation) -> list[Aligned]:
    """Bring the words of two texts into pairs, in their order; upper case is not regarded.

    Parameters
    ----------
    first, second : Explanation

    Returns
    -------
    list of Aligned
    """
    ours, theirs = first.words, second.words
    matcher = SequenceMatcher(
        None,
        [word.text.lower() for word in ours],
        [word.text.lower() for word in theirs],
        autojunk=False,
    )
    aligned: list[Aligned] = []
    for kind, i, i_end, j, j_end in matcher.get_opcodes():
        if kind == "equal":
            aligned += map(Aligned, ours[i:i_end], theirs[j:j_end])
        else:
            aligned += [Aligned(word, None) for word in ours[i:i_end]]
            aligned += [Aligned(None, word) for word in theirs[j:j_end]]
    return aligned


def draw_comparison(first: Explanation, second: Explanation, width: int) -> str:
    """Draw what differs between two texts: the label, and the effects of the words.

    Parameters
    ----------
    first, second : Explanation
        The explanations of both texts, for the same label and by the same method.
    width : int
        The columns of the terminal.

    Returns
    -------
    str
        Several lines, which have no control characters.
    """
    aligned = align(first, second)
    by_change = sorted(aligned, key=lambda one: (not one.is_new, -abs(one.change)))
    wanted = {*map(id, by_change[:_N_ROWS]), *(id(one) for one in aligned if one.is_new)}
    rows = [one for one in aligned if id(one) in wanted]
    lead = f"lead of {make_printable(first.label)}: {format_effect(first.lead)}, "
    lead += f"then {format_effect(second.lead)}"
    n_more = len(aligned) - len(rows)
    lines = [
        *_draw_text(first, width),
        *_draw_text(second, width),
        "",
        *wrap(lead.split(), width),
        "",
        *_draw_rows(rows, width),
        *([f"{n_more} more, which change less"] if n_more else []),
        "",
        *wrap(first.note.split(), width),
    ]
    return "\n".join(lines)


def _draw_text(explanation: Explanation, width: int) -> Iterator[str]:
    yield draw_label(explanation)
    shown = make_printable(explanation.text)
    yield from (f"  {line}" for line in wrap(shown.split(), width - 2))


def _draw_rows(rows: list[Aligned], width: int) -> Iterator[str]:
    names = [cut(printable(one.text), _LONGEST_WORD) for one in rows]
    size = max(map(width_of, ("effect", *names)))
    yield cut(f"{pad('effect', size)}  {'first':>7}  {'second':>7}  change", width)
    for one, name in zip(rows, names, strict=True):
        effects = [format_effect(word.effect) if word else _ABSENT for word in one]
        yield f"{pad(name, size)}  {effects[0]:>7}  {effects[1]:>7}  {format_effect(one.change)}"
