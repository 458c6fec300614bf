"""The attention of a text is that of the model's own forward pass."""

from __future__ import annotations

import numpy as np
import pytest

import npbert
from npbert.explanations.attention import decided_looks, look_through_head

Classifier = npbert.TextClassificationPipeline
TEXT = "Not bad at all."


def test_attention_is_that_of_the_model(ours: Classifier) -> None:
    found = npbert.explain(TEXT, ours, attention=True)
    inputs = ours.tokenizer([TEXT], return_tensors="np")
    output = ours.model(**inputs, output_attentions=True)
    assert output.attentions is not None
    assert found.attention is not None
    assert found.attention.dtype == np.float32
    assert found.steps is None
    np.testing.assert_allclose(found.attention, np.concatenate(output.attentions), atol=1e-6)


def test_one_head_is_that_of_the_whole(ours: Classifier) -> None:
    whole = npbert.explain(TEXT, ours, attention=True)
    assert whole.attention is not None
    found = look_through_head(ours, TEXT, layer=1, head=1)
    np.testing.assert_allclose(found.weights, whole.attention[1, 1], atol=1e-6)
    assert found.tokens == whole.tokens
    assert (found.n_layers, found.n_heads) == whole.attention.shape[:2]
    assert found.looks == decided_looks(whole.attention[1])
    content = found.to_dict()
    assert content["weights"] == [
        [pytest.approx(w, abs=5e-5) for w in row] for row in found.weights
    ]
    first = found.looks[0]
    assert content["looks"][0] == {**first._asdict(), "weight": round(first.weight, 4)}


def test_looks_by_hand() -> None:
    """A head's look is its largest weight between two words, without looks at oneself."""
    heads = np.zeros((2, 4, 4), np.float32)
    heads[0, 1, 1] = 0.9  # a token that looks at itself is no news
    heads[0, 2, 1] = 0.5
    heads[0, 2, 0] = 0.8  # [CLS] is not a word
    heads[1, 1, 2] = 0.7
    looks = [
        (look.head, look.looking, look.seen, round(look.weight, 2)) for look in decided_looks(heads)
    ]
    assert looks == [(1, 1, 2, 0.7), (0, 2, 1, 0.5)]
    assert decided_looks(heads[:, :2, :2]) == []


def test_a_long_text_is_cut(ours: Classifier) -> None:
    assert len(look_through_head(ours, "word " * 5000, 0, 0).tokens) == ours.max_tokens()


@pytest.mark.parametrize(
    ("layer", "head", "message"),
    [
        (2, 0, "layer is 2, expected a number from 0 to 1"),
        (0, 400, "head is 400, expected a number from 0 to "),
        (-1, 0, "layer is -1, expected"),
    ],
)
def test_heads_that_do_not_exist(layer: int, head: int, message: str, ours: Classifier) -> None:
    with pytest.raises(ValueError, match=message):
        look_through_head(ours, TEXT, layer, head)
