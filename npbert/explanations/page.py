"""An explanation as HTML that works everywhere: in notebooks, on GitHub, in a mail, off line.

There is no script, no style sheet, no id and no address in it, so two of them on one page do not
disturb each other. Colours are half transparent, so that they suit light and dark pages. Signs and
underlines say the same as colours.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from npbert.explanations.drawing import (
    CUT,
    best_of,
    doubtful_words,
    flips,
    format_effect,
    is_strong,
    meaning_of,
    shown_pairs,
    shown_words,
    with_error,
)
from npbert.explanations.results import Explanation, Step, Word
from npbert.terminal.screen_width import make_printable

if TYPE_CHECKING:
    from npbert.distilbert.activations import Array

_FOR, _AGAINST = "38, 110, 220", "235, 120, 20"  # blue and orange, which most people can tell apart
_MOST_OPAQUE: Final = 0.55
_BAR_PX: Final = 160
_MAP_PX: Final = 84  # the side of the picture of one head of attention
_LEAST_SHOWN: Final = 0.05  # the least attention that is drawn
_CELL: Final = "padding: 2px 10px; text-align: left; border: none"


def to_html(explanation: Explanation) -> str:
    """Return an explanation as a piece of HTML.

    Parameters
    ----------
    explanation : Explanation

    Returns
    -------
    str
        One ``<div>``. Nothing in the text of the explanation can become markup.
    """
    parts = [_scores(explanation), _text(explanation), _table(explanation), *_remarks(explanation)]
    if explanation.steps is not None:
        parts.append(_steps(explanation.steps, explanation.label))
    if explanation.attention is not None and explanation.tokens is not None:
        parts.append(_attention(explanation.attention, explanation.tokens))
    parts.append(f'<p style="font-size: 85%; opacity: 0.8">{_escaped(explanation.note)}</p>')
    return f'<div style="max-width: 60em">{"".join(parts)}</div>'


def to_page(explanations: Iterable[Explanation]) -> str:
    """Return a whole page of HTML with some explanations."""
    body = "<hr>".join(map(to_html, explanations))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><title>npbert explain</title></head>'
        f'<body style="font-family: sans-serif; margin: 1em">{body}</body></html>\n'
    )


def _scores(explanation: Explanation) -> str:
    label = explanation.label
    says = f"<b>{_escaped(label)}</b> {explanation.scores[label]:.4f}"
    best = best_of(explanation.scores)
    if best != label:
        says += f" (the model says {_escaped(best)} {explanation.scores[best]:.4f})"
    return f"<p>{says}</p>"


def _text(explanation: Explanation) -> str:
    """Return the text, with its strong words marked."""
    rows = shown_words(explanation)
    marked = {word.start for word in rows if is_strong(word.effect, explanation)}
    largest = abs(rows[0].effect) or 1.0
    parts, end = [], 0
    for word in explanation.words:
        parts.append(_escaped(explanation.text[end : word.start]))
        shown = _escaped(word.text)
        parts.append(_mark(word, shown, largest, explanation) if word.start in marked else shown)
        end = word.end
    parts.append(_escaped(explanation.text[end:]))
    return f'<p dir="auto" style="line-height: 2.4">{"".join(parts)}</p>'


def _mark(word: Word, shown: str, largest: float, explanation: Explanation) -> str:
    colour = _FOR if word.effect > 0 else _AGAINST
    opacity = _MOST_OPAQUE * abs(word.effect) / largest
    line = "solid" if word.effect > 0 else "dotted"
    style = (
        f"background-color: rgba({colour}, {opacity:.2f}); padding: 1px 2px; "
        f"border-bottom: 2px {line} rgb({colour})"
    )
    weight = "; font-weight: bold" if flips(word, explanation) else ""
    number = f'<sub style="font-size: 70%{weight}"> {word.effect:+.1f}</sub>'
    return f'<span style="{style}">{shown}{number}</span>'


def _table(explanation: Explanation) -> str:
    rows = shown_words(explanation)
    largest = abs(rows[0].effect) or 1.0
    titles = [explanation.unit, "effect", "", "score without it"]
    head = "".join(f'<th style="{_CELL}">{title}</th>' for title in titles)
    body = "".join(_row(word, largest) for word in rows)
    n_more = len(explanation.words) - len(rows)
    more = ""
    if n_more:
        rest = "".join(_row(word, largest) for word in explanation.strongest()[len(rows) :])
        more = (
            f"<details><summary>{n_more} more</summary>"
            f'<table style="border: none">{rest}</table></details>'
        )
    return f'<table style="border: none"><tr>{head}</tr>{body}</table>{more}'


def _row(word: Word, largest: float) -> str:
    best = best_of(word.without)
    colour = _FOR if word.effect > 0 else _AGAINST
    width = round(abs(word.effect) / largest * _BAR_PX)
    style = f"background-color: rgba({colour}, 0.8); width: {width}px; height: 0.7em"
    cells = (
        f'<span dir="auto">{_escaped(word.text)}</span>',
        with_error(word),
        f'<div style="{style}"></div>',
        f"{_escaped(best)} {word.without[best]:.3f}",
    )
    return "<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells) + "</tr>"


def _remarks(explanation: Explanation) -> Iterator[str]:
    """Yield what is to be said about pairs, doubts and a text that was cut."""
    for pair in shown_pairs(explanation):
        first, second = explanation.words[pair.first], explanation.words[pair.second]
        yield (
            f"<p>Together, {_escaped(first.text)} + {_escaped(second.text)}: "
            f"{format_effect(pair.effect)}; alone {format_effect(first.effect)} and "
            f"{format_effect(second.effect)}: "
            f"{meaning_of(pair, explanation)}.</p>"
        )
    for word in doubtful_words(explanation):
        ways = f"{format_effect(word.effect)} and {format_effect(word.other_way or 0)}"
        yield (
            f"<p>Doubtful: {_escaped(word.text)}. Leaving it out and masking it disagree about the "
            f"sign ({ways}); do not rely on it.</p>"
        )
    if explanation.is_cut:
        yield f"<p>{CUT}</p>"


def _steps(steps: Sequence[Step], label: str) -> str:
    titles = ("step", "shape", f"lead of {label}", "what", "where")
    head = "".join(f'<th style="{_CELL}">{_escaped(title)}</th>' for title in titles)
    rows = ""
    for step in steps:
        lead = "" if step.lead is None else format_effect(step.lead)
        cells = (step.name, str(step.shape), lead, step.what, step.where)
        rows += (
            "<tr>"
            + "".join(f'<td style="{_CELL}">{_escaped(cell)}</td>' for cell in cells)
            + "</tr>"
        )
    return (
        '<details open><summary>Steps</summary><table style="border: none">'
        f"<tr>{head}</tr>{rows}</table></details>"
    )


def _attention(attention: Array, tokens: Sequence[str]) -> str:
    """Return a small picture for each head; the rows of a picture are the tokens that look."""
    layers = []
    for number, heads in enumerate(attention):
        pictures = "".join(
            _head(weights, tokens, f"layer {number}, head {head}")
            for head, weights in enumerate(heads)
        )
        layers.append(f"<p>layer {number}<br>{pictures}</p>")
    return (
        "<details><summary>Attention: where the heads look. It is not why the label came out."
        f"</summary>{''.join(layers)}</details>"
    )


def _head(weights: Array, tokens: Sequence[str], name: str) -> str:
    """Return the picture of one head, without the squares that would be almost white."""
    n_tokens = len(tokens)
    names = [*map(_escaped, tokens)]
    squares = "".join(
        f'<rect x="{seen}" y="{looking}" width="1" height="1" fill-opacity="{weight:.2f}">'
        f"<title>{names[looking]} looks at {names[seen]}: {weight:.2f}</title></rect>"
        for looking, row in enumerate(weights.tolist())
        for seen, weight in enumerate(row)
        if weight >= _LEAST_SHOWN
    )
    return (
        f'<svg role="img" aria-label="{name}" width="{_MAP_PX}" height="{_MAP_PX}" '
        f'viewBox="0 0 {n_tokens} {n_tokens}" fill="rgb({_FOR})" '
        f'style="border: 1px solid rgba(128, 128, 128, 0.5); margin: 2px">{squares}</svg>'
    )


def _escaped(text: str) -> str:
    """Return a text without control characters, in which nothing is markup."""
    return html.escape(make_printable(text))
