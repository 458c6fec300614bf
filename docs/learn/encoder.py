"""DistilBERT as a textbook writes it: from the ids of a text to one score per label.

Chapter 3 of this course (3_encoder.md) reads this file from top to bottom. It computes one text at
a time, in float64, and spells out every step. That makes it slow, and as exact as float64 allows:
the tests of npbert compare the fast code with it. It shares no code with npbert.

An array has one row per token. The comments call the lengths of its axes by these words:

    seq   tokens of the text        dim       numbers per token
    out   numbers that come out     head_dim  numbers per token in one attention head
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]

MINI = Path(__file__).parents[2] / "npbert" / "checkpoints" / "mini"  # the model of this course


def linear(x: Floats, weight: Floats, bias: Floats) -> Floats:
    """Make each number of the output a weighted sum of the numbers of a row, plus a bias."""
    return x @ weight.T + bias  # (seq, out)


def normalize(x: Floats) -> Floats:
    """Give each row the mean 0 and the variance 1."""
    mean = x.mean(axis=-1, keepdims=True)  # (seq, 1)
    variance = x.var(axis=-1, keepdims=True)  # (seq, 1)
    return np.asarray((x - mean) / np.sqrt(variance + 1e-12))  # (seq, dim)


def softmax(scores: Floats) -> Floats:
    """Turn each row of scores into positive numbers with the sum 1."""
    exps = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(exps / exps.sum(axis=-1, keepdims=True))


def relu(x: Floats) -> Floats:
    """Replace each negative number by 0."""
    return np.maximum(x, 0)


def gelu(x: Floats) -> Floats:
    """Multiply each number by the share of a standard normal distribution that lies below it."""
    erf = np.vectorize(math.erf, otypes=[np.float64])
    return np.asarray(x * (1 + erf(x / math.sqrt(2))) / 2)


def attention(query: Floats, key: Floats, value: Floats) -> Floats:
    """Give each token a weighted mean of all values: those whose keys match its query count most.

    This is one head of attention. The arrays are (seq, head_dim), and so is the result.
    """
    scores = query @ key.T / math.sqrt(query.shape[1])  # (seq, seq), one row per query
    return softmax(scores) @ value


class DistilBert:
    """A model in a folder: its settings, its weights, and what it computes from them."""

    def __init__(self, folder: Path) -> None:
        self.config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.weights = {
            name.removeprefix("distilbert."): numbers.astype(np.float64)
            for file in folder.glob("model*.safetensors")
            for name, numbers in load_file(file).items()
        }

    def linear(self, name: str, x: Floats) -> Floats:
        """Apply the linear layer of this name."""
        return linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def norm(self, name: str, x: Floats) -> Floats:
        """Normalize each row, then stretch and shift its numbers by learned amounts."""
        return normalize(x) * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def embed(self, ids: Ids, positions: Ids) -> Floats:
        """Look up a vector for each token and one for its position, and add them."""
        words = self.weights["embeddings.word_embeddings.weight"][ids]  # (seq, dim)
        places = self.weights["embeddings.position_embeddings.weight"][positions]  # (seq, dim)
        return self.norm("embeddings.LayerNorm", words + places)

    def attend(self, name: str, x: Floats) -> Floats:
        """Let each token look at all tokens, with each head on its own columns."""
        query = self.linear(f"{name}.q_lin", x)  # (seq, dim), and so are key and value
        key = self.linear(f"{name}.k_lin", x)
        value = self.linear(f"{name}.v_lin", x)
        n_heads = self.config["n_heads"]
        head_dim = x.shape[1] // n_heads
        found = np.empty_like(x)
        for head in range(n_heads):
            own = slice(head * head_dim, (head + 1) * head_dim)
            found[:, own] = attention(query[:, own], key[:, own], value[:, own])
        return self.linear(f"{name}.out_lin", found)

    def feed_forward(self, name: str, x: Floats) -> Floats:
        """Change each token's vector by itself, without a look at the others."""
        activation = {"gelu": gelu, "relu": relu}[self.config["activation"]]
        return self.linear(f"{name}.lin2", activation(self.linear(f"{name}.lin1", x)))

    def layer(self, number: int, x: Floats) -> Floats:
        """Add to each vector what attention finds, and then what feed_forward makes of it."""
        name = f"transformer.layer.{number}"
        x = self.norm(f"{name}.sa_layer_norm", x + self.attend(f"{name}.attention", x))
        return self.norm(f"{name}.output_layer_norm", x + self.feed_forward(f"{name}.ffn", x))

    def hidden_states(self, x: Floats) -> list[Floats]:
        """Return the vectors of all tokens: as they come in, and after each layer (seq, dim)."""
        states = [x]
        for number in range(self.config["n_layers"]):
            states.append(self.layer(number, states[-1]))
        return states

    def classify(self, cls: Floats) -> Floats:
        """Make one score per label (labels,) from the vector of the token [CLS] (dim,)."""
        return self.linear("classifier", relu(self.linear("pre_classifier", cls)))

    def logits(self, ids: Ids) -> Floats:
        """Go the whole way, from the ids of a text to its scores (labels,)."""
        x = self.embed(ids, np.arange(len(ids)))
        return self.classify(self.hidden_states(x)[-1][0])
