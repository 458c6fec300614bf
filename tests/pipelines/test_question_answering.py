"""Question answering: the ways to ask, and the questions that are refused."""

from __future__ import annotations

from typing import Any

import pytest

import npbert
from tests.support.answering import QUESTIONS
from tests.support.pipelines import assert_alike


def test_ways_to_ask(answerers: dict[int, Any]) -> None:
    ask = answerers[0]
    (one, first), (two, second) = QUESTIONS[:2]
    expected = ask(question=one, context=first)
    assert ask({"question": one, "context": first}) == expected
    assert ask([{"question": one, "context": first}]) == expected
    assert ask(one, first) == expected
    both = [expected, ask(question=two, context=second)]
    assert_alike(ask(question=[one, two], context=[first, second]), both)
    dicts = [{"question": one, "context": first}, {"question": two, "context": second}]
    assert_alike(ask(dicts), both)
    assert_alike(list(ask(iter(dicts))), both)
    assert_alike(ask(question=[one, one], context=first), [expected, expected])


BAD_QUESTIONS: list[tuple[tuple[Any, ...], dict[str, Any], type[Exception], str]] = [
    ((), {"question": "a"}, ValueError, "context is missing"),
    ((), {"question": "", "context": "b"}, ValueError, r"question of input 0 .* is empty"),
    ((), {"question": "a", "context": ""}, ValueError, r"context of input 0 .* is empty"),
    ((), {"question": ["a"], "context": ["b", "c"]}, ValueError, "context is 2 texts"),
    (({"question": "a"},), {}, ValueError, r"keys \['question'\], expected question and context"),
    (({"question": "a", "context": 3},), {}, TypeError, "expected a str"),
    ((["a"],), {}, TypeError, "inputs is a str, expected a dict"),
    ((["a", "b"],), {}, TypeError, "input 0 .* is a str, expected a dict"),
    ((7,), {}, TypeError, "inputs is a int"),
    (({"question": "a"},), {"context": "b"}, TypeError, "expected inputs alone"),
    (("a", "b", "c"), {}, TypeError, "input 0 .* is a str, expected a dict"),
    (("a", "b"), {"top_k": 0}, ValueError, "top_k is 0"),
    (("a", "b"), {"doc_stride": 9, "max_seq_len": 8}, ValueError, "doc_stride is 9"),
    (("a " * 50, "b"), {"max_seq_len": 16}, ValueError, "leaves|cannot cut"),
    (("a", "b"), {"max_sequence_len": 8}, TypeError, "did you mean 'max_seq_len'"),
]


@pytest.mark.parametrize(("inputs", "options", "error", "message"), BAD_QUESTIONS)
def test_bad_questions(
    answerers: dict[int, Any],
    inputs: tuple[Any, ...],
    options: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        answerers[0](*inputs, **options)


def test_the_tokenizers_limit_bounds_a_part(answerers: dict[int, Any]) -> None:
    for limit, expected in ((20, 20), (512, 384)):
        tokenizer = npbert.AutoTokenizer.from_pretrained("mini", model_max_length=limit)
        ask = npbert.pipeline("question-answering", answerers[0].model, tokenizer=tokenizer)
        assert ask.max_tokens() == expected
