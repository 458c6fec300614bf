"""The default model beside that of transformers."""

from __future__ import annotations

import transformers

from npbert.checkpoints.sources import DEFAULT_MODEL, DEFAULT_REVISION


def test_the_default_model_is_that_of_transformers() -> None:
    """If transformers changes its default model, somebody should decide whether npbert does."""
    tasks = transformers.pipelines.SUPPORTED_TASKS
    name, revision = tasks["text-classification"]["default"]["model"]
    assert name == DEFAULT_MODEL
    assert DEFAULT_REVISION.startswith(revision)
