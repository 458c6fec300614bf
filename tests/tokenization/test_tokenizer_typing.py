"""What type checkers are told about a tokenizer: each value has the type that stands here.

mypy and pyright check the `assert_type` lines. The tests run them too, and compare the types with
the values.
"""

from __future__ import annotations

from typing import Any, assert_type

import numpy as np
import pytest
from numpy.typing import NDArray
from tokenizers import Encoding

import npbert
from npbert.tokenization.batch_encoding import IntArray

TEXT = "I love this film."


@pytest.fixture(scope="module")
def tokenizer() -> npbert.AutoTokenizer:
    return npbert.AutoTokenizer.from_pretrained("mini", use_fast=True, padding_side="right")


def test_ids_of_one_text(tokenizer: npbert.AutoTokenizer) -> None:
    inputs = assert_type(tokenizer(TEXT), npbert.BatchEncoding[list[int]])
    assert_integers(assert_type(inputs["input_ids"], list[int]))
    assert_integers(assert_type(inputs["attention_mask"], list[int]))
    assert_integers(assert_type(inputs.input_ids, list[int]))
    assert_integers(assert_type(inputs.attention_mask, list[int]))
    assert_integers(assert_type(tokenizer(TEXT, "A second text.")["input_ids"], list[int]))
    words = tokenizer(["I", "love", "it"], is_split_into_words=True)
    assert_integers(assert_type(words["input_ids"], list[int]))
    assert_integers(assert_type(tokenizer.encode(TEXT, add_special_tokens=False), list[int]))
    assert isinstance(assert_type(inputs[0], Encoding), Encoding)


def test_ids_of_several_texts(tokenizer: npbert.AutoTokenizer) -> None:
    inputs = assert_type(tokenizer([TEXT, "No."]), npbert.BatchEncoding[list[list[int]]])
    assert_rows(assert_type(inputs["input_ids"], list[list[int]]))
    assert_rows(assert_type(inputs.attention_mask, list[list[int]]))
    assert_rows(assert_type(tokenizer((TEXT, "No."), (TEXT, "Yes."))["input_ids"], list[list[int]]))
    assert_rows(assert_type(tokenizer([(TEXT, "No."), ("a", "b")])["input_ids"], list[list[int]]))
    assert_rows(assert_type(tokenizer([["a", "b"], ["c", "d"]])["input_ids"], list[list[int]]))
    words = tokenizer([["I", "love", "it"]], is_split_into_words=True)
    assert_rows(assert_type(words["input_ids"], list[list[int]]))
    pairs = tokenizer([(["I", "love"], ["it"])], is_split_into_words=True)
    assert_rows(assert_type(pairs["input_ids"], list[list[int]]))
    parts = tokenizer(TEXT, truncation=True, max_length=4, return_overflowing_tokens=True)
    assert_rows(assert_type(parts["input_ids"], list[list[int]]))
    assert_integers(assert_type(parts["overflow_to_sample_mapping"], list[int]))


def test_arrays(tokenizer: npbert.AutoTokenizer) -> None:
    inputs = tokenizer([TEXT, "No."], padding=True, return_tensors="np", return_length=True)
    assert_type(inputs, npbert.BatchEncoding[NDArray[np.int64]])
    assert_array(assert_type(inputs["input_ids"], IntArray))
    assert_array(assert_type(inputs.input_ids, IntArray))
    assert_array(assert_type(inputs["length"], IntArray))
    assert_array(assert_type(tokenizer(TEXT, return_tensors="np")["attention_mask"], IntArray))
    assert_array(assert_type(tokenizer.encode(TEXT, return_tensors="np"), IntArray))
    lists = tokenizer([TEXT])
    assert_array(assert_type(lists.convert_to_tensors("np")["input_ids"], IntArray))


def test_further_columns(tokenizer: npbert.AutoTokenizer) -> None:
    one = tokenizer(TEXT, return_offsets_mapping=True, return_special_tokens_mask=True)
    offsets = assert_type(one["offset_mapping"], list[tuple[int, int]])
    assert type(offsets[1]) is tuple
    assert_integers(assert_type(one["special_tokens_mask"], list[int]))
    assert_integers(assert_type(tokenizer(TEXT, return_length=True)["length"], list[int]))
    several = tokenizer([TEXT], return_offsets_mapping=True, return_length=True)
    assert type(assert_type(several["offset_mapping"], list[list[tuple[int, int]]])[0][0]) is tuple
    assert_integers(assert_type(several["length"], list[int]))


