"""Options that cut texts, beside the pipeline of transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import npbert
from tests.support.pipelines import TEXTS, assert_same_labels, their_pipeline


@pytest.mark.parametrize("options", [{"truncation": True, "max_length": 7}, {"max_length": 9}])
@pytest.mark.filterwarnings("ignore:.*only these were read")
def test_cutting_is_that_of_transformers(folder: Path, options: dict[str, Any]) -> None:
    ours = npbert.pipeline("text-classification", folder)
    assert_same_labels(
        ours(TEXTS, **options), their_pipeline("text-classification", folder)(TEXTS, **options)
    )


PADDED: list[dict[str, Any]] = [
    {"padding": True, "max_length": 8},
    {"padding": "max_length", "max_length": 8},
    {"truncation": False, "max_length": 8},
    {"truncation": "do_not_truncate", "max_length": 8},
    {"truncation": "do_not_truncate"},
    {"padding": True, "max_length": 8, "truncation": True},
    {"padding": False, "max_length": 8},
]


@pytest.mark.parametrize("options", PADDED, ids=str)
@pytest.mark.filterwarnings("ignore:.*only these were read:UserWarning")
def test_padding_beside_max_length(folder: Path, options: dict[str, Any]) -> None:
    """A text that is padded is cut only on request, at the call and when the pipeline is made."""
    text = "a film of more than eight tokens, which is good to the end"
    theirs = their_pipeline("text-classification", folder)(text, **options)
    assert_same_labels(npbert.pipeline("text-classification", folder)(text, **options), theirs)
    assert_same_labels(npbert.pipeline("text-classification", folder, **options)(text), theirs)
