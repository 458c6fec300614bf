"""npbert beside transformers (float32) and the float64 reference, on the same weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

import npbert
from tests.support.heads import HEADS
from tests.support.oracles import BASE, SIZES, Oracle, largest_difference, make_model, random_batch
from tests.support.reference import Float64, Reference

TOLERANCE = 1e-5  # of max(1, the largest value)


@dataclass
class Sides:
    """One model folder, loaded by npbert, by transformers and by the float64 reference."""

    encoder: npbert.DistilBertModel
    classifier: npbert.DistilBertForSequenceClassification
    oracle: Oracle
    reference: Reference

    @classmethod
    def of(cls, folder: Path) -> Sides:
        with pytest.warns(UserWarning, match="bare encoder"):
            encoder = npbert.AutoModel.from_pretrained(folder)
        classifier = npbert.AutoModelForSequenceClassification.from_pretrained(folder)
        return cls(encoder, classifier, Oracle.load(folder), Reference(folder))

    @property
    def lengths(self) -> list[int]:
        """The lengths of the rows of a batch, short because the reference is slow."""
        return [length for length in (2, 3, 5, 8, 17, 40) if length <= self.longest]

    @property
    def longest(self) -> int:
        return self.classifier.config.max_position_embeddings


@pytest.fixture(scope="module", params=SIZES)
def sides(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sides:
    return Sides.of(make_model(tmp_path_factory.mktemp("model"), **SIZES[request.param]))


@pytest.mark.parametrize("padding", ["right", "left", "holes"])
def test_hidden_states(sides: Sides, padding: str) -> None:
    rng = np.random.default_rng(0)
    ids, mask = random_batch(rng, 97, sides.lengths, padding)
    ours = sides.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    seen = mask == 1
    assert ours.shape == (*ids.shape, sides.encoder.config.dim)
    assert ours.dtype == np.float32
    assert not ours[~seen].any()  # padded positions have zeros, as docs/differences.md says
    assert largest_difference(ours[seen], sides.oracle.hidden(ids, mask)[seen]) < TOLERANCE
    assert largest_difference(ours[seen], sides.reference.hidden(ids, mask)[seen]) < TOLERANCE


@pytest.mark.parametrize("padding", ["right", "holes"])
def test_logits(sides: Sides, padding: str) -> None:
    rng = np.random.default_rng(1)
    ids, mask = random_batch(rng, 97, sides.lengths, padding)
    ours = sides.classifier(input_ids=ids, attention_mask=mask).logits
    assert ours.shape == (len(ids), sides.classifier.config.num_labels)
    assert ours.dtype == np.float32
    assert largest_difference(ours, sides.oracle.logits(ids, mask)) < TOLERANCE
    assert largest_difference(ours, sides.reference.logits(ids, mask)) < TOLERANCE


def test_one_text_of_every_length(sides: Sides) -> None:
    rng = np.random.default_rng(2)
    for length in [1, *sides.lengths, sides.longest]:
        ids, mask = random_batch(rng, 97, [length])
        ours = sides.classifier(ids).logits
        assert largest_difference(ours, sides.oracle.logits(ids, mask)) < TOLERANCE


def test_many_texts_in_many_packs(sides: Sides) -> None:
    """More tokens than a pack holds, so that several threads take part."""
    rng = np.random.default_rng(3)
    lengths = rng.integers(1, min(64, sides.longest) + 1, 100).tolist()
    ids, mask = random_batch(rng, 97, lengths)
    ours = sides.classifier(ids, mask).logits
    assert largest_difference(ours, sides.oracle.logits(ids, mask)) < TOLERANCE


def test_the_error_against_float64_is_that_of_torch(sides: Sides) -> None:
    """Compare the root mean squares of many errors: the largest error is a matter of luck.

    Their ratio is about 1. BLAS libraries add up their terms in different orders, which moves it
    a little. A ratio of 1.6 would have another cause.
    """
    rng = np.random.default_rng(4)
    ours, theirs = [], []
    for _ in range(3):
        ids, mask = random_batch(rng, 97, sides.lengths)
        seen = mask == 1
        exact = sides.reference.hidden(ids, mask)[seen]
        ours.append(sides.encoder(ids, mask).last_hidden_state[seen] - exact)
        theirs.append(sides.oracle.hidden(ids, mask)[seen] - exact)
    assert rms(ours) < 1.6 * rms(theirs)


def rms(errors: list[Float64]) -> float:
    return float(np.sqrt(np.mean(np.concatenate([error.ravel() for error in errors]) ** 2)))


@pytest.mark.parametrize("activation", ["gelu_new", "gelu_10", "silu", "mish", "laplace", "relu2"])
def test_other_activations(tmp_path: Path, activation: str) -> None:
    sizes = SIZES["tiny"] | {"activation": activation}
    folder = make_model(tmp_path, **sizes)
    ids, mask = random_batch(np.random.default_rng(0), 97, [2, 9, 30])
    model = npbert.AutoModelForSequenceClassification.from_pretrained(folder)
    assert largest_difference(model(ids, mask).logits, Oracle.load(folder).logits(ids, mask)) < 1e-5


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


SELECTIONS: list[Any] = [
    *(True, False, None, 0, 1, 2, 3, -1, -3, -4, ""),
    *([0, 2], [0, 0], (0, 2), [], [0], [-1], [99], [True, False], {1}, range(2), {0: "a"}),
]


@pytest.mark.filterwarnings("ignore:.*bare encoder:UserWarning")
@pytest.mark.parametrize("head", ["Model", "ForSequenceClassification"])
@pytest.mark.parametrize("selection", SELECTIONS, ids=repr)
def test_selected_hidden_states(folder: Path, head: str, selection: Any) -> None:
    ours: Any = getattr(npbert, f"DistilBert{head}").from_pretrained(folder)
    theirs = getattr(transformers, f"DistilBert{head}").from_pretrained(folder)
    expected = theirs(torch.tensor([[1, 2, 3]]), output_hidden_states=selection)
    output = ours([[1, 2, 3]], output_hidden_states=selection)
    assert_same_states(output.hidden_states, expected.hidden_states)
    as_tuple = ours([[1, 2, 3]], output_hidden_states=selection, return_dict=False)
    assert len(as_tuple) == len(expected.to_tuple())
    if isinstance(selection, (bool, int, list)):  # config.json can say it too
        ours = type(ours).from_pretrained(folder, output_hidden_states=selection)
        theirs = type(theirs).from_pretrained(folder, output_hidden_states=selection)
        expected = theirs(torch.tensor([[1, 2, 3]]))
        assert_same_states(ours([[1, 2, 3]]).hidden_states, expected.hidden_states)


def assert_same_states(ours: Any, theirs: Any) -> None:
    """Compare the states that are there, and which ones are not."""
    assert (ours is None) == (theirs is None)
    for our, their in zip(ours or (), theirs or (), strict=True):
        assert (our is None) == (their is None)
        if our is not None:
            np.testing.assert_allclose(our, their.detach().numpy(), atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*bare encoder:UserWarning")
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("head", HEADS)
def test_number_of_parameters(tmp_path: Path, head: str, tied: bool) -> None:
    folder = make_model(tmp_path, head=head, dim=12, n_heads=2, tie_word_embeddings=tied)
    ours = getattr(npbert, f"DistilBert{head}").from_pretrained(folder)
    theirs = getattr(transformers, f"DistilBert{head}").from_pretrained(folder)
    for options in ({}, {"only_trainable": True}, {"exclude_embeddings": True}):
        assert ours.num_parameters(**options) == theirs.num_parameters(**options)


# ---------------------------------------------------------------------------- the real size


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Sides:
    return Sides.of(make_model(tmp_path_factory.mktemp("base"), **BASE))


def test_base_size(base: Sides) -> None:
    assert base.classifier.config.dim == 768
    assert base.classifier.config.n_layers == 6
    rng = np.random.default_rng(0)
    ids, mask = random_batch(rng, 30522, [2, 7, 25, 40])
    seen = mask == 1
    hidden = base.encoder(ids, mask).last_hidden_state[seen]
    assert largest_difference(hidden, base.oracle.hidden(ids, mask)[seen]) < TOLERANCE
    assert largest_difference(hidden, base.reference.hidden(ids, mask)[seen]) < TOLERANCE
    logits = base.classifier(ids, mask).logits
    assert largest_difference(logits, base.oracle.logits(ids, mask)) < TOLERANCE


def test_base_size_long_text(base: Sides) -> None:
    rng = np.random.default_rng(1)
    ids, mask = random_batch(rng, 30522, [512, 300])
    logits = base.classifier(ids, mask).logits
    assert largest_difference(logits, base.oracle.logits(ids, mask)) < TOLERANCE
