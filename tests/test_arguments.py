"""Arguments: columns and lists of texts, and the keywords of ported code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

import npbert
from npbert.pipelines import TextClassificationPipeline
from tests.support.pipelines import TEXTS, assert_same_labels


@pytest.fixture(scope="module")
def ours() -> TextClassificationPipeline:
    made: TextClassificationPipeline = npbert.pipeline("sentiment-analysis", "mini")
    return made


def test_columns_count_as_lists(ours: TextClassificationPipeline) -> None:
    expected = ours(TEXTS)
    assert ours(tuple(TEXTS)) == expected
    assert ours(np.array(TEXTS)) == expected
    assert ours(np.array(TEXTS, dtype=object)) == expected


DATA_SET = datasets.Dataset.from_dict({"review": TEXTS})
COLUMNS = {
    "Series": pd.Series(TEXTS, index=[4, 4, 2, 1, 0]),
    "Series of objects": pd.Series(TEXTS, dtype=object),
    "Series of categories": pd.Series(TEXTS, dtype="category"),
    "Index": pd.Index(TEXTS),
    "Arrow array": pa.array(TEXTS, pa.large_string()),
    "Arrow chunks": pa.chunked_array([TEXTS[:2], TEXTS[2:]]),
    "Arrow dictionary": pa.array(TEXTS).dictionary_encode(),
    "column of a data set": DATA_SET["review"],
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_of_libraries_count_as_lists(ours: TextClassificationPipeline, name: str) -> None:
    assert ours(COLUMNS[name]) == ours(TEXTS)


def test_a_column_of_a_streamed_data_set_is_a_stream(ours: TextClassificationPipeline) -> None:
    results = ours(DATA_SET.to_iterable_dataset()["review"])
    assert isinstance(results, Iterator)
    assert_same_labels(list(results), ours(TEXTS))


@pytest.mark.parametrize(
    "column", [pd.Series(["a", None]), pa.array(["a", None])], ids=["Series", "Arrow"]
)
def test_a_null_in_a_column_is_named(ours: TextClassificationPipeline, column: Any) -> None:
    with pytest.raises(TypeError, match=r"text 1 \(counted from 0\) is (nan|None)"):
        ours(column)


def test_harmless_keywords_of_ported_code() -> None:
    harmless: dict[str, Any] = {
        "device": -1,
        "torch_dtype": "auto",
        "num_workers": 4,
        "framework": "pt",
        "trust_remote_code": False,
    }
    classifier = npbert.pipeline("text-classification", "mini", batch_size=8, **harmless)
    assert classifier("film", device="cpu", dtype="float32") == classifier("film")
    of_torch = {"device": torch.device("cpu"), "dtype": torch.float32}
    assert classifier("film", **of_torch) == classifier("film")
