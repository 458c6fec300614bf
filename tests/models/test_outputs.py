"""Outputs: their fields by attribute, key and index; softmax and sigmoid."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import npbert
from npbert.models.outputs import BaseModelOutput, SequenceClassifierOutput, sigmoid


def test_attribute_key_and_index_are_the_same_array() -> None:
    logits = np.ones((2, 3), np.float32)
    output = SequenceClassifierOutput(logits)
    assert output.logits is logits
    assert output["logits"] is logits
    assert output[0] is logits
    assert output[:1] == (logits,)
    assert output.to_tuple() == (logits,)
    assert list(output) == list(output.keys()) == ["logits"]
    assert list(output.values()) == [logits]
    assert output.get("attentions") is output.attentions is output.loss is None
    assert dict(output) == {"logits": logits}
    assert "logits" in output
    assert len(output) == 1


def test_what_is_not_there_is_a_clear_error() -> None:
    output = BaseModelOutput(np.ones((1, 2, 3), np.float32))
    with pytest.raises(KeyError, match="the fields with a value are: last_hidden_state"):
        output["logits"]
    with pytest.raises(IndexError):
        output[1]


def test_an_output_shows_shapes_and_no_numbers() -> None:
    logits, states = np.ones((2, 3), np.float32), np.ones((2, 5, 4), np.float32)
    assert repr(SequenceClassifierOutput(logits, hidden_states=(states, states))) == (
        "SequenceClassifierOutput(loss=None, logits=float32 (2, 3), "
        "hidden_states=2 x float32 (2, 5, 4), attentions=None)"
    )
    some: Any = (None, states)  # as output_hidden_states=[1] gives them
    assert repr(BaseModelOutput(states, hidden_states=some)) == (
        "BaseModelOutput(last_hidden_state=float32 (2, 5, 4), "
        "hidden_states=(None, float32 (2, 5, 4)), attentions=None)"
    )


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_softmax_is_that_of_torch(axis: int) -> None:
    x = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32) * 30
    before = x.copy()
    expected = torch.softmax(torch.tensor(x), axis).numpy()
    result = npbert.softmax(x, axis=axis)
    np.testing.assert_allclose(result, expected, atol=1e-7)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(x, before)


def test_softmax_takes_lists() -> None:
    np.testing.assert_allclose(npbert.softmax([0, 0]), [0.5, 0.5])


def test_sigmoid_is_that_of_torch() -> None:
    x = np.array([-1e4, -88, -1, 0, 1, 88, 1e4], np.float32)
    np.testing.assert_allclose(sigmoid(x), torch.sigmoid(torch.tensor(x)).numpy(), atol=1e-7)
    assert sigmoid(x).dtype == np.float32
