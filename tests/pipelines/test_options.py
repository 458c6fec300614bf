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


def test_max_length_is_the_limit_whatever_happens_to_long_texts(
    ours: TextClassificationPipeline,
) -> None:
    with pytest.raises(ValueError, match="32 tokens long, expected at most 10"):
        ours("film " * 30, max_length=10, long_text="error")
    options = ours.options_for({"max_length": 10, "long_text": "window"})
    (outcome,) = ours.outcomes(["film " * 30], [0], options)
    # A window has room for 8 tokens of the text, and shares 2 of them with the one before it.
    assert outcome.n_parts == 5


def test_a_call_chooses_anew_what_happens_to_long_texts(folder: Path) -> None:
    """The options truncation and long_text are one choice, so neither of them outlives it."""
    always = npbert.pipeline("text-classification", folder, truncation=True)
    with pytest.raises(ValueError, match="602 tokens"):
        always("film " * 600, long_text="error")
    whole = always("film " * 600, long_text="window")
    assert whole == npbert.classify("film " * 600, folder, long_text="window")


def test_misspelt_keywords_that_are_not_options(folder: Path) -> None:
    misspelt: dict[str, Any] = {"revison": "main"}
    with pytest.raises(TypeError, match="did you mean 'revision'"):
        npbert.classify("film", folder, **misspelt)
    with pytest.raises(TypeError, match="did you mean 'revision'"):
        npbert.pipeline("text-classification", folder, **misspelt)


def test_an_option_that_is_given_twice() -> None:
    nested: dict[str, Any] = {"tokenizer_kwargs": {"max_length": 8}}
    with pytest.raises(ValueError, match="max_length is given twice, alone and in tokenizer_kw"):
        npbert.pipeline("fill-mask", "no/such-model", max_length=9, **nested)


@pytest.mark.parametrize(
    ("task", "options", "message"),
    [
        ("token-classification", {"ignore_labels": "O"}, "ignore_labels is a str, expected a list"),
        ("fill-mask", {"targets": 5}, "targets is a int, expected a list of words"),
        ("zero-shot-classification", {"candidate_labels": 5}, "candidate_labels is a int"),
    ],
)
def test_what_is_no_list(task: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        npbert.pipeline(task, "mini", **options)
