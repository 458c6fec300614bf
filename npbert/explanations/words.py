"""The words and sentences of a text, and the text without some of them.

A word is what a reader calls one: "wouldn't" and "hugging" are words, although a tokenizer makes
several pieces of each. All units are spans of characters of the original text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

_INSIDE_WORDS: Final = (
    "'’‘`-‐‑"  # between two letters these belong to the word: wouldn't, well-made
)
_INSIDE_NUMBERS: Final = ".,:"  # and these between two digits: 3.5, 10,000, 9:30
_IDEOGRAPHS: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
# What can end a sentence: a line break, or marks with the quotes and brackets that close behind
# them. Those of the first group do so only where white space follows.
_END: Final = re.compile(r"""([.!?…]+["'”’»)\]]*)|[。！？]+["'”’」』）]*|\n""")
_LETTER, _IDEOGRAPH, _MARK, _SYMBOL, _ATTACHED, _BETWEEN = range(6)
_KINDS_BY_CATEGORY: Final = {"M": _ATTACHED, "P": _MARK, "S": _SYMBOL}


class Span(NamedTuple):
    """A part of a text.

    Attributes
    ----------
    start, end : int
        The part is ``text[start:end]``.
    """

    start: int
    end: int


def find_words(text: str) -> list[Span]:
    """Return the spans of the words of a text, in order.

    Words are separated by white space and punctuation. A run of punctuation, such as "!!!", is a
    unit of its own, and so is a run of symbols, such as emoji. Chinese characters each stand
    alone, because these scripts have no white space between words.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of Span
    """
    spans: list[Span] = []
    kind_before = _BETWEEN
    for place, character in enumerate(text):
        kind = _kind_of(character)
        if kind == _BETWEEN:
            kind_before = kind
            continue
        if _joins(text, place, kind, kind_before):
            spans[-1] = Span(spans[-1].start, place + 1)
        elif kind != _ATTACHED:
            spans.append(Span(place, place + 1))
            kind_before = kind
    return spans


def _joins(text: str, place: int, kind: int, kind_before: int) -> bool:
    """Tell whether a character belongs to the word that ends before it."""
    if kind_before == _BETWEEN:
        return False
    if kind == _ATTACHED or (kind == kind_before and kind != _IDEOGRAPH):
        return True
    before, character, after = text[place - 1], text[place], text[place + 1 : place + 2]
    return kind_before == _LETTER and (
        (character in _INSIDE_WORDS and _kind_of(after or " ") == _LETTER)
        or (character in _INSIDE_NUMBERS and before.isdigit() and after.isdigit())
    )


def _kind_of(character: str) -> int:
    if character.isalnum() or character == "_":
        return _IDEOGRAPH if _IDEOGRAPHS.match(character) else _LETTER
    category = unicodedata.category(character)
    # Format characters join the parts of an emoji, and letters of Persian and Indian words.
    return _ATTACHED if category == "Cf" else _KINDS_BY_CATEGORY.get(category[0], _BETWEEN)


def find_sentences(text: str) -> list[Span]:
    """Return the spans of the sentences of a text, in order.

    A sentence ends after ".", "!", "?" or "…" before white space, after their counterparts in
    Chinese and Japanese, or at the end of a line. An abbreviation such as "Mr." ends one too.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of Span
    """
    spans = []
    start = 0
    for end in _ends_of_sentences(text):
        sentence = text[start:end]
        first = end - len(sentence.lstrip())
        if first < end:
            spans.append(Span(first, start + len(sentence.rstrip())))
        start = end
    return spans


def _ends_of_sentences(text: str) -> Iterator[int]:
    for found in _END.finditer(text):
        end = found.end()
        if found[1] is None or text[end : end + 1].isspace():
            yield end
    yield len(text)


def leave_out(text: str, spans: Sequence[Span], numbers: Iterable[int]) -> str:
    """Return the text without some of its words.

    One blank stands between the neighbours of what is left out, and none at the ends of the text.

    Parameters
    ----------
    text : str
    spans : sequence of Span
        The words of the text, in order.
    numbers : iterable of int
        Which words are left out, counted from 0.

    Returns
    -------
    str
    """
    for number in sorted(numbers, reverse=True):
        start, end = spans[number]
        before, after = text[:start].rstrip(), text[end:].lstrip()
        text = f"{before} {after}" if before and after else before + after
    return text


def mask(text: str, spans: Sequence[Span], numbers: Iterable[int], mask_token: str) -> str:
    """Return the text with the mask token in place of some of its words; see `leave_out`."""
    for number in sorted(numbers, reverse=True):
        start, end = spans[number]
        text = f"{text[:start]}{mask_token}{text[end:]}"
    return text
