"""The settings of a tokenizer: the class that is named, and values of a wrong type."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import transformers

import npbert
from tests.support.tokenizers import make_tokenizer

BERT = [
    *("BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer", "DistilBertTokenizerFast"),
    *("ElectraTokenizer", "ElectraTokenizerFast", "MobileBertTokenizer", "ConvBertTokenizer"),
    *("LayoutLMTokenizerFast", "SqueezeBertTokenizer", "LxmertTokenizerFast"),
    *("DPRQuestionEncoderTokenizer", "DPRReaderTokenizerFast"),
]
OTHERS = [
    *("MPNetTokenizer", "MPNetTokenizerFast", "BertJapaneseTokenizer", "RobertaTokenizer"),
    *("BertGenerationTokenizer", "FunnelTokenizerFast", "RoFormerTokenizer", "AlbertTokenizer"),
    *("PreTrainedTokenizer", "MyTokenizer", ""),
]
CODE = ["tokenization_my.MyTokenizer", None]


@pytest.mark.parametrize("name", BERT)
@pytest.mark.parametrize("file", ["tokenizer_config.json", "config.json"])
def test_classes_of_bert(tmp_path: Path, file: str, name: str) -> None:
    folder = make_tokenizer(tmp_path)
    values = json.loads((folder / file).read_text(encoding="utf-8")) | {"tokenizer_class": name}
    (folder / file).write_text(json.dumps(values))
    ours, theirs = (
        library.AutoTokenizer.from_pretrained(folder)("Naïve [MASK]", "unaffable")["input_ids"]
        for library in (npbert, transformers)
    )
    assert ours == theirs


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("file", ["tokenizer_config.json", "config.json"])
def test_vocabularies_of_other_classes(tmp_path: Path, file: str, name: str) -> None:
    folder = make_tokenizer(tmp_path)
    (folder / file).write_text(json.dumps({"tokenizer_class": name}))
    with pytest.raises(ValueError, match=f"tokenizer_class of {file} is '{name}', which is no tok"):
        npbert.AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("name", ["PreTrainedTokenizerFast", "TokenizersBackend"])
def test_a_tokenizer_json_that_is_not_there(tmp_path: Path, name: str) -> None:
    folder = make_tokenizer(tmp_path, tokenizer_class=name)
    message = rf"{name}', which a tokenizer.json describes, and there is none; copy it too"
    with pytest.raises(ValueError, match=message):
        npbert.AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize(
    ("file", "value", "message"),
    [
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": CODE}}, "auto_map of tokenizer_"),
        ("tokenizer_config.json", {"auto_map": CODE}, "auto_map of tokenizer_config.json is"),
        ("config.json", {"auto_map": {"AutoTokenizer": CODE}}, "auto_map of config.json is"),
        ("config.json", {"model_type": "mpnet"}, "model_type of config.json is 'mpnet'"),
        ("config.json", {"model_type": "roberta"}, "model_type of config.json is 'roberta'"),
    ],
)
def test_vocabularies_of_other_tokenizers(
    tmp_path: Path, file: str, value: dict[str, Any], message: str
) -> None:
    folder = make_tokenizer(tmp_path)
    (folder / file).write_text(json.dumps(value))
    with pytest.raises(ValueError, match=f"{message}.*If transformers can write a tokenizer.json"):
        npbert.AutoTokenizer.from_pretrained(folder)
    # tokenizer.json describes a tokenizer whole, whatever its class.
    whole = npbert.AutoTokenizer.from_pretrained("mini")
    whole.save_pretrained(tmp_path / "whole")
    (tmp_path / "whole" / file).write_text(json.dumps(value))
    again = npbert.AutoTokenizer.from_pretrained(tmp_path / "whole")
    assert again("a film").input_ids == whole("a film").input_ids


def test_a_class_of_which_no_file_tells(tmp_path: Path) -> None:
    folder = make_tokenizer(tmp_path)
    for values in ({}, {"model_type": "bert"}, {"auto_map": {"AutoConfig": "my.Config"}}):
        (folder / "config.json").write_text(json.dumps(values))
        assert npbert.AutoTokenizer.from_pretrained(folder)("a").input_ids == [101, 1037, 102]
