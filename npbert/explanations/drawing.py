"""An explanation drawn for people, who read it on a terminal or as plain text.

The sign, the length of the bar and the brackets say everything that colours say, so nothing is lost
where there are none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npbert.explanations.results import Explanation, Method, Pair, Word
from npbert.explanations.trace_drawing import draw_attention, draw_steps
from npbert.messages import with_noun
from npbert.terminal.bars import draw_bar
from npbert.terminal.screen_width import cut, make_printable, pad, printable, width_of, wrap

_LEAST_WIDTH: Final = 24  # columns; a narrower terminal breaks the lines by itself
_LONGEST_BAR: Final = 16
_SHORTEST_BAR: Final = 4
_LONGEST_WORD: Final = 24
_N_ROWS: Final = 5  # these rows are always shown, and more if they are strong
_STRONG: Final = 0.1  # the share of the largest effect from which a word has a row of its own
_N_PAIRS: Final = 3
_STRONG_PAIR: Final = 0.25  # the share of the largest effect from which a pair is mentioned

CUT: Final = "The text was too long: only its beginning was read."
_FOR, _AGAINST, _PLAIN = "\x1b[94m", "\x1b[33m", "\x1b[0m"  # blue, orange, and the end of both
# The first column, the second and the last one of the table of words.
_HEADINGS: Final[dict[Method, tuple[str, str, str]]] = {
    "leave-one-out": ("without", "effect", "label then"),
    "mask": ("masked", "effect", "label then"),
    "shapley": ("word", "share", "label without"),
}


def draw(
    explanation: Explanation, width: int, *, all_rows: bool = False, colours: bool = False
) -> str:
    """Draw an explanation.

    Parameters
    ----------
    explanation : Explanation
    width : int
        The columns of the terminal.
    all_rows : bool
        Whether words with small effects have rows, too.
    colours : bool
        Whether to colour what speaks for the label and what speaks against it.

    Returns
    -------
    str
        Several lines. What comes from the text is shown without control characters.
    """
    width = max(width, _LEAST_WIDTH)
    rows = shown_words(explanation, all_rows)
    parts = [
        _draw_scores(explanation, width),
        [f"  {line}" for line in _draw_text(explanation, rows, width - 2, colours)],
        [*_draw_rows(explanation, rows, width, colours)],
        [*_draw_pairs(explanation, width), *_draw_doubts(explanation, width)],
    ]
    if explanation.steps is not None:
        parts.append(draw_steps(explanation.steps, explanation.label, width))
    if explanation.attention is not None and explanation.tokens is not None:
        parts.append(draw_attention(explanation.attention, explanation.tokens, width))
    parts.append([*_draw_meaning(explanation, width)])
    return "\n\n".join("\n".join(part) for part in parts if part)


def shown_words(explanation: Explanation, all_rows: bool = False) -> list[Word]:
    """Return the words that have rows, the strongest first."""
    return [
        word
        for number, word in enumerate(explanation.strongest())
        if all_rows or number < _N_ROWS or is_strong(word.effect, explanation)
    ]


def is_strong(effect: float, explanation: Explanation) -> bool:
    """Tell whether an effect is at least a tenth of the largest one."""
    return abs(effect) >= _STRONG * abs(explanation.strongest()[0].effect)


def doubtful_words(explanation: Explanation) -> list[Word]:
    """Return the words for which leaving out and masking disagree, unless both find little."""
    return [
        word
        for word in explanation.strongest()
        if word.is_doubtful
        and any(is_strong(effect or 0, explanation) for effect in (word.effect, word.other_way))
    ]


def shown_pairs(explanation: Explanation) -> list[Pair]:
    """Return the pairs that are mentioned, the strongest first."""
    least = _STRONG_PAIR * abs(explanation.strongest()[0].effect)
    return [pair for pair in explanation.pairs[:_N_PAIRS] if abs(pair.interaction) >= least]


def meaning_of(pair: Pair, explanation: Explanation) -> str:
    """Say what a pair does beyond the effects of its two words."""
    first, second = explanation.words[pair.first].effect, explanation.words[pair.second].effect
    both_count = is_strong(first, explanation) and is_strong(second, explanation)
    if both_count and first * second < 0:
        return "one works through the other"
    if abs(pair.effect) < abs(first + second):
        return "they work as one"
    return "each stands in for the other"


def flips(word: Word, explanation: Explanation) -> bool:
    """Tell whether the model gives the text another label without the word."""
    return best_of(word.without) != best_of(explanation.scores)


def best_of(scores: dict[str, float]) -> str:
    """Return the label with the highest score."""
    return max(scores, key=scores.__getitem__)


def format_effect(effect: float) -> str:
    """Return an effect with its sign and two decimals; "0.00" has none."""
    return "0.00" if round(effect, 2) == 0 else f"{effect:+.2f}"


def draw_label(explanation: Explanation) -> str:
    """Draw the label that is explained, with its score, as one line."""
    score = explanation.scores[explanation.label]
    return f"{make_printable(explanation.label)}  {score:.4f}  {draw_bar(score)}"


def with_error(word: Word) -> str:
    """Return the effect of a word, and its standard error if it has one."""
    error = f" ±{word.error:.2f}" if word.error is not None else ""
    return f"{format_effect(word.effect)}{error}"


def _draw_scores(explanation: Explanation, width: int) -> list[str]:
    line = draw_label(explanation)
    best = best_of(explanation.scores)
    if best != explanation.label:
        says = f"the model says {make_printable(best)} {explanation.scores[best]:.4f}"
        return [line, *wrap(says.split(), width)]
    return [line]


def _draw_text(
    explanation: Explanation, rows: list[Word], width: int, colours: bool
) -> Iterator[str]:
    """Yield the lines of the text, in which the strong ones among `rows` are marked."""
    marked = {word.start for word in rows if is_strong(word.effect, explanation)}
    drawn, end = "", 0
    for word in explanation.words:
        drawn += make_printable(explanation.text[end : word.start])
        shown = make_printable(word.text)
        if word.start in marked:
            sign = _sign(word.effect) * (2 if flips(word, explanation) else 1)
            shown = _painted(f"[{shown}{sign}]", word.effect, colours)
        drawn += shown
        end = word.end
    drawn += make_printable(explanation.text[end:])
    yield from wrap(drawn.split(), width, _width_without_colours)


def _draw_rows(
    explanation: Explanation, rows: list[Word], width: int, colours: bool
) -> Iterator[str]:
    """Yield the lines of the table of words."""
    heading, of_effect, of_answer = _HEADINGS[explanation.method]
    words = [cut(printable(word.text), _longest_word(width)) for word in rows]
    effects = [with_error(word) for word in rows]
    answers = [_describe(word.without) for word in rows]
    word_width = max(map(width_of, (heading, *words)))
    effect_width = max(map(width_of, (of_effect, *effects)))
    room = width - word_width - effect_width - max(map(width_of, answers)) - 6
    bar_width = min(room, _LONGEST_BAR) if room >= _SHORTEST_BAR else 0
    largest = abs(rows[0].effect) or 1.0

    def line(word: str, effect: str, bar: str, answer: str) -> str:
        middle = f"  {pad(bar, bar_width)}" if bar_width else ""
        return f"{pad(word, word_width)}  {pad(effect, effect_width)}{middle}  {answer}"

    yield cut(line(heading, of_effect, "", of_answer), width)
    for row, word, effect, answer in zip(rows, words, effects, answers, strict=True):
        bar = _sign(row.effect) * round(abs(row.effect) / largest * bar_width)
        drawn = line(word, effect, bar, answer)
        yield _painted(drawn, row.effect, colours)
    n_more = len(explanation.words) - len(rows)
    if n_more:
        next_effect = abs(explanation.strongest()[len(rows)].effect)
        yield f"{n_more} more, {next_effect:.2f} at most (--all)"


def _draw_pairs(explanation: Explanation, width: int) -> Iterator[str]:
    """Yield the lines about pairs of words."""
    for pair in shown_pairs(explanation):
        first, second = explanation.words[pair.first], explanation.words[pair.second]
        names = " + ".join(
            cut(printable(word.text), _longest_word(width)) for word in (first, second)
        )
        says = (
            f"{names}: {format_effect(pair.effect)} together, {format_effect(first.effect)} and "
            f"{format_effect(second.effect)} alone: {meaning_of(pair, explanation)}"
        )
        yield from _indented("together", says, width)


def _draw_doubts(explanation: Explanation, width: int) -> Iterator[str]:
    """Yield the lines about words for which leaving out and masking disagree."""
    for word in doubtful_words(explanation):
        ways = (word.effect, word.other_way or 0.0)
        left_out, masked = ways if explanation.method == "leave-one-out" else ways[::-1]
        name = cut(printable(word.text), _longest_word(width))
        says = (
            f"{name}: {format_effect(left_out)} left out, but {format_effect(masked)} masked; do "
            f"not rely on this {explanation.unit}"
        )
        yield from _indented("doubtful", says, width)


def _draw_meaning(explanation: Explanation, width: int) -> Iterator[str]:
    """Yield the lines that say what the numbers are, and what they are not."""
    if explanation.is_cut:
        yield from wrap(CUT.split(), width)
    label = make_printable(explanation.label)
    if explanation.lead_of_nothing is None:
        lead = format_effect(explanation.lead)
        says = f"Effect: how far the lead of {label} ({lead}) falls, in logits."
    else:
        says = (
            f"The shares have the sum {explanation.lead - explanation.lead_of_nothing:+.2f}: from "
            f"a lead of {label} of {explanation.lead_of_nothing:+.2f} for the empty text to "
            f"{explanation.lead:+.2f} for the whole one, in logits."
        )
    yield from wrap(
        f"{says} The model read {with_noun(explanation.n_texts, 'text')}.".split(), width
    )
    yield from wrap(explanation.note.split(), width)


def _indented(title: str, says: str, width: int) -> Iterator[str]:
    """Yield lines with a title before the first one."""
    indent = len(title) + 2
    for number, line in enumerate(wrap(says.split(), width - indent)):
        yield f"{title if not number else '':<{indent}}{line}"


def _longest_word(width: int) -> int:
    return min(_LONGEST_WORD, width // 3)


def _sign(effect: float) -> str:
    return "+" if effect > 0 else "-"


def _describe(scores: dict[str, float]) -> str:
    best = best_of(scores)
    return f"{cut(printable(best), _LONGEST_WORD)} {scores[best]:.3f}"


def _painted(text: str, effect: float, colours: bool) -> str:
    return f"{_FOR if effect > 0 else _AGAINST}{text}{_PLAIN}" if colours else text


def _width_without_colours(text: str) -> int:
    for code in (_FOR, _AGAINST, _PLAIN):
        text = text.replace(code, "")
    return width_of(text)
