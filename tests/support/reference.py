"""The yardstick of the tests: DistilBERT in float64, as a textbook writes it.

This file shares no code with npbert, and wherever there is a choice it chooses otherwise. The rows
of a matrix are tokens, and not its columns. Texts are padded to one length, and a mask hides the
padding. Every layer computes every position. The error function comes from the standard library.
That makes it slow, and as exact as float64 allows.

`Reference.hidden` is the encoder, step by step, and `Reference.logits` is the classifier on top of
it. The names of the weights are those in model.safetensors, without the prefix ``distilbert.``.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

Float64 = NDArray[np.float64]

_erf = np.vectorize(math.erf, otypes=[np.float64])


class Reference:
    """The model in a folder, computed in float64 from weights in float32 or float16."""

    def __init__(self, folder: Path) -> None:
        self.config: dict[str, Any] = json.loads((folder / "config.json").read_text())
        self.weights = {
            name.removeprefix("distilbert."): tensor.astype(np.float64)
            for path in folder.glob("model*.safetensors")
            for name, tensor in load_file(path).items()
        }

    def hidden(self, input_ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Float64:
        """Return the last hidden state (batch, seq, dim).

        Where the mask is 0, its numbers have no meaning.
        """
        weights = self.weights
        h = weights["embeddings.word_embeddings.weight"][input_ids]
        h = h + weights["embeddings.position_embeddings.weight"][: input_ids.shape[1]]
        h = self._norm("embeddings.LayerNorm", h)
        for number in range(self.config["n_layers"]):
            name = f"transformer.layer.{number}"
            h = self._norm(f"{name}.sa_layer_norm", h + self._attention(name, h, mask))
            h = self._norm(f"{name}.output_layer_norm", h + self._feed_forward(name, h))
        return h

    def logits(self, input_ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Float64:
        """Return the logits of the sequence classifier (batch, labels)."""
        pooled = self._linear("pre_classifier", self.hidden(input_ids, mask)[:, 0])
        return self._linear("classifier", np.maximum(pooled, 0))

    def _linear(self, name: str, h: Float64) -> Float64:
        return h @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def _norm(self, name: str, h: Float64) -> Float64:
        mean = h.mean(-1, keepdims=True)
        variance = h.var(-1, keepdims=True)
        normed: Float64 = (h - mean) / np.sqrt(variance + 1e-12)
        return normed * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def _attention(self, name: str, h: Float64, mask: NDArray[np.int64]) -> Float64:
        batch, seq, dim = h.shape
        n_heads = self.config["n_heads"]

        def heads(part: str) -> Float64:
            projected = self._linear(f"{name}.attention.{part}", h)
            return projected.reshape(batch, seq, n_heads, dim // n_heads).swapaxes(1, 2)

        scores = heads("q_lin") @ heads("k_lin").swapaxes(2, 3) / np.sqrt(dim // n_heads)
        scores = np.where(mask[:, None, None, :] == 1, scores, -np.inf)
        exps = np.exp(scores - scores.max(-1, keepdims=True))
        context = exps / exps.sum(-1, keepdims=True) @ heads("v_lin")
        merged = context.swapaxes(1, 2).reshape(batch, seq, dim)
        return self._linear(f"{name}.attention.out_lin", merged)

    def _feed_forward(self, name: str, h: Float64) -> Float64:
        inner = self._linear(f"{name}.ffn.lin1", h)
        if self.config["activation"] == "relu":
            inner = np.maximum(inner, 0)
        else:
            inner = inner / 2 * (1 + _erf(inner / math.sqrt(2)))
        return self._linear(f"{name}.ffn.lin2", inner)
