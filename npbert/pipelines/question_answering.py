"""Questions and contexts → the words of the context that answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np
from tokenizers import Encoding

from npbert.arguments import as_list, check_count, check_text
from npbert.distilbert.activations import Array
from npbert.models.outputs import softmax
from npbert.pipelines.base import Job, Options, Pipeline

_MAX_SEQ_LEN: Final = 384
_DOC_STRIDE: Final = 128


@dataclass(frozen=True)
class QuestionAnsweringOptions(Options):
    """How to answer.  The arguments are described at `QuestionAnsweringPipeline`."""

    top_k: int = 1
    doc_stride: int | None = None
    max_answer_len: int = 15
    max_seq_len: int | None = None
    max_question_len: int = 64
    handle_impossible_answer: bool = False
    align_to_words: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("top_k", "max_answer_len", "max_question_len"):
            check_count(name, getattr(self, name))
        for name in ("doc_stride", "max_seq_len"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name))


class _Question(NamedTuple):
    question: str
    context: str


class _Span(NamedTuple):
    """A candidate answer: tokens from `first` to `last`, both in it."""

    first: int
    last: int
    score: float


class QuestionAnsweringPipeline(Pipeline):
    """Answers questions with words of a context.  Made by `pipeline`; see `Pipeline`.

    Notes
    -----
    transformers 5 has no such pipeline; this one answers as that of its release 4.57.6.  The
    score of an answer is the probability that it starts where it does times that it ends
    there, summed over the places in which the same words stand.
    """

    task = "question-answering"
    options_class = QuestionAnsweringOptions
    _expected: ClassVar[str] = "a dict of question and context"

    def __call__(
        self, *inputs: Any, question: Any = None, context: Any = None, **options: Any
    ) -> Any:
        """Answer questions.

        Parameters
        ----------
        *inputs : dict, list or iterator
            ``{"question": str, "context": str}``; several of these; an iterator over them;
            or a question and a context.
        question, context : str or list of str
            Instead of `inputs`; several questions may share one context.
        top_k : int, optional
            How many answers (1).
        doc_stride : int, optional
            Tokens that two parts of a long context share (128, at most half a part).
        max_seq_len : int, optional
            Most tokens of question and part of the context together (384).
        max_answer_len : int, optional
            Most tokens of an answer (15).
        handle_impossible_answer : bool, optional
            Whether "" is an answer too (False).
        align_to_words : bool, optional
            Whether an answer is made of whole words (True).
        **options
            `max_question_len`, which changed nothing in transformers either; `batch_size`,
            `threads`: see `pipeline`.

        Returns
        -------
        dict, list or iterator
            For one question ``{"score": float, "start": int, "end": int, "answer": str}``,
            or with `top_k` above 1 a list of these, best first; for several questions a list
            of these.

        Raises
        ------
        TypeError
            If an input is no question, or a keyword is unknown.
        ValueError
            If a text is empty, or an option cannot be honoured.
        """
        asked = _inputs(inputs, question, context)
        if isinstance(asked, list) and len(asked) == 1:
            (asked,) = asked
        return self._call(asked, options)

    def _is_one(self, inputs: Any, _options: Any) -> bool:
        return isinstance(inputs, Mapping)

    def _check(self, item: Any, number: int, _options: Any) -> _Question:
        where = f"input {number} (counted from 0)"
        if not isinstance(item, Mapping):
            raise TypeError(
                f"{where} is a {type(item).__name__}, expected a dict of question and context"
            )
        for name in _Question._fields:
            if name not in item:
                raise ValueError(
                    f"{where} has the keys {list(item)}, expected question and context"
                )
            if not check_text(item[name], f"{name} of {where}"):
                raise ValueError(f"{name} of {where} is empty")
        return _Question(item["question"], item["context"])

    def _jobs(self, items: list[_Question], options: Any, _numbers: Sequence[int]) -> list[Job]:
        limit = options.max_seq_len or min(self.tokenizer.model_max_length, _MAX_SEQ_LEN)
        stride = options.doc_stride or min(limit // 2, _DOC_STRIDE)
        if stride > limit:
            raise ValueError(f"doc_stride is {stride}, expected at most max_seq_len = {limit}")
        first = self._question_is_first
        encodings = self.tokenizer.encode_batch(
            [tuple(item) if first else (item.context, item.question) for item in items],
            truncation="only_second" if first else "only_first",
            max_length=limit,
            stride=stride,
            with_offsets=True,
        )
        return list(map(Job.whole, items, encodings))

    @property
    def _question_is_first(self) -> bool:
        return bool(self.tokenizer.padding_side == "right")

    def _result(self, job: Job, rows: list[Array], options: Any) -> Any:
        context = job.item.context
        of_context = 1 if self._question_is_first else 0
        answers: dict[str, dict[str, Any]] = {}
        null_score = 1e6
        for part, logits in zip(job.parts, rows, strict=True):
            allowed = np.array([sequence == of_context for sequence in part.sequence_ids])
            allowed |= np.array(part.ids) == self.tokenizer.cls_token_id  # "no answer"
            start, end = (_probabilities(logits[:, side], allowed) for side in (0, 1))  # (seq,)
            null_score = min(null_score, float(start[0] * end[0]))
            start[0] = end[0] = 0
            n_wanted = options.top_k * 2 + 10 if options.align_to_words else options.top_k
            for span in _spans(start, end, allowed, n_wanted, options.max_answer_len):
                begin, stop = _characters(part, span, of_context, options.align_to_words)
                answer = context[begin:stop]
                known = answers.setdefault(
                    answer.lower(), {"score": 0.0, "start": begin, "end": stop, "answer": answer}
                )
                known["score"] += span.score
        found = list(answers.values())
        if options.handle_impossible_answer:
            found.append({"score": null_score, "start": 0, "end": 0, "answer": ""})
        found.sort(key=lambda answer: answer["score"], reverse=True)
        found = found[: options.top_k]
        return found[0] if len(found) == 1 else found


def _probabilities(logits: Array, allowed: np.ndarray) -> Array:
    """Softmax over the allowed tokens: float32 (seq,)."""
    return softmax(np.where(allowed, logits, np.float32(-10_000)))


def _spans(
    start: Array, end: Array, allowed: np.ndarray, n_wanted: int, max_answer_len: int
) -> Iterator[_Span]:
    """The likeliest answers, best first, of the `n_wanted` likeliest pairs of tokens."""
    scores = np.tril(np.triu(np.outer(start, end)), max_answer_len - 1)  # (seq, seq)
    flat = scores.reshape(-1)
    best = np.argsort(-flat, kind="stable")[:n_wanted]
    for first, last in zip(*np.unravel_index(best, scores.shape), strict=True):
        if allowed[first] and allowed[last]:
            yield _Span(int(first), int(last), float(scores[first, last]))


def _characters(
    part: Encoding, span: _Span, of_context: int, align_to_words: bool
) -> tuple[int, int]:
    """Where a span of tokens is in the context."""
    begin, stop = part.offsets[span.first][0], part.offsets[span.last][1]
    if align_to_words:
        first_word, last_word = part.token_to_word(span.first), part.token_to_word(span.last)
        if first_word is not None and last_word is not None:
            first = part.word_to_chars(first_word, of_context)
            last = part.word_to_chars(last_word, of_context)
            if first is not None and last is not None:
                return first[0], last[1]
    return begin, stop


def _inputs(inputs: tuple[Any, ...], question: Any, context: Any) -> Any:
    """A dict, a list of dicts, or an iterator, from all the ways to ask."""
    if inputs:
        if question is not None or context is not None:
            raise TypeError("inputs, question and context are given; expected inputs alone")
        if len(inputs) == 1:
            return inputs[0]
        if len(inputs) == 2 and all(isinstance(text, str) for text in inputs):
            return {"question": inputs[0], "context": inputs[1]}
        return list(inputs)
    if question is None or context is None:
        missing = "question" if question is None else "context"
        raise ValueError(f"{missing} is missing; expected question=…, context=…")
    questions = as_list(question)
    if questions is None:
        return {"question": question, "context": context}
    contexts = [context] * len(questions) if isinstance(context, str) else as_list(context)
    if contexts is None or len(contexts) != len(questions):
        got = type(context).__name__ if contexts is None else f"{len(contexts)} texts"
        raise ValueError(f"context is {got}, expected a str, or a list of {len(questions)}")
    pairs = zip(questions, contexts, strict=True)
    return [{"question": one, "context": other} for one, other in pairs]
