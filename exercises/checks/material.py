"""Real numbers for the checks: what npbert computes from one sentence with the model `mini`.

npbert's outputs are turned into rows: (batch, seq, dim), one row per token. So no check has to
transpose anything, although the arrays inside of npbert have one column per token.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from encoder import MINI, DistilBert
from numpy.typing import NDArray

import npbert
from npbert.models.outputs import SequenceClassifierOutput

Floats = NDArray[np.float64]

TEXT: Final = "The plot is thin, but the cast is not bad at all."
SST2: Final = Path(__file__).parents[2] / "tests" / "data" / "sst2_dev.tsv"


@cache
def model() -> npbert.DistilBertForSequenceClassification:
    """Load `mini` as npbert computes it."""
    return npbert.AutoModelForSequenceClassification.from_pretrained("mini")


@cache
def textbook() -> DistilBert:
    """Load `mini` as docs/learn/encoder.py computes it."""
    return DistilBert(MINI)


@cache
def tokenizer() -> npbert.DistilBertTokenizer:
    """Load the tokenizer of `mini`."""
    return npbert.AutoTokenizer.from_pretrained("mini")


@cache
def outputs() -> SequenceClassifierOutput:
    """Compute the hidden states and the attentions of `TEXT`."""
    inputs = tokenizer()([TEXT], return_tensors="np")
    return model()(**inputs, output_hidden_states=True, output_attentions=True)


def state(number: int) -> Floats:
    """Return the vectors (seq, dim) of `TEXT` after so many layers."""
    states = outputs().hidden_states
    assert states is not None
    return np.asarray(states[number][0], np.float64)


def attention_weights(layer: int, head: int) -> Floats:
    """Return how much each token (row) of `TEXT` looks at each token, as npbert computes it."""
    attentions = outputs().attentions
    assert attentions is not None
    return np.asarray(attentions[layer][0, head], np.float64)


def projected(layer: int) -> tuple[Floats, Floats, Floats]:
    """Return query, key and value (seq, dim) of a layer for `TEXT`, from its real weights."""
    query, key, value = (
        textbook().linear(f"transformer.layer.{layer}.attention.{part}_lin", state(layer))
        for part in "qkv"
    )
    return query, key, value


@cache
def sentences() -> list[tuple[str, str]]:
    """Return the 872 sentences of the development set of SST-2, each with the name of its label."""
    lines = SST2.read_text(encoding="utf-8").splitlines()[1:]  # the first names the columns
    pairs = [line.split("\t") for line in lines]
    return [(text, ["NEGATIVE", "POSITIVE"][int(label)]) for text, label in pairs]
