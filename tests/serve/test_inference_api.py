"""The hub's own client works with the service as it does with the hub, task by task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

import npbert
from tests.support.answering import make_answerer
from tests.support.http_service import Running, serving
from tests.support.pipelines import NER_LABELS, make_folder_for

GOOD, BAD = "I love this film.", "I want my two hours back."
NAMES = "Maria lives in Lima."
MASKED = "I [MASK] this film."
MODELS: dict[str, tuple[str, list[str] | None]] = {  # the head and the labels, by task
    "token-classification": ("ForTokenClassification", NER_LABELS),
    "fill-mask": ("ForMaskedLM", None),
    "zero-shot-classification": (
        "ForSequenceClassification",
        ["contradiction", "neutral", "entailment"],
    ),
    "feature-extraction": ("Model", None),
}


@contextmanager
def served_for(task: str, folder: Path) -> Iterator[Running]:
    """Serve a small random model for a task."""
    head, labels = MODELS[task]
    with serving(model=str(make_folder_for(folder, head, labels)), task=task) as service:
        yield service


def plain(elements: Any) -> Any:
    """Return what the hub's client gives as the dicts of a pipeline; it adds keys with None."""
    if isinstance(elements, list):
        return [plain(element) for element in elements]
    return {name: value for name, value in asdict(elements).items() if value is not None}


class TestTextClassification:
    """`mini`, which labels texts."""

    def test_all_labels(self, mini: Running) -> None:
        client = InferenceClient(model=mini.url)
        expected = npbert.classify(GOOD, model="mini", top_k=None)
        assert plain(client.text_classification(GOOD)) == expected

    def test_its_options(self, mini: Running) -> None:
        client = InferenceClient(model=mini.url)
        answer = client.text_classification(GOOD, top_k=1, function_to_apply="sigmoid")
        expected = npbert.classify(GOOD, model="mini", top_k=1, function_to_apply="sigmoid")
        assert plain(answer) == expected

    def test_lists_and_pairs(self, mini: Running) -> None:
        pair = {"text": GOOD, "text_pair": BAD}
        expected = npbert.classify([GOOD, pair], model="mini", top_k=None)
        assert mini.post("/", {"inputs": [GOOD, pair]}).json == expected
        assert mini.post("/", {"inputs": pair}).json == [npbert.classify(pair, "mini", top_k=None)]

    def test_options_of_the_hub_change_nothing(self, mini: Running) -> None:
        request = {"inputs": GOOD, "parameters": {}, "options": {"wait_for_model": True}}
        assert mini.post("/", request).json == mini.post("/", {"inputs": GOOD}).json

    def test_the_message_of_an_error_reaches_the_caller(self, mini: Running) -> None:
        client = InferenceClient(model=mini.url)
        with pytest.raises(
            HfHubHTTPError, match=r"is 602 tokens long, expected at most 512"
        ) as info:
            client.text_classification("good " * 600)
        assert info.value.response.status_code == 413

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"top_k": 0}, "parameters.top_k: expected `int` >= 1"),
            ({"top_k": "1"}, "parameters.top_k: expected `int | null`, got `str`"),
            ({"function_to_apply": "tanh"}, "parameters.function_to_apply: invalid enum value"),
            ({"threads": 1000}, "parameters: object contains unknown field `threads`"),
            (None, "parameters: expected `object`, got `null`"),
        ],
    )
    def test_wrong_options(self, mini: Running, parameters: object, message: str) -> None:
        answer = mini.post("/", {"inputs": GOOD, "parameters": parameters})
        assert answer.status == 422
        assert answer.error.startswith(message)


def test_token_classification(tmp_path: Path) -> None:
    with served_for("token-classification", tmp_path) as served:
        client = InferenceClient(model=served.url)
        pipeline = served.service.pipeline
        tokens = plain(client.token_classification(NAMES))
        # The client drops the index of a token, which the service sends.
        assert [{**token, "index": 0} for token in tokens] == [
            {**token, "index": 0} for token in pipeline(NAMES)
        ]
        assert served.post("/", {"inputs": NAMES}).json == pipeline(NAMES)
        answer = client.token_classification(NAMES, aggregation_strategy="simple")
        assert plain(answer) == pipeline(NAMES, aggregation_strategy="simple")
        assert "entity_group" in plain(answer)[0]
        assert served.post("/", {"inputs": [NAMES, GOOD]}).json == pipeline([NAMES, GOOD])


