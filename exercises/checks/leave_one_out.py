"""Checks of 09_leave_one_out.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from checks import material
from checks.verdict import Floats, Function, Mistake, NotRight, judge

Lead = Callable[[list[str]], list[float]]

WORDS: Final = material.TEXT.replace(",", " ,").replace(".", " .").split()


def toy_lead(texts: list[str]) -> list[float]:
    """Count, so that one can check the effects by hand: not turns a bad that follows it."""
    return [
        float(
            2 * text.split().count("good")
            - 3 * text.split().count("bad")
            + 4 * text.count("not bad")
            - text.split().count("this")
        )
        for text in texts
    ]


def mini_lead(texts: list[str]) -> list[float]:
    """Return logit of POSITIVE minus logit of NEGATIVE, of `mini`."""
    inputs = material.tokenizer()(texts, padding=True, return_tensors="np")
    logits = material.model()(**inputs).logits
    return [float(positive - negative) for negative, positive in logits]


def effects(words: list[str], lead: Lead, without: Callable[[int], str]) -> Floats:
    """Return the whole text's lead minus that of each shorter text."""
    (whole,) = lead([" ".join(words)])
    return whole - np.array(lead([without(number) for number in range(len(words))]))


def spare(words: list[str], *numbers: int) -> str:
    """Return the text without the words at these places."""
    return " ".join(word for number, word in enumerate(words) if number not in numbers)


def right(words: list[str], lead: Lead) -> Floats:
    """Return the effects as they should be."""
    return effects(words, lead, lambda number: spare(words, number))


MISTAKES: Final[list[Mistake]] = [
    (
        "The sign is the wrong way round: subtract the lead of the shorter text from that of the "
        "whole text.",
        lambda words, lead: -right(words, lead),
    ),
    (
        "All words that are equal are left out together; leave out only the one at this place.",
        lambda words, lead: effects(
            words, lead, lambda n: " ".join(word for word in words if word != words[n])
        ),
    ),
    (
        "The letters of the word are taken out of other words too; leave out one item of the list.",
        lambda words, lead: effects(words, lead, lambda n: " ".join(words).replace(words[n], "")),
    ),
    (
        "The first word that looks the same is left out, and not the one at this place.",
        lambda words, lead: effects(words, lead, lambda n: spare(words, words.index(words[n]))),
    ),
    (
        "The words before are left out, too: begin with all the words each time.",
        lambda words, lead: effects(words, lead, lambda n: " ".join(words[n + 1 :])),
    ),
    (
        "This is the lead of the word alone; the question is what the text is without it.",
        lambda words, lead: np.array(lead(words)),
    ),
    (
        "The whole text is compared with the word alone; compare it with the text without the "
        "word.",
        lambda words, lead: effects(words, lead, lambda n: words[n]),
    ),
    (
        "This is the lead of the shorter text; subtract it from that of the whole text.",
        lambda words, lead: np.array(lead([spare(words, n) for n in range(len(words))])),
    ),
    (
        "The word after is left out, and not the word itself: the places are off by one.",
        lambda words, lead: effects(words, lead, lambda n: spare(words, n + 1)),
    ),
    (
        "The shorter text is joined without blanks; use ' '.join.",
        lambda words, lead: effects(words, lead, lambda n: "".join(words[:n] + words[n + 1 :])),
    ),
]


def check_leave_one_out(leave_one_out: Function) -> None:
    """Leave words out of a text whose leads one can count, and of the sentence of the chapters."""

    def effects_alone(words: list[str], lead: Lead) -> list[float] | None:
        pairs = leave_one_out(words, lead)
        return None if pairs is None else _effects_of(words, pairs)

    toy = "this is not bad and this good thing is good".split()  # noqa: SIM905 (easier to read)
    by_hand = [-1.0, 0, 4, 1, 0, -1, 2, 0, 0, 2]
    judge(effects_alone, [toy, toy_lead], by_hand, MISTAKES)
    judge(effects_alone, [WORDS, mini_lead], right(WORDS, mini_lead), MISTAKES)


def _effects_of(words: list[str], pairs: object) -> list[float]:
    if not isinstance(pairs, list) or not all(
        isinstance(pair, tuple) and len(pair) == 2 for pair in pairs
    ):
        raise NotRight(
            f"The function returns {pairs!r}; expected a list of pairs such as ('not', 7.5)."
        )
    shown = [word for word, _ in pairs]
    if shown == words:
        return [effect for _, effect in pairs]
    if sorted(shown) == sorted(words):
        raise NotRight("The words are in another order than in the text.")
    if sorted(shown) == sorted(set(words)):
        raise NotRight("A word that occurs twice is only there once; a dict keeps one of the two.")
    raise NotRight(f"The words are {shown}, expected {words}.")
