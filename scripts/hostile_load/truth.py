"""Texts, and the answers that `classify` has for them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

import npbert
from hostile_load.connections import Answer

MODEL = "mini"
TOLERANCE = 1e-5  # of a score: texts that are computed together share a matrix product


class WrongAnswerError(Exception):
    """The service did not do what it should."""


class Truth:
    """What the service has to answer.

    Parameters
    ----------
    texts : sequence of str
        Different texts, which are labelled at once.
    seed : int
        Which texts `some` draws.
    """

    def __init__(self, texts: Sequence[str], seed: int) -> None:
        results = npbert.classify(list(texts), model=MODEL, top_k=None)
        self._rows = dict(zip(texts, results, strict=True))
        self._texts = list(texts)
        self._random = random.Random(seed)

    def some(self, n_texts: int) -> list[str]:
        """Return some of the texts."""
        return self._random.sample(self._texts, n_texts)

    def check(self, answer: Answer | None, *texts: str) -> None:
        """Raise a WrongAnswerError unless these are the rows of this text, or of each text."""
        if answer is None or answer.status != 200:
            raise WrongAnswerError(f"{describe(answer)} in answer to {texts}")
        given = answer.json()
        for rows, text in zip(given if len(texts) > 1 else [given], texts, strict=True):
            for row, expected in zip(rows, self._rows[text], strict=True):
                is_near = abs(row["score"] - expected["score"]) < TOLERANCE
                if row["label"] != expected["label"] or not is_near:
                    raise WrongAnswerError(f"{row} instead of {expected} in answer to {text!r}")


def check_refusal(answer: Answer | None, statuses: Sequence[int]) -> None:
    """Raise a WrongAnswerError unless the service refuses, with such a status and a sentence."""
    if answer is None or answer.status not in statuses:
        raise WrongAnswerError(f"{describe(answer)} instead of {statuses}")
    said = answer.json()
    if said.keys() != {"error", "error_type"} or not said["error"].isprintable():
        raise WrongAnswerError(f"the error is {said}")
    if len(said["error"]) > 1000:
        raise WrongAnswerError(f"the error has {len(said['error'])} characters")


def describe(answer: Answer | None) -> str:
    """Return what a message says of an answer."""
    return "the end" if answer is None else f"{answer.status} {answer.body[:200]!r}"


def body_of(inputs: object, **more: object) -> bytes:
    """Return the body of a request."""
    return json.dumps({"inputs": inputs, **more}).encode()
