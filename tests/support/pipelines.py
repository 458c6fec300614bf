"""Inputs, models and comparisons that the tests of several pipelines share."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import transformers

import npbert
from tests.support.oracles import VOCAB, make_model

TOLERANCE = 2e-5

TEXTS = ["I love this film.", "", "I want my two hours back.", "word " * 60, "東京 😀"]
LONG = "film " * 600  # more tokens than a model can read
PAIR = {"text": "How old are you?", "text_pair": "I am six."}
SENTENCES = [
    "Hugging Face is in New York City, isn't it?",
    "unaffable naïve 東京 people 😀 of the world",
    "Maria lives in São Paulo.",
    "",
]
MASKED = [
    "I [MASK] this film.",
    "[MASK] [MASK] it was",
    "the [MASK]",
    "naïve 東京 [MASK] 😀 [MASK]",
]
NER_LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "MISC", "I-ORG"]


class Sides(NamedTuple):
    """The same thing from both libraries."""

    ours: Any
    theirs: Any


def make_folder_for(
    folder: Path, head: str, labels: Sequence[Any] | None = None, **settings: Any
) -> Path:
    """Save a small random model with any head, and its tokenizer with the given settings."""
    sizes: dict[str, Any] = {"vocab_size": 30522, "dim": 32, "n_heads": 2, "n_layers": 2}
    if labels:
        sizes["id2label"] = dict(enumerate(labels))
        sizes["label2id"] = {label: number for number, label in enumerate(labels)}
    make_model(folder, head=head, **sizes)
    shutil.copy(VOCAB, folder)
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 512} | settings))
    return folder


def their_pipeline(task: str, folder: Path, **options: Any) -> Any:
    """Make the pipeline of transformers, in float32."""
    return transformers.pipeline(task, str(folder), dtype=torch.float32, **options)


def pipelines(task: str, folder: Path, **options: Any) -> Sides:
    """Make the pipelines of both libraries from one folder."""
    return Sides(npbert.pipeline(task, folder, **options), their_pipeline(task, folder, **options))


def assert_alike(ours: Any, theirs: Any, path: str = "result") -> None:
    """Assert the same shapes, keys in the same order, and values.

    Floats may differ by the tolerance. `path` says in a failure where the difference is.
    """
    if isinstance(theirs, (float, np.floating)):
        assert abs(ours - float(theirs)) < TOLERANCE, path
    elif isinstance(theirs, (list, tuple)):
        assert isinstance(ours, type(theirs)), path
        assert len(ours) == len(theirs), path
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            assert_alike(one, other, f"{path}[{number}]")
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs), path
        for name in theirs:
            assert_alike(ours[name], theirs[name], f"{path}[{name!r}]")
    else:
        assert ours == theirs, path


def assert_same_labels(actual: Any, expected: Any) -> None:
    """Assert the same nesting and labels, and scores that differ by at most 1e-5."""
    assert type(actual) is type(expected)
    if isinstance(expected, list):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            assert_same_labels(one, other)
    else:
        assert list(actual) == list(expected) == ["label", "score"]
        assert actual["label"] == expected["label"]
        assert type(actual["score"]) is float
        assert actual["score"] == pytest.approx(expected["score"], rel=1e-5, abs=1e-5)
