"""Random models made with transformers, and inputs for them, for the parity tests."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

from tests.support.paths import DATA

IntArray = NDArray[np.int64]

VOCAB = DATA / "vocab.txt"  # of bert-base-uncased

# Odd sizes show differences between two implementations that common sizes hide.
SIZES: dict[str, dict[str, Any]] = {
    "tiny": {"dim": 32, "n_heads": 2, "n_layers": 2, "hidden_dim": 64},
    "one-layer-one-head": {"dim": 36, "n_heads": 1, "n_layers": 1, "hidden_dim": 100},
    "three-labels": {"dim": 60, "n_heads": 5, "n_layers": 3, "hidden_dim": 77, "num_labels": 3},
    "one-label": {"dim": 48, "n_heads": 3, "n_layers": 2, "hidden_dim": 96, "num_labels": 1},
    "five-positions": {"dim": 24, "n_heads": 4, "n_layers": 2, "max_position_embeddings": 5},
    "heads-of-one": {"dim": 12, "n_heads": 12, "n_layers": 2, "hidden_dim": 13},
    "relu": {"dim": 40, "n_heads": 4, "n_layers": 4, "hidden_dim": 160, "activation": "relu"},
    "wide": {"dim": 256, "n_heads": 4, "n_layers": 4, "hidden_dim": 1024},
}
BASE: dict[str, Any] = {"vocab_size": 30522, "hidden_dim": 3072}  # the other sizes are the defaults


def make_model(
    folder: Path, seed: int = 0, head: str = "ForSequenceClassification", **sizes: Any
) -> Path:
    """Save a random model, by default a sequence classifier, with no parameter at 0 or 1.

    The biases of a new model are 0 and its LayerNorm weights are 1, so an implementation could
    leave them out and nobody would notice. Its other weights are so small that all scores are
    about the same. Here all of them are random and large enough.
    """
    torch.manual_seed(seed)
    config = transformers.DistilBertConfig(**({"vocab_size": 97, "hidden_dim": 64} | sizes))
    model = getattr(transformers, f"DistilBert{head}")(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            spread = 2 / config.dim**0.5 if "weight" in name and parameter.ndim == 2 else 0.2
            centre = 1 if "norm.weight" in name.lower() else 0
            parameter.normal_(centre, spread if "embeddings" not in name else 0.5)
            if name.endswith("LayerNorm.weight"):
                parameter.normal_(1, 0.2)
    model.save_pretrained(folder)
    return folder


def make_folder(folder: Path, **sizes: Any) -> Path:
    """Save a small random classifier of real word pieces, with its tokenizer."""
    make_model(folder, **({"vocab_size": 30522, "dim": 24, "n_heads": 2, "n_layers": 2} | sizes))
    shutil.copy(VOCAB, folder)
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 512}')
    return folder


@dataclass
class Oracle:
    """The encoder and the classifier of a folder, as transformers computes them in float32."""

    model: Any

    @classmethod
    def load(cls, folder: Path) -> Oracle:
        auto = transformers.AutoModelForSequenceClassification
        return cls(auto.from_pretrained(folder, dtype=torch.float32).eval())

    def hidden(self, input_ids: IntArray, mask: IntArray) -> NDArray[np.float32]:
        with torch.inference_mode():
            output = self.model.distilbert(torch.tensor(input_ids), torch.tensor(mask))
        return np.asarray(output.last_hidden_state)

    def logits(self, input_ids: IntArray, mask: IntArray) -> NDArray[np.float32]:
        with torch.inference_mode():
            return np.asarray(self.model(torch.tensor(input_ids), torch.tensor(mask)).logits)


def random_batch(
    rng: np.random.Generator, vocab_size: int, lengths: list[int], padding: str = "right"
) -> tuple[IntArray, IntArray]:
    """Make rows of random ids with the given lengths, padded with random ids, and their mask."""
    seq = max(lengths)
    input_ids = rng.integers(0, vocab_size, (len(lengths), seq))
    mask = np.zeros((len(lengths), seq), np.int64)
    for row, length in enumerate(lengths):
        if padding == "right":
            mask[row, :length] = 1
        elif padding == "left":
            mask[row, seq - length :] = 1
        else:  # holes anywhere but at [CLS], which is position 0
            mask[row, 0] = 1
            mask[row, rng.choice(np.arange(1, seq), length - 1, replace=False)] = 1
    return input_ids, mask


def largest_difference(actual: NDArray[Any], expected: NDArray[Any]) -> float:
    """Return max |actual - expected| / max(1, max |expected|)."""
    scale = max(1.0, float(np.abs(expected).max()))
    return float(np.abs(actual.astype(np.float64) - expected).max()) / scale
