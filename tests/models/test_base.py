"""Models called with padded arrays: what comes out, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

import npbert
from npbert.checkpoints.config import DistilBertConfig
from tests.support.oracles import make_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sizes: dict[str, Any] = {"dim": 12, "n_heads": 2, "n_layers": 2, "max_position_embeddings": 6}
    return make_model(tmp_path_factory.mktemp("model"), **sizes, num_labels=3)


@pytest.fixture(scope="module")
def encoder(folder: Path) -> npbert.DistilBertModel:
    with pytest.warns(UserWarning, match=r"unused: .*pre_classifier\.weight"):
        return npbert.AutoModel.from_pretrained(folder)


@pytest.fixture(scope="module")
def classifier(folder: Path) -> npbert.DistilBertForSequenceClassification:
    return npbert.AutoModelForSequenceClassification.from_pretrained(folder)


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


def test_lists_masks_of_any_kind_and_token_types(
    classifier: npbert.DistilBertForSequenceClassification,
) -> None:
    ids = [[1, 2, 3], [4, 5, 0]]
    mask = [[1, 1, 1], [1, 1, 0]]
    expected = classifier(np.array(ids), np.array(mask)).logits
    for kind in (np.int32, np.uint8, bool, np.float32):
        result = classifier(ids, np.array(mask, kind), token_type_ids=np.ones((2, 3)))
        np.testing.assert_array_equal(result.logits, expected)
    np.testing.assert_allclose(classifier([ids[1][:2]]).logits[0], expected[1], atol=2e-6)


def test_no_rows_give_no_rows(
    encoder: npbert.DistilBertModel, classifier: npbert.DistilBertForSequenceClassification
) -> None:
    nothing = np.zeros((0, 4), np.int64)
    assert classifier(nothing).logits.shape == (0, 3)
    assert encoder(nothing).last_hidden_state.shape == (0, 4, 12)


BAD_CALLS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({}, ValueError, "input_ids is missing"),
    ({"input_ids": [1, 2]}, ValueError, r"shape \(2,\), expected \(batch, seq\).*in a list"),
    ({"input_ids": [[[1]]]}, ValueError, r"shape \(1, 1, 1\)"),
    ({"input_ids": [[1, 2], [3]]}, ValueError, "rows of different lengths; pass padding=True"),
    ({"input_ids": [[1.0, 2.0]]}, TypeError, "dtype float64, expected integers"),
    ({"input_ids": [["a"]]}, TypeError, "expected integers"),
    ({"input_ids": [[True, False]]}, TypeError, "dtype bool"),
    ({"input_ids": [[1], [97]]}, ValueError, "row 1 has the token id 97 .* expected 0 to 96"),
    ({"input_ids": [[1, -1]]}, ValueError, "token id -1 at position 1"),
    ({"input_ids": [[1] * 7]}, ValueError, "7 tokens long, expected at most 6"),
    ({"input_ids": [[1, 2]], "attention_mask": [[1]]}, ValueError, r"shape \(1, 1\), expected"),
    ({"input_ids": [[1, 2]], "attention_mask": [[1, 2]]}, ValueError, "other values than 0"),
    ({"input_ids": [[1, 2]], "attention_mask": [[1, 0.5]]}, ValueError, "other values than 0"),
    ({"input_ids": [[1], [1]], "attention_mask": [[1], [0]]}, ValueError, "every token of row 1"),
    ({"input_ids": [[1]], "inputs_ids": 1}, TypeError, "'inputs_ids'; did you mean 'input_ids'"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD_CALLS, ids=str)
def test_bad_calls(
    encoder: npbert.DistilBertModel,
    classifier: npbert.DistilBertForSequenceClassification,
    call: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    for model in (encoder, classifier):
        with pytest.raises(error, match=message):
            model(**call)


def test_a_hidden_first_token_is_refused_only_where_it_is_read(
    encoder: npbert.DistilBertModel, classifier: npbert.DistilBertForSequenceClassification
) -> None:
    call: dict[str, Any] = {"input_ids": [[1, 2], [3, 4]], "attention_mask": [[1, 1], [0, 1]]}
    assert encoder(**call).last_hidden_state.shape == (2, 2, 12)
    with pytest.raises(ValueError, match=r"position 0 of row 1, .* pad on the right"):
        classifier(**call)


def test_unknown_and_impossible_keywords_when_loading(folder: Path) -> None:
    load = npbert.AutoModelForSequenceClassification.from_pretrained
    with pytest.raises(TypeError, match="'revison'; did you mean 'revision'"):
        load(folder, revison="main")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="dtype is 'float16'"):
        load(folder, dtype="float16")
    with pytest.raises(TypeError, match="'num_label'; did you mean 'num_labels'"):
        load(folder, num_label=3)  # type: ignore[call-arg]
    load(folder, torch_dtype="auto", attn_implementation="eager", trust_remote_code=False)


@pytest.mark.filterwarnings("ignore:.*bare encoder:UserWarning")
def test_values_in_place_of_those_of_config_json(folder: Path) -> None:
    labels = {0: "no", 1: "maybe", 2: "yes"}
    changes: list[dict[str, Any]] = [
        {"output_attentions": True, "id2label": labels},
        {"num_labels": 3, "id2label": labels, "label2id": {"no": 0, "maybe": 1, "yes": 2}},
        {"num_labels": 3, "problem_type": "regression"},
        {"dropout": 0.0, "hidden_size": 12, "num_hidden_layers": 2, "force_download": False},
    ]
    for options in changes:
        ours = npbert.AutoModelForSequenceClassification.from_pretrained(folder, **options)
        theirs = transformers.AutoModelForSequenceClassification.from_pretrained(
            folder, **options, attn_implementation="eager"
        )
        for name in ("id2label", "num_labels", "problem_type", "output_attentions"):
            assert getattr(ours.config, name) == getattr(theirs.config, name)
        assert set(ours([[1, 2]])) == set(theirs(torch.tensor([[1, 2]])))
    config = npbert.AutoConfig.from_pretrained(folder, output_hidden_states=True)
    assert npbert.AutoModel.from_pretrained(folder, config=config)([[1, 2]]).hidden_states
    by_name = npbert.AutoModel.from_pretrained(folder, config=str(folder), output_attentions=True)
    assert by_name([[1, 2]]).attentions


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_labels": 4}, r"classifier\.weight: shape \(3, 12\), expected \(4, 12\)"),
        ({"num_labels": 4, "id2label": {0: "no"}}, "num_labels is 4, but id2label names 1"),
        ({"label2id": {"no": 0}}, "label2id is .*expected the reverse of id2label"),
        ({"config": DistilBertConfig(), "num_labels": 3}, "config and num_labels are both given"),
    ],
)
def test_values_that_cannot_be_honoured(
    folder: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        npbert.AutoModelForSequenceClassification.from_pretrained(folder, **options)


def test_the_public_names() -> None:
    names = npbert.__all__  # type: ignore[attr-defined]
    for name in names:
        assert getattr(npbert, name) is not None
    assert sorted(names) == dir(npbert)
    with pytest.raises(AttributeError, match="no attribute 'Pipeline'"):
        _ = npbert.Pipeline  # type: ignore[attr-defined]
