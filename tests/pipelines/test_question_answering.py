"""Question answering: the ways to ask, the questions that are refused, and the plain rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import npbert
from npbert.pipelines.question_answering import QuestionAnsweringOptions
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
    assert_alike(ask(*dicts), both)
    assert_alike(ask(tuple(dicts)), both)
    assert_alike(list(ask(iter(dicts))), both)
    assert_alike(ask(question=[one, one], context=first), [expected, expected])
    assert ask.task == "question-answering"


BAD_QUESTIONS: list[tuple[tuple[Any, ...], dict[str, Any], type[Exception], str]] = [
    ((), {}, ValueError, "question is missing; expected question=…, context=…$"),
    ((), {"context": "b"}, ValueError, "question is missing; expected question=…, context=…$"),
    ((), {"question": "a"}, ValueError, "context is missing; expected question=…, context=…$"),
    ((), {"question": "", "context": "b"}, ValueError, r"question of input 0 .* is empty"),
    ((), {"question": "a", "context": ""}, ValueError, r"context of input 0 .* is empty"),
    (
        (),
        {"question": ["a"], "context": ["b", "c"]},
        ValueError,
        "context is 2 texts, expected a str, or 1 text$",
    ),
    (
        (),
        {"question": ["a", "b"], "context": 5},
        ValueError,
        "context is int, expected a str, or 2 texts$",
    ),
    (({"question": "a"},), {}, ValueError, r"keys \['question'\], expected question and context"),
    (({"question": "a", "context": 3},), {}, TypeError, "expected a str"),
    ((["a"],), {}, TypeError, "inputs is a str, expected a dict"),
    ((["a", "b"],), {}, TypeError, "input 0 .* is a str, expected a dict"),
    ((7,), {}, TypeError, "inputs is a int, expected a dict of question and context, a list of th"),
    (({"question": "a"},), {"context": "b"}, TypeError, "expected inputs alone"),
    (({"context": "b"},), {"question": "a"}, TypeError, "expected inputs alone"),
    (("a", "b", "c"), {}, TypeError, "input 0 .* is a str, expected a dict"),
    *(
        (("a", "b"), {name: 0}, ValueError, f"{name} is 0, expected a positive integer")
        for name in (
            *("top_k", "max_answer_len", "max_question_len", "doc_stride", "max_seq_len"),
            "batch_size",
        )
    ),
    (("a", "b"), {"doc_stride": 9, "max_seq_len": 8}, ValueError, "doc_stride is 9"),
    (("a", "b"), {"doc_stride": 8, "max_seq_len": 8}, ValueError, "^stride is 8, expected less"),
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


@pytest.mark.parametrize(
    ("options", "longest", "max_length", "stride"),
    [
        ({}, 512, 384, 128),
        ({}, 384, 384, 128),
        ({}, 21, 21, 10),
        ({"max_seq_len": 61}, 512, 61, 30),
        ({"max_seq_len": 500}, 512, 500, 128),
        ({"doc_stride": 200}, 512, 384, 200),
    ],
)
def test_lengths_of_parts(
    options: dict[str, Any], longest: int, max_length: int, stride: int
) -> None:
    cutting = QuestionAnsweringOptions(**options).cutting(longest, readable=longest)
    assert cutting == (max_length, "only_second", stride, True)


def plain_answers(ask: Any, question: str, context: str, top_k: int, by_word: bool) -> list[Any]:
    """Compute answers by the rule as it is written: one span of tokens after the other."""
    is_first = ask.tokenizer.padding_side == "right"
    pair = (question, context) if is_first else (context, question)
    row = ask.tokenizer(*pair, return_offsets_mapping=True)
    ids, offsets = row["input_ids"], row["offset_mapping"]
    tokens = ask.tokenizer.convert_ids_to_tokens(ids)
    middle = tokens.index("[SEP]")
    of_context = range(middle + 1, len(ids) - 1) if is_first else range(1, middle)
    output = ask.model(input_ids=np.array([ids]))
    places = [0, *of_context]  # at [CLS], the model says that there is no answer
    start, end = (
        dict(zip(places, npbert.softmax(logits[0, places]).tolist(), strict=True))
        for logits in (output.start_logits, output.end_logits)
    )
    spans = [(first, last) for first in of_context for last in of_context]
    spans = [(first, last) for first, last in spans if first <= last < first + 15]
    spans.sort(key=lambda span: -start[span[0]] * end[span[1]])
    answers: dict[str, dict[str, Any]] = {}
    for first, last in spans[: 2 * top_k + 10 if by_word else top_k]:
        begin, stop = first, last
        while by_word and tokens[begin].startswith("##"):
            begin -= 1
        while by_word and tokens[stop + 1].startswith("##"):
            stop += 1
        place = offsets[begin][0], offsets[stop][1]
        words = context[slice(*place)]
        known = {"score": 0.0, "start": place[0], "end": place[1], "answer": words}
        answers.setdefault(words.lower(), known)["score"] += start[first] * end[last]
    return sorted(answers.values(), key=lambda answer: -answer["score"])[:top_k]


@pytest.mark.parametrize("by_word", [True, False])
@pytest.mark.parametrize("top_k", [1, 2, 3, 7])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_answers_are_those_of_the_plain_rule(
    answerers: dict[int, Any], seed: int, top_k: int, by_word: bool
) -> None:
    """The tokenizer of the last one pads on the left, so that its contexts come first."""
    ask = answerers[seed]
    for question, context in (*QUESTIONS[:5], ("Is it so?", "Unaffable."), ("What?", "Film")):
        found = ask(question, context, top_k=top_k, align_to_words=by_word)
        answers = found if isinstance(found, list) else [found]
        assert len(answers) <= top_k
        likely = [answer for answer in answers if answer["score"] > 0]  # all but those with [CLS]
        assert_alike(likely, plain_answers(ask, question, context, top_k, by_word), context)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_answer_has_tokens_of_the_question(answerers: dict[int, Any], seed: int) -> None:
    """However many are asked for, and however unlikely the last of them are."""
    answers = answerers[seed]("Is it so?", "Film", top_k=9)
    assert {answer["answer"] for answer in answers} == {"Film", ""}
