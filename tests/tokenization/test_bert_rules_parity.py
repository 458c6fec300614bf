"""The rules of BERT's tokenizer: lines of vocab.txt, and parts of tokenizer.json."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import transformers

import npbert
from tests.support.tokenizers import load, make_tokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARIES: dict[str, bytes] = {
    "plain": b"a\nb\n##c\n",
    "no newline at the end": b"a\nb\n##c",
    "blanks at the ends of lines": b"a \nb\t\n##c  \n",
    "blanks at the beginnings of lines": b" a\n\tb\n##c\n",
    "Windows": b"a\r\nb\r\n##c\r\n",
    "lone carriage returns": b"a\rb\r\n##c\n",
    "blank lines": b"a\n\nb\n\n\n##c\n",
    "blanks alone": b"a\n \nb\n\t\n##c\n",
    "duplicates": b"a\nb\na\n##c\nb\nd\n",
    "a line separator": "a\u2028\nx\u2028y\nb\n##c\n".encode(),
    "next line": "a\u0085\nx\u0085y\nb\n##c\n".encode(),
    "no-break and ideographic spaces": "a\u00a0\nb\u3000\n\u3000\n##c\n".encode(),
    "form feed": b"a\x0c\nb\n\x1c##c\n",
    "NUL": b"a\nb\x00\n##c\n",
}


@pytest.mark.parametrize("pieces", VOCABULARIES.values(), ids=VOCABULARIES)
def test_lines_of_a_vocabulary(tmp_path: Path, pieces: bytes) -> None:
    folder = make_tokenizer(tmp_path)
    newline = b"\r\n" if b"b\r\n" in pieces else b"\n"
    (folder / "vocab.txt").write_bytes(newline.join([*map(str.encode, SPECIAL), pieces]))
    ours, theirs = load(folder)
    assert ours.get_vocab() == theirs.get_vocab()
    assert (len(ours), ours.vocab_size) == (len(theirs), theirs.vocab_size)
    text = "a b ac bc x y d [MASK]"
    assert ours(text)["input_ids"] == theirs(text)["input_ids"]


@pytest.mark.parametrize("lacking", ["[PAD]", "[MASK]", "a byte-order mark"])
def test_a_token_that_the_vocabulary_lacks(tmp_path: Path, lacking: str) -> None:
    """Most tasks do not need it, so it gets an id behind the vocabulary, as in transformers."""
    folder = make_tokenizer(tmp_path)
    lines = [token for token in SPECIAL if token != lacking] + ["a", "b"]
    mark = "\ufeff" if lacking == "a byte-order mark" else ""  # makes [PAD] another piece
    (folder / "vocab.txt").write_text(mark + "\n".join(lines), encoding="utf-8")
    ours, theirs = load(folder)
    assert ours.get_vocab() == theirs.get_vocab()
    text = "a [MASK] b [PAD]"
    assert ours(text)["input_ids"] == theirs(text)["input_ids"]
    assert ours.special_tokens_map == theirs.special_tokens_map


# ------------------------------------------------------------------ parts of tokenizer.json

BERT = {
    "type": "BertNormalizer",
    "clean_text": True,
    "handle_chinese_chars": True,
    "strip_accents": None,
    "lowercase": True,
}
CLS, SEP = ({"SpecialToken": {"id": token, "type_id": 0}} for token in ("[CLS]", "[SEP]"))
A, B = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
# Changes of tokenizer.json that change nothing for a class of BERT, or the settings decide.
SAME: dict[str, dict[str, Any]] = {
    "nothing": {},
    "an older way to say the same": {
        "post_processor": {
            "type": "BertProcessing",
            "sep": ["[SEP]", 102],
            "cls": ["[CLS]", 101],
        }
    },
    "a cased normalizer": {"normalizer": {**BERT, "lowercase": False}},
    "padding and truncation": {
        "padding": {
            "strategy": {"Fixed": 12},
            "direction": "Left",
            "pad_to_multiple_of": None,
            "pad_id": 0,
            "pad_type_id": 0,
            "pad_token": "[PAD]",
        },
        "truncation": {
            "direction": "Left",
            "max_length": 9,
            "strategy": "LongestFirst",
            "stride": 0,
        },
    },
}
# Changes that transformers 5 undoes, and what the warning says about them.
OTHER: dict[str, tuple[dict[str, Any], str]] = {
    "no post-processor": ({"post_processor": None}, r"post_processor \(none\).*puts no \[CLS\]"),
    "[CLS] at the end": (
        {
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [A, SEP, CLS],
                "pair": [A, SEP, B, SEP, CLS],
                "special_tokens": {
                    token: {"id": token, "ids": [number], "tokens": [token]}
                    for token, number in (("[CLS]", 101), ("[SEP]", 102))
                },
            }
        },
        r"post_processor \(TemplateProcessing\).*puts no \[CLS\]",
    ),
    "Roberta's post-processor": (
        {
            "post_processor": {
                "type": "RobertaProcessing",
                "sep": ["[SEP]", 102],
                "cls": ["[CLS]", 101],
                "trim_offsets": True,
                "add_prefix_space": False,
            }
        },
        r"post_processor \(RobertaProcessing\)",
    ),
    "no normalizer": ({"normalizer": None}, r"normalizer \(none\)"),
    "another normalizer": ({"normalizer": {"type": "Lowercase"}}, r"normalizer \(Lowercase\)"),
    "several normalizers": (
        {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, BERT]}},
        r"normalizer \(Sequence\)",
    ),
    "control characters": (
        {"normalizer": {**BERT, "clean_text": False}},
        r"normalizer \(clean_text False\)",
    ),
    "another pre-tokenizer": (
        {"pre_tokenizer": {"type": "WhitespaceSplit"}},
        r"pre_tokenizer \(WhitespaceSplit\)",
    ),
    "long words": (
        {"model": {"max_input_chars_per_word": 200}},
        r"model \(max_input_chars_per_word 200\)",
    ),
    "another unknown token": ({"model": {"unk_token": "[MASK]"}}, r"model \(unk_token '\[MASK\]'"),
    "another prefix": (
        {"model": {"continuing_subword_prefix": "@@"}},
        r"model \(continuing_subword_prefix '@@'\)",
    ),
    "no decoder": ({"decoder": None}, r"decoder \(none\)"),
    "a decoder that cleans nothing": (
        {"decoder": {"type": "WordPiece", "prefix": "##", "cleanup": False}},
        r"decoder \(cleanup False\)",
    ),
    "two parts": (
        {"normalizer": None, "pre_tokenizer": {"type": "Whitespace"}},
        r"normalizer \(none\), pre_tokenizer \(Whitespace\)",
    ),
}
TEXTS = [
    "Naïve Café [MASK] unaffable, don't!",
    "x" * 120 + " it's",
    "東京\x00 3.5 \u200b tab\tx\n",
]
PLAIN = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    **{f"{name.lower()}_token": f"[{name}]" for name in ("PAD", "UNK", "CLS", "SEP", "MASK")},
}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The contents of a tokenizer.json that transformers has written."""
    made = make_tokenizer(tmp_path_factory.mktemp("made"))
    folder = tmp_path_factory.mktemp("saved")
    transformers.AutoTokenizer.from_pretrained(made).save_pretrained(folder)
    values: dict[str, Any] = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    return values