def test_what_is_known_only_when_python_runs(tokenizer: npbert.AutoTokenizer) -> None:
    def encode(texts: str | list[str], arrays: bool) -> npbert.BatchEncoding:
        return tokenizer(texts, return_tensors="np" if arrays else None)

    assert_array(encode([TEXT], arrays=True)["input_ids"])
    assert_rows(encode([TEXT], arrays=False)["input_ids"])
    assert_integers(encode(TEXT, arrays=False)["input_ids"])


def test_padding(tokenizer: npbert.AutoTokenizer) -> None:
    one, several, array = tokenizer(TEXT), tokenizer([TEXT]), tokenizer(TEXT, return_tensors="np")
    assert_integers(assert_type(tokenizer.pad(one)["input_ids"], list[int]))
    assert_rows(assert_type(tokenizer.pad(several)["input_ids"], list[list[int]]))
    assert_array(assert_type(tokenizer.pad(array)["input_ids"], IntArray))
    ids = array["input_ids"]
    assert_array(tokenizer.pad({"input_ids": ids}).input_ids)
    assert_rows(assert_type(tokenizer.pad([one, one])["input_ids"], list[list[int]]))
    assert_array(assert_type(tokenizer.pad([one, one], return_tensors="np").input_ids, IntArray))


def test_tokens_and_ids(tokenizer: npbert.AutoTokenizer) -> None:
    tokens = assert_type(tokenizer.tokenize(TEXT), list[str])
    ids: list[int] = tokenizer.convert_tokens_to_ids(tokens)
    back: list[str] = tokenizer.convert_ids_to_tokens(ids)
    assert back == tokens
    assert_integers(ids)
    assert type(assert_type(tokenizer.convert_tokens_to_ids("film"), int | None)) is int
    assert type(assert_type(tokenizer.convert_ids_to_tokens(ids[0]), str | None)) is str
    assert_type(tokenizer.convert_ids_to_tokens(10**6), str | None)
    assert type(assert_type(tokenizer.cls_token, str | None)) is str
    assert type(assert_type(tokenizer.mask_token_id, int | None)) is int
    assert assert_type(tokenizer.bos_token_id, int | None) is None
    assert isinstance(assert_type(tokenizer(TEXT).tokens(), list[str]), list)


def test_decoding(tokenizer: npbert.AutoTokenizer) -> None:
    ids, rows = tokenizer(TEXT)["input_ids"], tokenizer([TEXT, "No."])["input_ids"]
    assert type(assert_type(tokenizer.decode(ids, skip_special_tokens=True), str)) is str
    assert type(assert_type(tokenizer.decode(ids[1]), str)) is str
    assert type(assert_type(tokenizer.decode(rows), list[str])) is list
    assert type(assert_type(tokenizer.decode(np.array(ids)), str | list[str])) is str
    assert type(assert_type(tokenizer.batch_decode(np.array([ids])), list[str])) is list


def test_a_model_takes_an_encoding(tokenizer: npbert.AutoTokenizer) -> None:
    model = npbert.AutoModelForSequenceClassification.from_pretrained("mini")
    arrays = tokenizer([TEXT], return_tensors="np")
    assert model(**tokenizer([TEXT], return_tensors="np")).logits.shape == (1, 2)
    assert model(**arrays, output_attentions=True).attentions is not None
    assert model(**tokenizer([TEXT])).logits.shape == (1, 2)
    assert model([tokenizer.convert_tokens_to_ids(["[CLS]", "film"])]).logits.shape == (1, 2)

    def score(inputs: npbert.BatchEncoding) -> float:
        return float(model(**inputs).logits[0, 0])

    assert type(score(arrays)) is float


def assert_integers(row: Any) -> None:
    assert type(row) is list
    assert {type(number) for number in row} == {int}


def assert_rows(rows: Any) -> None:
    assert type(rows) is list
    assert rows
    for row in rows:
        assert_integers(row)


def assert_array(array: Any) -> None:
    assert type(array) is np.ndarray
    assert array.dtype == np.int64
