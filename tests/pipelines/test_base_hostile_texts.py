"""Texts that no writer means to write, through the pipelines of all tasks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import npbert
from npbert.pipelines import TextClassificationPipeline
from tests.pipelines.test_base_callers import CALLS, numbers_of
from tests.support.hostile_texts import CONTROLS, FAKE_LINE, HALVES, LONG, NUL
from tests.support.oracles import make_folder

SECONDS = 30  # the longest takes 3 on an idle machine
SHORT = {**CONTROLS, "NUL": NUL, "a line of ours": FAKE_LINE}


@pytest.fixture(scope="module")
def pipes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """Make the pipeline of a task, which cuts long texts."""
    made: dict[str, Any] = {}

    def make(task: str) -> Any:
        if task not in made:
            head, _ = CALLS[task]
            folder = tmp_path_factory.mktemp("model")
            make_folder(folder, head=head, id2label={0: "entailment", 1: "other"})
            cuts: Any = {} if task == "question-answering" else {"long_text": "truncate"}
            made[task] = npbert.pipeline(task, folder, **cuts)
        return made[task]

    return make


@pytest.mark.parametrize("task", CALLS)
def test_short_texts_have_an_answer(pipes: Callable[[str], Any], task: str) -> None:
    pipe, call = pipes(task), CALLS[task][1]
    for text in SHORT.values():
        assert all(map(math.isfinite, numbers_of(call(pipe, text))))


@pytest.mark.parametrize("task", CALLS)
@pytest.mark.parametrize("half", HALVES)
def test_half_a_character_is_an_error(pipes: Callable[[str], Any], task: str, half: str) -> None:
    with pytest.raises(ValueError, match=r"lone surrogate \('\\u.*' *\) at character") as caught:
        CALLS[task][1](pipes(task), half)
    assert str(caught.value).isprintable()


@pytest.mark.filterwarnings("ignore:.*only these were read")
@pytest.mark.parametrize("name", LONG)
def test_long_texts_take_a_bounded_time(ours: TextClassificationPipeline, name: str) -> None:
    began = time.monotonic()
    (found,) = ours([LONG[name]], long_text="truncate")
    assert 0 < found["score"] <= 1
    with pytest.raises(ValueError, match=r"explain it in parts|^text 0 .* has no word") as caught:
        npbert.explain(LONG[name] * 2, ours)
    assert len(str(caught.value)) < 300
    assert time.monotonic() - began < SECONDS


@pytest.mark.filterwarnings("ignore:.*only these were read")
@pytest.mark.parametrize("task", [*CALLS][1:])
@pytest.mark.parametrize("name", LONG)
def test_other_tasks(pipes: Callable[[str], Any], task: str, name: str) -> None:
    began = time.monotonic()
    try:
        found = CALLS[task][1](pipes(task), LONG[name][:100_000])
    except ValueError as error:
        assert str(error).isprintable() and len(str(error)) < 300  # noqa: PT017, PT018
    else:
        assert all(map(math.isfinite, numbers_of(found)))
    assert time.monotonic() - began < SECONDS


def test_labels_of_strangers(tmp_path: Path) -> None:
    """In Python, labels are the exact data; only messages show them harmlessly."""
    label = "".join(CONTROLS.values())
    labels = {0: label, 1: "other"}
    pipe = npbert.pipeline("text-classification", make_folder(tmp_path, id2label=labels))
    assert label in {each["label"] for each in pipe("a film", top_k=None)}
    with pytest.raises(ValueError, match="expected one of: ") as caught:
        npbert.explain("a film", pipe, label="\x1b[2J")
    assert str(caught.value).isprintable()
