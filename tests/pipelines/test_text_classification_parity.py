"""Shapes, labels and scores beside the text classification of transformers."""

from __future__ import annotations

import itertools
import json
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers.pipelines.text_classification import ClassificationFunction

import npbert
from npbert.pipelines import TextClassificationPipeline
from tests.support.oracles import make_folder, make_model
from tests.support.pipelines import (
    PAIR,
    SENTENCES,
    TEXTS,
    assert_alike,
    assert_same_labels,
    make_folder_for,
    pipelines,
    their_pipeline,
)
from tests.support.streams import Endless

TOP_K: list[dict[str, Any]] = [{}, {"top_k": 1}, {"top_k": 2}, {"top_k": None}, {"top_k": 9}]
INPUTS: list[Any] = [TEXTS[0], "", TEXTS, TEXTS[:1], PAIR, [PAIR, PAIR]]


@pytest.mark.parametrize("made_with", TOP_K, ids=str)
def test_result_shapes_are_those_of_transformers(folder: Path, made_with: dict[str, Any]) -> None:
    ours = npbert.pipeline("text-classification", folder, **made_with)
    theirs = their_pipeline("text-classification", folder, **made_with)
    for called_with, inputs in itertools.product(TOP_K, INPUTS):
        assert_same_labels(ours(inputs, **called_with), theirs(inputs, **called_with))
    for called_with in TOP_K:
        results = ours((text for text in TEXTS), **called_with)
        assert_same_labels(list(results), list(theirs((text for text in TEXTS), **called_with)))


@pytest.fixture(scope="module")
def theirs(folder: Path) -> Any:
    """The pipeline of transformers of `folder`."""
    return their_pipeline("text-classification", folder)


@pytest.mark.parametrize("inputs", [TEXTS[0], TEXTS, {"text": TEXTS[0]}, [[["a", "b"]]]], ids=str)
@pytest.mark.parametrize("function", [*ClassificationFunction, "NONE", None])
def test_functions_and_forms_of_inputs(
    ours: TextClassificationPipeline, theirs: Any, inputs: Any, function: Any
) -> None:
    assert ours.task == theirs.task
    assert_alike(
        ours(inputs, function_to_apply=function), theirs(inputs, function_to_apply=function)
    )


@pytest.mark.parametrize("inputs", [TEXTS[0], TEXTS, {"text": TEXTS[0]}], ids=str)
def test_a_second_text_for_every_text(
    ours: TextClassificationPipeline, theirs: Any, inputs: Any
) -> None:
    assert_alike(ours(inputs, text_pair="It is long."), theirs(inputs, text_pair="It is long."))


@pytest.mark.parametrize("labels", [[0, 1, 2], [-1, 0.5], [False, True]], ids=str)
def test_labels_that_are_numbers(tmp_path: Path, labels: list[Any]) -> None:
    folder = make_folder_for(tmp_path, "ForSequenceClassification", labels)
    ours, theirs = pipelines("text-classification", folder)
    for options in TOP_K:
        assert_same_labels(ours(TEXTS, **options), theirs(TEXTS, **options))
        assert {type(result["label"]) for result in ours("", top_k=None)} == {*map(type, labels)}


@pytest.mark.parametrize(
    "sizes",
    [
        {"num_labels": 1},
        {"num_labels": 4},
        {"num_labels": 3, "problem_type": "multi_label_classification"},
        {"num_labels": 1, "problem_type": "regression"},
        {"num_labels": 2, "problem_type": "regression"},
        {"num_labels": 2, "problem_type": "single_label_classification"},
    ],
    ids=str,
)
@pytest.mark.parametrize("function", [None, "softmax", "sigmoid", "none", "SIGMOID"])
def test_functions_from_logits_to_scores(
    tmp_path: Path, sizes: dict[str, Any], function: str | None
) -> None:
    folder = make_folder(tmp_path, **sizes)
    ours = npbert.pipeline("text-classification", folder)
    theirs = their_pipeline("text-classification", folder)
    every_option: list[dict[str, Any]] = [{}, {"top_k": None}]
    for options in every_option:
        actual = ours(TEXTS, function_to_apply=function, **options)
        assert_same_labels(actual, theirs(TEXTS, function_to_apply=function, **options))


