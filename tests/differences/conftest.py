"""A small classifier, and what both libraries load from it."""

from __future__ import annotations

from pathlib import Path

import pytest
import transformers

import npbert
from tests.support.oracles import make_folder
from tests.support.pipelines import Sides, pipelines


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a classifier of three labels."""
    return make_folder(tmp_path_factory.mktemp("model"), num_labels=3)


@pytest.fixture(scope="session")
def tokenizers(folder: Path) -> Sides:
    """Both libraries' tokenizers of `folder`."""
    return Sides(
        npbert.AutoTokenizer.from_pretrained(folder),
        transformers.AutoTokenizer.from_pretrained(folder),
    )


@pytest.fixture(scope="session")
def classifiers(folder: Path) -> Sides:
    """Both libraries' text classification pipelines of `folder`."""
    return pipelines("text-classification", folder)
