"""How far the numbers of a model change, where they can be computed by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import npbert
from npbert.cli.score_change import AnyModel, ScoreChange, measure_change
from npbert.distilbert.model import Linear
from npbert.tokenization.tokenizer import Tokenizer
from tests.support.heads import auto_name
from tests.support.pipelines import make_folder_for

TEXTS = ["I love this film.", "Meh"] * 9  # more than one chunk
N_TOKENS = 9 * (7 + 4)  # "meh" is two pieces
LOG_3 = math.log(3)  # softmax of (log 3, 0) is (3/4, 1/4)


def load(folder: Path, head: str, **settings: Any) -> tuple[AnyModel, Tokenizer]:
    make_folder_for(folder, head, **settings)
    model = getattr(npbert, auto_name(head)).from_pretrained(folder)
    return model, npbert.AutoTokenizer.from_pretrained(folder)


def biased(model: AnyModel, *bias: float) -> AnyModel:
    """Return a model whose logits are this bias, whatever the text is."""
    name = "classifier" if hasattr(model.head, "classifier") else None
    last: Linear = model.head if name is None else getattr(model.head, name)
    weight = np.zeros((len(bias), last.weight.shape[1]), np.float32)
    last = Linear(weight, np.array(bias, np.float32))
    head = last if name is None else replace(model.head, **{name: last})
    return type(model)(model.config, model.encoder, head)


@pytest.mark.parametrize(
    ("bias", "n_choices", "described"),
    [
        ((LOG_3, 0), 0, "change by at most 0.25 on 18 texts; no label changes"),
        ((0, LOG_3), 18, "change by at most 0.25 on 18 texts; the label changes 18 times"),
        ((0, 0), 0, "do not change on 18 texts"),
    ],
)
def test_labels(tmp_path: Path, bias: tuple[float, float], n_choices: int, described: str) -> None:
    model, tokenizer = load(tmp_path, "ForSequenceClassification")
    change = measure_change(biased(model, 0, 0), biased(model, *bias), tokenizer, TEXTS)
    assert change == ScoreChange("scores", "label", change.largest, n_choices, 18)
    assert change.largest == pytest.approx(0.25 if any(bias) else 0, abs=1e-6)
    assert str(change) == described


@pytest.mark.parametrize(
    ("problem", "largest"), [("regression", LOG_3), ("multi_label_classification", 0.25)]
)
def test_other_functions_than_softmax(tmp_path: Path, problem: str, largest: float) -> None:
    """The sigmoid of log 3 is 3/4, and a regression has no function."""
    model, tokenizer = load(tmp_path, "ForSequenceClassification")
    model.config.problem_type = problem
    change = measure_change(biased(model, 0, 0), biased(model, LOG_3, 0), tokenizer, TEXTS)
    assert change.largest == pytest.approx(largest, abs=1e-6)


def test_labels_of_tokens(tmp_path: Path) -> None:
    model, tokenizer = load(tmp_path, "ForTokenClassification")
    change = measure_change(biased(model, 0, 0), biased(model, 0, LOG_3), tokenizer, TEXTS)
    assert change.largest == pytest.approx(0.25, abs=1e-6)
    assert change.n_choices == N_TOKENS
    assert str(change).endswith(f"; the label of a token changes {N_TOKENS} times")


def test_the_scores_of_answers_are_shares_of_the_tokens(tmp_path: Path) -> None:
    """A number that is added to the logits of all tokens changes nothing."""
    model, tokenizer = load(tmp_path, "ForQuestionAnswering")
    after = biased(model, 5, 7)
    assert measure_change(biased(model, 0, 0), after, tokenizer, TEXTS).largest < 1e-7
    change = measure_change(model, after, tokenizer, ["Meh"])
    (starts, ends), tokens = model(**tokenizer("Meh", return_tensors="np")).to_tuple(), 4
    largest = max(np.abs(npbert.softmax(x) - 1 / tokens).max() for x in (starts, ends))
    assert change.largest == pytest.approx(largest, rel=1e-5)


def test_choices_have_logits(tmp_path: Path) -> None:
    model, tokenizer = load(tmp_path, "ForMultipleChoice")
    change = measure_change(biased(model, 0), biased(model, 2), tokenizer, TEXTS)
    assert change == ScoreChange("logits", None, 2, 0, 18)
    assert str(change) == "change by at most 2 on 18 texts"


def test_the_encoder_has_vectors(tmp_path: Path) -> None:
    model, tokenizer = load(tmp_path, "Model")
    *first, last = model.encoder.layers
    norm = last.output_layer_norm
    moved = replace(last, output_layer_norm=replace(norm, bias=norm.bias + np.float32(0.5)))
    after = type(model)(model.config, replace(model.encoder, layers=(*first, moved)), None)
    change = measure_change(model, after, tokenizer, TEXTS[:2])
    assert (change.numbers, change.choice, change.n_texts) == ("vectors", None, 2)
    assert change.largest == pytest.approx(0.5, abs=1e-5)


def test_words(tmp_path: Path) -> None:
    model, tokenizer = load(tmp_path, "ForMaskedLM")
    weight = np.zeros_like(model.head.vocab_projector.weight)
    before, after = (
        type(model)(
            model.config,
            model.encoder,
            replace(model.head, vocab_projector=Linear(weight, bias.astype(np.float32))),
        )
        for bias in (np.eye(1, len(weight), 3)[0] * 50, np.eye(1, len(weight), 4)[0] * 50)
    )
    change = measure_change(before, after, tokenizer, ["Meh"])
    assert change.largest == pytest.approx(1)
    assert str(change) == "change by at most 1 on 1 text; the likeliest word changes 4 times"


def test_a_tokenizer_without_a_limit(tmp_path: Path) -> None:
    model, tokenizer = load(tmp_path, "ForSequenceClassification", model_max_length=10**6)
    assert measure_change(model, model, tokenizer, ["word " * 600]).n_texts == 1


def test_once() -> None:
    once = "change by at most 0.0012 on 1 text; the label changes once"
    assert str(ScoreChange("scores", "label", 0.00123, 1, 1)) == once
