"""Small question answerers that any release of transformers can load.

Their weights are random numbers of NumPy, so a recording of the answers of an old release
needs no model beside it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from tests.support.paths import DATA

RECORDED = DATA / "question_answering.json"

DIM, HIDDEN_DIM, N_LAYERS, N_HEADS, VOCAB_SIZE = 32, 64, 2, 4, 30522
QUESTIONS = [
    ("Where does Maria live?", "Maria and her two sisters live in São Paulo, near the river."),
    ("What is unaffable?", "To be unaffable means: not easy to talk to, unfriendly, gruff."),
    ("誰が東京に住んでいますか", "田中さんは東京に住んでいます。佐藤さんは大阪です。"),
    ("Who?", "Word. word! WORD? A word, a word; the word."),
    ("How much [MASK]?", "It cost 3.50 €, or $4 😀 -- a naïve-looking price-tag (2019)."),
    (
        "Who won?",
        " ".join(f"In {year} team {year % 7} beat team {year % 5}." for year in range(90)),
    ),
]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"top_k": 4},
    {"top_k": 3, "align_to_words": False},
    {"top_k": 2, "handle_impossible_answer": True},
    {"handle_impossible_answer": True},
    {"max_answer_len": 1},
    {"top_k": 3, "max_answer_len": 3},
    {"max_seq_len": 60, "doc_stride": 20, "top_k": 2},
    {"max_seq_len": 40, "doc_stride": 5, "max_answer_len": 4},
]


def make_answerer(folder: Path, seed: int, padding_side: str = "right") -> Path:
    """Save a random question answerer whose logits are far apart, and return its folder."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int, spread: float = 1.0, centre: float = 0.0) -> np.ndarray:
        return (centre + spread * rng.normal(size=shape)).astype(np.float32)

    tensors = {
        "distilbert.embeddings.word_embeddings.weight": normal(VOCAB_SIZE, DIM),
        "distilbert.embeddings.position_embeddings.weight": normal(512, DIM, spread=0.5),
        "qa_outputs.weight": normal(2, DIM),
        "qa_outputs.bias": normal(2),
    }
    norms = ["distilbert.embeddings.LayerNorm"]
    for number in range(N_LAYERS):
        layer = f"distilbert.transformer.layer.{number}"
        norms += [f"{layer}.sa_layer_norm", f"{layer}.output_layer_norm"]
        shapes = {f"attention.{part}_lin": (DIM, DIM) for part in ("q", "k", "v", "out")}
        shapes |= {"ffn.lin1": (HIDDEN_DIM, DIM), "ffn.lin2": (DIM, HIDDEN_DIM)}
        for name, (n_out, n_in) in shapes.items():
            tensors[f"{layer}.{name}.weight"] = normal(n_out, n_in, spread=1.5 / n_in**0.5)
            tensors[f"{layer}.{name}.bias"] = normal(n_out, spread=0.2)
    for name in norms:
        tensors[f"{name}.weight"] = normal(DIM, spread=0.2, centre=1)
        tensors[f"{name}.bias"] = normal(DIM, spread=0.2)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = {
        "model_type": "distilbert",
        "architectures": ["DistilBertForQuestionAnswering"],
        "vocab_size": VOCAB_SIZE,
        "dim": DIM,
        "hidden_dim": HIDDEN_DIM,
        "n_layers": N_LAYERS,
        "n_heads": N_HEADS,
    }
    (folder / "config.json").write_text(json.dumps(config))
    settings = {"model_max_length": 512, "padding_side": padding_side}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    shutil.copy(DATA / "vocab.txt", folder)
    return folder