def write(
    folder: Path, described: dict[str, Any], change: dict[str, Any], settings: dict[str, Any]
) -> Path:
    changed = {**described, **change, "model": {**described["model"], **change.get("model", {})}}
    (folder / "tokenizer.json").write_text(json.dumps(changed), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "config.json").write_text('{"model_type": "distilbert"}')
    return folder


def state_of(tokenizer: Any) -> dict[str, Any]:
    options: dict[str, Any] = {"padding": "max_length", "truncation": True, "max_length": 10}
    ids = tokenizer(TEXTS)["input_ids"]
    return {
        "ids": ids,
        "pairs": tokenizer(TEXTS, TEXTS[::-1])["input_ids"],
        "padded": tokenizer(TEXTS, **options)["input_ids"],
        "decoded": [tokenizer.decode(row) for row in ids],
    }


@pytest.mark.filterwarnings("error:.*transformers 5")
@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
@pytest.mark.parametrize("settings", [{}, {"do_lower_case": False}, PLAIN], ids=str)
def test_parts_that_are_the_same(
    tmp_path: Path, described: dict[str, Any], change: dict[str, Any], settings: dict[str, Any]
) -> None:
    ours, theirs = load(write(tmp_path, described, change, settings))
    assert state_of(ours) == state_of(theirs)


@pytest.mark.parametrize(("change", "warning"), OTHER.values(), ids=OTHER)
def test_parts_that_transformers_5_replaces(
    tmp_path: Path, described: dict[str, Any], change: dict[str, Any], warning: str
) -> None:
    """npbert keeps them, as transformers does for the plain class, or it rebuilds them."""
    folder = write(tmp_path, described, change, {})
    theirs = state_of(transformers.AutoTokenizer.from_pretrained(folder))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rebuilt = npbert.AutoTokenizer.from_pretrained(folder, rebuild=True)
    assert state_of(rebuilt) == theirs
    with pytest.warns(UserWarning, match=f"which replaces: {warning}") as caught:
        kept = npbert.AutoTokenizer.from_pretrained(folder)
    assert [Path(one.filename).name for one in caught] == [Path(__file__).name]
    write(tmp_path, described, change, PLAIN)
    assert state_of(kept) == state_of(transformers.AutoTokenizer.from_pretrained(folder))


def test_added_tokens_that_transformers_5_leaves_out(
    tmp_path: Path, described: dict[str, Any]
) -> None:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "special"), False)
    added = {"id": 30522, "content": "<zz>", "normalized": True, **flags}
    change = {"added_tokens": [*described["added_tokens"], added]}
    settings = {"added_tokens_decoder": {"0": {"content": "[PAD]", "special": True}}}
    folder = write(tmp_path, described, change, settings)
    with pytest.warns(UserWarning, match=r"replaces: added_tokens \(<zz>\)"):
        ours = npbert.AutoTokenizer.from_pretrained(folder)
    assert 30522 in ours("a <zz>")["input_ids"]
    rebuilt = npbert.AutoTokenizer.from_pretrained(folder, rebuild=True)
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    assert rebuilt("a <zz>")["input_ids"] == theirs("a <zz>")["input_ids"]


def test_settings_that_would_change_nothing(tmp_path: Path, described: dict[str, Any]) -> None:
    folder = write(tmp_path, described, {"normalizer": {"type": "Lowercase"}}, {})
    with pytest.raises(ValueError, match=r"do_lower_case is False, but .*\(Lowercase\).*rebuild"):
        npbert.AutoTokenizer.from_pretrained(folder, do_lower_case=False)
    write(folder, described, {}, PLAIN)
    assert npbert.AutoTokenizer.from_pretrained(folder, do_lower_case=True)("A").input_ids
    with pytest.raises(ValueError, match=r"strip_accents is False, but .*leave it out$"):
        npbert.AutoTokenizer.from_pretrained(folder, strip_accents=False)
    with pytest.raises(ValueError, match="rebuild is True, but tokenizer_class of tokenizer_conf"):
        npbert.AutoTokenizer.from_pretrained(folder, rebuild=True)
