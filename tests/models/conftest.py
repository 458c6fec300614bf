"""Small random models: one with each head, and the two that most tests call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import npbert
from tests.support.heads import HEADS
from tests.support.oracles import make_model


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of three labels that reads at most six tokens."""
    sizes: dict[str, Any] = {"dim": 12, "n_heads": 2, "n_layers": 2, "max_position_embeddings": 6}
    return make_model(tmp_path_factory.mktemp("model"), **sizes, num_labels=3)


@pytest.fixture(scope="session")
def encoder(folder: Path) -> npbert.DistilBertModel:
    """The bare encoder of `folder`."""
    with pytest.warns(UserWarning, match=r"unused: .*pre_classifier\.weight"):
        return npbert.AutoModel.from_pretrained(folder)


@pytest.fixture(scope="session")
def classifier(folder: Path) -> npbert.DistilBertForSequenceClassification:
    """The classifier of `folder`."""
    return npbert.AutoModelForSequenceClassification.from_pretrained(folder)


@pytest.fixture(scope="session", params=HEADS)
def head(request: pytest.FixtureRequest) -> str:
    """The name of each head in turn."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def head_folder(head: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model with this head."""
    sizes = {"dim": 36, "n_heads": 3, "n_layers": 3, "hidden_dim": 77}
    if head != "ForQuestionAnswering":  # its head always has two outputs
        sizes["num_labels"] = 5
    return make_model(tmp_path_factory.mktemp("model"), head=head, **sizes)
