"""A changed model gives what the model in float64 gives, changed in the same way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import encoder
import numpy as np
import pytest
from encoder import DistilBert, Floats

import npbert
from npbert.checkpoints.weights import named_arrays
from npbert.explanations.what_if import Changes, changed_encoder, what_if

Classifier = npbert.TextClassificationPipeline
TEXT = "Not bad at all."
ALL = Changes(positions=False, without_layers=(0,), activation="relu", scale=False)


def no_positions(model: DistilBert) -> None:
    model.weights["embeddings.position_embeddings.weight"] *= 0


def no_layer(number: int) -> Callable[[DistilBert], None]:
    """Take a layer out, and give the layers after it the numbers before theirs."""

    def change(model: DistilBert) -> None:
        weights = model.weights
        for later in range(number, model.config["n_layers"] - 1):
            own, next_one = (f"transformer.layer.{each}." for each in (later, later + 1))
            for name in [name for name in weights if name.startswith(next_one)]:
                weights[own + name.removeprefix(next_one)] = weights[name]
        model.config["n_layers"] -= 1

    return change


def relu(model: DistilBert) -> None:
    model.config["activation"] = "relu"


def attention_without_root(query: Floats, key: Floats, value: Floats) -> Floats:
    return encoder.softmax(query @ key.T) @ value


CASES: dict[str, tuple[Changes, list[Callable[[DistilBert], None]]]] = {
    "nothing": (Changes(), []),
    "no positions": (Changes(positions=False), [no_positions]),
    "no layer 0": (Changes(without_layers=(0,)), [no_layer(0)]),
    "no layer 1": (Changes(without_layers=(1,)), [no_layer(1)]),
    "ReLU": (Changes(activation="relu"), [relu]),
    "no root": (Changes(scale=False), []),
    "all": (ALL, [no_positions, no_layer(0), relu]),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("which", ["ours", "mini"])
def test_the_numbers_are_those_of_the_reference(
    which: str, name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier: Classifier = request.getfixturevalue(which)
    changes, steps = CASES[name]
    folder = encoder.MINI if which == "mini" else Path(classifier.model.name_or_path)
    reference = DistilBert(folder)
    ids = np.array(classifier.tokenizer(TEXT).input_ids)
    before = reference.logits(ids)
    for step in steps:
        step(reference)
    if not changes.scale:
        monkeypatch.setattr(encoder, "attention", attention_without_root)
    after = reference.logits(ids)
    found = what_if(classifier, TEXT, changes)
    labels = list(classifier.model.config.id2label.values())
    assert [*found.before] == [*found.after] == labels
    for scores, logits in [(found.before, before), (found.after, after)]:
        assert [*scores.values()] == pytest.approx(encoder.softmax(logits), abs=1e-5)
    assert (found.before == found.after) == (name == "nothing")


def test_the_loaded_model_stays_as_it_is(mini: Classifier) -> None:
    before = {name: array.copy() for name, array in named_arrays(mini.model.encoder)}
    answer = mini(TEXT, top_k=None)
    found = what_if(mini, TEXT, ALL)
    assert mini(TEXT, top_k=None) == answer
    assert found.before == {each["label"]: each["score"] for each in answer}
    assert [name for name, array in named_arrays(mini.model.encoder)] == [*before]
    for name, array in named_arrays(mini.model.encoder):
        assert np.array_equal(array, before[name]), name


def test_what_does_not_differ_is_shared(mini: Classifier) -> None:
    old = mini.model.encoder
    new = changed_encoder(old, Changes(positions=False, activation="relu"))
    assert new.embeddings.word_embeddings is old.embeddings.word_embeddings
    assert new.layers[0].ffn.lin1 is old.layers[0].ffn.lin1
    assert changed_encoder(old, Changes(without_layers=(1, 3))).layers == (
        old.layers[0],
        old.layers[2],
    )


def test_a_pipeline_keeps_its_options(ours: Classifier) -> None:
    of_sigmoid = npbert.pipeline(
        "text-classification", ours.model.name_or_path, function_to_apply="sigmoid"
    )
    found = what_if(of_sigmoid, TEXT, Changes())
    answer = of_sigmoid(TEXT, top_k=None)
    assert found.before == found.after == {each["label"]: each["score"] for each in answer}
    assert sum(found.after.values()) != pytest.approx(1, abs=0.01)


def test_the_json_form(mini: Classifier) -> None:
    found = what_if(mini, TEXT, ALL)
    assert found.to_dict() == {"before": found.before, "after": found.after}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"positions": 0}, "positions is 0, expected True or False"),
        ({"scale": None}, "scale is None, expected True or False"),
        ({"without_layers": ("2",)}, "without_layers has '2', expected numbers of layers"),
        ({"without_layers": (True,)}, "without_layers has True, expected numbers of layers"),
    ],
)
def test_values_of_other_types(values: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Changes(**values)


def test_an_activation_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="activation is 'rulu', expected one of: 'gelu', "):
        Changes(activation="rulu")


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((4,), "without_layers has 4, expected a number from 0 to 3, because the model has 4"),
        ((-1,), "without_layers has -1, expected"),
        ((0, 1, 2, 3), "without_layers names all 4 layers of the model; leave at least one in"),
    ],
)
def test_layers_that_cannot_be_left_out(
    numbers: tuple[int, ...], message: str, mini: Classifier
) -> None:
    with pytest.raises(ValueError, match=message):
        what_if(mini, TEXT, Changes(without_layers=numbers))
