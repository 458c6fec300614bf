"""docs/differences.md, "Pipelines": what transformers does, and what npbert does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

import npbert
from tests.support.differences import headed, row
from tests.support.pipelines import Sides, make_folder_for, pipelines

pytestmark = pytest.mark.filterwarnings("ignore:.*bare encoder:UserWarning")


@row("labels that are numbers, in groups of token-classification")
def test_groups_of_numbers(tmp_path: Path) -> None:
    folder = make_folder_for(tmp_path, "ForTokenClassification", [0, 1, 2])
    ours, theirs = pipelines("ner", folder, aggregation_strategy="simple")
    with pytest.raises(AttributeError):
        theirs("one")
    assert ours("one")[0]["entity_group"] in ("0", "1", "2")


@row("scores of token-classification")
def test_types_of_scores(tmp_path: Path) -> None:
    ours, theirs = pipelines("ner", headed(tmp_path, "ForTokenClassification"))
    assert type(theirs("one")[0]["score"]) is np.float32
    assert type(ours("one")[0]["score"]) is float


@row("feature-extraction with `batch_size`")
def test_features_of_batches(folder: Path) -> None:
    ours, theirs = pipelines("feature-extraction", folder)
    texts = ["one", "one two three four"]
    assert [len(text[0]) for text in theirs(texts, batch_size=2)] == [6, 6]
    assert [len(text[0]) for text in ours(texts, batch_size=2)] == [3, 6]


@row('feature-extraction with `padding="max_length"`')
def test_features_of_padding(folder: Path) -> None:
    ours, theirs = pipelines("feature-extraction", folder)
    padded = {"padding": "max_length", "max_length": 6}
    assert np.array(theirs("one", tokenize_kwargs=dict(padded)))[0, 3:].any()
    assert not np.array(ours("one", tokenize_kwargs=padded))[0, 3:].any()


@row("`max_length=` and `padding=` of feature-extraction outside of `tokenize_kwargs`")
def test_features_with_options_of_the_tokenizer(folder: Path) -> None:
    ours, theirs = pipelines("feature-extraction", folder)
    assert len(theirs("one", padding="max_length", max_length=6)[0]) == 3
    assert len(ours("one", padding="max_length", max_length=6)[0]) == 6


@row("feature-extraction with `return_tensors=True`")
def test_features_as_arrays(folder: Path) -> None:
    ours, theirs = pipelines("feature-extraction", folder)
    assert isinstance(theirs("one", return_tensors=True), torch.Tensor)
    array = ours("one", return_tensors=True)
    assert isinstance(array, np.ndarray)
    assert array.dtype == np.float32
    with pytest.raises(ValueError, match="return_tensors is 'pt'"):
        ours("one", return_tensors="pt")


@row("labels for zero-shot-classification that are not strings")
@pytest.mark.filterwarnings("ignore:.*entailment")
def test_labels_that_are_no_str(folder: Path) -> None:
    ours, theirs = pipelines("zero-shot-classification", folder)
    assert sorted(theirs("one", [1, 2])["labels"]) == [1, 2]
    with pytest.raises(TypeError, match=r"label 0 is 1 \(int\), expected a str"):
        ours("one", [1, 2])


@row(
    "`hypothesis_template=` that takes a part of a label (`{[0]}`), or makes it longer than 1,000 "
    "characters (`{:>2000}`)"
)
@pytest.mark.filterwarnings("ignore:.*entailment")
def test_odd_places_of_a_template(folder: Path) -> None:
    ours, theirs = pipelines("zero-shot-classification", folder)
    for template, message in (("{[0]}", "a part of a label"), ("{:>2000}", "more than 1,000")):
        options = {"truncation": True, "hypothesis_template": template}
        assert sorted(theirs("one", ["a", "b"], **options)["labels"]) == ["a", "b"]
        with pytest.raises(ValueError, match=message):
            ours("one", ["a", "b"], **options)


@row("question-answering")
def test_question_answering(tmp_path: Path) -> None:
    model = headed(tmp_path, "ForQuestionAnswering")
    with pytest.raises(KeyError, match="question-answering"):
        transformers.pipeline("question-answering", str(model))
    answer = npbert.pipeline("question-answering", model)("Who?", "The cat did it.")
    assert answer["answer"] in "The cat did it."


@row("`config=` of `pipeline()`")
def test_another_config(folder: Path, tmp_path: Path) -> None:
    config = transformers.AutoConfig.from_pretrained(folder)
    names = set(config.id2label.values())
    config.id2label = {number: f"other {number}" for number in config.id2label}
    config.save_pretrained(tmp_path)
    ours, theirs = pipelines("text-classification", folder, config=str(tmp_path))
    assert theirs("one")[0]["label"] in names
    assert ours("one")[0]["label"].startswith("other")


@row("`offset_mapping=` of token-classification with several texts")
def test_offsets_of_several_texts(tmp_path: Path) -> None:
    ours, theirs = pipelines("ner", headed(tmp_path, "ForTokenClassification"))
    offsets = [[(0, 0), (0, 1), (0, 0)], [(0, 0), (1, 2), (0, 0)]]
    found = theirs(["one", "two"], offset_mapping=offsets)
    assert [text[0]["start"] for text in found] == [0, 0]
    with pytest.raises(ValueError, match="expected one text alone, which is not read in parts"):
        ours(["one", "two"], offset_mapping=offsets[0])


@row("`function_to_apply` of a text-classification pipeline, as an attribute")
def test_the_function_that_is_applied(classifiers: Sides) -> None:
    assert classifiers.theirs.function_to_apply.value == "none"
    assert classifiers.ours.function_to_apply == "softmax"


@row("a task without a model")
def test_no_model() -> None:
    """transformers would download a model, so only its table of defaults is looked at."""
    assert "fill-mask" in transformers.pipelines.SUPPORTED_TASKS
    assert transformers.pipelines.SUPPORTED_TASKS["fill-mask"]["default"]["model"]
    with pytest.raises(ValueError, match="fill-mask has no default model"):
        npbert.pipeline("fill-mask")


@row("notices (no model was named, texts were cut)")
def test_warnings(classifiers: Sides, recwarn: pytest.WarningsRecorder) -> None:
    classifiers.theirs("word " * 600, truncation=True)
    assert not [warning for warning in recwarn if "cut" in str(warning.message)]
    with pytest.warns(UserWarning, match="1 of 1 text had more than 512 tokens"):
        classifiers.ours("word " * 600, truncation=True)
