"""Where the tokens of a text look: of all heads, or of one, with the looks that stand out."""

from __future__ import annotations

from typing import Final, NamedTuple, TypedDict

import numpy as np

from npbert.distilbert.activations import Array
from npbert.distilbert.model import attention_of
from npbert.explanations.experiments import AnyClassifier
from npbert.explanations.trace import TracedText, trace

_N_DECIMALS: Final = 4  # of a weight in JSON


class LookDict(TypedDict):
    """A `Look` in its JSON form."""

    head: int
    looking: int
    seen: int
    weight: float


class HeadAttentionDict(TypedDict):
    """A `HeadAttention` in its JSON form; the weights are rounded to four decimals."""

    tokens: list[str]
    n_layers: int
    n_heads: int
    weights: list[list[float]]
    looks: list[LookDict]


class Look(NamedTuple):
    """One token that looks at another one.

    Attributes
    ----------
    head : int
    looking, seen : int
        The numbers of the two tokens in their text.
    weight : float
        The share of the attention of the token that looks.
    """

    head: int
    looking: int
    seen: int
    weight: float


class HeadAttention(NamedTuple):
    """Where the tokens of a text look, by one head of attention.

    Attributes
    ----------
    tokens : tuple of str
    n_layers, n_heads : int
        How many layers the model has, and how many heads each of them.
    weights : float32 array (seq, seq)
        ``[i, j]`` says how much token ``i`` looks at token ``j``.
    looks : list of Look
        The strongest look of each head of the same layer, the most decided head first.
    """

    tokens: tuple[str, ...]
    n_layers: int
    n_heads: int
    weights: Array
    looks: list[Look]

    def to_dict(self) -> HeadAttentionDict:
        """Return the attention as JSON has it."""
        looks: list[LookDict] = [
            {
                "head": look.head,
                "looking": look.looking,
                "seen": look.seen,
                "weight": round(look.weight, _N_DECIMALS),
            }
            for look in self.looks
        ]
        return {
            "tokens": list(self.tokens),
            "n_layers": self.n_layers,
            "n_heads": self.n_heads,
            "weights": self.weights.astype(np.float64).round(_N_DECIMALS).tolist(),
            "looks": looks,
        }


def attention_in(classifier: AnyClassifier, traced: TracedText) -> Array:
    """Return where the tokens of a text look: float32 (layers, heads, seq, seq)."""
    layers = range(len(classifier.model.encoder.layers))
    return np.stack([_attention_of_layer(classifier, traced, layer) for layer in layers])


def look_through_head(classifier: AnyClassifier, text: str, layer: int, head: int) -> HeadAttention:
    """Return where the tokens of a text look, by one head.

    Parameters
    ----------
    classifier : TextClassificationPipeline
    text : str
        If it is longer than the model can read, its beginning counts alone.
    layer, head : int
        Counted from 0.

    Returns
    -------
    HeadAttention

    Raises
    ------
    ValueError
        If there is no such layer or head.
    """
    layers = classifier.model.encoder.layers
    n_heads = classifier.model.config.n_heads
    for name, number, count in [("layer", layer, len(layers)), ("head", head, n_heads)]:
        if not 0 <= number < count:
            raise ValueError(f"{name} is {number}, expected a number from 0 to {count - 1}")
    traced = trace(classifier, text, classifier.max_tokens())
    heads = _attention_of_layer(classifier, traced, layer)
    return HeadAttention(traced.tokens, len(layers), n_heads, heads[head], decided_looks(heads))


def decided_looks(heads: Array) -> list[Look]:
    """Return the largest weight of each head between two words, the largest of all first.

    Parameters
    ----------
    heads : float32 array (heads, seq, seq)

    Returns
    -------
    list of Look
        The first and the last token, which are `[CLS]` and `[SEP]`, and looks of a token at itself
        do not count. The list is empty if there is no word.
    """
    inner = heads[:, 1:-1, 1:-1].copy()  # (heads, words, words): without [CLS] and [SEP]
    if not inner.size:
        return []
    n_words = inner.shape[1]
    inner[:, range(n_words), range(n_words)] = 0
    flat = inner.reshape(len(heads), -1)  # (heads, words * words)
    looks = []
    for head in flat.max(axis=1).argsort()[::-1].tolist():
        looking, seen = divmod(int(flat[head].argmax()), n_words)
        looks.append(Look(head, 1 + looking, 1 + seen, float(flat[head].max())))
    return looks


def _attention_of_layer(classifier: AnyClassifier, traced: TracedText, number: int) -> Array:
    """Return where the tokens look in one layer: float32 (heads, seq, seq)."""
    model = classifier.model
    attention = model.encoder.layers[number].attention
    with model.files.unchanged():
        (heads,) = attention_of(attention, traced.states[number], traced.starts)
    return heads
