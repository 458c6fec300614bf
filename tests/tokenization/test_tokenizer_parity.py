"""The calls of a tokenizer, compared with transformers: the same result, or both refuse.

`token_type_ids` that the call did not ask for are left out of the comparison. Calls that leave no
room for text are refused by npbert alone. Both are in docs/differences.md.
"""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import pytest
import transformers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from npbert.tokenization.tokenizer import Tokenizer
from tests.support.oracles import VOCAB
from tests.support.tokenizers import FLAGS, SENTENCES, STRINGS, TEXTS, Sides, assert_same

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


@pytest.fixture(scope="module")
def without_settings(tmp_path_factory: pytest.TempPathFactory) -> Sides:
    """The tokenizers of a vocabulary alone."""
    folder = tmp_path_factory.mktemp("tokenizer")
    shutil.copy(VOCAB, folder)
    return Tokenizer.from_folder(folder), transformers.BertTokenizer(vocab=str(VOCAB))


def text_strategy() -> st.SearchStrategy[str]:
    """Choose texts of words that are hard for a tokenizer, and of any characters."""
    words = st.sampled_from(
        ["film", "don't", "naïve", "東京", "[MASK]", "[SEP]", "😀", "\t", "\x00", "é", "ß", "İ",
         "unaffable", "x" * 120, "...", "\u200d", "\ufffd", "½", "ﬁ"]
    )  # fmt: skip
    anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    return st.lists(st.one_of(words, anything), max_size=8).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(text=text_strategy())
def test_any_text_gets_the_ids_of_transformers(without_settings: Sides, text: str) -> None:
    ours, theirs = without_settings
    assert ours(text)["input_ids"] == theirs(text)["input_ids"]


def test_there_are_enough_strings() -> None:
    assert len(set(STRINGS)) == len(STRINGS) >= 300


def test_strings(variant: Sides) -> None:
    ours, theirs = variant
    asked: dict[str, Any] = {"return_offsets_mapping": True, "return_special_tokens_mask": True}
    for text in STRINGS:
        assert_same(ours(text, **asked), theirs(text, **asked), asked)
        assert ours.tokenize(text) == theirs.tokenize(text)


SPLIT = st.lists(TEXTS, max_size=4)


def batches(item: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Choose the texts of a call: one item, a pair, a list of items, or two lists."""
    pairs = st.lists(st.tuples(item, item), min_size=1, max_size=3)
    return st.one_of(
        st.tuples(item),
        st.tuples(item, item),
        st.tuples(st.lists(item, min_size=1, max_size=3)),
        pairs.map(lambda rows: tuple(map(list, zip(*rows, strict=True)))),
    )


ANY_OPTIONS = st.fixed_dictionaries(
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
    options: dict[str, Any] = data.draw(ANY_OPTIONS, "options") | (
        {"is_split_into_words": True} if split else {}
    )
    try:
        result = ours(*arguments, **options)
    except ValueError as error:
        if not any(part in str(error) for part in NO_ROOM):
            with pytest.raises(BaseException):  # noqa: B017, PT011 - an Exception, or a panic
                theirs(*arguments, **options)
        return
    assert_same(result, theirs(*arguments, **options), options)


def test_pairs_as_items(sides: Sides) -> None:
    ours, theirs = sides
    for items in ([("a", "b c")], [["a b", "c"], ["d", ""]], [("a", "b"), "c d"]):
        assert_same(ours(items), theirs(items), {})


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


def test_encode(sides: Sides) -> None:
    ours, theirs = sides
    for arguments in (("a film",), ("a", "b c")):
        for options in ({}, {"add_special_tokens": False}, {"max_length": 4, "truncation": True}):
            expected = theirs.encode(*arguments, **options)
            assert ours.encode(*arguments, **options) == expected
    np.testing.assert_array_equal(
        ours.encode("a film", return_tensors="np"), theirs.encode("a film", return_tensors="np")
    )
