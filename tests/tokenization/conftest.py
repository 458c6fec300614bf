"""Tokenizers of npbert and of transformers, over the same files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import transformers

import npbert
from npbert.tokenization.tokenizer import Tokenizer
from tests.support.paths import DATA
from tests.support.tokenizers import Sides, load, make_tokenizer

VARIANTS: dict[str, dict[str, Any]] = {
    "uncased": {},
    "cased": {"do_lower_case": False},
    "keeps-accents": {"strip_accents": False},
    "cased-strips-accents": {"do_lower_case": False, "strip_accents": True},
    "chinese-in-words": {"tokenize_chinese_chars": False},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the default model's tokenizer: a vocabulary and two settings."""
    folder = tmp_path_factory.mktemp("tokenizer")
    shutil.copy(DATA / "vocab.txt", folder)
    settings = {"model_max_length": 512, "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "config.json").write_text(json.dumps({"model_type": "distilbert"}))
    return folder


@pytest.fixture(scope="module")
def ours(folder: Path) -> Tokenizer:
    return npbert.AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def theirs(folder: Path) -> Any:
    return transformers.AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sides:
    folder = tmp_path_factory.mktemp("tokenizer")
    return load(make_tokenizer(folder, **VARIANTS[request.param]))


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Sides:
    return load(make_tokenizer(tmp_path_factory.mktemp("tokenizer")))
