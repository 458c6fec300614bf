"""The places of files that a test reads or makes, and of the folder beside one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.resumable import Step, Watch


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


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Pass every step on the disk to a function, which decides whether to take it."""

    def watch(take: Callable[[Step], Any]) -> None:
        def watched(step: Callable[..., Any]) -> Callable[..., Any]:
            return lambda *args, **options: take(partial(step, *args, **options))

        of_owner = {
            os: "fsync replace truncate",
            Path: "unlink touch mkdir rmdir",
            shutil: "rmtree",
        }
        for owner, steps in of_owner.items():
            for name in steps.split():
                monkeypatch.setattr(owner, name, watched(getattr(owner, name)))

    return watch
