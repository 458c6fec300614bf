"""What the tests of docs/differences.md share: a mark for each row, and models to change."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import torch
import transformers

import npbert
from tests.support.oracles import make_folder
from tests.support.pipelines import Sides
from tests.support.stored_weights import Arrays, rewritten

Test = TypeVar("Test", bound=Callable[..., None])


def row(case: str) -> Callable[[Test], Test]:
    """Mark the test of a row of the document, by its first cell."""

    def mark(test: Test) -> Test:
        test.__dict__["case"] = case
        return test

    return mark


def cases_of(module: ModuleType) -> set[str]:
    """Return the first cells of the rows that a module tests."""
    return {test.case for test in vars(module).values() if hasattr(test, "case")}


def models(folder: Path, head: str = "ForSequenceClassification", **options: Any) -> Sides:
    """Load a folder with the model classes of both libraries."""
    name = f"DistilBert{head}"
    theirs = getattr(transformers, name).from_pretrained(folder, dtype=torch.float32, **options)
    return Sides(getattr(npbert, name).from_pretrained(folder, **options), theirs)


def headed(folder: Path, head: str) -> Path:
    """Save a small model with another head."""
    return make_folder(folder, head=head)


def changed(
    folder: Path, target: Path, change: Callable[[Arrays], object] = lambda _: None
) -> Path:
    """Copy a model to `target`, and let `change` change its tensors there."""
    shutil.copytree(folder, target)
    return rewritten(target, change)
