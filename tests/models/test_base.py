"""What all models share: names, loading, and the arguments of a call."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers

import npbert
from npbert.checkpoints.config import DistilBertConfig
from tests.support.oracles import make_model


def test_the_names_of_transformers(
    encoder: npbert.DistilBertModel, classifier: npbert.DistilBertForSequenceClassification
) -> None:
    assert isinstance(encoder, npbert.DistilBertModel)
    assert isinstance(classifier, npbert.DistilBertForSequenceClassification)
    assert classifier.config.id2label == {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}
    assert classifier.config.num_labels == 3
    assert classifier.config.model_type == "distilbert"
    assert (classifier.device, classifier.dtype) == ("cpu", "float32")
    assert classifier.eval().cpu().float() is classifier
    assert classifier.num_labels == 3
    none = dict.fromkeys(("labels", "head_mask", "past_key_values"))
    np.testing.assert_array_equal(
        classifier.forward([[1, 2]], **none).logits, classifier([[1, 2]]).logits
    )
    assert npbert.DistilBertTokenizer is npbert.DistilBertTokenizerFast is npbert.AutoTokenizer


def test_no_rows_give_no_rows(
    encoder: npbert.DistilBertModel, classifier: npbert.DistilBertForSequenceClassification
) -> None:
    nothing = np.zeros((0, 4), np.int64)
    assert classifier(nothing).logits.shape == (0, 3)
    assert encoder(nothing).last_hidden_state.shape == (0, 4, 12)


def test_the_config_says_what_a_call_returns_unless_the_call_does(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model", dim=12, n_heads=2, n_layers=1)
    load = npbert.AutoModelForSequenceClassification.from_pretrained
    as_tuple: Any = load(folder, return_dict=False)
    (logits,) = as_tuple([[1, 2]])
    np.testing.assert_array_equal(logits, as_tuple([[1, 2]], return_dict=True).logits)


@pytest.mark.parametrize("options", [{}, {"output_hidden_states": True}])
def test_an_output_that_is_not_finite_is_an_error(tmp_path: Path, options: dict[str, Any]) -> None:
    folder = make_model(tmp_path / "model", dim=12, n_heads=2, n_layers=1)
    model: Any = npbert.AutoModelForSequenceClassification.from_pretrained(folder)
    weight = model.head.classifier.weight
    with np.errstate(over="ignore", invalid="ignore"):
        head = replace(model.head.classifier, weight=weight * np.float32(1e38) * 1e3)
        model.head = replace(model.head, classifier=head)
        with pytest.raises(npbert.CheckpointError, match="not finite"):
            model([[1, 2]], **options)


def test_unknown_keywords_are_named_in_the_order_of_the_call(
    classifier: npbert.DistilBertForSequenceClassification,
) -> None:
    call: Any = classifier
    with pytest.raises(TypeError, match="'zebra'"):
        call([[1]], zebra=1, apple=2, labels=3)
    with pytest.raises(TypeError, match="'labels'"):
        type(call).forward(call, [[1]], labels=3)  # as a function of the class, too


def test_unknown_and_impossible_keywords_when_loading(folder: Path) -> None:
    load = npbert.AutoModelForSequenceClassification.from_pretrained
    with pytest.raises(TypeError, match="'revison'; did you mean 'revision'"):
        load(folder, revison="main")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="dtype is 'float16'"):
        load(folder, dtype="float16")
    with pytest.raises(TypeError, match="'num_label'; did you mean 'num_labels'"):
        load(folder, num_label=3)  # type: ignore[call-arg]
    load(folder, torch_dtype="auto", attn_implementation="eager", trust_remote_code=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_labels": 4}, r"classifier\.weight: shape \(3, 12\), expected \(4, 12\)"),
        ({"num_labels": 4, "id2label": {0: "no"}}, "num_labels is 4, but id2label names 1"),
        ({"label2id": {"no": 0}}, "label2id is .*expected the reverse of id2label"),
        ({"config": DistilBertConfig(), "num_labels": 3}, "config and num_labels are both given"),
        ({"output_hidden_states": "x"}, "output_hidden_states is 'x', expected true, false, the"),
    ],
)
def test_values_that_cannot_be_honoured(
    folder: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        npbert.AutoModelForSequenceClassification.from_pretrained(folder, **options)


@pytest.mark.parametrize(
    ("config", "name"),
    [({"model_type": "distilbert"}, "builtins.dict"), (transformers.DistilBertConfig(), "transf")],
    ids=["dict", "of transformers"],
)
def test_a_config_of_another_type(folder: Path, config: Any, name: str) -> None:
    with pytest.raises(
        TypeError, match=rf"config is a {name}.*expected an npbert\.DistilBertConfig"
    ):
        npbert.AutoModelForSequenceClassification.from_pretrained(folder, config=config)


def test_the_model_keeps_a_copy_of_the_config(folder: Path) -> None:
    config = npbert.AutoConfig.from_pretrained(folder)
    config.name_or_path = "mine"
    load = npbert.AutoModelForSequenceClassification.from_pretrained
    model = load(folder, config=config)
    model.config.id2label = {0: "a", 1: "b", 2: "c"}
    assert config.id2label[0] == "LABEL_0"
    assert config.name_or_path == "mine"
    assert model.name_or_path == model.config.name_or_path == str(folder)
    assert load(folder, config=folder / "config.json").config == config


def test_what_config_json_says_of_outputs_is_honoured(tmp_path: Path) -> None:
    folder = make_model(tmp_path, dim=12, n_heads=2, n_layers=1, output_hidden_states=True)
    model = npbert.AutoModelForSequenceClassification.from_pretrained(folder)
    assert list(model([[1, 2]])) == ["logits", "hidden_states"]
    assert list(model([[1, 2]], output_hidden_states=False)) == ["logits"]


BAD_KEYWORDS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"labels": [1]}, TypeError, "unknown keyword argument 'labels'"),
    ({"output_hiden_states": True}, TypeError, "did you mean 'output_hidden_states'"),
    *(
        ({"output_hidden_states": value}, TypeError, "output_hidden_states is .*, expected True, F")
        for value in ("x", "01", 1.0, [0, 1.5], ["a"], [None], object())
    ),
]


@pytest.mark.parametrize(("arguments", "error", "message"), BAD_KEYWORDS)
def test_bad_keywords(
    tmp_path: Path, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    folder = make_model(tmp_path, head="ForTokenClassification", dim=36, n_heads=3, n_layers=1)
    model = npbert.AutoModelForTokenClassification.from_pretrained(folder)
    with pytest.raises(error, match=message):
        model(**({"input_ids": [[1, 2]]} | arguments))
