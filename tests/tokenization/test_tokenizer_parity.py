"""The tokenizer beside transformers': the same calls through both, or both refuse.

`token_type_ids` that nobody asked for are left out of the comparison, and calls without room
for text are refused by npbert alone: docs/differences.md.
"""

from __future__ import annotations

import copy
import json
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import npbert
from npbert.tokenization.tokenizer import Tokenizer
from tests.support.oracles import VOCAB
from tests.support.paths import DATA

STRINGS = [
    json.loads(line)
    for line in (DATA / "tokenizer_strings.jsonl").read_text(encoding="utf-8").splitlines()
]
VARIANTS: dict[str, dict[str, Any]] = {
    "uncased": {},
    "cased": {"do_lower_case": False},
    "keeps-accents": {"strip_accents": False},
    "cased-strips-accents": {"do_lower_case": False, "strip_accents": True},
    "chinese-in-words": {"tokenize_chinese_chars": False},
}
Sides = tuple[Tokenizer, Any]


def make_tokenizer(folder: Path, **changes: Any) -> Path:
    """A folder with a tokenizer alone."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(VOCAB, folder)
    (folder / "config.json").write_text('{"model_type": "distilbert"}')
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 24} | changes))
    return folder


def load(folder: Path) -> Sides:
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    return npbert.AutoTokenizer.from_pretrained(folder), theirs


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sides:
    folder = tmp_path_factory.mktemp("tokenizer")
    return load(make_tokenizer(folder, **VARIANTS[request.param]))


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Sides:
    return load(make_tokenizer(tmp_path_factory.mktemp("tokenizer")))


def same(ours: Any, theirs: Any, asked: dict[str, Any]) -> None:
    """The same columns, in the same order, of the same kinds and values."""
    columns = dict(theirs)
    if "return_token_type_ids" not in asked:
        columns.pop("token_type_ids", None)
    assert list(ours) == list(columns)
    for name, column in columns.items():
        assert isinstance(ours[name], type(column))
        if isinstance(column, np.ndarray):
            assert ours[name].dtype == column.dtype
            np.testing.assert_array_equal(ours[name], column)
        else:
            assert ours[name] == column
    assert [row.tokens for row in ours.encodings] == [row.tokens for row in theirs.encodings]


def test_there_are_enough_strings() -> None:
    assert len(set(STRINGS)) == len(STRINGS) >= 300


def test_strings(variant: Sides) -> None:
    ours, theirs = variant
    asked: dict[str, Any] = {"return_offsets_mapping": True, "return_special_tokens_mask": True}
    for text in STRINGS:
        same(ours(text, **asked), theirs(text, **asked), asked)
        assert ours.tokenize(text) == theirs.tokenize(text)


def test_strings_come_back(variant: Sides) -> None:
    ours, theirs = variant
    for text in STRINGS:
        ids = theirs(text)["input_ids"]
        for skip in (False, True):
            for clean in (None, True):
                options: dict[str, Any] = {
                    "skip_special_tokens": skip,
                    "clean_up_tokenization_spaces": clean,
                }
                assert ours.decode(ids, **options) == theirs.decode(ids, **options)
        assert ours.convert_ids_to_tokens(ids) == theirs.convert_ids_to_tokens(ids)


# --------------------------------------------------------------------- calls of all kinds

WORDS = st.sampled_from(
    ["film", "don't", "naïve", "東京", "[MASK]", "[SEP]", "😀", "\t", "\x00", "é", "unaffable",
     "x" * 120, "...", "\u200d", "½", "a b c d e f g h i j k l m n o p q r s t u v w x y z"]
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(WORDS, max_size=5).map(" ".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
SPLIT = st.lists(TEXTS, max_size=4)


def batches(item: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """One item, a pair of items, a list of items, a list of pairs in both ways to write it."""
    pairs = st.lists(st.tuples(item, item), min_size=1, max_size=3)
    return st.one_of(
        st.tuples(item),
        st.tuples(item, item),
        st.tuples(st.lists(item, min_size=1, max_size=3)),
        pairs.map(lambda rows: tuple(map(list, zip(*rows, strict=True)))),
    )


FLAGS = st.booleans()
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "add_special_tokens": FLAGS,
        "padding": st.sampled_from([True, False, "longest", "max_length", "do_not_pad"]),
        "truncation": st.sampled_from(
            [True, False, None, "longest_first", "only_first", "only_second", "do_not_truncate"]
        ),
        "max_length": st.sampled_from([4, 5, 8, 16, 32]),
        "stride": st.sampled_from([0, 1, 2, 3]),
        "pad_to_multiple_of": st.sampled_from([1, 4, 8]),
        "padding_side": st.sampled_from(["left", "right"]),
        "return_tensors": st.sampled_from([None, "np"]),
        "return_token_type_ids": FLAGS,
        "return_attention_mask": FLAGS,
        "return_overflowing_tokens": FLAGS,
        "return_special_tokens_mask": FLAGS,
        "return_offsets_mapping": FLAGS,
        "return_length": FLAGS,
        "split_special_tokens": FLAGS,
    },
)
NO_ROOM = ("leaves no room", "stride is", "do not make an array")  # refused on purpose


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
@pytest.mark.filterwarnings("ignore:`max_length` is ignored")
def test_any_call(sides: Sides, data: st.DataObject) -> None:
    ours, theirs = sides
    split = data.draw(FLAGS, "split")
    arguments = data.draw(batches(SPLIT if split else TEXTS), "arguments")
    options: dict[str, Any] = data.draw(OPTIONS, "options") | (
        {"is_split_into_words": True} if split else {}
    )
    try:
        result = ours(*arguments, **options)
    except ValueError as error:
        if not any(part in str(error) for part in NO_ROOM):
            with pytest.raises(BaseException):  # noqa: B017, PT011 - a plain one, or a panic
                theirs(*arguments, **options)
        return
    same(result, theirs(*arguments, **options), options)


def test_pairs_as_items(sides: Sides) -> None:
    ours, theirs = sides
    for items in ([("a", "b c")], [["a b", "c"], ["d", ""]], [("a", "b"), "c d"]):
        same(ours(items), theirs(items), {})


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=3))
def test_the_way_to_characters_and_back(sides: Sides, texts: list[tuple[str, str]]) -> None:
    ours, theirs = (side(texts, padding=True) for side in sides)
    assert ours.n_sequences == theirs.n_sequences
    for row in range(len(texts)):
        assert ours.tokens(row) == theirs.tokens(row)
        assert ours.word_ids(row) == theirs.word_ids(row)
        assert ours.sequence_ids(row) == theirs.sequence_ids(row)
        assert ours[row].ids == theirs[row].ids
        for place in range(len(ours.tokens(row))):
            for method in ("token_to_sequence", "token_to_word", "token_to_chars"):
                result = getattr(ours, method)(row, place)
                assert result == getattr(theirs, method)(row, place)
                if row == 0:
                    assert result == getattr(ours, method)(place)
                    from_end = place - len(ours.tokens(row))
                    assert result == getattr(ours, method)(row, from_end)
        for sequence in (0, 1):
            for place in range(len(texts[row][sequence])):
                for method in ("char_to_token", "char_to_word"):
                    result = getattr(ours, method)(row, place, sequence)
                    assert result == getattr(theirs, method)(row, place, sequence)
            for word in {*ours.word_ids(row)} - {None}:
                result = ours.word_to_tokens(row, word, sequence)
                assert result == theirs.word_to_tokens(row, word, sequence)
                if result is not None:
                    span = ours.word_to_chars(row, word, sequence)
                    assert span == theirs.word_to_chars(row, word, sequence)
                    assert (span.start, span.end) == span


@settings(max_examples=150, deadline=None)
@given(
    texts=st.lists(TEXTS, min_size=1, max_size=4),
    options=st.fixed_dictionaries(
        {},
        optional={
            "padding": st.sampled_from([True, False, "longest", "max_length"]),
            "max_length": st.sampled_from([40, 64]),
            "pad_to_multiple_of": st.sampled_from([1, 8]),
            "padding_side": st.sampled_from(["left", "right"]),
        },
    ),
    asked=st.fixed_dictionaries(
        {"return_token_type_ids": FLAGS},
        optional={"return_special_tokens_mask": FLAGS, "return_attention_mask": FLAGS},
    ),
    form=st.sampled_from(["batch", "rows", "one"]),
)
@pytest.mark.filterwarnings("ignore:`max_length` is ignored")
def test_pad(
    sides: Sides, texts: list[str], options: dict[str, Any], asked: dict[str, Any], form: str
) -> None:
    results = []
    for side in sides:
        encoded: Any = side(texts, truncation=True, **asked)
        if form == "rows":
            encoded = [{name: encoded[name][row] for name in encoded} for row in range(len(texts))]
        elif form == "one":
            encoded = side(texts[0], truncation=True, **asked)
        results.append(dict(side.pad(encoded, **options)))
    assert results[0] == results[1]


def test_pad_makes_arrays(sides: Sides) -> None:
    rows = [{"input_ids": [101, 102]}, {"input_ids": [101, 7592, 102]}]
    ours, theirs = (side.pad(rows, return_tensors="np") for side in sides)
    assert list(ours) == list(theirs)
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name])
    again = sides[0].pad(ours, pad_to_multiple_of=4)
    assert again["input_ids"] == [[101, 102, 0, 0], [101, 7592, 102, 0]]
    with pytest.raises(ValueError, match="padded, so their texts are not known"):
        ours.tokens()


# ---------------------------------------------------------------------------- vocabulary


def test_vocabulary_and_special_tokens(variant: Sides) -> None:
    ours, theirs = variant
    for name in ("unk", "sep", "pad", "cls", "mask", "bos", "eos"):
        assert getattr(ours, f"{name}_token") == getattr(theirs, f"{name}_token")
        assert getattr(ours, f"{name}_token_id") == getattr(theirs, f"{name}_token_id")
    for name in (
        *("all_special_tokens", "all_special_ids", "special_tokens_map", "vocab_size"),
        *("model_max_length", "padding_side", "truncation_side", "pad_token_type_id", "is_fast"),
        *("max_len_single_sentence", "max_len_sentences_pair"),
    ):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert len(ours) == len(theirs)
    assert ours.get_vocab() == ours.vocab == theirs.get_vocab()
    assert list(ours.get_added_vocab().items()) == list(theirs.get_added_vocab().items())
    assert type(ours.backend_tokenizer) is type(theirs.backend_tokenizer)
    for pair in (False, True):
        assert ours.num_special_tokens_to_add(pair) == theirs.num_special_tokens_to_add(pair)
    ids = [101, 7592, 103, 102, 0]
    tokens = ["[CLS]", "hello", "##zzzz", "nonsense token", "[PAD]"]
    assert ours.convert_tokens_to_ids(tokens) == theirs.convert_tokens_to_ids(tokens)
    assert ours.convert_tokens_to_ids("film") == theirs.convert_tokens_to_ids("film")
    assert ours.convert_ids_to_tokens(7592) == theirs.convert_ids_to_tokens(7592)
    for skip in (False, True):
        expected = theirs.convert_ids_to_tokens(ids, skip_special_tokens=skip)
        assert ours.convert_ids_to_tokens(np.array(ids), skip_special_tokens=skip) == expected
    expected = theirs.get_special_tokens_mask(ids, already_has_special_tokens=True)
    assert ours.get_special_tokens_mask(ids, already_has_special_tokens=True) == expected
    pieces = ["un", "##aff", "##able", "!", "it", "'", "s"]
    assert ours.convert_tokens_to_string(pieces) == theirs.convert_tokens_to_string(pieces)
    with pytest.raises(AttributeError, match="no attribute 'klass_token'"):
        _ = ours.klass_token  # type: ignore[attr-defined]


@pytest.mark.parametrize("ids", [7592, [7592, 999], [[101, 7592], [2023, 2003]], [], [[101], []]])
def test_decode(sides: Sides, ids: Any) -> None:
    ours, theirs = sides
    assert ours.decode(ids) == theirs.decode(ids)
    assert ours.batch_decode(ids) == theirs.batch_decode(ids)
    if ids != [[101], []]:  # which makes no array
        assert ours.decode(np.array(ids, np.int64)) == ours.decode(ids)


def test_encode(sides: Sides) -> None:
    ours, theirs = sides
    for arguments in (("a film",), ("a", "b c")):
        for options in ({}, {"add_special_tokens": False}, {"max_length": 4, "truncation": True}):
            expected = theirs.encode(*arguments, **options)
            assert ours.encode(*arguments, **options) == expected
    np.testing.assert_array_equal(
        ours.encode("a film", return_tensors="np"), theirs.encode("a film", return_tensors="np")
    )


# --------------------------------------------------------------------------------- files


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


def test_saving_replaces_nothing_but_itself(tmp_path: Path, sides: Sides) -> None:
    ours, _ = sides
    ours.save_pretrained(tmp_path)
    ours.save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(FileExistsError, match=r"tokenizer\.json exists and holds something else"):
        ours.save_pretrained(tmp_path)
    assert (tmp_path / "tokenizer.json").read_text() == "{}"


def test_tokens_that_were_added(tmp_path: Path) -> None:
    """In the three places where releases of transformers have kept them."""
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
        same(ours(texts), theirs(texts), {})
        ids = theirs(texts[0])["input_ids"]
        assert ours.decode(ids, True) == theirs.decode(ids, skip_special_tokens=True)


@pytest.mark.parametrize("lower_case", [None, True, False])
@pytest.mark.parametrize("kind", ["DistilBertTokenizer", "PreTrainedTokenizerFast"])
def test_settings_that_contradict_tokenizer_json(
    tmp_path: Path, lower_case: bool | None, kind: str
) -> None:
    """BERT's classes take the settings, the plain class tokenizer.json."""
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
    same(
        ours(texts, padding=True, truncation=True), theirs(texts, padding=True, truncation=True), {}
    )


