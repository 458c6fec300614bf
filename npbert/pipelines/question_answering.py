"""From questions and contexts to the words of a context that answer a question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Generic, NamedTuple, TypedDict, Unpack, overload

import numpy as np
from tokenizers import Encoding

from npbert.arguments import ArrowColumn, Indexed, Sized, as_list, check_count, check_text
from npbert.distilbert.activations import Array
from npbert.messages import with_noun
from npbert.models.heads import DistilBertForQuestionAnswering
from npbert.models.outputs import softmax
from npbert.models.padding import BoolArray
from npbert.pipelines.base import Call, Pipeline, TokenizedInput
from npbert.pipelines.options import CallOptions, Cutting, Options
from npbert.pipelines.results import AnswersT, QuestionAnswer
from npbert.tokenization.tokenizer import Tokenizer

_MAX_SEQ_LEN: Final = 384
_DOC_STRIDE: Final = 128
_NO_ANSWER_SCORE: Final = 1e6  # above every probability, since the lowest score of all parts counts
_HIDDEN_LOGIT: Final = -10_000  # the logit of tokens that cannot be part of an answer

Answers = QuestionAnswer | list[QuestionAnswer]


class Question(TypedDict):
    """A question, and the text that answers it."""

    question: str
    context: str


QuestionInput = Question | Mapping[str, str]
_Questions = Sized[QuestionInput]


class QuestionAnsweringCallOptions(CallOptions, total=False):
    """The options of question-answering, without `top_k`; see also `CallOptions`.

    Attributes
    ----------
    doc_stride : int
        The number of tokens that two neighbouring parts of a long context share. The default is
        128, but at most half of `max_seq_len`.
    max_answer_len : int
        The most tokens of an answer; by default 15.
    max_seq_len : int
        The most tokens of the question and a part of the context together. The default is 384, or
        what the model can read, if that is less.
    max_question_len : int
        This option changes nothing, as in transformers.
    handle_impossible_answer : bool
        Whether "", which means that there is no answer, is also among the answers; by default
        False.
    align_to_words : bool
        Whether an answer is made of whole words; by default True.
    """

    doc_stride: int | None
    max_answer_len: int
    max_seq_len: int | None
    max_question_len: int
    handle_impossible_answer: bool
    align_to_words: bool


@dataclass(frozen=True)
class QuestionAnsweringOptions(Options):
    """The options of question-answering, checked; see `QuestionAnsweringCallOptions`."""

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

    def cutting(self, longest: int, readable: int) -> Cutting:  # noqa: ARG002
        """Decide how a context is cut: into parts that overlap. The question is never cut.

        Parameters
        ----------
        longest : int
            The most tokens of a part, unless `max_seq_len` says otherwise.
        readable : int
            Ignored: every text is cut.

        Returns
        -------
        Cutting

        Raises
        ------
        ValueError
            If `doc_stride` is larger than `max_seq_len`.
        """
        max_length = self.max_seq_len or min(longest, _MAX_SEQ_LEN)
        stride = self.doc_stride or min(max_length // 2, _DOC_STRIDE)
        if stride > max_length:
            raise ValueError(f"doc_stride is {stride}, expected at most max_seq_len = {max_length}")
        return Cutting(max_length, "only_second", stride, keeps_rest=True)


class _CheckedQuestion(NamedTuple):
    question: str
    context: str


class _Span(NamedTuple):
    """A candidate for an answer: the tokens from `first` to `last`, both included."""

    first: int
    last: int
    score: float


class QuestionAnsweringPipeline(
    Pipeline[_CheckedQuestion, QuestionAnsweringOptions, Answers], Generic[AnswersT]
):
    """A pipeline that answers questions with words of a context; `npbert.pipeline` makes it.

    Its type parameter is the result of one question: one answer, or perhaps a list of answers
    where `top_k` was given when the pipeline was made.

    Notes
    -----
    transformers 5 has no such pipeline. This one gives the answers of the pipeline of release
    4.57.6. The score of an answer is the probability that an answer starts at its first token,
    times the probability that an answer ends at its last token. If the same words stand in several
    places of the context, their scores are added.
    """

    task = "question-answering"
    options_class = QuestionAnsweringOptions
    _expected: ClassVar[str] = "a dict of question and context"
    _needs_offsets = True

    @overload
    def __init__(
        self: QuestionAnsweringPipeline[QuestionAnswer],
        model: DistilBertForQuestionAnswering,
        tokenizer: Tokenizer,
        **given: Unpack[QuestionAnsweringCallOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: QuestionAnsweringPipeline[Answers],
        model: DistilBertForQuestionAnswering,
        tokenizer: Tokenizer,
        *,
        top_k: int,
        **given: Unpack[QuestionAnsweringCallOptions],
    ) -> None: ...

    def __init__(
        self, model: DistilBertForQuestionAnswering, tokenizer: Tokenizer, **given: Any
    ) -> None:
        super().__init__(model, tokenizer, **given)

    @overload
    def __call__(
        self, inputs: QuestionInput, /, **options: Unpack[QuestionAnsweringCallOptions]
    ) -> AnswersT: ...
    @overload
    def __call__(
        self,
        question: str,
        context: str,
        /,
        **options: Unpack[QuestionAnsweringCallOptions],
    ) -> AnswersT: ...
    @overload
    def __call__(
        self,
        *,
        question: str,
        context: str,
        **options: Unpack[QuestionAnsweringCallOptions],
    ) -> AnswersT: ...
    @overload
    def __call__(
        self,
        *,
        question: str,
        context: str,
        top_k: int,
        **options: Unpack[QuestionAnsweringCallOptions],
    ) -> Answers: ...
    @overload
    def __call__(
        self,
        inputs: QuestionInput,
        /,
        *,
        top_k: int,
        **options: Unpack[QuestionAnsweringCallOptions],
    ) -> Answers: ...
    @overload
    def __call__(
        self,
        question: str,
        context: str,
        /,
        *,
        top_k: int,
        **options: Unpack[QuestionAnsweringCallOptions],
    ) -> Answers: ...
    @overload
    def __call__(
        self,
        inputs: _Questions,
        /,
        *,
        top_k: int = ...,
        **options: Unpack[QuestionAnsweringCallOptions],
    ) -> Answers | list[Answers]: ...
    @overload
    def __call__(
        self,
        *,
        question: Sized[str] | ArrowColumn,
        context: str | Sized[str] | ArrowColumn,
        top_k: int = ...,
        **options: Unpack[QuestionAnsweringCallOptions],
    ) -> Answers | list[Answers]: ...
    @overload
    def __call__(
        self,
        inputs: Iterable[QuestionInput] | Indexed[QuestionInput],
        /,
        *,
        top_k: int = ...,
        **options: Unpack[QuestionAnsweringCallOptions],
    ) -> Iterator[Answers]: ...

    def __call__(
        self, *inputs: object, question: object = None, context: object = None, **options: Any
    ) -> Any:
        """Answer questions.

        Parameters
        ----------
        *inputs : dict, list or iterator
            ``{"question": str, "context": str}``; several of these; an iterator over these; or a
            question and a context.
        question, context : str or list of str
            These are given in place of `inputs`. Several questions may share one context.
        top_k : int, optional
            How many answers to return; by default 1.
        **options
            See `QuestionAnsweringCallOptions`; they count for this call.

        Returns
        -------
        dict, list or iterator
            For one question, ``{"score": float, "start": int, "end": int, "answer": str}``. If
            there are several answers, because `top_k` is above 1, a list of these, best first. For
            several questions, a list of what each question gives. A list of one question gives
            what that question gives. An iterator gives an iterator.

        Raises
        ------
        TypeError
            If an input is not a question, or a keyword is unknown.
        ValueError
            If a text is missing or empty, or an option cannot be honoured.
        """
        asked = _gather_inputs(inputs, question, context)
        if isinstance(asked, list) and len(asked) == 1:
            (asked,) = asked
        return self._answer(asked, self.options_for(options))

    def _is_single_input(self, inputs: object, _options: QuestionAnsweringOptions) -> bool:
        return isinstance(inputs, Mapping)

    def _read_input(
        self, item: object, number: int, _options: QuestionAnsweringOptions
    ) -> _CheckedQuestion:
        where = f"input {number} (counted from 0)"
        if not isinstance(item, Mapping):
            raise TypeError(
                f"{where} is a {type(item).__name__}, expected a dict of question and context"
            )
        for name in _CheckedQuestion._fields:
            if name not in item:
                raise ValueError(
                    f"{where} has the keys {list(item)}, expected question and context"
                )
            if not check_text(item[name], f"{name} of {where}"):
                raise ValueError(f"{name} of {where} is empty")
        return _CheckedQuestion(item["question"], item["context"])

    def _cutting(self, options: QuestionAnsweringOptions) -> Cutting:
        # As in transformers, the limit of the model does not count here, but that of the tokenizer.
        longest = self.tokenizer.model_max_length
        cutting = options.cutting(longest, readable=longest)
        return cutting if self._question_is_first else cutting._replace(strategy="only_first")

    def _texts_of(
        self, item: _CheckedQuestion, _options: QuestionAnsweringOptions
    ) -> list[tuple[str, str]]:
        question, context = item
        return [(question, context) if self._question_is_first else (context, question)]

    @property
    def _question_is_first(self) -> bool:
        return self.tokenizer.padding_side == "right"

    def _make_result(
        self,
        tokenized: TokenizedInput[_CheckedQuestion],
        rows: list[Array],
        call: Call[QuestionAnsweringOptions],
    ) -> Answers:
        options, context = call.options, tokenized.item.context
        answers: dict[str, QuestionAnswer] = {}
        no_answer_score = _NO_ANSWER_SCORE
        for part, logits in zip(tokenized.parts, rows, strict=True):
            allowed = self._allowed(part)
            start, end = (_probabilities(logits[:, side], allowed) for side in (0, 1))  # (seq,)
            no_answer_score = min(no_answer_score, float(start[0] * end[0]))
            start[0] = end[0] = 0  # the token [CLS] stands for "no answer"
            n_wanted = options.top_k * 2 + 10 if options.align_to_words else options.top_k
            for span in _spans(start, end, allowed, n_wanted, options.max_answer_len):
                begin, stop = _characters(part, span, self._context_index, options.align_to_words)
                answer = context[begin:stop]
                known = answers.setdefault(
                    answer.lower(), {"score": 0.0, "start": begin, "end": stop, "answer": answer}
                )
                known["score"] += span.score
        found = list(answers.values())
        if options.handle_impossible_answer:
            found.append({"score": no_answer_score, "start": 0, "end": 0, "answer": ""})
        found.sort(key=lambda answer: answer["score"], reverse=True)
        found = found[: options.top_k]
        return found[0] if len(found) == 1 else found

    @property
    def _context_index(self) -> int:
        """The place of the context in a pair of texts, 0 or 1."""
        return 1 if self._question_is_first else 0

    def _allowed(self, part: Encoding) -> BoolArray:
        """Tell which tokens can be part of an answer: those of the context, and `[CLS]`."""
        of_context = np.array([number == self._context_index for number in part.sequence_ids])
        allowed: BoolArray = of_context | (np.array(part.ids) == self.tokenizer.cls_token_id)
        return allowed


def _probabilities(logits: Array, allowed: BoolArray) -> Array:
    """Compute the softmax over the allowed tokens: float32 (seq,)."""
    return softmax(np.where(allowed, logits, np.float32(_HIDDEN_LOGIT)))


def _spans(
    start: Array, end: Array, allowed: BoolArray, n_wanted: int, max_answer_len: int
) -> Iterator[_Span]:
    """Yield the likeliest spans, best first.

    Of the `n_wanted` likeliest pairs of a start and an end, those with a token that is not allowed
    are left out.
    """
    scores = np.tril(np.triu(np.outer(start, end)), max_answer_len - 1)  # (seq, seq)
    flat = scores.reshape(-1)
    best = np.argsort(-flat, kind="stable")[:n_wanted]
    for first, last in zip(*np.unravel_index(best, scores.shape), strict=True):
        if allowed[first] and allowed[last]:
            yield _Span(int(first), int(last), float(scores[first, last]))


def _characters(
    part: Encoding, span: _Span, context_index: int, align_to_words: bool
) -> tuple[int, int]:
    """Return the first character of a span of tokens in the context, and the one after its last."""
    begin, stop = part.offsets[span.first][0], part.offsets[span.last][1]
    if align_to_words:
        first_word, last_word = part.token_to_word(span.first), part.token_to_word(span.last)
        if first_word is not None and last_word is not None:
            first = part.word_to_chars(first_word, context_index)
            last = part.word_to_chars(last_word, context_index)
            if first is not None and last is not None:
                return first[0], last[1]
    return begin, stop


def _gather_inputs(inputs: tuple[object, ...], question: object, context: object) -> object:
    """Return what was asked, as a dict, a list of dicts, or an iterator over dicts."""
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
        got = type(context).__name__ if contexts is None else with_noun(len(contexts), "text")
        expected = with_noun(len(questions), "text")
        raise ValueError(f"context is {got}, expected a str, or {expected}")
    pairs = zip(questions, contexts, strict=True)
    return [{"question": one, "context": other} for one, other in pairs]
