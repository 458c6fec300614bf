"""Calls and attributes of code that was written for transformers, on both libraries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from transformers.pipelines.text_classification import ClassificationFunction
from transformers.pipelines.token_classification import AggregationStrategy

import npbert
from tests.support.pipelines import Sides, assert_alike, make_folder_for, pipelines

pytestmark = pytest.mark.filterwarnings("ignore:.*entailment", "ignore:.*only these were read")
TEXT = "I love this film."


@pytest.fixture(scope="module")
def classifiers(folder: Path) -> Sides:
    """Both libraries' pipelines for text classification."""
    return pipelines("text-classification", folder)


# --------------------------------------------------------------------------- text-classification


@pytest.mark.parametrize("inputs", [TEXT, [TEXT, "No."], {"text": TEXT}, [[["a", "b"]]]])
@pytest.mark.parametrize("function", [*ClassificationFunction, "NONE", None])
def test_functions_and_forms_of_inputs(classifiers: Sides, inputs: Any, function: Any) -> None:
    ours, theirs = (side(inputs, function_to_apply=function) for side in classifiers)
    assert_alike(ours, theirs)


@pytest.mark.parametrize("inputs", [TEXT, [TEXT, "No."], {"text": TEXT}])
def test_a_second_text_for_every_text(classifiers: Sides, inputs: Any) -> None:
    ours, theirs = (side(inputs, text_pair="It is long.") for side in classifiers)
    assert_alike(ours, theirs)


def test_what_text_pair_cannot_be(classifiers: Sides) -> None:
    with pytest.raises(TypeError, match=r"text_pair is 3 \(int\), expected a str"):
        classifiers.ours(TEXT, text_pair=3)
    with pytest.raises(ValueError, match=r"text_pair is given twice, alone and in input 0"):
        classifiers.ours({"text": "a", "text_pair": "b"}, text_pair="c")


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


# ------------------------------------------------------------------------------- other tasks


@pytest.mark.parametrize("strategy", list(AggregationStrategy))
def test_aggregation_strategies_as_members(ner: Sides, strategy: Any) -> None:
    ours, theirs = (side("Maria lives.", aggregation_strategy=strategy) for side in ner)
    assert_alike(ours, theirs)


def test_offsets_of_the_caller(ner: Sides) -> None:
    offsets = [(0, 0), (1, 2), (2, 5), (5, 6), (6, 7), (0, 0)]
    n_tokens = len(ner.ours.tokenizer("Maria lives.")["input_ids"])
    for given in (offsets[:n_tokens], [offsets[:n_tokens]]):
        ours, theirs = (side("Maria lives.", offset_mapping=given) for side in ner)
        assert_alike(ours, theirs)
    with pytest.raises(ValueError, match=r"offset_mapping has 1 pair, expected \d, one per token"):
        ner.ours("Maria lives.", offset_mapping=[(0, 0)])
    with pytest.raises(ValueError, match="offset_mapping does not fit, expected a list of pairs"):
        ner.ours("Maria lives.", offset_mapping=[0, 1])


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize(
    "kwargs",
    [
        {"padding": "max_length", "max_length": 12},
        {"padding": "max_length"},
        {"padding": True},
        {"padding": "max_length", "max_length": 12, "truncation": True},
        {"padding": "max_length", "max_length": 3},
    ],
)
@pytest.mark.filterwarnings("ignore:.*bare encoder:UserWarning")
def test_padding_in_feature_extraction(side: str, kwargs: dict[str, Any], tmp_path: Path) -> None:
    """The shapes are the same, and so are the vectors of real tokens; those of padding are 0."""
    folder = make_folder_for(tmp_path, "Model", model_max_length=16, padding_side=side)
    ours, theirs = pipelines("feature-extraction", folder)
    for texts in (["a film about"], ["a film about", "no"]):
        mine = ours(texts, tokenize_kwargs=dict(kwargs), return_tensors=True)
        others = theirs(texts, tokenize_kwargs=dict(kwargs), return_tensors=True)
        for text, one, other in zip(texts, mine, others, strict=True):
            assert one.shape == tuple(other.shape)
            mask = np.array(ours.tokenizer(text, **kwargs)["attention_mask"], bool)
            np.testing.assert_allclose(one[0][mask], other[0].numpy()[mask], atol=1e-5)
            assert not one[0][~mask].any()
    with pytest.raises(ValueError, match="the length is 600, expected at most 512, the positions"):
        ours("a", tokenize_kwargs={"padding": "max_length", "max_length": 600})


TEMPLATE = "hypothesis_template is .*, expected a sentence with {} where the label goes, once"


@pytest.mark.parametrize(
    ("template", "error", "reason"),
    [
        (None, TypeError, ""),
        (3, TypeError, ""),
        (b"{}", TypeError, ""),
        ("No place.", ValueError, ": it has no place for a label"),
        ("{{}}", ValueError, ": it has no place for a label"),
        ("{} and {}", ValueError, ": it has 2 places for labels"),
        ("About {label}.", ValueError, ": {label} is a name, and labels have none"),
        ("About {", ValueError, ": Single '{'"),
        ("About }", ValueError, ": Single '}'"),
        ("{:d}", ValueError, ": Unknown format code"),
    ],
)
def test_templates(folder: Path, template: Any, error: type[Exception], reason: str) -> None:
    pipe = npbert.pipeline("zero-shot-classification", folder)
    with pytest.raises(error, match=TEMPLATE.replace("{}", r"\{\}") + reason):
        pipe(TEXT, ["film"], hypothesis_template=template)


@pytest.mark.parametrize("template", ["About {}.", "{0}, or {0}", "{:>8}"])
def test_templates_and_the_label_for_entailment(template: str, tmp_path: Path) -> None:
    labels = ["film", "food"]
    for n, names in enumerate((["contradiction", "Entailment"], ["no", "yes"])):
        folder = make_folder_for(tmp_path / str(n), "ForSequenceClassification", names)
        ours, theirs = pipelines("zero-shot-classification", folder)
        assert ours.entailment_id == theirs.entailment_id == (1, -1)[n]
        results = [side(TEXT, labels, hypothesis_template=template) for side in (ours, theirs)]
        assert_alike(*results)


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
