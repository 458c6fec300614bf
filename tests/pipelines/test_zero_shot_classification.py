"""Zero-shot classification: warnings and refusals, and how far it reads ahead."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

import npbert
from tests.support.pipelines import make_folder_for
from tests.support.streams import Endless

TEXT = "I love this film."


def test_zero_shot_says_what_it_does(tmp_path: Path) -> None:
    folder = make_folder_for(tmp_path, "ForSequenceClassification", ["a", "b"])
    with pytest.warns(
        UserWarning, match=r"none of the model's labels \(a, b\) says 'entailment'"
    ) as caught:
        ours = npbert.pipeline("zero-shot-classification", folder)
    assert [warning.filename for warning in caught] == [__file__]  # the line of the user
    with pytest.warns(UserWarning, match="1 of 2 texts had more than 512"):
        ours(["short", "word " * 600], "x, y")
    with pytest.raises(ValueError, match="expected at most 512"):
        ours("word " * 600, "x, y", long_text="error")
    for options, message in (
        ({}, "candidate_labels is missing"),
        ({"candidate_labels": []}, "candidate_labels is missing"),
        ({"candidate_labels": "a", "hypothesis_template": "x"}, "expected a sentence with {}"),
    ):
        with pytest.raises(ValueError, match=message):
            ours("text", **options)
    with pytest.raises(ValueError, match=r"text 1 \(counted from 0\) is empty"):
        ours(["a", ""], "x")


TEMPLATE = r"hypothesis_template is .*, expected a sentence with \{\} where the label goes, once"


@pytest.mark.parametrize(
    ("template", "error", "reason"),
    [
        (None, TypeError, "$"),
        (3, TypeError, "$"),
        (b"{}", TypeError, "$"),
        ("No place.", ValueError, ": it has no place for a label$"),
        ("{{}}", ValueError, ": it has no place for a label$"),
        ("{} and {}", ValueError, ": it has 2 places for labels"),
        ("About {label}.", ValueError, ": {label} is a name, and labels have none"),
        ("About {", ValueError, ": Single '{'"),
        ("About }", ValueError, ": Single '}'"),
        ("{:d}", ValueError, ": Unknown format code"),
        ("About {[0]}.", ValueError, r": {\[0\]} takes a part of a label$"),
        ("About {0.real}.", ValueError, r": {0\.real} takes a part of a label$"),
        ("{:>99999999999}", ValueError, r": {:>99999999999} asks for more than 1,000 characters$"),
        ("{:{:>1001}}", ValueError, r": {:{:>1001}} asks for more than 1,000 characters$"),
    ],
)
@pytest.mark.filterwarnings("ignore:none of the model's labels")
def test_templates_that_are_refused(
    folder: Path, template: Any, error: type[Exception], reason: str
) -> None:
    pipe = npbert.pipeline("zero-shot-classification", folder)
    with pytest.raises(error, match=TEMPLATE + reason):
        pipe(TEXT, ["film"], hypothesis_template=template)


@pytest.mark.filterwarnings("ignore:none of the model's labels")
def test_the_widest_place_of_a_template(folder: Path) -> None:
    pipe = npbert.pipeline("zero-shot-classification", folder)
    assert pipe(TEXT, ["film"], hypothesis_template="{:>1000}")["labels"] == ["film"]


@pytest.mark.filterwarnings("ignore:none of the model's labels")
def test_what_is_no_text_and_no_option(folder: Path) -> None:
    pipe: Any = npbert.pipeline("zero-shot-classification", folder, candidate_labels="a, b")
    with pytest.raises(TypeError, match="inputs is a int, expected a str, a list of these, or an"):
        pipe(3)
    with pytest.raises(ValueError, match="batch_size is 0, expected a positive integer"):
        pipe(TEXT, batch_size=0)


@pytest.mark.filterwarnings("ignore:none of the model's labels")
def test_the_more_labels_the_fewer_texts_are_read_ahead(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model reads a text once per label, so that the labels count in what memory holds."""
    monkeypatch.setattr(npbert.ZeroShotClassificationPipeline, "max_chunk_characters", 60)
    pipe = npbert.pipeline("zero-shot-classification", folder)
    texts = Endless()  # of six characters each
    assert len(list(itertools.islice(pipe(texts, "a, b, c, d, e"), 4))) == 4
    assert texts.pulled == 1 + 2 + 2  # and not 1 + 2 + 4
