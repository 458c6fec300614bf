"""Texts that no writer means to write, through every endpoint of the service."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

import npbert
from tests.support.hostile_texts import CONTROLS, FAKE_LINE, HALVES, LONG, NUL
from tests.support.http_service import JSON, Running

SHORT = {**CONTROLS, "NUL": NUL, "a line of ours": FAKE_LINE}
PATHS = ("/", "/predict", "/tokenize", "/explain", "/attention", "/what-if")
MORE: dict[str, dict[str, Any]] = {
    "/attention": {"parameters": {"layer": 0, "head": 0}},
    "/what-if": {"changes": {}},
}
SECONDS = 20


@pytest.mark.parametrize("path", PATHS)
def test_short_texts(mini: Running, path: str, capfd: pytest.CaptureFixture[str]) -> None:
    for text in SHORT.values():
        answer = mini.post(path, {"inputs": text, **MORE.get(path, {})})
        if path == "/explain" and answer.status == 422:
            assert "has no word" in answer.error
        else:
            assert answer.status == 200, answer.body
    assert capfd.readouterr() == ("", "")


def test_labels_and_tokens_are_those_of_python(mini: Running) -> None:
    for text in SHORT.values():
        (expected,) = npbert.classify(text, model="mini")
        best = mini.post("/predict", {"inputs": text}).json[0]
        assert best["label"] == expected["label"]
        assert best["score"] == pytest.approx(expected["score"], abs=1e-6)
        (tokens,) = mini.post("/tokenize", {"inputs": text}).json
        for token in tokens:
            if token["start"] is not None:
                assert 0 <= token["start"] <= token["stop"] <= len(text)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("half", HALVES)
def test_half_a_character(mini: Running, path: str, half: str) -> None:
    body = json.dumps({"inputs": half, **MORE.get(path, {})}).encode()  # as \ud83d
    answer = mini.request("POST", path, body, JSON)
    assert answer.status in (400, 422)
    assert answer.error.isprintable()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", LONG)
def test_long_texts(mini: Running, path: str, name: str) -> None:
    text = LONG[name][:450_000]  # a body has at most 2,000,000 bytes
    began = time.monotonic()
    more = {"truncate": True} if path == "/predict" else MORE.get(path, {})
    body = json.dumps({"inputs": text, **more}, ensure_ascii=False).encode()
    answer = mini.request("POST", path, body, JSON)
    assert answer.status in (200, 413, 422), answer.body[:500]
    if answer.status != 200:
        assert answer.error.isprintable()
        assert len(answer.error) < 300
    assert time.monotonic() - began < SECONDS


@pytest.mark.parametrize("text", CONTROLS.values())
def test_errors_quote_harmlessly(mini: Running, text: str) -> None:
    for answer in (
        mini.post("/predict", {"inputs": "a", text: 1}),
        mini.post("/explain", {"inputs": "a", "parameters": {"label": text}}),
        mini.post("/explain", {"inputs": "a", "parameters": {"method": text}}),
        mini.request("POST", "/predict", b"[" + text.encode(), JSON),
        mini.request("POST", "/predict", b"{}", {"content-type": ascii(text)}),
    ):
        assert 400 <= answer.status < 500
        assert answer.error.isprintable()
