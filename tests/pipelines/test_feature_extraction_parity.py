"""Feature extraction beside the pipeline of transformers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

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
    with pytest.raises(ValueError, match="truncation is given twice"):
        ours("x", truncation=True, tokenize_kwargs={"truncation": True})
    with pytest.raises(ValueError, match="expected at most 512"):
        ours(long)
