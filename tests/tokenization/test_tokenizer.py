"""Token ids against the published ones and against transformers."""

from __future__ import annotations

import json
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

import npbert
from npbert.tokenization.tokenizer import Tokenizer
from tests.support.paths import DATA

PUBLISHED = [
    row
    for row in map(json.loads, (DATA / "published_logits.jsonl").read_text().splitlines())
    if row["text"]
]
SENTENCES = [
    "I've been waiting for a HuggingFace course my whole life.",
    "I hate this so much!",
]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"padding": True},
    {"padding": "longest", "truncation": True},
    {"padding": "max_length", "max_length": 9, "truncation": True},
    {"padding": "max_length"},
    {"max_length": 5},
    {"max_length": 12, "truncation": "only_first"},
    {"truncation": "longest_first"},
    {"truncation": False, "padding": False},
    {"truncation": "do_not_truncate", "padding": "do_not_pad"},
    {"add_special_tokens": False},
    {"return_attention_mask": False},
]


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


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row["text"][0][:20])
def test_published_ids(ours: Tokenizer, row: dict[str, Any]) -> None:
    inputs = ours(row["text"], padding=True, truncation=True, return_tensors="np")
    assert list(inputs) == ["input_ids", "attention_mask"]
    np.testing.assert_array_equal(inputs.input_ids, row["input_ids"])
    np.testing.assert_array_equal(inputs["attention_mask"], row["attention_mask"])
    assert inputs.input_ids.dtype == inputs.attention_mask.dtype == np.int64


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(
    "args",
    [
        ("a single text",),
        (SENTENCES,),
        ([SENTENCES[0]],),
        ("", "second"),
        ("one text", "and its pair, which is longer"),
        (["a", "b c d e"], ["f g h", "i"]),
        ([],),
    ],
    ids=str,
)
def test_lists_equal_those_of_transformers(
    ours: Tokenizer, theirs: Any, args: tuple[Any, ...], options: dict[str, Any]
) -> None:
    if args == ([],):
        assert ours(*args, **options)["input_ids"] == []
        return
    options = {**options, "return_token_type_ids": True}
    assert dict(ours(*args, **options)) == dict(theirs(*args, **options))


def text_strategy() -> st.SearchStrategy[str]:
    words = st.sampled_from(
        ["film", "don't", "naïve", "東京", "[MASK]", "[SEP]", "😀", "\t", "\x00", "é", "ß", "İ",
         "unaffable", "x" * 120, "...", "\u200d", "\ufffd", "½", "ﬁ"]
    )  # fmt: skip
    anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    return st.lists(st.one_of(words, anything), max_size=8).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(text=text_strategy())
def test_any_text_gets_the_ids_of_transformers(text: str) -> None:
    pair = _cached_pair()
    assert pair[0](text)["input_ids"] == pair[1](text)["input_ids"]


def _cached_pair() -> tuple[Tokenizer, Any]:
    """Both tokenizers; hypothesis cannot use fixtures of a narrower scope."""
    if not _PAIR:
        folder = Path(tempfile.mkdtemp())
        shutil.copy(DATA / "vocab.txt", folder)
        _PAIR.append(Tokenizer.from_folder(folder))
        _PAIR.append(transformers.BertTokenizer(vocab=str(DATA / "vocab.txt")))
    return _PAIR[0], _PAIR[1]


_PAIR: list[Any] = []


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


def test_columns_of_texts_count_as_lists(ours: Tokenizer) -> None:
    expected = ours(SENTENCES)
    assert ours(tuple(SENTENCES)) == expected
    assert ours(np.array(SENTENCES)) == expected


def test_threads_share_one_tokenizer(ours: Tokenizer) -> None:
    """Each call with another truncation: a setting of another thread would show."""

    def lengths(max_length: int) -> bool:
        ids = ours(["word " * 50] * 20, truncation=True, max_length=max_length).input_ids
        return {len(row) for row in ids} == {max_length}

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lengths, [3 + n % 40 for n in range(200)]))


# ------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("args", "options", "error", "message"),
    [
        ((None,), {}, TypeError, r"text is None \(NoneType\), expected a str"),
        ((["a", 3],), {}, TypeError, r"text 1 is 3 \(int\)"),
        (([b"a"],), {}, TypeError, "text 0 is b'a'"),
        (("a\ud800",), {}, ValueError, "lone surrogate .* at character 1"),
        ((["a", "b"], ["c"]), {}, ValueError, "text_pair is 1 texts, expected a list of 2"),
        ((["a", "b"], "c"), {}, ValueError, "text_pair is a str"),
        (("a",), {"return_tensors": "pt"}, ValueError, "return_tensors is 'pt', expected 'np'"),
        (("a",), {"paddding": True}, TypeError, "'paddding'; did you mean 'padding'"),
        (("a",), {"padding": "longst"}, ValueError, "padding is 'longst'"),
        (("a",), {"truncation": 128}, ValueError, "truncation is 128"),
        (("a",), {"max_length": 0}, ValueError, "max_length is 0, expected a positive"),
        (("a",), {"max_length": 2, "truncation": True}, ValueError, "no room .* at least 3"),
        (("a", "b"), {"max_length": 3, "truncation": True}, ValueError, "at least 4"),
        (("a b c",), {"truncation": "only_second", "max_length": 4}, ValueError, "cannot cut to"),
        (
            ("a", "b c d e f"),
            {"truncation": "only_first", "max_length": 4},
            ValueError,
            "truncation='only_first' cannot cut to max_length 4",
        ),
        ((SENTENCES,), {"return_tensors": "np"}, ValueError, "8 to 16 tokens .* padding=True"),
    ],
    ids=str,
)
def test_bad_input(
    ours: Tokenizer,
    args: tuple[Any, ...],
    options: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        ours(*args, **options)


def test_a_missing_field_says_what_there_is(ours: Tokenizer) -> None:
    with pytest.raises(AttributeError, match="there is: input_ids, attention_mask"):
        _ = ours("a").token_type_ids


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no tokenizer.json and no vocab.txt"),
        ({"vocab.txt": "a\nb\n"}, r"lacks the special tokens \[UNK\], \[SEP\]"),
        ({"vocab.txt": b"\xff\xfe"}, "not a UTF-8 text file"),
        ({"tokenizer.json": "{}"}, "cannot be read as a tokenizer"),
        ({"tokenizer.json": "<html>"}, "cannot be read as a tokenizer"),
        ({"vocab.txt": "a", "tokenizer_config.json": "nonsense"}, "not a JSON file"),
        ({"vocab.txt": "a", "tokenizer_config.json": "[]"}, "expected a JSON object"),
        ({"vocab.txt": "a", "added_tokens.json": '{"<x>": 7}'}, "'<x>' should be token 7.*it 1"),
        ({"vocab.txt": "a", "special_tokens_map.json": "[]"}, "expected a JSON object"),
    ],
    ids=str,
)
def test_bad_files(tmp_path: Path, files: dict[str, str | bytes], message: str) -> None:
    (tmp_path / "config.json").write_text("{}")
    for name, content in files.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message):
        npbert.AutoTokenizer.from_pretrained(tmp_path)