@pytest.mark.parametrize(
    ("max_length", "n_phrases"), [(None, 200), (40, 200), (40, 8), (7, 100), (3, 20)]
)
def test_windows(
    folder: Path, ours: TextClassificationPipeline, max_length: int | None, n_phrases: int
) -> None:
    """The logits of a long text are the mean of its windows', here computed with transformers."""
    limit = max_length or 512
    overlap = limit // 4
    words = " ".join(f"word {number} of a film" for number in range(n_phrases))
    theirs = their_pipeline("text-classification", folder)
    ids = theirs.tokenizer(words, add_special_tokens=False)["input_ids"]
    starts = range(0, len(ids) - overlap, limit - 2 - overlap)
    windows = [ids[start : start + limit - 2] for start in starts]
    assert len(windows) > 1
    assert (len(windows) == 2) == (n_phrases == 8)
    logits: list[Any] = []
    weights: list[int] = []
    with torch.inference_mode():
        for window in windows:
            logits.append(theirs.model(torch.tensor([[101, *window, 102]])).logits[0].numpy())
            weights.append(len(window) - overlap if weights else len(window))
    assert sum(weights) == len(ids)
    mean = np.array(weights) @ np.stack(logits) / len(ids)
    options: dict[str, Any] = {} if max_length is None else {"max_length": max_length}
    short = "a short film"
    results = ours([short, words, short], long_text="window", top_k=None, **options)
    found = {result["label"]: result["score"] for result in results[1]}
    expected = npbert.softmax(mean)
    for label, score in zip(["BAD", "SO-SO", "GOOD"], expected, strict=True):
        assert found[label] == pytest.approx(score, abs=1e-5)
    if max_length != 3:
        assert_same_labels(results[::2], ours([short, short], top_k=None))


class Numbered(torch.utils.data.Dataset):  # type: ignore[misc]
    """A data set as PyTorch has them, with items by number."""

    def __len__(self) -> int:
        return 5

    def __getitem__(self, number: int) -> str:
        if number >= 5:
            raise IndexError(number)
        return f"text {number}"


def test_data_sets(ours: TextClassificationPipeline, folder: Path) -> None:
    results = ours(Numbered())
    assert isinstance(results, Iterator)
    assert_same_labels(
        list(results), list(their_pipeline("text-classification", folder)(Numbered()))
    )
    first = [f"text {number}" for number in range(1, 6)]
    assert_same_labels(list(itertools.islice(ours(Endless()), 5)), ours(first))


# ------------------------------------------------------------- other classifiers on the hub


KINDS: dict[str, dict[str, Any]] = {
    "multi-label": {"labels": list("abcdef"), "problem_type": "multi_label_classification"},
    "one label": {"labels": ["toxic"]},
    "regression": {"labels": ["score"], "problem_type": "regression"},
    "three labels": {"labels": list("abc")},
    "150 labels": {"labels": [f"intent {number}" for number in range(150)]},
    "cased": {"labels": list("ab"), "do_lower_case": False},
}


@pytest.mark.parametrize("kind", KINDS)
def test_classifiers_of_many_kinds(tmp_path: Path, kind: str) -> None:
    settings = dict(KINDS[kind])
    labels, problem = settings.pop("labels"), settings.pop("problem_type", None)
    folder = make_folder_for(tmp_path, "ForSequenceClassification", labels, **settings)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"problem_type": problem}))
    ours, theirs = pipelines("text-classification", folder)
    for options in ({}, {"top_k": None}, {"top_k": 3}):
        assert_alike(ours(SENTENCES, **options), theirs(SENTENCES, **options))
        assert_alike(ours(SENTENCES[1], **options), theirs(SENTENCES[1], **options))


def test_the_multilingual_vocabulary(tmp_path: Path) -> None:
    """119,547 cased pieces of many scripts. Only their number is that of the real vocabulary."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *string.ascii_letters, *"äöüßéñ東京мир"]
    pieces += [f"##{piece}" for piece in pieces[5:]]
    pieces += [f"piece{number}" for number in range(119_547 - len(pieces))]
    settings: dict[str, Any] = {"vocab_size": 119_547, "dim": 24, "n_heads": 2, "n_layers": 1}
    make_model(tmp_path, **settings, num_labels=3)
    (tmp_path / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    ours, theirs = pipelines("text-classification", tmp_path)
    texts = ["Müller sah 東京.", "мир piece119000 Ñandú", "Straße"]
    assert len(ours.tokenizer) == 119_547
    for text in texts:
        assert ours.tokenizer(text)["input_ids"] == theirs.tokenizer(text)["input_ids"]
    assert_alike(ours(texts, top_k=None), theirs(texts, top_k=None))
