"""The answer of a model: what npbert says of a few texts, and what transformers says of them."""

from __future__ import annotations

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


def other_answer(folder: Path) -> Answer:
    """Return the answer of transformers for the same files."""
    import torch
    import transformers

    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, dtype=torch.float32
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    classifier = transformers.pipeline(
        "text-classification", model=model, tokenizer=tokenizer, device="cpu"
    )
    with torch.inference_mode():
        answer = Answer(classifier([*TEXTS], top_k=None, truncation=True))
        if any(math.isnan(found["score"]) for row in answer.rows for found in row):
            model.double()  # float32 may overflow in one order of the steps, and not in another
            answer = Answer(classifier([*TEXTS], top_k=None, truncation=True))
    return answer


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
