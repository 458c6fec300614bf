"""Tokenizers of both libraries, texts for them, and the comparison of what they give."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
import transformers
from hypothesis import strategies as st

import npbert
from npbert.tokenization.tokenizer import Tokenizer
from tests.support.oracles import VOCAB
from tests.support.paths import DATA

SENTENCES = [
    "I've been waiting for a HuggingFace course my whole life.",
    "I hate this so much!",
]
STRINGS = [
    json.loads(line)
    for line in (DATA / "tokenizer_strings.jsonl").read_text(encoding="utf-8").splitlines()
]
Sides = tuple[Tokenizer, Any]  # that of npbert, and that of transformers
WORDS = st.sampled_from(
    ["film", "don't", "naïve", "東京", "[MASK]", "[SEP]", "😀", "\t", "\x00", "é", "unaffable",
     "x" * 120, "...", "\u200d", "½", "a b c d e f g h i j k l m n o p q r s t u v w x y z"]
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(WORDS, max_size=5).map(" ".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
FLAGS = st.booleans()


def make_tokenizer(folder: Path, **changes: Any) -> Path:
    """Make a folder that holds a tokenizer and no model."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(VOCAB, folder)
    (folder / "config.json").write_text('{"model_type": "distilbert"}')
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 24} | changes))
    return folder


def replace_vocabulary(folder: Path, backend: tokenizers.Tokenizer) -> None:
    """Put a tokenizer.json in the place of vocab.txt."""
    (folder / "vocab.txt").unlink()
    backend.save(str(folder / "tokenizer.json"))


def load(folder: Path) -> Sides:
    """Load a tokenizer with npbert and with transformers."""
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    return npbert.AutoTokenizer.from_pretrained(folder), theirs


def assert_same(ours: Any, theirs: Any, options: dict[str, Any]) -> None:
    """Both have the same columns, in the same order, of the same types and values."""
    columns = dict(theirs)
    if "return_token_type_ids" not in options:
        columns.pop("token_type_ids", None)
    assert list(ours) == list(columns)
    for name, column in columns.items():
        assert isinstance(ours[name], type(column))
        if isinstance(column, np.ndarray):
            assert ours[name].dtype == column.dtype
            np.testing.assert_array_equal(ours[name], column)
        else:
            assert ours[name] == column
    assert [row.tokens for row in ours.encodings] == [row.tokens for row in theirs.encodings]