# ------------------------------------------------------------------------------- threads


def test_other_special_tokens(tmp_path: Path) -> None:
    ours, theirs = load(make_tokenizer(tmp_path))
    batch = ["one", "one two"]
    for name, value in (("pad_token", "[MASK]"), ("cls_token_id", 7592), ("pad_token_id", 100)):
        for side in (ours, theirs):
            setattr(side, name, value)
        assert ours(batch, padding=True)["input_ids"] == theirs(batch, padding=True)["input_ids"]
        assert ours.special_tokens_map == theirs.special_tokens_map
        assert ours.pad_token_id == theirs.pad_token_id
    with pytest.raises(ValueError, match="pad_token is 'blorpish', expected a token that"):
        ours.pad_token = "blorpish"
    with pytest.raises(ValueError, match="pad_token_id is 99999, expected a token"):
        ours.pad_token_id = 99999


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


def test_columns_that_are_no_ids(sides: Sides) -> None:
    rows = [{"input_ids": [1], "labels": 0.5}, {"input_ids": [1, 2], "labels": 1.5}]
    for result in (side.pad(rows, return_tensors="np") for side in sides):
        assert result["labels"].tolist() == [0.5, 1.5]
        assert result["labels"].dtype.kind == "f"
        assert result["input_ids"].dtype == np.int64
    for one in (side.pad({"input_ids": [1, 2]}, return_tensors="np") for side in sides):
        assert one["input_ids"].shape == (2,)


