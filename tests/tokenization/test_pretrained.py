"""Tokenizers are copied, pickled and saved."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

import npbert
from tests.support.tokenizers import Sides


def test_copies_and_pickles(sides: Sides) -> None:
    ours, _ = sides
    expected = ours(["one two", "three"], padding=True)
    for twin in (pickle.loads(pickle.dumps(ours)), copy.deepcopy(ours)):
        encoding = twin(["one two", "three"], padding=True)
        assert encoding == expected
        assert twin.cls_token_id == ours.cls_token_id
    back = pickle.loads(pickle.dumps(expected))
    assert back == expected
    assert back.tokens(1) == expected.tokens(1)


def test_saving_replaces_nothing_but_itself(tmp_path: Path, sides: Sides) -> None:
    ours, _ = sides
    ours.save_pretrained(tmp_path)
    ours.save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(FileExistsError, match=r"tokenizer\.json exists and holds something else"):
        ours.save_pretrained(tmp_path)
    assert (tmp_path / "tokenizer.json").read_text(encoding="utf-8") == "{}"


@pytest.mark.parametrize("arguments", [("vocab.txt",), ("vocab.txt", {}, "name")])
@pytest.mark.parametrize("options", [{}, {"do_lower_case": False}], ids=str)
def test_made_of_a_file(arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    message = rf"cannot be made of {arguments[0]!r}; load .*Tokenizer.from_pretrained\(folder\)"
    with pytest.raises(TypeError, match=message):
        npbert.DistilBertTokenizer(*arguments, **options)


@pytest.mark.parametrize("options", [{}, {"vocab_file": "vocab.txt"}, {"vocab": {"a": 0}}], ids=str)
def test_made_without_a_file(options: dict[str, Any]) -> None:
    given = ", ".join(options) or "None"
    message = rf"a Tokenizer cannot be made of {given}; load .*Tokenizer.from_pretrained\(folder\)"
    with pytest.raises(TypeError, match=message):
        npbert.DistilBertTokenizer(**options)
