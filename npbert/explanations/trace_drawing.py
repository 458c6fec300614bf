"""The steps of a text, and its attention, drawn for people on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from npbert.explanations.attention import decided_looks
from npbert.explanations.results import Step
from npbert.terminal.screen_width import cut, make_printable, pad, printable, width_of, wrap

if TYPE_CHECKING:
    from npbert.distilbert.activations import Array

_N_SEEN: Final = 4  # tokens at which [CLS] looks most
_N_LOOKS: Final = 3  # the most decided looks of a layer
_LEAST_WHAT: Final = 20  # columns; where less is left, the column "where" is not shown


def draw_steps(steps: Sequence[Step], label: str, width: int) -> list[str]:
    """Draw a table of steps.

    Parameters
    ----------
    steps : sequence of Step
    label : str
        The label whose lead is shown.
    width : int
        The columns of the terminal.

    Returns
    -------
    list of str
        Lines.
    """
    rows = [("step", "shape", "lead", "where"), *map(_cells, steps)]
    names, shapes, leads, wheres = ([row[column] for row in rows] for column in range(4))
    widths = [max(map(width_of, column)) for column in (names, shapes, leads)]
    room = width - sum(widths) - 3 * 2
    place = max(map(width_of, wheres)) + 2
    has_place = room - place >= _LEAST_WHAT
    what_width = room - place if has_place else room
    lines = []
    for (name, shape, lead, where), what in zip(
        rows, ("what", *(s.what for s in steps)), strict=True
    ):
        cells = [pad(cell, size) for cell, size in zip((name, shape, lead), widths, strict=True)]
        drawn = cut(printable(what), what_width)
        cells.append(f"{pad(drawn, what_width)}  {where}" if has_place else drawn)
        lines.append("  ".join(cells).rstrip())
    name = make_printable(label)
    says = (
        f"Lead: that of {name}, if the head read [CLS] as it stands after this step. The head was "
        "trained to read it after the last layer."
    )
    return [*lines, *wrap(says.split(), width)]


def _cells(step: Step) -> tuple[str, str, str, str]:
    shape = f"({', '.join(map(str, step.shape))}{',' if len(step.shape) == 1 else ''})"
    lead = "" if step.lead is None else f"{step.lead:+.2f}"
    return step.name, shape, lead, step.where.rpartition("/")[2]


def draw_attention(attention: Array, tokens: Sequence[str], width: int) -> list[str]:
    """Draw where the tokens look, layer by layer: what `[CLS]` sees, and the most decided looks.

    Parameters
    ----------
    attention : float32 array (layers, heads, seq, seq)
    tokens : sequence of str
    width : int
        The columns of the terminal.

    Returns
    -------
    list of str
        Lines.
    """
    names = [make_printable(token) for token in tokens]
    lines = []
    for number, heads in enumerate(attention):
        title = f"layer {number}  "
        says = [*_seen_by_cls(heads, names), *_decided_looks(heads, names)]
        for place, part in enumerate(says):
            for line in wrap(part.split(" "), width - len(title)):
                lines.append((title if not place else " " * len(title)) + line)
                title = " " * len(title)
    says_all = "Attention: where the heads look. It is not why the label came out."
    return [*lines, *wrap(says_all.split(), width)]


def _seen_by_cls(heads: Array, names: Sequence[str]) -> Iterator[str]:
    mean = heads.mean(axis=0)[0]  # (seq,)
    best = mean.argsort()[::-1][:_N_SEEN]
    seen = ", ".join(f"{names[token]} {mean[token]:.2f}" for token in best)
    yield f"{names[0]} looks at {seen} (mean of {len(heads)} heads)"


def _decided_looks(heads: Array, names: Sequence[str]) -> Iterator[str]:
    """Yield the largest weights between two words, one per head."""
    for look in decided_looks(heads)[:_N_LOOKS]:
        names_of_look = f"{names[look.looking]} looks at {names[look.seen]}"
        yield f"head {look.head}: {names_of_look} {look.weight:.2f}"
