"""docs/differences.md, "Tokenizer": what transformers does, and what npbert does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import transformers

import npbert
from tests.support.differences import changed, row
from tests.support.pipelines import Sides


@row("`token_type_ids`")
def test_token_types(folder: Path, tmp_path: Path) -> None:
    other = changed(folder, tmp_path / "bert")
    settings = {"tokenizer_class": "BertTokenizer", "model_max_length": 512}
    (other / "tokenizer_config.json").write_text(json.dumps(settings))
    theirs = transformers.AutoTokenizer.from_pretrained(other)
    ours = npbert.AutoTokenizer.from_pretrained(other)
    assert "token_type_ids" in theirs("one")
    assert "token_type_ids" not in ours("one")
    expected = theirs("one", "two")["token_type_ids"]
    assert ours("one", "two", return_token_type_ids=True)["token_type_ids"] == expected


@row("`save_pretrained` where other files would be replaced")
def test_saving_over_other_files(tokenizers: Sides, tmp_path: Path) -> None:
    target = tmp_path / "tokenizer.json"
    target.write_text("mine")
    with pytest.raises(FileExistsError):
        tokenizers.ours.save_pretrained(tmp_path)
    assert target.read_text() == "mine"
    tokenizers.theirs.save_pretrained(tmp_path)
    assert target.read_text() != "mine"
