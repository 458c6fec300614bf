"""The place of a file that a test makes, and of the folder beside it."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder / "out.csv"


@pytest.fixture
def partial_folder(target: Path) -> Path:
    return target.with_name("out.csv.partial")
