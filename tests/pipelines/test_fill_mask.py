"""Tokenizers with which fill-mask has nothing to fill, and other tasks have all that they need."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import npbert
from tests.support.oracles import make_folder


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
