"""The files of tokenizers and their settings, compared with transformers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import transformers

import npbert
from npbert.tokenization.tokenizer import Tokenizer
from tests.support.tokenizers import SENTENCES, STRINGS, assert_same, load, make_tokenizer


@pytest.mark.parametrize(
    "settings",
    [
        {"do_lower_case": False},
        {"do_lower_case": True, "strip_accents": False},
        {"do_lower_case": False, "strip_accents": True},
        {"tokenize_chinese_chars": False},
        {"unk_token": "[MASK]"},
        {"padding_side": "left", "truncation_side": "left"},
        {"model_max_length": 6},
    ],
    ids=str,
)
def test_settings_of_the_folder(folder: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    texts = ["Naïve Café in 東京, über ALLES!", "short"]
    options: dict[str, Any] = {"padding": True, "truncation": True, "max_length": 12}
    expected = transformers.AutoTokenizer.from_pretrained(tmp_path)(texts, **options)["input_ids"]
    assert npbert.AutoTokenizer.from_pretrained(tmp_path)(texts, **options).input_ids == expected


def test_a_tokenizer_json_gives_the_same(folder: Path, tmp_path: Path, ours: Tokenizer) -> None:
    transformers.AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "vocab.txt").unlink(missing_ok=True)
    loaded = npbert.AutoTokenizer.from_pretrained(tmp_path)
    assert loaded.model_max_length == 512
    assert loaded(SENTENCES, padding=True) == ours(SENTENCES, padding=True)


def test_saved_by_one_and_read_by_the_other(tmp_path: Path) -> None:
    settings = {"do_lower_case": False, "padding_side": "left", "truncation_side": "left"}
    ours, theirs = load(make_tokenizer(tmp_path / "first", **settings))
    ours.model_max_length = 9
    written = ours.save_pretrained(tmp_path / "ours")
    assert {Path(path).name for path in written} == {"tokenizer.json", "tokenizer_config.json"}
    theirs.save_pretrained(tmp_path / "theirs")
    npbert.AutoTokenizer.from_pretrained(tmp_path / "ours")  # a tokenizer needs no config.json
    for folder in ("ours", "theirs"):
        (tmp_path / folder / "config.json").write_text('{"model_type": "distilbert"}')
    again = [*load(tmp_path / "ours"), *load(tmp_path / "theirs")]
    assert [side.model_max_length for side in again] == [9, 9, 24, 24]
    for text in STRINGS[::7]:
        expected = theirs(text, truncation=True, max_length=9)["input_ids"]
        for side in again:
            assert side(text, truncation=True, max_length=9)["input_ids"] == expected


def test_tokens_that_were_added(tmp_path: Path) -> None:
    """They are read from the three places where releases of transformers have kept them."""
    texts = ["a <x> b<y>c [Z] <X>", "<y><y> [MASK]"]
    added = {"<x>": 30522, "<y>": 30523, "[Z]": 30524}
    details = {
        str(number): {"content": text, "special": text == "[Z]", "normalized": text != "[Z]"}
        for text, number in added.items()
    }
    folders = [make_tokenizer(tmp_path / name) for name in ("file", "map", "decoder")]
    for folder in folders[:2]:
        (folder / "added_tokens.json").write_text(json.dumps(added))
    special = {"additional_special_tokens": ["[Z]"]}
    (folders[0] / "tokenizer_config.json").write_text(json.dumps(special))
    (folders[1] / "special_tokens_map.json").write_text(json.dumps(special))
    decoder = {"added_tokens_decoder": details, "extra_special_tokens": ["[Z]"]}
    (folders[2] / "tokenizer_config.json").write_text(json.dumps(decoder))
    for folder in folders:
        ours, theirs = load(folder)
        assert len(ours) == len(theirs) == 30525
        assert ours.vocab_size == theirs.vocab_size
        assert ours.all_special_tokens == theirs.all_special_tokens
        assert_same(ours(texts), theirs(texts), {})
        ids = theirs(texts[0])["input_ids"]
        assert ours.decode(ids, True) == theirs.decode(ids, skip_special_tokens=True)


@pytest.mark.parametrize("lower_case", [None, True, False])
@pytest.mark.parametrize("kind", ["DistilBertTokenizer", "PreTrainedTokenizerFast"])
def test_settings_that_contradict_tokenizer_json(
    tmp_path: Path, lower_case: bool | None, kind: str
) -> None:
    """BERT's classes take the settings, and the plain class takes tokenizer.json."""
    made = make_tokenizer(tmp_path / "made", do_lower_case=False)
    transformers.AutoTokenizer.from_pretrained(made).save_pretrained(tmp_path)
    settings = {"tokenizer_class": kind, "pad_token": "[PAD]"}
    if lower_case is not None:
        settings["do_lower_case"] = lower_case  # type: ignore[assignment]
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    (tmp_path / "config.json").write_text('{"model_type": "distilbert"}')
    ours, theirs = load(tmp_path)
    text = "Naïve FILM"
    assert ours(text)["input_ids"] == theirs(text)["input_ids"]


@pytest.mark.parametrize(
    "settings",
    [
        {"do_lower_case": False},
        {"padding_side": "left"},
        {"truncation_side": "left"},
        {"model_max_length": 5},
        {"strip_accents": False},
        {"tokenize_chinese_chars": False},
    ],
    ids=str,
)
def test_settings_given_when_loading(tmp_path: Path, settings: dict[str, Any]) -> None:
    folder = make_tokenizer(tmp_path)
    texts = ["Naïve FILM in 東京 and more of it", "x"]
    ours = npbert.AutoTokenizer.from_pretrained(folder, **settings)
    theirs = transformers.AutoTokenizer.from_pretrained(folder, **settings)
    assert_same(
        ours(texts, padding=True, truncation=True), theirs(texts, padding=True, truncation=True), {}
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"split_special_tokens": True},
        {"extra_special_tokens": {"x_token": "<x>"}},
        {"model_input_names": ["input_ids"]},
        {"max_len": 10},
    ],
    ids=str,
)
def test_settings_of_other_releases(tmp_path: Path, settings: dict[str, Any]) -> None:
    ours, theirs = load(make_tokenizer(tmp_path, **settings))
    text = "A [MASK] and <x> of the [SEP] tokens"
    assert ours(text).keys() == {*theirs(text)} - {"token_type_ids"}
    assert ours(text)["input_ids"] == theirs(text)["input_ids"]
    assert len(ours) == len(theirs)
    assert ours.model_max_length == theirs.model_max_length
    assert ours.pad({"input_ids": [1]}).keys() == theirs.pad({"input_ids": [1]}).keys()
