"""Calls and attributes of code that was written for transformers, on both libraries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

import npbert
from tests.support.pipelines import Sides, assert_alike, make_folder_for, pipelines

pytestmark = pytest.mark.filterwarnings("ignore:.*entailment", "ignore:.*only these were read")
TEXT = "I love this film."


@pytest.fixture(scope="module")
def classifiers(folder: Path) -> Sides:
    """Both libraries' pipelines for text classification."""
    return pipelines("text-classification", folder)


def test_names_of_scikit_learn_and_attributes(classifiers: Sides) -> None:
    for method in ("predict", "transform"):
        ours, theirs = (getattr(side, method)([TEXT]) for side in classifiers)
        assert_alike(ours, theirs)
    ours, theirs = classifiers
    assert ours.device == str(theirs.device) == "cpu"
    assert f"torch.{ours.dtype}" == f"torch.{ours.torch_dtype}" == str(theirs.dtype)


class Numbered(torch.utils.data.Dataset[str]):  # type: ignore[misc]
    """A data set that is not iterable, as many of PyTorch's."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, number: int) -> str:
        if number >= 3:
            raise IndexError
        return TEXT[: number + 4]


def test_results_of_a_data_set_have_its_length(classifiers: Sides) -> None:
    ours, theirs = (side(Numbered()) for side in classifiers)
    assert len(ours) == len(theirs) == 3
    assert_alike(list(ours), list(theirs))
    assert len(ours) == 3
    assert not hasattr(classifiers.ours(iter([TEXT])), "__len__")


# -------------------------------------------------------------------------------- model_max_length


@pytest.mark.parametrize("task", ["text-classification", "feature-extraction", "fill-mask"])
@pytest.mark.filterwarnings("ignore:.*bare encoder:UserWarning")
def test_a_text_longer_than_model_max_length(task: str, tmp_path: Path) -> None:
    """As in transformers, it is read whole if the model can; and there is a warning."""
    head = {"text-classification": "SequenceClassification", "fill-mask": "MaskedLM"}.get(task)
    folder = make_folder_for(tmp_path, f"For{head}" if head else "Model", model_max_length=20)
    ours, theirs = pipelines(task, folder)
    texts = ["short [MASK]", "a film " * 20 + "[MASK]"]
    message = "1 of 2 texts had more tokens than the tokenizer's model_max_length of 20, and "
    with pytest.warns(UserWarning, match=message + "all of these were read; pass truncation=True"):
        result = ours(texts)
    assert_alike(result, theirs(texts))
    with pytest.raises(ValueError, match="expected at most 20"):
        ours(texts, long_text="error")
    with pytest.raises(ValueError, match="expected at most 512"):
        ours("a film " * 300 + "[MASK]")
    if task == "text-classification":
        assert_alike(ours(texts, truncation=True), theirs(texts, truncation=True))


# ----------------------------------------------------------------------------------- decoding

IDS = [[101, 7592, 102], [101, 2143, 102]]


@pytest.mark.parametrize(
    "ids",
    [
        IDS,
        np.array(IDS),
        torch.tensor(IDS),
        list(torch.tensor(IDS)),
        list(np.array(IDS)),
        tuple(map(tuple, IDS)),
    ],
)
def test_ids_in_arrays_and_tensors(folder: Path, ids: Any) -> None:
    ours: Any = npbert.AutoTokenizer.from_pretrained(folder)
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    assert ours.decode(ids) == ours.batch_decode(ids) == theirs.batch_decode(ids)
    assert ours.decode(ids[0]) == theirs.decode(ids[0])
    assert ours.convert_ids_to_tokens(ids[0]) == theirs.convert_ids_to_tokens(ids[0])


def test_ids_in_columns(folder: Path) -> None:
    pandas = pytest.importorskip("pandas")
    ours: Any = npbert.AutoTokenizer.from_pretrained(folder)
    for column in (pandas.Series(IDS), pandas.Series(list(np.array(IDS)))):
        assert ours.batch_decode(column) == ours.batch_decode(IDS)


@pytest.mark.parametrize("make", [list, tuple])
def test_rows_of_arrays_are_padded_to_arrays(folder: Path, make: Any) -> None:
    ours = npbert.AutoTokenizer.from_pretrained(folder)
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    rows = make([np.array([101, 102]), np.array([101, 7592, 102])])
    for given in ({"input_ids": rows}, [{"input_ids": row} for row in rows]):
        padded, expected = ours.pad(given), theirs.pad(given)
        assert list(padded) == list(expected)
        for name, column in expected.items():
            assert isinstance(padded[name], np.ndarray)
            assert padded[name].dtype == column.dtype
            np.testing.assert_array_equal(padded[name], column)
