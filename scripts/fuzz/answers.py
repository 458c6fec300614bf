"""The answer of a model: what npbert says of a few texts, and what transformers says of them."""

from __future__ import annotations

import itertools
import math
import warnings
from pathlib import Path
from typing import Any, Final, NamedTuple

TEXTS: Final = (
    *(
        "a good film",
        "i hate this bad movie!",
        "very lovely,  NOT so bad.",
        "[MASK] it cb",
        "東 é?",
    ),
    "[SEP] good",
)
_TOLERANCE: Final = 1e-5

Row = list[dict[str, Any]]  # each label with its score


class Answer(NamedTuple):
    """The labels of each text, and the warnings at loading."""

    rows: list[Row]
    warnings: tuple[str, ...] = ()


class Loaded(NamedTuple):
    """A pipeline of npbert, and the warnings at loading."""

    classifier: Any
    warnings: tuple[str, ...]


def load(folder: Path) -> Loaded:
    """Load a model and its tokenizer with npbert."""
    from npbert import pipeline

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        classifier = pipeline("text-classification", folder)
    return Loaded(classifier, tuple(str(warning.message) for warning in caught))


def own_answer(loaded: Loaded) -> Answer:
    """Return the answer of npbert, whose tokenizer decodes the texts, too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # texts were cut
        rows = loaded.classifier([*TEXTS], top_k=None, truncation=True)
    tokenizer = loaded.classifier.tokenizer
    for text in TEXTS:
        tokenizer.decode(tokenizer(text, truncation=True)["input_ids"])
    return Answer(rows, loaded.warnings)


def other_answer(folder: Path, *, in_float64: bool = False) -> Answer:
    """Return the answer of transformers for the same files."""
    import torch
    import transformers

    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, dtype=torch.float64 if in_float64 else torch.float32
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    classifier = transformers.pipeline(
        "text-classification", model=model, tokenizer=tokenizer, device="cpu"
    )
    with torch.inference_mode():
        return Answer(classifier([*TEXTS], top_k=None, truncation=True))


def is_as_exact(ours: Answer, theirs: Answer, folder: Path) -> bool:
    """Tell whether two answers differ because float32 is too coarse for the weights.

    A large weight makes the order of the steps matter; they may even overflow in one order, and not
    in another. Then the answer in float64 judges: ours may be twice as far from it as theirs.
    """
    exact = other_answer(folder, in_float64=True)
    our_distance, their_distance = _distance(ours, exact), _distance(theirs, exact)
    if math.isinf(their_distance):  # theirs has overflowed
        their_distance = 0
    return our_distance <= max(2 * their_distance, _TOLERANCE)


def _distance(answer: Answer, exact: Answer) -> float:
    """Return how far the scores are from the exact ones; infinity if labels or numbers differ."""
    distance = 0.0
    for row, exact_row in zip(answer.rows, exact.rows, strict=True):
        for one, right in itertools.zip_longest(_sorted(row), _sorted(exact_row)):
            if one is None or right is None or one[0] != right[0]:
                return math.inf
            off = abs(one[1] - right[1]) / max(1, abs(right[1]))
            distance = max(distance, math.inf if math.isnan(off) else off)
    return distance


def difference(ours: Answer, theirs: Answer) -> str | None:
    """Say where two answers differ, or return None."""
    for text, one, two in zip(TEXTS, ours.rows, theirs.rows, strict=True):
        if len(one) != len(two):
            return f"{text!r}: {len(one)} labels, expected {len(two)}"
        for (label, score), (their_label, their_score) in zip(
            _sorted(one), _sorted(two), strict=True
        ):
            tolerance = _TOLERANCE * max(1, abs(their_score))
            if label != their_label or not abs(score - their_score) <= tolerance:
                return f"{text!r}: {label} {score}, expected {their_label} {their_score}"
    return None


def _sorted(row: Row) -> list[tuple[str, float]]:
    """Return labels and scores by label; of equal scores, either library may be first."""
    return sorted((str(found["label"]), found["score"]) for found in row)
