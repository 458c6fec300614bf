"""The places of files that a test reads or makes, and of the folder beside one."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "in.txt"  # a name that does not say how the file is compressed


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder / "out.csv"


@pytest.fixture
def partial_folder(target: Path) -> Path:
    return target.with_name("out.csv.partial")
