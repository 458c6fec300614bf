"""`/predict` and `/tokenize` have the shapes of text-embeddings-inference."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

import npbert
from tests.support.http_service import Running, serving

GOOD, BAD = "I love this film.", "I want my two hours back."
LONG = "good " * 600 + "terrible awful boring"


def scores_of(answer: list[dict[str, Any]]) -> dict[str, float]:
    assert [one["score"] for one in answer] == sorted(
        (one["score"] for one in answer), reverse=True
    )
    assert all(one.keys() == {"label", "score"} for one in answer)
    return {one["label"]: one["score"] for one in answer}


@pytest.fixture(autouse=True)
def _no_warnings_of_cut_texts() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "1 of 1 text had more than 512 tokens")
        yield


def classified(*inputs: Any, **options: Any) -> list[dict[str, float]]:
    """What `classify` says of texts."""
    results = npbert.classify([*inputs], model="mini", top_k=None, **options)
    return [{one["label"]: one["score"] for one in result} for result in results]


@pytest.mark.parametrize("inputs", [GOOD, [GOOD]])
def test_one_text(mini: Running, inputs: Any) -> None:
    answer = mini.post("/predict", {"inputs": inputs})
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert scores_of(answer.json) == classified(GOOD)[0]


def test_two_texts_in_a_list_are_a_pair(mini: Running) -> None:
    answer = mini.post("/predict", {"inputs": [GOOD, BAD]})
    (expected,) = classified({"text": GOOD, "text_pair": BAD})
    assert scores_of(answer.json) == expected
    assert expected != classified(GOOD)[0]


def test_a_batch_of_texts_and_pairs(mini: Running) -> None:
    answer = mini.post("/predict", {"inputs": [[GOOD], [GOOD, BAD], [""]]})
    expected = classified(GOOD, {"text": GOOD, "text_pair": BAD}, "")
    assert [scores_of(one) for one in answer.json] == expected
    (alone,) = mini.post("/predict", {"inputs": [[BAD]]}).json
    assert scores_of(alone) == classified(BAD)[0]


def test_raw_scores_are_logits(mini: Running) -> None:
    answer = mini.post("/predict", {"inputs": GOOD, "raw_scores": True})
    assert scores_of(answer.json) == classified(GOOD, function_to_apply="none")[0]


def test_long_texts_follow_the_request(mini: Running) -> None:
    for truncate in (False, None):
        refused = mini.post("/predict", {"inputs": LONG, "truncate": truncate})
        assert refused.status == 413
        assert refused.json["error_type"] == "Validation"
        assert refused.error.startswith(
            "text 0 (counted from 0) is 605 tokens long, expected at most 512; "
        )
        assert '"truncate": true' in refused.error
        assert "--long-text" in refused.error
    beginning = mini.post("/predict", {"inputs": LONG, "truncate": True}).json
    assert scores_of(beginning) == classified(LONG, truncation=True)[0]


@pytest.mark.parametrize("direction", ["Left", "left"])
def test_the_side_on_which_long_texts_are_cut(mini: Running, direction: str) -> None:
    request = {"inputs": LONG, "truncate": True, "truncation_direction": direction}
    end = scores_of(mini.post("/predict", request).json)
    # [CLS], the last 510 tokens, [SEP]
    (expected,) = classified("good " * 507 + "terrible awful boring")
    assert end == pytest.approx(expected, abs=1e-6)
    assert end != classified(LONG, truncation=True)[0]
    pipeline = mini.service.pipeline
    assert pipeline.tokenizer.truncation_side == "right"


@pytest.mark.parametrize("long_text", ["truncate", "window"])
def test_long_texts_follow_the_settings(long_text: str) -> None:
    with serving(model="mini", long_text=long_text) as service:
        (expected,) = classified(LONG, long_text=long_text)
        assert scores_of(service.post("/predict", {"inputs": LONG}).json) == pytest.approx(expected)
        assert service.post("/predict", {"inputs": LONG, "truncate": False}).status == 413


@pytest.mark.parametrize(
    ("request_", "status", "message"),
    [
        ({"inputs": []}, 400, "inputs is an empty list, expected at least one text"),
        ({"inputs": [["a"]] * 33}, 413, "inputs has 33 items, expected at most 32; send them in"),
        ({"inputs": ["a", "b", "c"]}, 422, "inputs is a list of 3 items, expected one text or two"),
        ({"inputs": ["a", ["b"]]}, 422, "inputs is a list of 2 items, expected one text or two"),
        ({"inputs": [["a"], "b"]}, 422, "inputs[1] is a text, expected one text or two"),
        ({"inputs": [["a"], []]}, 422, "inputs[1] is a list of 0 items, expected one text or two"),
        ({"inputs": [["a", 1]]}, 422, "inputs[0][1]: expected `str`, got `int`"),
        ({"inputs": None}, 422, "inputs: expected `str | array`, got `null`"),
        ({"inputs": {"text": "a"}}, 422, "inputs: expected `str | array`, got `object`"),
        ({}, 422, "the body: object missing required field `inputs`"),
        ({"inputs": "a", "top_k": 1}, 422, "the body: object contains unknown field `top_k`"),
        ({"inputs": "a", "raw_scores": 1}, 422, "raw_scores: expected `bool`, got `int`"),
        ({"inputs": "a", "truncation_direction": "Up"}, 422, "truncation_direction: invalid enum"),
        ([], 422, "the body: expected `object`, got `array`"),
    ],
)
def test_wrong_requests(mini: Running, request_: object, status: int, message: str) -> None:
    answer = mini.post("/predict", request_)
    assert answer.status == status
    assert answer.error.startswith(message)


def test_tokens_and_their_places(mini: Running) -> None:
    text = "Größe 🎬 hugging"
    (tokens,) = mini.post("/tokenize", {"inputs": text}).json
    tokenizer = npbert.AutoTokenizer.from_pretrained("mini")
    assert [token["id"] for token in tokens] == tokenizer(text)["input_ids"]
    assert [token["text"] for token in tokens] == tokenizer.tokenize(text, add_special_tokens=True)
    assert tokens[0] == {"id": 2, "text": "[CLS]", "special": True, "start": None, "stop": None}
    inner = tokens[1:-1]
    assert not any(token["special"] for token in inner)
    assert text[inner[0]["start"] : inner[-1]["stop"]] == text
    assert tokens[-1]["special"]


def test_tokens_of_several_texts_without_special_ones(mini: Running) -> None:
    request = {"inputs": ["good", "very bad"], "add_special_tokens": False}
    answer = mini.post("/tokenize", request).json
    assert [[token["text"] for token in of_text] for of_text in answer] == [
        ["good"],
        ["very", "bad"],
    ]


def test_too_many_tokens_to_list(mini: Running) -> None:
    answer = mini.post("/tokenize", {"inputs": ["a " * 40_000] * 2})
    assert answer.status == 413
    assert answer.error == "the texts have 80,004 tokens, expected at most 65,536"
