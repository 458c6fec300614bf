"""Tokenizers with which fill-mask has nothing to fill, and other tasks have all that they need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import npbert
from tests.support.oracles import make_folder
from tests.support.pipelines import MASKED, Sides


@pytest.mark.filterwarnings("ignore:.*bare encoder:UserWarning")
@pytest.mark.parametrize("kind", ["no mask", "a mask behind the vocabulary"])
def test_no_mask_token(tmp_path: Path, kind: str) -> None:
    folder = make_folder(tmp_path, head="ForMaskedLM")
    if kind == "no mask":
        (folder / "tokenizer_config.json").write_text(json.dumps({"mask_token": None}))
    else:
        vocabulary = (folder / "vocab.txt").read_text(encoding="utf-8")
        changed = vocabulary.replace("[MASK]", "[unused]")
        (folder / "vocab.txt").write_text(changed, encoding="utf-8")
    shown = r"None \(id None\)" if kind == "no mask" else r"'\[MASK\]' \(id 30522\)"
    with pytest.raises(ValueError, match=rf"the mask token of .* is {shown}, expected .* 30522"):
        npbert.pipeline("fill-mask", folder)
    vectors = npbert.pipeline("feature-extraction", folder)("a film")
    assert len(vectors[0]) == 4


def test_no_padding_token(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    (folder / "tokenizer_config.json").write_text(json.dumps({"pad_token": None}))
    texts = ["a film", "a much longer film"]
    assert len(npbert.pipeline("text-classification", folder)(texts)) == 2
    tokenizer = npbert.AutoTokenizer.from_pretrained(folder)
    message = "rows cannot be padded: pad_token is None, .* set tokenizer.pad_token to one"
    with pytest.raises(ValueError, match=message):
        tokenizer(texts, padding=True)
    with pytest.raises(ValueError, match=message):
        tokenizer.pad({"input_ids": [[1], [1, 2]]})
    tokenizer.pad_token = "[UNK]"
    assert tokenizer(texts, padding=True).input_ids[0][-2:] == [100, 100]


@pytest.mark.parametrize("options", [{"top_k": 0}, {"top_k": 1.5}, {"batch_size": 0}], ids=str)
def test_options_that_are_no_count(filler: Sides, options: dict[str, Any]) -> None:
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=rf"^{name} is {value}, expected"):
        filler.ours(MASKED[0], **options)
    with pytest.raises(ValueError, match=rf"^{name} is {value}, expected"):
        npbert.pipeline("fill-mask", "no/such-model", **options)


def test_an_input_of_another_type(filler: Sides) -> None:
    message = "^inputs is a int, expected a str with a mask, a list of these, or an iterator$"
    with pytest.raises(TypeError, match=message):
        filler.ours(5)


def test_targets_after_one_that_is_no_word(filler: Sides) -> None:
    with pytest.warns(UserWarning, match="target ' ' is not a word, so it is left out"):
        result = filler.ours(MASKED[0], targets=[" ", "good"])
    assert result == filler.ours(MASKED[0], targets=["good"])
