"""A service whose model's files somebody writes into."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.http_service import serving
from tests.support.oracles import make_folder
from tests.support.stored_weights import WEIGHTS


def test_a_model_that_has_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_folder(tmp_path / "model")
    capsys.readouterr()  # of transformers, which has made it
    with serving(model=str(folder)) as service:
        assert service.get("/health").status == 200
        assert service.post("/predict", {"inputs": "film"}).status == 200
        os.truncate(folder / WEIGHTS, 1000)
        health = service.get("/health")
        assert (health.status, health.json["error_type"]) == (503, "Unhealthy")
        assert health.error.startswith("the files of the model have changed while it was served; ")
        assert str(tmp_path) not in health.error  # everybody may ask, without the key
        for path in ("/", "/predict", "/explain", "/attention", "/what-if"):
            changes: dict[str, object] = {"changes": {}} if path == "/what-if" else {}
            answer = service.post(path, {"inputs": "film", **changes})
            assert (answer.status, answer.json["error_type"]) == (500, "Backend")
            assert answer.error == "the model cannot be used; the log says why"
        assert service.get("/info").status == 200
        assert service.post("/tokenize", {"inputs": "film"}).status == 200
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 5
    for line in lines:
        assert line.startswith(f"npbert: error: {folder / WEIGHTS} has changed while it was in use")


def test_a_model_that_was_replaced(tmp_path: Path) -> None:
    """The service goes on with the files that it has opened."""
    folder = make_folder(tmp_path / "model")
    with serving(model=str(folder)) as service:
        before = service.post("/predict", {"inputs": "film"}).json
        other = make_folder(tmp_path / "new", seed=1)
        (tmp_path / "model").rename(tmp_path / "old")
        other.rename(tmp_path / "model")
        assert service.get("/health").status == 200
        assert service.post("/predict", {"inputs": "film"}).json == before
