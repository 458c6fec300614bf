"""Values of a wrong type in the small files of a tokenizer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken

import npbert
from npbert.tokenization import schema
from tests.support.tokenizers import load, make_tokenizer

CONFIG, MAP, ADDED = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"
TOKEN = "a token: its text, or an object with its content and its flags"
ID = "a token id, which is an integer from 0"
FLAG = "true or false"
LIST = "a list of tokens"
LIST_OR_OBJECT = "a list of tokens, or an object of names and tokens"
OBJECT = "an object of names and tokens"
NUMBER = "a whole number of tokens"
SIDE = "one of: 'right', 'left'"

# The values of one key that are refused, and what was expected in their place.
SETTINGS: list[tuple[str, list[Any], str]] = [
    ("do_lower_case", ["false", 1, None], FLAG),
    ("tokenize_chinese_chars", ["true", None, 0], FLAG),
    ("split_special_tokens", ["false", 1, {}], FLAG),
    ("strip_accents", ["no", 0], "true, false or null"),
    ("clean_up_tokenization_spaces", ["yes", 1], "true, false or null"),
    ("model_max_length", ["512", True, -1, [512], 12.5, float("nan"), -float("inf")], NUMBER),
    ("max_len", ["512", {}], NUMBER),
    ("model_input_names", ["input_ids", [1], {}], "a list of names"),
    ("padding_side", ["top", "Left", None, 0, []], SIDE),
    ("truncation_side", [None, True], SIDE),
    ("tokenizer_class", [5, ["BertTokenizer"], {}], "a name"),
    ("pad_token", [5, False, [], {}, {"content": None}, {"text": "[PAD]"}], TOKEN),
    ("cls_token", [{}, 1.5, ["[CLS]"]], TOKEN),
    ("extra_special_tokens", [5, "<a>", False, 0], LIST_OR_OBJECT),
    ("additional_special_tokens", [True, "<a>"], LIST),
    ("model_specific_special_tokens", [5, ["<a>"], "<a>"], OBJECT),
]
# The same for values inside of others: the content of a file, the words that name the place, the
# value as it is shown, and what was expected.
INNER: list[tuple[str, dict[str, Any], str, str, str]] = [
    (MAP, {"mask_token": {"content": "<m>", "lstrip": "yes"}}, "mask_token.lstrip", "'yes'", FLAG),
    (CONFIG, {"eos_token": {"content": "<m>", "special": 1}}, "eos_token.special", "1", FLAG),
    (MAP, {"x_token": {"content": 5}}, "x_token", "{'content': 5}", TOKEN),
    (CONFIG, {"x_token": {"content": "<x>", "rstrip": 0}}, "x_token.rstrip", "0", FLAG),
    (MAP, {"extra_special_tokens": ["<a>", {}]}, "extra_special_tokens[1]", "{}", TOKEN),
    (CONFIG, {"extra_special_tokens": {"a": None}}, "extra_special_tokens['a']", "None", TOKEN),
    (MAP, {"additional_special_tokens": [None]}, "additional_special_tokens[0]", "None", TOKEN),
    (MAP, {"additional_special_tokens": {"a": "<a>"}}, "additional_special_tokens", "{'a'", LIST),
    (
        CONFIG,
        {"model_specific_special_tokens": {"x_token": 5}},
        "model_specific_special_tokens['x_token']",
        "5",
        TOKEN,
    ),
    (CONFIG, {"added_tokens_decoder": 5}, "added_tokens_decoder", "5", "an object of ids and tok"),
    (CONFIG, {"added_tokens_decoder": {"x": "<a>"}}, "added_tokens_decoder: a key", "'x'", ID),
    (CONFIG, {"added_tokens_decoder": {"-1": "<a>"}}, "added_tokens_decoder: a key", "'-1'", ID),
    (CONFIG, {"added_tokens_decoder": {"7": None}}, "added_tokens_decoder['7']", "None", TOKEN),
    (
        CONFIG,
        {"added_tokens_decoder": {"7": {"content": "<a>", "normalized": "no"}}},
        "added_tokens_decoder['7'].normalized",
        "'no'",
        FLAG,
    ),
    *(
        (ADDED, {"<a>": number}, "the id of '<a>'", shown, ID)
        for number, shown in {None: "None", True: "True", "x": "'x'", 7.5: "7.5", -1: "-1"}.items()
    ),
    (ADDED, {"<a>\x1b[2J": [7]}, r"the id of '<a>\x1b[2J'", "[7]", ID),
    (ADDED, {"<a>": "9" * 5000}, "the id of '<a>'", "'999", ID),
    *(
        (file, values, place, r"'\ud800'", "a text without halves of surrogate pairs")
        for file, values, place in (
            (CONFIG, {"mask_token": "\ud800"}, "mask_token"),
            (CONFIG, {"x_token": {"content": "\ud800"}}, "x_token"),
            (CONFIG, {"image_token": "\ud800"}, "image_token"),
            (MAP, {"extra_special_tokens": ["\ud800"]}, "extra_special_tokens[0]"),
            (ADDED, {"\ud800": 30522}, "a key"),
        )
    ),
    ("config.json", {"model_type": ["distilbert"]}, "model_type", "['distilbert']", "a name"),
    ("config.json", {"tokenizer_class": 5}, "tokenizer_class", "5", "a name"),
]


def write(folder: Path, file: str, values: dict[str, Any]) -> Path:
    make_tokenizer(folder)
    (folder / file).write_text(json.dumps(values))
    return folder


@pytest.mark.parametrize("file", [CONFIG, MAP])
@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [(name, value, expected) for name, values, expected in SETTINGS for value in values],
)
def test_wrong_settings(tmp_path: Path, file: str, name: str, value: Any, expected: str) -> None:
    folder = write(tmp_path, file, {name: value})
    begin = re.escape(f"{folder / file}: {name} is {value!r}, expected {expected}")
    with pytest.raises(ValueError, match=f"^{begin}"):
        npbert.AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize(("file", "values", "place", "shown", "expected"), INNER)
def test_wrong_values_inside_of_others(
    tmp_path: Path, file: str, values: dict[str, Any], place: str, shown: str, expected: str
) -> None:
    folder = write(tmp_path, file, values)
    begin, end = (
        re.escape(f"{folder / file}: {place} is {shown}"),
        re.escape(f", expected {expected}"),
    )
    with pytest.raises(ValueError, match=f"^{begin}.*{end}"):
        npbert.AutoTokenizer.from_pretrained(folder)


def test_wrong_values_of_the_caller(tmp_path: Path) -> None:
    load_with: Any = npbert.AutoTokenizer.from_pretrained
    folder = make_tokenizer(tmp_path)
    with pytest.raises(ValueError, match=r"^do_lower_case is 'false', expected true or false$"):
        load_with(folder, do_lower_case="false")
    with pytest.raises(ValueError, match=r"^extra_special_tokens\[0\] is 7, expected a token"):
        load_with(folder, extra_special_tokens=[7])
    assert load_with(folder, mask_token=AddedToken("<m>")).mask_token == "<m>"


@pytest.mark.parametrize(
    ("file", "values"),
    [
        (CONFIG, {"model_max_length": float("inf")}),
        (CONFIG, {"max_len": float("inf")}),
        (CONFIG, {"model_max_length": None}),
        (CONFIG, {"model_max_length": 12.0}),
        (CONFIG, {"model_max_length": 10**400}),
        (CONFIG, {"tokenizer_class": None, "extra_special_tokens": None}),
        (CONFIG, {"add_bos_token": True, "image_token": 5, "x_token": {"content": "<a>"}}),
        (CONFIG, {"x_token": {"__type": "AddedToken", "content": "<a>", "lstrip": True}}),
        (CONFIG, {"x_token": {"a": 1}, "y_token": ["<a>"], "my_own": {"pad_token": 5}}),
        (CONFIG, {"added_tokens_decoder": {" 30522 ": {"content": "<a>", "id": 7}}}),
        (MAP, {"x_token": {"content": "<a>", "special": False}, "y": 5}),
        (MAP, {"pad_token": None, "extra_special_tokens": None}),
        (MAP, {"model_specific_special_tokens": None}),
        (MAP, {"mask_token": {"content": "[MASK]", "lstrip": True, "other": 5}}),
        (ADDED, {"<a>": 30522.0}),
        (ADDED, {"<a>": "30522"}),
    ],
)
def test_values_that_transformers_reads(tmp_path: Path, file: str, values: dict[str, Any]) -> None:
    ours, theirs = load(write(tmp_path, file, values))
    for text in ("film <a> [MASK]", "[PAD]x"):
        assert ours(text).input_ids == theirs(text).input_ids
    assert dict(ours.special_tokens_map) == dict(theirs.special_tokens_map)
    assert min(ours.model_max_length, 10**20) == min(theirs.model_max_length, 10**20)
    added, expected = (
        {number: repr(token) for number, token in side.added_tokens_decoder.items()}
        for side in (ours, theirs)
    )
    assert added == expected


def test_settings_that_npbert_does_not_read_are_saved(tmp_path: Path) -> None:
    values = {"chat_template": "\ud800 é", "image_token": 5}
    folder = make_tokenizer(tmp_path / "made", **values)
    ours = npbert.AutoTokenizer.from_pretrained(folder)
    ours.save_pretrained(tmp_path / "saved")
    content = (tmp_path / "saved" / CONFIG).read_text(encoding="utf-8")
    assert '"\\ud800 é"' in content
    saved = json.loads(content)
    assert {name: saved[name] for name in values} == values


WORDS = st.sampled_from(["", "<n>", "[MASK]", "film", "7", "-1", "left", "\ud800", "\x1b[2J"])
NAMES = st.sampled_from(["content", "7", "special", "lstrip", "__type", "AddedToken", "a_token"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 12) | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=4,
)
KEYS = st.sampled_from([*schema.SETTINGS, "image_token", "auto_map", "init_inputs", "backend"])
FILES = st.fixed_dictionaries(
    {},
    optional={
        CONFIG: st.dictionaries(KEYS, JSON, max_size=2),
        MAP: st.dictionaries(KEYS, JSON, max_size=2),
        ADDED: st.dictionaries(WORDS, JSON, max_size=2),
        "config.json": st.dictionaries(st.sampled_from([*schema.CONFIG, "auto_map"]), JSON),
    },
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a vocabulary of a few words."""
    folder = tmp_path_factory.mktemp("small")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "film", "a"]
    (folder / "vocab.txt").write_text("\n".join(pieces))
    return folder


@settings(max_examples=300, deadline=None)
@given(files=FILES)
def test_any_value_is_honoured_or_refused(small: Path, files: dict[str, dict[str, Any]]) -> None:
    for file in (CONFIG, MAP, ADDED, "config.json"):
        (small / file).write_text(json.dumps(files.get(file, {})))
    try:
        tokenizer = npbert.AutoTokenizer.from_pretrained(small)
    except ValueError as error:
        assert type(error) is ValueError  # noqa: PT017 (or it is honoured)
        assert re.match(rf"{small}\b.*: |{small / 'vocab.txt'} lacks ", str(error))  # noqa: PT017
        assert str(error).isprintable()  # noqa: PT017
    else:
        ids = tokenizer("a film <n> [MASK]").input_ids
        assert len(tokenizer.decode(ids, skip_special_tokens=True)) < 40
        assert len(tokenizer.all_special_ids) == len(tokenizer.all_special_tokens)
