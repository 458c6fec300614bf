"""The steps of a text are those of the model's own forward pass."""

from __future__ import annotations

import numpy as np
import pytest

import npbert
from tests.support.paths import CHECKOUT

Classifier = npbert.TextClassificationPipeline
TEXT = "Not bad at all."


def test_the_lead_after_each_layer(ours: Classifier) -> None:
    """The head reads [CLS] of each hidden state, as a call of the model returns them."""
    found = npbert.explain(TEXT, ours, steps=True)
    inputs = ours.tokenizer([TEXT], return_tensors="np")
    output = ours.model(**inputs, output_hidden_states=True)
    assert output.hidden_states is not None
    head = ours.model.head
    leads = []
    for state in output.hidden_states:
        hidden = np.maximum(head.pre_classifier.weight @ state[0, 0] + head.pre_classifier.bias, 0)
        logits = head.classifier.weight @ hidden + head.classifier.bias
        own = ours.model.config.label2id[found.label]
        leads.append(logits[own] - np.delete(logits, own).mean())
    assert found.steps is not None
    steps = {step.name: step for step in found.steps}
    shown = [steps[name].lead for name in ("embed", "layer 0", "layer 1")]
    assert shown == pytest.approx(leads, abs=1e-5)
    assert steps["head"].lead == steps["layer 1"].lead == pytest.approx(found.lead, abs=1e-5)


def test_the_shapes_and_the_places(mini: Classifier) -> None:
    found = npbert.explain("Not bad.", mini, steps=True)
    assert found.steps is not None
    assert found.tokens == ("[CLS]", "not", "bad", ".", "[SEP]")
    shapes = {step.name: step.shape for step in found.steps}
    assert shapes["pieces"] == (5,)
    assert [shapes[f"layer {number}"] for number in range(4)] == [(384, 5)] * 3 + [(384, 1)]
    assert shapes["head"] == shapes["softmax"] == (2,)
    for step in found.steps:
        path, _, line = step.where.partition(":")
        code = (CHECKOUT / "npbert" / path).read_text(encoding="utf-8").splitlines()
        assert code[int(line) - 1].startswith(("def ", "    def "))
        assert (CHECKOUT / step.chapter).is_file()


def test_the_numbers_are_the_first_ones_of_what_comes_out(ours: Classifier) -> None:
    """Those of a layer are the numbers of [CLS]."""
    found = npbert.explain(TEXT, ours, steps=True)
    inputs = ours.tokenizer([TEXT], return_tensors="np")
    output = ours.model(**inputs, output_hidden_states=True)
    assert output.hidden_states is not None
    assert found.steps is not None
    numbers = {step.name: step.numbers for step in found.steps}
    assert numbers["pieces"] == tuple(inputs["input_ids"][0, :8])
    for name, state in zip(("embed", "layer 0", "layer 1"), output.hidden_states, strict=True):
        assert numbers[name] == pytest.approx(state[0, 0, :8], abs=1e-5)
    assert numbers["head"] == pytest.approx(output.logits[0], abs=1e-5)
    assert numbers["softmax"] == pytest.approx([*found.scores.values()], abs=1e-6)


def test_the_formulas_are_those_of_the_model(ours: Classifier, mini: Classifier) -> None:
    of_mini, of_ours = (npbert.explain(TEXT, one, steps=True).steps for one in (mini, ours))
    assert of_mini is not None
    assert of_ours is not None
    formulas = {step.name: step.formula for step in of_mini}
    assert formulas["layer 3"].splitlines() == [
        "x = norm(x + out_lin(value @ softmax(key.T @ query / √32)))",
        "x = norm(x + lin2(gelu(lin1(x))))",
    ]
    config = ours.model.config
    (of_layer,) = {step.formula for step in of_ours if step.name.startswith("layer")}
    assert f"√{config.dim // config.n_heads}" in of_layer
    assert f"lin2({config.activation}(" in of_layer
    assert formulas["softmax"].startswith("score = e^logit / ")


def test_nothing_is_traced_unless_it_is_asked_for(ours: Classifier) -> None:
    found = npbert.explain(TEXT, ours)
    assert (found.steps, found.tokens, found.attention) == (None, None, None)
