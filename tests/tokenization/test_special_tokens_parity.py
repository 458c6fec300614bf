"""Special and added tokens, from wherever releases of transformers have kept them.

The ids, the flags and the names are those of transformers, over vocab.txt and over tokenizer.json.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import transformers
from tokenizers import AddedToken

import npbert
from tests.support.tokenizers import load, make_tokenizer

TEXTS = [
    "Naïve [MASK] and <a> x<b>y [NEW] [Z]! <image> [PAD] <A>",
    "mask[MASK]  <a>  <b>end <m> qqz qqzz [SEP]",
]
CONFIG, MAP, ADDED = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"


def token(text: str, **flags: bool) -> dict[str, Any]:
    """Return a token as tokenizer_config.json has it."""
    off = dict.fromkeys(("lstrip", "rstrip", "normalized", "single_word"), False)
    return {"content": text, "special": True, **off, **flags}


def typed(text: str, **flags: bool) -> dict[str, Any]:
    return {"__type": "AddedToken", **token(text, **flags)}


def of_map(text: str, **flags: bool) -> dict[str, Any]:
    """Return a token as special_tokens_map.json has it."""
    return {name: value for name, value in token(text, **flags).items() if name != "special"}


ORDINARY = {"special": False, "normalized": True}
FILES: dict[str, dict[str, dict[str, Any]]] = {
    "extra, a list": {CONFIG: {"extra_special_tokens": ["<a>", "<b>"]}},
    "extra, a dict": {CONFIG: {"extra_special_tokens": {"a_token": "<a>", "img": "<image>"}}},
    "an attribute": {CONFIG: {"image_token": "<image>"}},
    "attributes of release 5": {CONFIG: {"model_specific_special_tokens": {"x_token": "<a>"}}},
    "additional": {CONFIG: {"additional_special_tokens": ["<a>", "[MASK]"]}},
    "additional, with flags": {
        CONFIG: {"additional_special_tokens": [typed("<a>", lstrip=True), "<b>"]}
    },
    "both lists": {CONFIG: {"additional_special_tokens": ["<a>"], "extra_special_tokens": ["<b>"]}},
    "one list is empty": {
        CONFIG: {"additional_special_tokens": ["<a>"], "extra_special_tokens": []}
    },
    "decoder": {
        CONFIG: {
            "added_tokens_decoder": {
                "30522": token("<a>", lstrip=True, **ORDINARY),
                "30523": token("<b>", rstrip=True),
                "30524": token("qqz", single_word=True, **ORDINARY),
            }
        }
    },
    "decoder, in another order": {
        CONFIG: {"added_tokens_decoder": {"30523": token("<a>"), "30522": token("<b>")}}
    },
    "decoder, a named token": {
        CONFIG: {
            "added_tokens_decoder": {
                "30522": token("<m>", special=False, lstrip=True),
                "103": token("[MASK]"),
            },
            "mask_token": "<m>",
        }
    },
    "decoder, a token of the vocabulary": {
        CONFIG: {"added_tokens_decoder": {"103": token("[MASK]", lstrip=True, special=False)}}
    },
    "decoder, which makes older files void": {
        CONFIG: {"added_tokens_decoder": {"30522": token("<a>")}},
        MAP: {"additional_special_tokens": ["<b>"]},
        ADDED: {"<m>": 30522},
    },
    "map, flags": {MAP: {"mask_token": of_map("[MASK]", lstrip=True)}},
    "map, extra": {MAP: {"extra_special_tokens": ["<a>", of_map("<b>", lstrip=True, rstrip=True)]}},
    "map, extra, a dict": {MAP: {"extra_special_tokens": {"a_token": "<a>"}}},
    "map, additional": {MAP: {"additional_special_tokens": ["<a>", "<b>"]}},
    "map, additional, and extra": {
        MAP: {"additional_special_tokens": ["<a>"]},
        CONFIG: {"extra_special_tokens": ["<image>"]},
    },
    "map, an attribute": {MAP: {"image_token": "<image>"}},
    "added": {ADDED: {"<b>": 30523, "<a>": 30522}},
    "added, and map": {
        ADDED: {"<b>": 30523, "<a>": 30522},
        MAP: {"additional_special_tokens": ["<a>"]},
    },
    "added, and additional": {
        ADDED: {"<a>": 30522},
        CONFIG: {"additional_special_tokens": ["<a>"]},
    },
    "added, the mask": {ADDED: {"<m>": 30522}, CONFIG: {"mask_token": "<m>"}},
    "another mask": {CONFIG: {"mask_token": "<m>"}},
    "another mask, with flags": {CONFIG: {"mask_token": typed("[MASK]", lstrip=True, rstrip=True)}},
    "more names": {CONFIG: {"bos_token": "<a>", "eos_token": "[SEP]"}},
    "no padding token": {CONFIG: {"pad_token": None}},
    "no mask": {CONFIG: {"mask_token": None}},
}
GIVEN: dict[str, dict[str, Any]] = {
    "mask": {"mask_token": "<m>"},
    "mask, with flags": {"mask_token": AddedToken("<m>", lstrip=True)},
    "extra": {"extra_special_tokens": ["<a>", "<b>"]},
    "extra, with flags": {"extra_special_tokens": [AddedToken("<b>", lstrip=True)]},
    "extra, a dict": {"extra_special_tokens": {"q_token": "<a>"}},
    "additional": {"additional_special_tokens": ["<b>"]},
}


def state_of(tokenizer: Any) -> dict[str, Any]:
    """Return all that special tokens change."""
    ids = tokenizer(TEXTS)["input_ids"]
    return {
        "ids": ids,
        "tokens": [tokenizer.tokenize(text) for text in TEXTS],
        "decoded": [tokenizer.decode(row, skip_special_tokens=True) for row in ids],
        "added": {number: repr(one) for number, one in tokenizer.added_tokens_decoder.items()},
        "sizes": (len(tokenizer), tokenizer.vocab_size),
        "special": (tokenizer.all_special_tokens, tokenizer.all_special_ids),
        "named": dict(tokenizer.special_tokens_map),
        "extra": (tokenizer.extra_special_tokens, tokenizer.extra_special_tokens_ids),
        "mask": (tokenizer.mask_token, tokenizer.mask_token_id),
        "pad": (tokenizer.pad_token, tokenizer.pad_token_id),
    }


@pytest.fixture(scope="module", params=["vocab.txt", "tokenizer.json"])
def plain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the one file or the other, and with no settings."""
    folder = make_tokenizer(tmp_path_factory.mktemp("made"))
    if request.param == "tokenizer.json":
        made = transformers.AutoTokenizer.from_pretrained(folder)
        folder = tmp_path_factory.mktemp("saved")
        made.save_pretrained(folder)
        (folder / "config.json").write_text('{"model_type": "distilbert"}')
    (folder / CONFIG).write_text("{}")
    return folder


