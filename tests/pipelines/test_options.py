"""Options: what is refused, at the call and when the pipeline is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import npbert
from npbert.pipelines import TextClassificationPipeline

BAD_OPTIONS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"topk": 2}, TypeError, "'topk'; did you mean 'top_k'"),
    ({"nonsense": 2}, TypeError, "'nonsense'; expected one of"),
    ({"top_k": 0}, ValueError, "top_k is 0"),
    ({"top_k": "all"}, ValueError, "top_k is 'all'"),
    ({"top_k": True}, ValueError, "top_k is True"),
    ({"batch_size": -1}, ValueError, "batch_size is -1"),
    ({"max_length": 1.5}, ValueError, "max_length is 1.5"),
    ({"max_length": 2}, ValueError, "no room"),
    ({"function_to_apply": "tanh"}, ValueError, "'tanh', expected one of: softmax"),
    ({"long_text": "cut"}, ValueError, "long_text is 'cut'"),
    ({"long_text": "error", "truncation": True}, ValueError, "contradict"),
    ({"long_text": "truncate", "truncation": False}, ValueError, "contradict"),
    ({"device": 0}, ValueError, "device is 0, .* CPU only"),
    ({"device": "cuda"}, ValueError, "device is 'cuda'"),
    ({"dtype": "float16"}, ValueError, "dtype is 'float16'"),
    ({"torch_dtype": "bfloat16"}, ValueError, "torch_dtype is 'bfloat16'"),
]


@pytest.mark.parametrize(("options", "error", "message"), BAD_OPTIONS, ids=str)
def test_bad_options(
    ours: TextClassificationPipeline,
    folder: Path,
    options: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        ours("film", **options)
    with pytest.raises(error, match=message):
        npbert.classify("film", folder, **options)
    with pytest.raises(error, match=message):
        npbert.pipeline("text-classification", folder, **options)("film")
