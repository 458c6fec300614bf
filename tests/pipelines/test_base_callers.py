"""One pipeline of each task, called by several threads with one input at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import npbert
from npbert.distilbert.model import Pack
from tests.support.oracles import make_folder

# For each task, the class of transformers that has the head, and a call.
CALLS: dict[str, tuple[str, Callable[[Any, str], Any]]] = {
    "text-classification": ("ForSequenceClassification", lambda pipe, text: pipe(text, top_k=None)),
    "token-classification": ("ForTokenClassification", lambda pipe, text: pipe(text)),
    "fill-mask": ("ForMaskedLM", lambda pipe, text: pipe(f"{text} [MASK]", top_k=2)),
    "feature-extraction": ("Model", lambda pipe, text: pipe(text)),
    "zero-shot-classification": (
        "ForSequenceClassification",
        lambda pipe, text: pipe(text, ["art", "food"]),
    ),
    "question-answering": (
        "ForQuestionAnswering",
        lambda pipe, text: pipe(question="which film?", context=text),
    ),
}
TEXTS = [f"a film of {'many ' * (number % 7)}words {number}" for number in range(48)]


def numbers_of(result: Any) -> list[float]:
    """Return all numbers of a result, in a fixed order."""
    if isinstance(result, dict):
        return [number for key in result for number in numbers_of(result[key])]
    if isinstance(result, (list, tuple)):
        return [number for item in result for number in numbers_of(item)]
    if isinstance(result, np.ndarray):
        return [float(number) for number in result.ravel()]
    return [float(result)] if isinstance(result, (int, float)) else []


@pytest.mark.parametrize("task", CALLS)
def test_each_caller_gets_its_own_answer(tmp_path: Path, task: str) -> None:
    head, call = CALLS[task]
    folder = make_folder(tmp_path, head=head, id2label={0: "entailment", 1: "other"})
    pipe: Any = npbert.pipeline(task, folder)
    expected = [numbers_of(call(pipe, text)) for text in TEXTS]
    n_packs = 0
    compute_rows = pipe._compute_rows

    def counted(pack: Pack) -> Any:
        nonlocal n_packs
        n_packs += 1
        deadline = time.monotonic() + 20
        while n_packs == 1 and len(pipe._combiner._waiting) < 7:  # until all the others wait
            assert time.monotonic() < deadline
            time.sleep(0.001)
        return compute_rows(pack)

    pipe._compute_rows = counted
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: numbers_of(call(pipe, text)), TEXTS))
    for ours, alone in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, alone, atol=1e-5)
    assert n_packs <= len(TEXTS) - 6  # one pack for the first caller, and one for the seven others


def test_a_text_that_cannot_be_read_fails_alone(tmp_path: Path) -> None:
    pipe = npbert.pipeline("text-classification", make_folder(tmp_path), long_text="error")
    texts = ["a film", "word " * 600] * 8

    def call(text: str) -> str:
        try:
            return str(pipe([text])[0]["label"])
        except ValueError as error:
            return str(error)[:44]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(call, texts))
    assert found == [found[0], "text 0 (counted from 0) is 602 tokens long, "] * 8