def with_files(plain: Path, target: Path, files: dict[str, dict[str, Any]]) -> Path:
    shutil.copytree(plain, target)
    for name, values in files.items():
        (target / name).write_text(json.dumps(values))
    return target


@pytest.mark.parametrize("files", FILES.values(), ids=FILES)
def test_tokens_of_files(plain: Path, tmp_path: Path, files: dict[str, dict[str, Any]]) -> None:
    ours, theirs = load(with_files(plain, tmp_path / "model", files))
    assert state_of(ours) == state_of(theirs)


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
@pytest.mark.parametrize("case", ["map, extra", "map, additional", "added", "decoder"])
def test_tokens_of_the_caller(
    plain: Path, tmp_path: Path, case: str, given: dict[str, Any]
) -> None:
    folder = with_files(plain, tmp_path / "model", FILES[case])
    ours = npbert.AutoTokenizer.from_pretrained(folder, **given, rebuild=True)
    theirs = transformers.AutoTokenizer.from_pretrained(folder, **given)
    assert state_of(ours) == state_of(theirs)


@pytest.mark.parametrize("case", FILES)
def test_tokens_after_saving(tmp_path: Path, case: str) -> None:
    """What npbert has saved, npbert and transformers read alike."""
    folder = make_tokenizer(tmp_path / "made")
    for name, values in FILES[case].items():
        (folder / name).write_text(json.dumps(values))
    ours = npbert.AutoTokenizer.from_pretrained(folder)
    ours.save_pretrained(tmp_path / "saved")
    (tmp_path / "saved" / "config.json").write_text('{"model_type": "distilbert"}')
    again, theirs = load(tmp_path / "saved")
    assert state_of(again) == state_of(ours) == state_of(theirs)


@pytest.mark.parametrize("case", ["extra, a list", "map, flags", "added, and map", "no mask"])
def test_tokens_that_are_saved_beside_older_files(tmp_path: Path, case: str) -> None:
    """The files that another tokenizer has left in the folder are kept, and not read."""
    folder = with_files(make_tokenizer(tmp_path / "made"), tmp_path / "own", FILES[case])
    older = {
        MAP: {"mask_token": "[SEP]", "additional_special_tokens": ["film"], "x_token": "<x>"},
        ADDED: {"<b>": 30522},
    }
    saved = tmp_path / "saved"
    saved.mkdir()
    for name, values in older.items():
        (saved / name).write_text(json.dumps(values))
    ours = npbert.AutoTokenizer.from_pretrained(folder)
    ours.save_pretrained(saved)
    (saved / "config.json").write_text('{"model_type": "distilbert"}')
    again, theirs = load(saved)
    assert state_of(again) == state_of(ours) == state_of(theirs)
    assert {name: json.loads((saved / name).read_text(encoding="utf-8")) for name in older} == older


def test_tokens_as_attributes(tmp_path: Path) -> None:
    sides: Any = load(make_tokenizer(tmp_path, extra_special_tokens={"image_token": "<image>"}))
    for side in sides:
        assert (side.image_token, side.image_token_id) == ("<image>", 30522)
        assert side.get_vocab()["<image>"] == 30522
        with pytest.raises(AttributeError, match="video_token"):
            side.video_token  # noqa: B018


def test_extra_tokens_that_are_set(tmp_path: Path) -> None:
    sides: Any = load(make_tokenizer(tmp_path, extra_special_tokens=["<a>", "<b>"]))
    for side in sides:
        side.extra_special_tokens = ["<b>", AddedToken("film")]
        assert (side.extra_special_tokens, side.extra_special_tokens_ids[0]) == (
            ["<b>", "film"],
            30523,
        )
        side.extra_special_tokens_ids = [30522]
        assert side.extra_special_tokens == ["<a>"]
        assert side.all_special_tokens[-1] == "<a>"
        side.extra_special_tokens = None
        assert side.extra_special_tokens == []
    with pytest.raises(ValueError, match="extra_special_tokens is '<new>', expected a token that"):
        sides[0].extra_special_tokens = ["<new>"]
    with pytest.raises(
        ValueError, match=r"extra_special_tokens_ids is \[30529\], expected a token"
    ):
        sides[0].extra_special_tokens_ids = [30529]
