"""The FastAPI application, in this process, called by one client and by many."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import pytest
from fastapi.testclient import TestClient

import npbert
from tests.support.paths import CHECKOUT

TEXTS = ["I love this film.", "I want my two hours back.", "word " * 600, "東京 é"]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with pytest.MonkeyPatch.context() as changed:
        changed.syspath_prepend(CHECKOUT / "examples" / "fastapi_app")
        module = import_module("app")
    with TestClient(module.app) as client:
        yield client


@pytest.mark.filterwarnings("ignore:1 of 1 text had more than")
def test_reviews(client: TestClient) -> None:
    for text in TEXTS:
        answer = client.post("/reviews", json={"text": text})
        assert answer.status_code == 200
        assert [answer.json()] == npbert.classify(text, "mini", long_text="truncate")


def test_many_clients(client: TestClient) -> None:
    texts = [f"film {number}" for number in range(40)]
    with ThreadPoolExecutor(16) as threads:
        answers = threads.map(lambda text: client.post("/reviews", json={"text": text}), texts)
        labels = [answer.json()["label"] for answer in answers]
    assert labels == [each["label"] for each in npbert.classify(texts, "mini")]


@pytest.mark.parametrize("content", [{}, {"text": ""}, {"text": 1}, ["a"], {"text": "a" * 10_001}])
def test_bad_requests(client: TestClient, content: object) -> None:
    assert client.post("/reviews", json=content).status_code == 422


def test_the_document(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["info"]["version"] == npbert.__version__
    assert list(document["paths"]) == ["/reviews"]