def test_fill_mask(tmp_path: Path) -> None:
    with served_for("fill-mask", tmp_path) as served:
        client = InferenceClient(model=served.url)
        pipeline = served.service.pipeline
        assert plain(client.fill_mask(MASKED)) == pipeline(MASKED)
        answer = client.fill_mask(MASKED, targets=["love", "hate"], top_k=1)
        assert plain(answer) == pipeline(MASKED, targets=["love", "hate"], top_k=1)
        two = f"{MASKED} {MASKED}"
        assert served.post("/", {"inputs": [MASKED, two]}).json == pipeline([MASKED, two])
        without = served.post("/", {"inputs": GOOD})
        assert without.status == 422
        assert "has no [MASK]" in without.error
        too_many = served.post("/", {"inputs": [MASKED, "[MASK] " * 201]})
        assert too_many.status == 413
        assert too_many.error.startswith(
            "inputs[1] has 201 masks, each with 5 answers, expected at"
        )


def test_zero_shot_classification(tmp_path: Path) -> None:
    with served_for("zero-shot-classification", tmp_path) as served:
        client = InferenceClient(model=served.url)
        labels = ["film", "food", "sport"]
        with_options: dict[str, Any] = {
            "multi_label": True,
            "hypothesis_template": "It is about {}.",
        }
        for options in ({}, with_options):
            answer = client.zero_shot_classification(GOOD, labels, **options)
            expected = served.service.pipeline(GOOD, labels, **options)
            assert [one.label for one in answer] == expected["labels"]
            assert [one.score for one in answer] == expected["scores"]
        missing = served.post("/", {"inputs": GOOD})
        assert (missing.status, missing.error) == (
            422,
            "the body: object missing required field `parameters`",
        )
        both = served.post("/", {"inputs": [GOOD, BAD], "parameters": {"candidate_labels": "a,b"}})
        assert [len(one) for one in both.json] == [2, 2]


def test_feature_extraction(tmp_path: Path) -> None:
    with served_for("feature-extraction", tmp_path) as served:
        client = InferenceClient(model=served.url)
        vectors = client.feature_extraction(GOOD)
        (expected,) = served.service.pipeline(GOOD, return_tensors=True)
        np.testing.assert_array_equal(vectors, expected)  # (seq, dim)
        cut = client.feature_extraction("good " * 600, truncate=True, truncation_direction="left")
        assert cut.shape == (512, expected.shape[1])
        normalized = served.post("/", {"inputs": GOOD, "normalize": True})
        assert (normalized.status, normalized.error) == (
            422,
            "the body: object contains unknown field `normalize`",
        )


def test_question_answering(tmp_path: Path) -> None:
    question, context = "Who has the key?", "Ada has the key. Bob has none."
    with serving(model=str(make_answerer(tmp_path, 0))) as served:
        client = InferenceClient(model=served.url)
        pipeline = served.service.pipeline
        answer = client.question_answering(question, context)
        assert plain(answer) == pipeline(question=question, context=context)
        several = client.question_answering(question, context, top_k=3, max_answer_len=2)
        expected = pipeline(question=question, context=context, top_k=3, max_answer_len=2)
        assert plain(several) == expected
        one = {"question": question, "context": context}
        assert served.post("/", {"inputs": [one, one]}).json == pipeline([one, one])
        empty = served.post("/", {"inputs": {**one, "question": ""}})
        assert (empty.status, empty.error) == (422, "question of input 0 (counted from 0) is empty")


@pytest.mark.parametrize("task", MODELS)
def test_other_tasks_say_what_they_are(tmp_path: Path, task: str) -> None:
    with served_for(task, tmp_path) as served:
        info = served.get("/info").json
        assert (info["pipeline_tag"], info["model_type"]) == (task, {})
        assert served.post("/predict", {"inputs": GOOD}).status == 404
        assert served.post("/tokenize", {"inputs": GOOD}).status == 200
