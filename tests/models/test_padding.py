"""Padded arrays: what they hold, what comes back, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import npbert
from npbert.checkpoints.config import DistilBertConfig
from npbert.models.padding import read_padded, to_padded
from tests.support.oracles import make_model


@given(st.data())
def test_padded_rows_come_back(data: st.DataObject) -> None:
    batch, seq = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 6))
    bits = data.draw(st.lists(st.booleans(), min_size=batch * seq, max_size=batch * seq))
    mask = np.array(bits).reshape(batch, seq)
    column = data.draw(st.integers(0, seq - 1))  # every row has a real token there
    ids = np.arange(batch * seq).reshape(batch, seq)
    mask[:, column] = True
    texts, seen = read_padded(DistilBertConfig(), ids, mask)
    np.testing.assert_array_equal(seen, mask)
    rows = np.concatenate([text.input_ids for text in texts]).astype(np.float32)[:, None]
    np.testing.assert_array_equal(to_padded(rows, mask)[..., 0], np.where(mask, ids, 0))
    for text, row in zip(texts, ids, strict=True):
        np.testing.assert_array_equal(row[text.position_ids], text.input_ids)


def test_lists_masks_of_any_kind_and_token_types(
    classifier: npbert.DistilBertForSequenceClassification,
) -> None:
    ids = [[1, 2, 3], [4, 5, 0]]
    mask = [[1, 1, 1], [1, 1, 0]]
    expected = classifier(np.array(ids), np.array(mask)).logits
    for kind in (np.int32, np.uint8, bool, np.float32):
        result = classifier(ids, np.array(mask, kind), token_type_ids=np.ones((2, 3)))
        np.testing.assert_array_equal(result.logits, expected)
    np.testing.assert_allclose(
        classifier([ids[1][:2]]).logits[0], expected[1], rtol=1e-5, atol=1e-5
    )


BAD_CALLS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({}, ValueError, "input_ids is missing"),
    ({"input_ids": [1, 2]}, ValueError, r"shape \(2,\), expected \(batch, seq\).*into a list"),
    ({"input_ids": [[[1]]]}, ValueError, r"shape \(1, 1, 1\), expected \(batch, seq\)$"),
    ({"input_ids": [[1, 2], [3]]}, ValueError, "rows of different lengths; pass padding=True"),
    ({"input_ids": [[1.0, 2.0]]}, TypeError, "dtype float64, expected integers"),
    ({"input_ids": [["a"]]}, TypeError, "expected integers"),
    ({"input_ids": [[True, False]]}, TypeError, "dtype bool"),
    ({"input_ids": [[1], [97]]}, ValueError, "row 1 has the token id 97 .* expected 0 to 96"),
    ({"input_ids": [[1, -1]]}, ValueError, "token id -1 at position 1"),
    ({"input_ids": [[1] * 7]}, ValueError, "7 tokens long, expected at most 6"),
    ({"input_ids": [[1, 2]], "attention_mask": [[1]]}, ValueError, r"shape \(1, 1\), expected"),
    ({"input_ids": [[1, 2]], "attention_mask": [[1, 2]]}, ValueError, "values other than 0"),
    ({"input_ids": [[1, 2]], "attention_mask": [[1, 0.5]]}, ValueError, "values other than 0"),
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


def test_a_function_of_its_own_names_the_axes_as_a_model_does() -> None:
    with pytest.raises(
        ValueError, match=r"shape \(2,\), expected \(batch, seq\); put one text into"
    ):
        read_padded(DistilBertConfig(), [1, 2])


@pytest.mark.parametrize("position", [0, 511])
def test_the_first_and_the_last_position_can_be_given(position: int) -> None:
    (text,), _ = read_padded(DistilBertConfig(), [[1, 2]], position_ids=[[position] * 2])
    assert text.position_ids.tolist() == [position] * 2


def test_a_hidden_first_token_is_refused_only_where_it_is_read(
    encoder: npbert.DistilBertModel, classifier: npbert.DistilBertForSequenceClassification
) -> None:
    call: dict[str, Any] = {"input_ids": [[1, 2], [3, 4]], "attention_mask": [[1, 1], [0, 1]]}
    assert encoder(**call).last_hidden_state.shape == (2, 2, 12)
    with pytest.raises(ValueError, match=r"position 0 of row 1, .* pad on the right"):
        classifier(**call)


BAD_EMBEDS_AND_POSITIONS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"inputs_embeds": 1.0}, ValueError, "both given"),
    ({"input_ids": None, "inputs_embeds": np.ones((1, 2, 5))}, ValueError, r"dim = 36\)"),
    ({"input_ids": None, "inputs_embeds": np.full((1, 2, 36), np.nan)}, ValueError, "NaN"),
    (
        {"input_ids": None, "inputs_embeds": np.full((1, 2, 36), [*range(35), -3e38])},
        ValueError,
        r"float32 overflows; inputs_embeds holds up to 3e\+38, expected numbers",
    ),
    (
        {"input_ids": None, "inputs_embeds": np.full((1, 2, 36), -1e39)},
        ValueError,
        "beyond float32",
    ),
    ({"input_ids": None, "inputs_embeds": [[["a"] * 36]]}, TypeError, "expected floats"),
    ({"position_ids": [[0, 512]]}, ValueError, "from 0 to 512, expected 0 to 511"),
    ({"position_ids": [[-1, 0]]}, ValueError, "from -1 to 0"),
    ({"position_ids": [[0.0, 1.0]]}, TypeError, "position_ids has dtype float64"),
    ({"position_ids": [[0, 1, 2]]}, ValueError, r"position_ids has shape \(1, 3\)"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), BAD_EMBEDS_AND_POSITIONS)
def test_bad_embeds_and_positions(
    tmp_path: Path, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    folder = make_model(tmp_path, head="ForTokenClassification", dim=36, n_heads=3, n_layers=1)
    model = npbert.AutoModelForTokenClassification.from_pretrained(folder)
    with pytest.raises(error, match=message):
        model(**({"input_ids": [[1, 2]]} | arguments))
