"""Models and pipelines that the tests of several pipelines share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import npbert
from npbert.pipelines import TextClassificationPipeline
from tests.support.answering import make_answerer
from tests.support.oracles import make_folder
from tests.support.pipelines import NER_LABELS, Sides, make_folder_for, pipelines


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random text classifier of three labels."""
    labels = {0: "BAD", 1: "SO-SO", 2: "GOOD"}
    return make_folder(tmp_path_factory.mktemp("model"), id2label=labels)


@pytest.fixture(scope="session")
def ours(folder: Path) -> TextClassificationPipeline:
    """npbert's pipeline of `folder`."""
    made: TextClassificationPipeline = npbert.pipeline("sentiment-analysis", folder)
    return made


@pytest.fixture(scope="session")
def ner(tmp_path_factory: pytest.TempPathFactory) -> Sides:
    """Both libraries' pipelines for token classification."""
    folder = tmp_path_factory.mktemp("ner")
    return pipelines("ner", make_folder_for(folder, "ForTokenClassification", NER_LABELS))


@pytest.fixture(scope="session")
def filler(tmp_path_factory: pytest.TempPathFactory) -> Sides:
    """Both libraries' pipelines for fill-mask."""
    return pipelines("fill-mask", make_folder_for(tmp_path_factory.mktemp("mlm"), "ForMaskedLM"))


@pytest.fixture(scope="session")
def answerers(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Any]:
    """npbert's pipelines for question answering, by the seed of their weights."""
    sides = ((0, "right"), (1, "right"), (2, "left"))
    return {
        seed: npbert.pipeline(
            "question-answering", make_answerer(tmp_path_factory.mktemp("qa"), seed, side)
        )
        for seed, side in sides
    }
