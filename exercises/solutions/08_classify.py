"""Exercise 8: from a text to its label, all of it your own. Chapter 6, about 60 lines.

The weights and the vocabulary are read here. Everything else is yours: bring along what you wrote
in the other exercises, by copying it or by `import_module("01_wordpiece").wordpiece`.
"""

import math
import re
import unicodedata
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

import npbert

MINI = Path(npbert.__file__).parent / "checkpoints" / "mini"
PIECES = (MINI / "vocab.txt").read_text(encoding="utf-8").split("\n")
VOCAB = {piece: number for number, piece in enumerate(PIECES)}
WEIGHTS = {
    name.removeprefix("distilbert."): numbers.astype(np.float32)
    for name, numbers in load_file(MINI / "model.safetensors").items()
}
N_LAYERS, N_HEADS = 4, 12
LABELS = ["NEGATIVE", "POSITIVE"]


def words_of(text: str) -> list[str]:
    decomposed = unicodedata.normalize("NFD", text.lower())
    plain = "".join(one for one in decomposed if unicodedata.category(one) != "Mn")
    return re.findall(r"\w+|[^\w\s]", plain)


def wordpiece(word: str) -> list[str]:
    pieces: list[str] = []
    start = 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = word[start:end] if start == 0 else "##" + word[start:end]
            if piece in VOCAB:
                break
        else:
            return ["[UNK]"]
        pieces.append(piece)
        start = end
    return pieces


def linear(name: str, x: np.ndarray) -> np.ndarray:
    return x @ WEIGHTS[f"{name}.weight"].T + WEIGHTS[f"{name}.bias"]


def norm(name: str, x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(axis=-1, keepdims=True)
    normal = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
    return normal * WEIGHTS[f"{name}.weight"] + WEIGHTS[f"{name}.bias"]


def softmax(scores: np.ndarray) -> np.ndarray:
    exps = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exps / exps.sum(axis=-1, keepdims=True)


def gelu(x: np.ndarray) -> np.ndarray:
    return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2


def attend(name: str, x: np.ndarray) -> np.ndarray:
    query, key, value = (linear(f"{name}.{part}", x) for part in ("q_lin", "k_lin", "v_lin"))
    head_dim = x.shape[1] // N_HEADS
    found = []
    for first in range(0, x.shape[1], head_dim):
        own = slice(first, first + head_dim)
        scores = query[:, own] @ key[:, own].T / math.sqrt(head_dim)
        found.append(softmax(scores) @ value[:, own])
    return linear(f"{name}.out_lin", np.concatenate(found, axis=1))


def run_layer(name: str, x: np.ndarray) -> np.ndarray:
    x = norm(f"{name}.sa_layer_norm", x + attend(f"{name}.attention", x))
    inner = gelu(linear(f"{name}.ffn.lin1", x))
    return norm(f"{name}.output_layer_norm", x + linear(f"{name}.ffn.lin2", inner))


def classify(text: str) -> tuple[str, float]:
    """Return the label of a text, and its probability.

    1. Words: put the text into lower case and take the accents off; a punctuation mark is a word
       of its own. `unicodedata.normalize("NFD", text)` writes each accent behind its letter, and
       unicodedata.category(character) == "Mn" tells the accents.
       `re.findall(r"\\w+|[^\\w\\s]", text)` finds words and marks.
    2. Pieces: those of all words, [CLS] before them and [SEP] after them; then their ids.
    3. Vectors: the row of WEIGHTS["embeddings.word_embeddings.weight"] for each id, plus the row
       of WEIGHTS["embeddings.position_embeddings.weight"] for each position, counted from 0; then
       the norm "embeddings.LayerNorm".
    4. Layers: four times the layer of exercise 7. The names begin with "transformer.layer.0." for
       the first, as in WEIGHTS["transformer.layer.0.attention.q_lin.weight"].
    5. Logits: the vector of [CLS] alone goes through the linear layer "pre_classifier", ReLU, which
       is max(x, 0), and the linear layer "classifier".
    6. Label: softmax gives the probabilities, and the larger one says the label.

    >>> label, probability = classify("The plot is thin, but the cast is not bad at all.")
    >>> label, round(probability, 3)
    ('POSITIVE', 0.87)
    """
    pieces = [piece for word in words_of(text) for piece in wordpiece(word)]
    ids = [VOCAB[piece] for piece in ["[CLS]", *pieces, "[SEP]"]]
    words = WEIGHTS["embeddings.word_embeddings.weight"][ids]
    positions = WEIGHTS["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm("embeddings.LayerNorm", words + positions)  # (seq, dim)
    for number in range(N_LAYERS):
        x = run_layer(f"transformer.layer.{number}", x)
    logits = linear("classifier", np.maximum(linear("pre_classifier", x[0]), 0))
    probabilities = softmax(logits)
    best = int(probabilities.argmax())
    return LABELS[best], float(probabilities[best])
