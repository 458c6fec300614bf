"""Answers to questions by the book: every span of tokens is looked at.

Release 5 of transformers has no pipeline for question answering. Its tokenizer and its model are
asked here, and an answer is found by the rules that the pipeline of release 4 had, as
`npbert.pipelines.question_answering` states them. The code is plain and slow.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Encoding

from differential.comparing import require_alike
from differential.world import World


def answer_by_the_book(
    world: World,
    inputs: Any,
    options: dict[str, Any],
    as_stream: bool,
    by_our_numbers: bool = False,
) -> Any:
    """Answer one question, or a list of questions.

    Parameters
    ----------
    world : World
    inputs : dict or list of dict
    options : dict
        Those of `npbert.pipelines.question_answering`.
    as_stream : bool
        Whether the answers of a list of one question are a list, too.
    by_our_numbers : bool
        Whether the logits are those of npbert's model.
    """
    if isinstance(inputs, list) and (as_stream or len(inputs) > 1):
        return [_answer(world, each, options, by_our_numbers) for each in inputs]
    (one,) = inputs if isinstance(inputs, list) else [inputs]
    return _answer(world, one, options, by_our_numbers)


def _answer(
    world: World, asked: dict[str, str], options: dict[str, Any], by_our_numbers: bool
) -> Any:
    context_is_second = world.their_tokenizer.padding_side == "right"
    top_k, align = options.get("top_k", 1), options.get("align_to_words", True)
    found: dict[str, dict[str, Any]] = {}
    null_score = 1e6
    for part in _parts(world, asked, options, context_is_second):
        start, end = _logits(world, part.ids, by_our_numbers)
        allowed = [
            place == int(context_is_second) or token == world.their_tokenizer.cls_token_id
            for place, token in zip(part.sequence_ids, part.ids, strict=True)
        ]
        start, end = (_probabilities(logits, allowed) for logits in (start, end))
        null_score = min(null_score, float(start[0] * end[0]))
        spans = [
            (float(start[a] * end[b]), a, b)
            for a in range(1, len(allowed))
            for b in range(a, min(len(allowed), a + options.get("max_answer_len", 15)))
            if allowed[a] and allowed[b]
        ]
        spans.sort(key=lambda span: -span[0])
        for score, a, b in spans[: top_k * 2 + 10 if align else top_k]:
            begin, stop = _characters(part, a, b, int(context_is_second), align)
            text = asked["context"][begin:stop]
            new = {"score": 0.0, "start": begin, "end": stop, "answer": text}
            found.setdefault(text.lower(), new)["score"] += score
    answers = list(found.values())
    if options.get("handle_impossible_answer"):
        answers.append({"score": null_score, "start": 0, "end": 0, "answer": ""})
    answers.sort(key=lambda answer: -answer["score"])
    answers = answers[:top_k]
    return answers[0] if len(answers) == 1 else answers


def _parts(
    world: World, asked: dict[str, str], options: dict[str, Any], context_is_second: bool
) -> list[Encoding]:
    """Tokenize a question with its context, which is read in parts that overlap."""
    texts = asked["question"], asked["context"]
    length = options["max_seq_len"]
    encoded: list[Encoding] = world.their_tokenizer(
        *(texts if context_is_second else texts[::-1]),
        truncation="only_second" if context_is_second else "only_first",
        max_length=length,
        stride=options.get("doc_stride") or min(length // 2, 128),
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    ).encodings
    return encoded


def _probabilities(logits: NDArray[np.float64], allowed: list[bool]) -> NDArray[np.float64]:
    likelihoods = np.exp(
        np.where(allowed, logits, -10_000) - logits.max(where=allowed, initial=-1e4)
    )
    return np.asarray(likelihoods / likelihoods.sum())


def _characters(part: Encoding, a: int, b: int, place: int, align: bool) -> tuple[int, int]:
    """Return where the words of two tokens begin and end, or the tokens themselves."""
    if align:
        words = part.token_to_word(a), part.token_to_word(b)
        ends = [None if word is None else part.word_to_chars(word, place) for word in words]
        if ends[0] is not None and ends[1] is not None:
            return ends[0][0], ends[1][1]
    return part.offsets[a][0], part.offsets[b][1]


def _logits(
    world: World, ids: list[int], by_our_numbers: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows = np.array([ids])
    with torch.inference_mode():
        theirs = world.their_model(torch.from_numpy(rows))
    start, end = (theirs[name].numpy() for name in ("start_logits", "end_logits"))
    if by_our_numbers:
        ours = world.our_model(rows)
        require_alike(ours.start_logits, start, "start_logits")
        require_alike(ours.end_logits, end, "end_logits")
        start, end = ours.start_logits, ours.end_logits
    return start[0].astype(np.float64), end[0].astype(np.float64)
