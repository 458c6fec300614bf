"""Every head: what holds for its outputs, without a comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import npbert
from npbert.models.base import PreTrainedModel
from tests.support.heads import auto_name, inputs_for


@pytest.fixture(scope="module")
def model(head: str, head_folder: Path) -> PreTrainedModel[Any, Any]:
    made: PreTrainedModel[Any, Any] = getattr(npbert, auto_name(head)).from_pretrained(head_folder)
    return made


def test_the_output_is_the_same_with_and_without_what_is_on_the_way(
    model: PreTrainedModel[Any, Any],
) -> None:
    inputs = inputs_for(model)
    plain, traced = model(**inputs), model(**inputs, output_attentions=True)
    assert [*plain, "attentions"] == list(traced)
    for name in plain:
        np.testing.assert_allclose(plain[name], traced[name], rtol=1e-5, atol=1e-5)


def test_no_rows_give_no_rows(model: PreTrainedModel[Any, Any]) -> None:
    inputs = inputs_for(model)
    whole = model(**inputs)
    nothing = {name: array[:0] for name, array in inputs.items()}
    output = model(**nothing, output_hidden_states=True, output_attentions=True)
    for name in whole:
        assert output[name].shape == (0, *whole[name].shape[1:])
    assert output.hidden_states[-1].shape == (0, 9, 36)
    assert output.attentions[-1].shape == (0, 3, 9, 9)


def test_there_is_no_causal_language_model() -> None:
    with pytest.raises(
        ValueError, match=r"every token also looks at the tokens after it.*fill-mask"
    ):
        npbert.AutoModelForCausalLM.from_pretrained("mini")
