"""A model of three labels whose words all count, and the bundled one."""

from __future__ import annotations

import pytest

import npbert
from tests.support.oracles import make_folder


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> npbert.TextClassificationPipeline:
    """A small random classifier of three labels."""
    labels = {0: "BAD", 1: "SO-SO", 2: "GOOD"}
    folder = make_folder(tmp_path_factory.mktemp("model"), id2label=labels)
    return npbert.pipeline("text-classification", folder)


@pytest.fixture(scope="session")
def mini() -> npbert.TextClassificationPipeline:
    return npbert.pipeline("text-classification", "mini")
