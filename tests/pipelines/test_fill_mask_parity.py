"""fill-mask beside the pipeline of transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import transformers

from tests.support.pipelines import MASKED, Sides, assert_alike, make_folder_for, pipelines


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"top_k": 2},
        {"top_k": 1},
        {"top_k": None, "targets": None},
        {"targets": ["good", "bad"]},
        {"targets": "good"},
        {"targets": ["good", "bad", "film"], "top_k": 2},
        {"tokenizer_kwargs": {"truncation": True, "max_length": 7}},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:.*only these were read")
def test_masks(filler: Sides, options: dict[str, Any]) -> None:
    ours, theirs = filler
    for inputs in (MASKED[0], MASKED[1], MASKED[:3], MASKED[:1], MASKED[1:2]):
        assert_alike(ours(inputs, **options), theirs(inputs, **options))
    if "tokenizer_kwargs" not in options:
        assert_alike(ours(MASKED, **options), theirs(MASKED, **options))


def test_the_name_of_the_task(filler: Sides) -> None:
    ours, theirs = filler
    assert ours.task == theirs.task == "fill-mask"


def test_targets_outside_the_vocabulary(filler: Sides) -> None:
    ours, theirs = filler
    targets = ["good", "unaffable"]
    with pytest.warns(UserWarning, match="'unaffable' is not in the vocabulary; 'una' stands"):
        result = ours(MASKED[0], targets=targets)
    assert_alike(result, theirs(MASKED[0], targets=targets))
    with (
        pytest.raises(ValueError, match="no word of the vocabulary"),
        pytest.warns(UserWarning, match="left out"),
    ):
        ours(MASKED[0], targets=[" "])


def test_padding_that_is_written_in_a_text(filler: Sides) -> None:
    ours, theirs = filler
    text = "[PAD] the [MASK] of [MASK] [PAD] film"
    result = ours(text, targets=["good", "[PAD]"])
    assert_alike(result, theirs(text, targets=["good", "[PAD]"]))
    assert [word["sequence"] for word in result[0] if word["token_str"] == "[PAD]"] == [
        "[CLS] the of [MASK] film [SEP]"
    ]


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.filterwarnings("ignore:.*is not in the vocabulary")
def test_pieces_of_targets(tmp_path: Path, side: str) -> None:
    folder = make_folder_for(tmp_path, "ForMaskedLM", truncation_side=side)
    ours, theirs = pipelines("fill-mask", folder)
    result = ours(MASKED[0], targets=["unaffable"])
    assert_alike(result, theirs(MASKED[0], targets=["unaffable"]))
    assert result[0]["token_str"] == {"left": "##ble", "right": "una"}[side]


def test_a_text_without_a_mask(filler: Sides) -> None:
    ours, theirs = filler
    with pytest.raises(ValueError, match=r"text 1 \(counted from 0\) has no \[MASK\]"):
        ours([MASKED[0], "no mask"])
    with pytest.raises(transformers.pipelines.PipelineException):
        theirs("no mask")
