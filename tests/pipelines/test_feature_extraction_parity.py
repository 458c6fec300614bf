"""Feature extraction beside the pipeline of transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import npbert
from tests.support.pipelines import SENTENCES, TOLERANCE, assert_alike, make_folder_for, pipelines


def test_features(tmp_path: Path) -> None:
    ours, theirs = pipelines("feature-extraction", make_folder_for(tmp_path, "Model"))
    for inputs in (SENTENCES, SENTENCES[0], SENTENCES[:1]):
        assert_alike(ours(inputs), theirs(inputs))
    long = "word " * 600
    for options in ({"truncation": True}, {"tokenize_kwargs": {"truncation": True}}):
        with pytest.warns(UserWarning, match="only these were read"):
            result = ours(long, **options)
        assert_alike(result, theirs(long, **options))
    array = ours(SENTENCES[0], return_tensors=True)
    assert array.dtype == np.float32
    np.testing.assert_allclose(
        array, theirs(SENTENCES[0], return_tensors=True).numpy(), atol=TOLERANCE
    )
    assert ours.task == theirs.task
    np.testing.assert_array_equal(ours(SENTENCES[0], return_tensors="np"), array)
    with pytest.raises(ValueError, match="return_tensors is 'pt', expected one of: False, True, N"):
        ours("x", return_tensors="pt")
    with pytest.raises(ValueError, match="batch_size is 0, expected a positive integer"):
        ours("x", batch_size=0)
    with pytest.raises(ValueError, match="truncation is given twice"):
        ours("x", truncation=True, tokenize_kwargs={"truncation": True})
    with pytest.raises(ValueError, match="expected at most 512"):
        ours(long)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize(
    "kwargs",
    [
        {"padding": "max_length", "max_length": 12},
        {"padding": "max_length"},
        {"padding": True},
        {"padding": "max_length", "max_length": 12, "truncation": True},
        {"padding": "max_length", "max_length": 3},
        {"padding": "max_length", "max_length": 6},  # one more than the tokens of the first text
    ],
)
def test_padding(side: str, kwargs: dict[str, Any], tmp_path: Path) -> None:
    """The shapes are the same, and so are the vectors of real tokens; those of padding are 0."""
    folder = make_folder_for(tmp_path, "Model", model_max_length=16, padding_side=side)
    ours, theirs = pipelines("feature-extraction", folder)
    for texts in (["a film about"], ["a film about", "no"]):
        mine = ours(texts, tokenize_kwargs=dict(kwargs), return_tensors=True)
        others = theirs(texts, tokenize_kwargs=dict(kwargs), return_tensors=True)
        for text, one, other in zip(texts, mine, others, strict=True):
            assert one.shape == tuple(other.shape)
            mask = np.array(ours.tokenizer(text, **kwargs)["attention_mask"], bool)
            np.testing.assert_allclose(one[0][mask], other[0].numpy()[mask], atol=1e-5)
            assert not one[0][~mask].any()


def test_padding_to_as_many_tokens_as_the_model_has_positions(tmp_path: Path) -> None:
    ours = npbert.pipeline(
        "feature-extraction", make_folder_for(tmp_path, "Model"), padding="max_length"
    )
    assert np.shape(ours("a", max_length=512)) == (1, 512, 32)
    with pytest.raises(ValueError, match="the length is 513, expected at most 512, the positions"):
        ours("a", max_length=513)