def test_an_encoding_is_changed_and_copied(sides: Sides) -> None:
    for side in sides:
        encoding = side(["one", "two"])
        encoding.data["labels"] = [0, 1]
        assert encoding.labels == [0, 1]
        twin = encoding.copy()
        assert twin.tokens(1) == encoding.tokens(1)
        twin["labels"] = [4, 5]
        assert encoding["labels"] == [0, 1]
        merged = encoding | {"labels": [2, 3]}
        assert (merged.labels, encoding.labels) == ([2, 3], [0, 1])
        assert merged.input_ids == encoding.input_ids


def test_pairs_of_words(sides: Sides) -> None:
    words, more = ["My", "name"], ["is", "unaffable", "!"]
    for batch in ([(words, more)], [(words, more), (more, words)], [[words, more]]):
        ours, theirs = (side(batch, is_split_into_words=True)["input_ids"] for side in sides)
        assert ours == theirs
    assert sides[0](np.array(words), is_split_into_words=True)["input_ids"]


def test_numbers_of_numpy_and_arguments_by_place(sides: Sides) -> None:
    options: dict[str, Any] = {"padding": "max_length", "truncation": True}
    options["max_length"] = np.int64(16)
    ours, theirs = (side("one two", **options) for side in sides)
    assert ours["input_ids"] == theirs["input_ids"]
    for arguments in ((None, False), ("two", True, "max_length", True, 8)):
        ours, theirs = (side.encode("one", *arguments) for side in sides)
        assert ours == theirs
    ids = sides[0].encode("one")
    assert sides[0].decode(ids, spaces_between_special_tokens=True) == sides[1].decode(ids)
    assert sides[0].added_tokens_decoder.keys() == sides[1].added_tokens_decoder.keys()


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


def test_threads_share_one(sides: Sides) -> None:
    """Truncation and padding are settings of one backend; no call sees those of another."""
    ours, _ = sides
    text = "a b c d e f g h i j k l m n o p q r s t u v w x y z"

    def call(length: int) -> tuple[int, int]:
        cut = ours(text, truncation=True, max_length=length)["input_ids"]
        padded = ours("a", padding="max_length", max_length=length)["input_ids"]
        return len(cut), len(padded)

    lengths = [3 + number % 17 for number in range(400)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(call, lengths)) == [(length, length) for length in lengths]
