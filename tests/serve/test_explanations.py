"""What the service says of how a label came out is what npbert says of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

import npbert
from npbert.explanations.attention import look_through_head
from npbert.explanations.what_if import Changes, what_if
from tests.support.http_service import Running

TEXT = "Not bad at all."


@pytest.fixture(scope="module")
def classifier() -> npbert.TextClassificationPipeline:
    return npbert.pipeline("text-classification", "mini")


def as_json(value: object) -> Any:
    return json.loads(json.dumps(value))


def test_explain(mini: Running, classifier: npbert.TextClassificationPipeline) -> None:
    parameters = {"label": "NEGATIVE", "method": "mask", "unit": "sentence", "steps": True}
    answer = mini.post("/explain", {"inputs": TEXT, "parameters": parameters})
    found = npbert.explain(
        TEXT, classifier, label="NEGATIVE", method="mask", unit="sentence", steps=True
    )
    assert answer.json == as_json(found.to_dict())


def test_attention(mini: Running, classifier: npbert.TextClassificationPipeline) -> None:
    parameters = {"layer": 2, "head": 7}
    answer = mini.post("/attention", {"inputs": TEXT, "parameters": parameters})
    assert answer.json == as_json(look_through_head(classifier, TEXT, 2, 7).to_dict())
    assert mini.post("/attention", {"inputs": TEXT}).json == as_json(
        look_through_head(classifier, TEXT, 0, 0).to_dict()
    )


def test_what_if(mini: Running, classifier: npbert.TextClassificationPipeline) -> None:
    changes = {
        "positions": False,
        "without_layers": [1, 3],
        "activation": "relu",
        "scale": False,
    }
    answer = mini.post("/what-if", {"inputs": TEXT, "changes": changes})
    expected = Changes(positions=False, without_layers=(1, 3), activation="relu", scale=False)
    assert answer.json == as_json(what_if(classifier, TEXT, expected).to_dict())
    unchanged = mini.post("/what-if", {"inputs": TEXT, "changes": {}}).json
    assert unchanged["before"] == unchanged["after"] == answer.json["before"]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("/attention", {"parameters": {"layer": 4}}, "layer is 4, expected a number from 0 to 3"),
        ("/attention", {"parameters": {"head": 12}}, "head is 12, expected a number from 0 to 11"),
        ("/what-if", {"changes": {"without_layers": [4]}}, "without_layers has 4, expected"),
        ("/what-if", {"changes": {"activation": "rulu"}}, "activation is 'rulu', expected one of"),
        ("/what-if", {"changes": {"scale": 1}}, "changes.scale: expected `bool`, got `int`"),
        (
            "/what-if",
            {"changes": {"layers": [1]}},
            "object contains unknown field `layers`",
        ),
        ("/what-if", {}, "object missing required field `changes`"),
    ],
)
def test_wishes_that_cannot_be_met(
    path: str, value: dict[str, object], message: str, mini: Running
) -> None:
    answer = mini.post(path, {"inputs": TEXT, **value})
    assert answer.status == 422
    assert message in answer.error
