"""The bundled model: as good as its card says, and the same in transformers."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import transformers

import npbert
from npbert.checkpoints.sources import ModelSource
from tests.support.oracles import Oracle, largest_difference
from tests.support.paths import DATA
from tests.support.reference import Reference

MINI = ModelSource("mini").resolve()
SENTENCES = DATA / "sst2_dev.tsv"  # the 872 sentences of the dev set of GLUE SST-2
LONG = "The first hour is a delight; the second is not. " * 60


@pytest.fixture(scope="module")
def rows() -> list[tuple[str, str]]:
    """The sentences, each with the name of its label."""
    lines = SENTENCES.read_text(encoding="utf-8").splitlines()[1:]  # the first names the columns
    pairs = [line.split("\t") for line in lines]
    return [(text, ["NEGATIVE", "POSITIVE"][int(label)]) for text, label in pairs]


def test_accuracy_is_what_the_card_states(rows: list[tuple[str, str]]) -> None:
    assert len(rows) == 872
    results = npbert.classify([text for text, _ in rows], "mini")
    n_right = sum(
        result["label"] == label for result, (_, label) in zip(results, rows, strict=True)
    )
    card = (MINI / "README.md").read_text(encoding="utf-8")
    stated = re.search(r"(\d+) of the 872 sentences .*?(0\.\d{4})", card, re.DOTALL)
    assert stated is not None
    assert n_right == int(stated[1])
    assert round(n_right / 872, 4) == float(stated[2])
    assert n_right / 872 >= 0.88


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in MINI.iterdir()) <= 24_000_000


def test_parity(rows: list[tuple[str, str]]) -> None:
    texts = [text for text, _ in rows[:60]] + [LONG, ""]
    options: dict[str, Any] = {"padding": True, "truncation": True, "return_tensors": "np"}
    inputs = npbert.AutoTokenizer.from_pretrained("mini")(texts, **options)
    expected = transformers.AutoTokenizer.from_pretrained(MINI)(texts, **options)
    np.testing.assert_array_equal(inputs.input_ids, expected["input_ids"])
    np.testing.assert_array_equal(inputs.attention_mask, expected["attention_mask"])

    ids, mask = inputs.input_ids, inputs.attention_mask
    logits = npbert.AutoModelForSequenceClassification.from_pretrained("mini")(ids, mask).logits
    oracle = Oracle.load(MINI)
    assert largest_difference(logits, oracle.logits(ids, mask)) < 1e-5
    with pytest.warns(UserWarning, match="bare encoder"):
        encoder = npbert.AutoModel.from_pretrained("mini")
    seen = mask == 1
    hidden = encoder(ids, mask).last_hidden_state[seen]
    assert largest_difference(hidden, oracle.hidden(ids, mask)[seen]) < 1e-5


def test_parity_with_float64(rows: list[tuple[str, str]]) -> None:
    texts = [text for text, _ in rows[60:76]]
    inputs = npbert.AutoTokenizer.from_pretrained("mini")(texts, padding=True, return_tensors="np")
    logits = npbert.AutoModelForSequenceClassification.from_pretrained("mini")(**inputs).logits
    ids, mask = inputs.input_ids, inputs.attention_mask
    assert largest_difference(logits, Reference(MINI).logits(ids, mask)) < 1e-5


def test_scores_are_those_of_the_pipeline_of_transformers(rows: list[tuple[str, str]]) -> None:
    texts = [text for text, _ in rows[76:176]]
    oracle = Oracle.load(MINI).model
    tokenizer = transformers.AutoTokenizer.from_pretrained(MINI)
    theirs = transformers.pipeline("text-classification", oracle, tokenizer=tokenizer)(texts)
    for ours, their in zip(npbert.classify(texts, "mini"), theirs, strict=True):
        assert ours["label"] == their["label"]
        assert ours["score"] == pytest.approx(their["score"], abs=1e-5)
