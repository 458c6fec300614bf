"""A small classifier: its folder, its weights file and its tensors."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

from npbert.distilbert.activations import Array
from tests.support.oracles import Oracle, make_model
from tests.support.stored_weights import IDS, WEIGHTS, Tensors


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small random classifier, which no test changes."""
    sizes: dict[str, Any] = {"vocab_size": 11, "max_position_embeddings": 5, "dim": 8}
    folder = tmp_path_factory.mktemp("source")
    return make_model(folder, **sizes, hidden_dim=12, n_heads=2, n_layers=2, num_labels=3)


@pytest.fixture(scope="session")
def expected(source: Path) -> Array:
    """The logits that transformers gives for IDS."""
    return Oracle.load(source).logits(IDS, np.ones_like(IDS))


@pytest.fixture(scope="session")
def whole(source: Path) -> bytes:
    """The weights file of `source`."""
    return (source / WEIGHTS).read_bytes()


@pytest.fixture
def tensors(source: Path) -> Tensors:
    """The tensors of `source`, for the test to change."""
    return dict(load_file(source / WEIGHTS))


@pytest.fixture
def folder(source: Path, tmp_path: Path) -> Path:
    """A folder with the config of `source`, in which the test puts weights."""
    shutil.copy(source / "config.json", tmp_path)
    return tmp_path
