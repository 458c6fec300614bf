"""The steps and the attention of a text are those of the model's own forward pass."""

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


def test_attention_is_that_of_the_model(ours: Classifier) -> None:
    found = npbert.explain(TEXT, ours, attention=True)
    inputs = ours.tokenizer([TEXT], return_tensors="np")
    output = ours.model(**inputs, output_attentions=True)
    assert output.attentions is not None
    assert found.attention is not None
    assert found.attention.dtype == np.float32
    assert found.steps is None
    np.testing.assert_allclose(found.attention, np.concatenate(output.attentions), atol=1e-6)


def test_nothing_is_traced_unless_it_is_asked_for(ours: Classifier) -> None:
    found = npbert.explain(TEXT, ours)
    assert (found.steps, found.tokens, found.attention) == (None, None, None)
