"""Every head beside that of transformers, on the same random weights."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.heads import assert_equal_at_tokens, inputs_for, load_both, their_output
from tests.support.pipelines import Sides


@pytest.fixture(scope="module")
def sides(head: str, head_folder: Path) -> Sides:
    return load_both(head, head_folder)


@pytest.mark.parametrize("padding", ["right", "holes"])
def test_everything_that_a_call_can_return(sides: Sides, padding: str) -> None:
    model, oracle = sides
    inputs = inputs_for(model, padding)
    want: dict[str, Any] = {"output_hidden_states": True, "output_attentions": True}
    ours, theirs = model(**inputs, **want), their_output(oracle, inputs, **want)
    assert list(ours) == list(theirs)
    for name, value in ours.items():
        if not isinstance(value, tuple):
            assert_equal_at_tokens(name, value, theirs[name], inputs["attention_mask"])
            continue
        assert len(value) == len(theirs[name])
        for one, other in zip(value, theirs[name], strict=True):
            assert_equal_at_tokens(name, one, other, inputs["attention_mask"])


def test_position_ids(sides: Sides) -> None:
    model, oracle = sides
    inputs = inputs_for(model)
    rng = np.random.default_rng(1)
    rows = rng.integers(0, 512, inputs["input_ids"].shape).reshape(-1, 9)
    for positions in (rows, rows[:1], rows[0]):
        more = {**inputs, "position_ids": positions}
        ours, theirs = model(**more), their_output(oracle, more)
        for name in ours:
            assert_equal_at_tokens(name, ours[name], theirs[name], inputs["attention_mask"])
    shaped = model(**inputs, position_ids=rows.reshape(inputs["input_ids"].shape))
    np.testing.assert_array_equal(shaped[0], model(**inputs, position_ids=rows)[0])
    assert np.abs(shaped[0] - model(**inputs)[0]).max() > 0.01  # positions change the result


def test_inputs_embeds(sides: Sides) -> None:
    model, oracle = sides
    inputs = inputs_for(model)
    ids = inputs.pop("input_ids")
    embeds = np.random.default_rng(1).normal(size=(*ids.shape, 36)).astype(np.float32)
    before = embeds.copy()
    inputs["inputs_embeds"] = embeds
    ours, theirs = model(**inputs), their_output(oracle, inputs)
    for name in ours:
        assert_equal_at_tokens(name, ours[name], theirs[name], inputs["attention_mask"])
    np.testing.assert_array_equal(embeds, before)
    looked_up = model.encoder.embeddings.word_embeddings[ids]
    inputs["inputs_embeds"] = looked_up
    expected = model(ids, inputs["attention_mask"])
    np.testing.assert_array_equal(model(**inputs)[0], expected[0])


def test_names_order_and_tuples_are_those_of_transformers(sides: Sides) -> None:
    model, oracle = sides
    inputs = inputs_for(model)
    output = model(**inputs)
    theirs = their_output(oracle, inputs)
    assert type(output).__name__ == type(theirs).__name__
    for name in ("loss", "hidden_states", "attentions"):
        assert getattr(output, name, None) is getattr(theirs, name, None) is None
        assert name not in output
        assert name not in theirs
    as_tuple = model(**inputs, return_dict=False)
    assert isinstance(as_tuple, tuple)
    assert len(as_tuple) == len(output.to_tuple()) == len(theirs.to_tuple())
    np.testing.assert_array_equal(as_tuple[0], output[0])
    assert model.eval() is model.to("cpu") is model


def test_the_tree_has_the_shapes_and_the_number_of_all_parameters(sides: Sides) -> None:
    model, oracle = sides
    tree = repr(model)
    assert tree.startswith(f"{type(oracle).__name__}(")
    total, *tied = re.findall(r"([\d,]+) (?:parameters|of them)", tree)
    counts = [int(count.replace(",", "")) for count in (total, *tied)]
    assert counts[0] - sum(counts[1:]) == oracle.num_parameters()
    for name, parameter in oracle.named_parameters():
        *_, part, kind = name.split(".")
        shape = tuple(parameter.shape)
        shown = f"({part}): {shape}" if part.endswith("_embeddings") else f"{kind}={shape}"
        assert shown in tree, name
