"""Checks of 01_wordpiece.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from checks import material
from checks.verdict import Function, Mistake, NotRight, agree

N_WORDS: Final = 200

SMALL: Final = {"h", "hug", "##u", "##g", "##i", "##n", "##ging", "##face", "a", "face", "g", "ing"}
BY_HAND: Final = {
    "hug": ["hug"],
    "hugging": ["hug", "##ging"],
    "huggingface": ["hug", "##ging", "##face"],
    "a": ["a"],
    "hugg": ["hug", "##g"],
    "hugs": ["[UNK]"],
    "bug": ["[UNK]"],
}


def longest_first(start: int, length: int) -> Iterable[int]:
    """Return the places where a piece may end, the longest piece first."""
    return range(length, start, -1)


def only_unknown(_pieces: list[str]) -> list[str]:
    """Return what a word becomes when no piece fits."""
    return ["[UNK]"]


def cut(
    word: str,
    vocab: set[str],
    ends: Callable[[int, int], Iterable[int]] = longest_first,
    first: str = "",
    looked_up: str = "##",
    written: str = "##",
    unknown: Callable[[list[str]], list[str]] = only_unknown,
) -> list[str]:
    """Cut a word; each argument is a place where one can go wrong."""
    pieces: list[str] = []
    start = 0
    while start < len(word):
        for end in ends(start, len(word)):
            if (looked_up if start else first) + word[start:end] in vocab:
                break
        else:
            return unknown(pieces)
        pieces.append((written if start else "") + word[start:end])
        start = end
    return pieces


MISTAKES: Final[list[Mistake]] = [
    (
        "It takes the shortest piece that fits, and not the longest: try the whole rest of the "
        "word first, and then one letter less.",
        partial(cut, ends=lambda start, length: range(start + 1, length + 1)),
    ),
    (
        "A piece of a single letter is never tried: the last end to try is start + 1.",
        partial(cut, ends=lambda start, length: range(length, start + 1, -1)),
    ),
    (
        "The pieces after the first one are looked up without ##: in the vocabulary, ##face and "
        "face are two pieces.",
        partial(cut, looked_up="", written=""),
    ),
    (
        "The pieces after the first one are looked up without ##, which is only put before them "
        "afterwards.",
        partial(cut, looked_up=""),
    ),
    (
        "The pieces after the first one are returned without their ##.",
        partial(cut, written=""),
    ),
    (
        "All pieces are looked up with ##; the one that begins the word has none.",
        partial(cut, first="##"),
    ),
    (
        "A word that cannot be cut to its end becomes [UNK] as a whole; the pieces before are "
        "dropped, too.",
        partial(cut, unknown=lambda pieces: [*pieces, "[UNK]"]),
    ),
    (
        "A word that cannot be cut to its end must become [UNK]; it keeps the pieces found so far.",
        partial(cut, unknown=lambda pieces: pieces),
    ),
]


def check_wordpiece(wordpiece: Function) -> None:
    """Cut words of a small vocabulary by hand, and then real words as the tokenizer does."""
    _compare(wordpiece, BY_HAND, SMALL)
    words = sorted({word for text, _ in material.sentences() for word in text.split()})
    words = [word for word in words if word.isascii() and word.isalpha()]
    some = words[:: len(words) // N_WORDS][:N_WORDS]
    tokenizer = material.tokenizer()
    _compare(wordpiece, {word: tokenizer.tokenize(word) for word in some}, set(tokenizer.vocab))


def _compare(wordpiece: Function, expected: dict[str, list[str]], vocab: set[str]) -> None:
    results = [wordpiece(word, vocab) for word in expected]
    if None in results:
        raise NotRight("The function returns None: is a `return` missing?")
    if agree(results, [*expected.values()]):
        return
    for sentence, mistaken in MISTAKES:
        if agree(results, [mistaken(word, vocab) for word in expected]):
            raise NotRight(sentence)
    for (word, pieces), result in zip(expected.items(), results, strict=True):
        if result != pieces:
            raise NotRight(f"The word {word!r}: expected {pieces}, got {result!r}.")
