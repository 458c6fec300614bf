"""DistilBERT, the whole architecture, top to bottom, in NumPy.

DistilBERT (Sanh et al. 2019, arXiv:1910.01108) is BERT (Devlin et al. 2018,
arXiv:1810.04805) with half the layers and without token types and pooler; both are the
encoder of the transformer (Vaswani et al. 2017, arXiv:1706.03762).

Two choices make everything below short:

* Activations are *feature-major*: ``x`` is (dim, tokens), a column a token.  A linear layer
  is then ``weight @ x + bias`` with the weight just as the checkpoint stores it.
* The tokens of several texts lie side by side in one *pack*.  There is no padding and no
  attention mask: attention looks at one text's columns at a time, and everything else
  works on each column alone.

Dimension key, the words of every shape comment:

    tokens      all tokens of a pack            batch       texts of a pack
    seq         tokens of one text              read        tokens of one text that a head reads
    dim         width of the model              hidden_dim  width inside the feed-forward part
    heads       attention heads                 head_dim    dim / heads
    vocab       word pieces                     labels      outputs of a classification head

A name keeps its meaning: ``x`` is the residual stream and nothing else.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from npbert.activations import ACTIVATIONS, relu, softmax
from npbert.config import DistilBertConfig

Array = NDArray[np.float32]
IntArray = NDArray[np.int64]

LAYER_NORM_EPSILON: Final = 1e-12  # fixed by the architecture; config.json does not have it

_MAX_SCORES: Final = 262_144  # 1 MB, see `heads_at_once`


class Pack(NamedTuple):
    """The tokens of one or more texts, side by side.

    Attributes
    ----------
    input_ids : int64 array (tokens,)
        Vocabulary ids.
    position_ids : int64 array (tokens,)
        Place of each token in its text, from 0.
    starts : int64 array (batch + 1,)
        Text ``i`` has the columns ``starts[i]`` to ``starts[i + 1]``.
    inputs_embeds : float32 array (tokens, dim), optional
        Vectors to stand in place of those that `input_ids` would be looked up for.
    """

    input_ids: IntArray
    position_ids: IntArray
    starts: IntArray
    inputs_embeds: Array | None = None


class Read(NamedTuple):
    """Columns of ``x`` whose output is wanted.

    Attributes
    ----------
    x : float32 array (dim, columns)
    starts : int64 array (batch + 1,)
        Of text ``i``, the columns ``starts[i]`` to ``starts[i + 1]``.
    """

    x: Array
    starts: IntArray


# ------------------------------------------------------------------------------ parameters
#
# One class for each part, its fields named as in the checkpoint.  `load` states the name and
# the shape of each tensor, once; `take` is whatever fetches a tensor by them.


WORD_EMBEDDINGS: Final = "embeddings.word_embeddings.weight"
WORD_PROJECTOR: Final = "vocab_projector.weight"  # of the masked-LM head, often the same tensor


class Take(Protocol):
    """Fetches a tensor by its name in the checkpoint, or by the name of its twin."""

    def __call__(self, name: str, shape: tuple[int, ...], twin: str | None = None, /) -> Array:
        """The tensor `name`; where the checkpoint has none, the tensor `twin`."""


@dataclass(frozen=True)
class Linear:
    """Weights of ``weight @ x + bias``."""

    weight: Array  # (out, in)
    bias: Array  # (out,)

    @classmethod
    def load(cls, take: Take, name: str, n_out: int, n_in: int) -> Linear:
        """Take the two tensors under `name`."""
        return cls(take(f"{name}.weight", (n_out, n_in)), take(f"{name}.bias", (n_out,)))


@dataclass(frozen=True)
class LayerNorm:
    """Scale and shift after a normalization."""

    weight: Array  # (dim,)
    bias: Array  # (dim,)

    @classmethod
    def load(cls, take: Take, name: str, dim: int) -> LayerNorm:
        """Take the two tensors under `name`."""
        return cls(take(f"{name}.weight", (dim,)), take(f"{name}.bias", (dim,)))


@dataclass(frozen=True)
class Embeddings:
    """A vector for every word piece and for every position."""

    word_embeddings: Array  # (vocab, dim)
    position_embeddings: Array  # (max_position_embeddings, dim)
    layer_norm: LayerNorm

    @classmethod
    def load(cls, take: Take, config: DistilBertConfig) -> Embeddings:
        """Take the tensors under ``embeddings``."""
        n_positions = config.max_position_embeddings
        twin = WORD_PROJECTOR if config.tie_word_embeddings else None
        return cls(
            take(WORD_EMBEDDINGS, (config.vocab_size, config.dim), twin),
            take("embeddings.position_embeddings.weight", (n_positions, config.dim)),
            LayerNorm.load(take, "embeddings.LayerNorm", config.dim),
        )


@dataclass(frozen=True)
class Attention:
    """Projections of multi-head self-attention."""

    n_heads: int
    q_lin: Linear  # (dim, dim), as are the others
    k_lin: Linear
    v_lin: Linear
    out_lin: Linear

    @classmethod
    def load(cls, take: Take, name: str, config: DistilBertConfig) -> Attention:
        """Take the tensors under `name`."""
        parts = ("q_lin", "k_lin", "v_lin", "out_lin")
        linears = (Linear.load(take, f"{name}.{part}", config.dim, config.dim) for part in parts)
        return cls(config.n_heads, *linears)


@dataclass(frozen=True)
class FeedForward:
    """The two linear layers that work on every token alone."""

    activation: Callable[[Array], Array]
    lin1: Linear  # (hidden_dim, dim)
    lin2: Linear  # (dim, hidden_dim)

    @classmethod
    def load(cls, take: Take, name: str, config: DistilBertConfig) -> FeedForward:
        """Take the tensors under `name`."""
        return cls(
            ACTIVATIONS[config.activation],
            Linear.load(take, f"{name}.lin1", config.hidden_dim, config.dim),
            Linear.load(take, f"{name}.lin2", config.dim, config.hidden_dim),
        )


@dataclass(frozen=True)
class Layer:
    """One layer of the encoder."""

    attention: Attention
    sa_layer_norm: LayerNorm
    ffn: FeedForward
    output_layer_norm: LayerNorm

    @classmethod
    def load(cls, take: Take, name: str, config: DistilBertConfig) -> Layer:
        """Take the tensors under `name`."""
        return cls(
            Attention.load(take, f"{name}.attention", config),
            LayerNorm.load(take, f"{name}.sa_layer_norm", config.dim),
            FeedForward.load(take, f"{name}.ffn", config),
            LayerNorm.load(take, f"{name}.output_layer_norm", config.dim),
        )


@dataclass(frozen=True)
class Encoder:
    """Embeddings and layers: all of DistilBERT but the head."""

    embeddings: Embeddings
    layers: tuple[Layer, ...]

    @classmethod
    def load(cls, take: Take, config: DistilBertConfig) -> Encoder:
        """Take every tensor of the encoder."""
        names = (f"transformer.layer.{number}" for number in range(config.n_layers))
        return cls(
            Embeddings.load(take, config),
            tuple(Layer.load(take, name, config) for name in names),
        )


# ------------------------------------------------------------------------------ operations


def linear(parameters: Linear, x: Array) -> Array:
    """Affine map of every column.

    Parameters
    ----------
    parameters : Linear
    x : float32 array (in, columns)

    Returns
    -------
    float32 array (out, columns)
        ``weight @ x + bias``.
    """
    y = parameters.weight @ x  # (out, columns)
    y += parameters.bias[:, None]
    return y


def layer_norm(parameters: LayerNorm, x: Array) -> Array:
    """Normalize every column to mean 0 and variance 1, then scale and shift; in place.

    Parameters
    ----------
    parameters : LayerNorm
    x : float32 array (dim, columns)
        Overwritten by the result.

    Returns
    -------
    float32 array (dim, columns)
        `x` itself.

    Notes
    -----
    (x - mean) / sqrt(variance + epsilon) * weight + bias, with the mean and the (biased)
    variance over the dim entries of a column: Ba et al. 2016, arXiv:1607.06450.
    """
    dim, n_columns = x.shape
    # Summed in groups of rows, then over the groups: one long sum would raise the error of
    # the model's output against float64 by a tenth.
    n_groups = math.gcd(dim, 16)
    rows = x.reshape(n_groups, dim // n_groups, n_columns)  # a view
    x -= rows.sum(axis=1).sum(axis=0) / dim  # (columns,)
    variance = np.einsum("gdc,gdc->gc", rows, rows).sum(axis=0) / dim  # (columns,)
    x /= np.sqrt(variance + LAYER_NORM_EPSILON)
    x *= parameters.weight[:, None]
    x += parameters.bias[:, None]
    return x


def split_heads(columns: Array, n_heads: int) -> Array:
    """View (dim, columns) as (heads, head_dim, columns)."""
    dim, n_columns = columns.shape
    return columns.reshape(n_heads, dim // n_heads, n_columns)


def heads_at_once(query: Array, key: Array) -> Iterator[slice]:
    """Groups of heads whose attention scores, (seq, read) a head, are few enough.

    They then stay in the processor's cache between the product that makes them, softmax's
    passes and the product that uses them: with 512 tokens, attention takes 0.78 of the time
    that all heads at once take.
    """
    n_heads, _, seq = key.shape
    n_scores = max(seq * query.shape[2], 1)  # none where nothing is read of a text
    n_at_once = max(_MAX_SCORES // n_scores, 1)
    for first in range(0, n_heads, n_at_once):
        yield slice(first, first + n_at_once)


# ------------------------------------------------------------------------ the architecture


def embed(embeddings: Embeddings, pack: Pack) -> Array:
    """Sum of word and position vectors, normalized: float32 (dim, tokens)."""
    words = pack.inputs_embeds
    if words is None:
        words = embeddings.word_embeddings[pack.input_ids]  # (tokens, dim)
    rows = words + embeddings.position_embeddings[pack.position_ids]
    x = np.ascontiguousarray(rows.T)  # (dim, tokens)
    return layer_norm(embeddings.layer_norm, x)


def queries(parameters: Attention, x: Array) -> Array:
    """What every token looks for, scaled by 1 / sqrt(head_dim): float32 (dim, columns)."""
    query = linear(parameters.q_lin, x)
    query *= 1 / math.sqrt(len(query) // parameters.n_heads)  # np.sqrt would give a float64
    return query


def attention_probs(query: Array, key: Array) -> Array:
    """How much each query looks at each key of the same text.

    Parameters
    ----------
    query : float32 array (heads, head_dim, read)
    key : float32 array (heads, head_dim, seq)

    Returns
    -------
    float32 array (heads, seq, read)
        A column has sum 1.
    """
    return softmax(key.transpose(0, 2, 1) @ query, axis=1)


def attend(parameters: Attention, x: Array, starts: IntArray, read: Read) -> Array:
    """Multi-head self-attention.

    Parameters
    ----------
    parameters : Attention
    x : float32 array (dim, tokens)
        What is looked at: keys and values.
    starts : int64 array (batch + 1,)
        Where each text begins among the tokens.
    read : Read
        The tokens that look, and whose output is wanted: queries.

    Returns
    -------
    float32 array (dim, columns of `read`)

    Notes
    -----
    For each text and each head, softmax(Q K^T / sqrt(head_dim)) V, Vaswani et al. 2017,
    arXiv:1706.03762, equation 1; feature-major, so everything is the transpose of theirs.
    """
    query = queries(parameters, read.x)  # (dim, columns)
    key = linear(parameters.k_lin, x)  # (dim, tokens)
    value = linear(parameters.v_lin, x)  # (dim, tokens)
    n_heads = parameters.n_heads

    context = np.empty_like(query)  # (dim, columns)
    for text in range(len(starts) - 1):
        here = slice(starts[text], starts[text + 1])
        read_here = slice(read.starts[text], read.starts[text + 1])
        q = split_heads(query[:, read_here], n_heads)  # (heads, head_dim, read)
        k = split_heads(key[:, here], n_heads)  # (heads, head_dim, seq)
        v = split_heads(value[:, here], n_heads)  # (heads, head_dim, seq)
        out = split_heads(context[:, read_here], n_heads)  # (heads, head_dim, read)
        for some in heads_at_once(q, k):
            probs = attention_probs(q[some], k[some])  # (some, seq, read)
            np.matmul(v[some], probs, out=out[some])
    return linear(parameters.out_lin, context)


def feed_forward(parameters: FeedForward, x: Array) -> Array:
    """lin2(activation(lin1(x))) of every column: float32 (dim, columns)."""
    hidden = parameters.activation(linear(parameters.lin1, x))  # (hidden_dim, columns)
    return linear(parameters.lin2, hidden)


def run_layer(layer: Layer, x: Array, starts: IntArray, read: Read) -> Array:
    """One post-norm layer: float32 (dim, columns of `read`).

    Notes
    -----
    x = norm(x + attention(x)), then x = norm(x + feed_forward(x)).
    """
    attended = attend(layer.attention, x, starts, read)
    attended += read.x
    attended = layer_norm(layer.sa_layer_norm, attended)
    output = feed_forward(layer.ffn, attended)
    output += attended
    return layer_norm(layer.output_layer_norm, output)


def read_all(x: Array, starts: IntArray) -> Read:
    """Every token."""
    return Read(x, starts)


def read_first(x: Array, starts: IntArray) -> Read:
    """The first token of every text, `[CLS]`."""
    return Read(np.ascontiguousarray(x[:, starts[:-1]]), np.arange(len(starts)))


Reader = Callable[[Array, IntArray], Read]


def read_some(chosen: IntArray) -> Reader:
    """The tokens in the columns `chosen`, in ascending order."""
    return lambda x, starts: Read(
        np.ascontiguousarray(x[:, chosen]), np.searchsorted(chosen, starts)
    )


def hidden_states(encoder: Encoder, pack: Pack, reader: Reader) -> Iterator[Array]:
    """The one forward pass, step by step: the embeddings, then each layer's output.

    Parameters
    ----------
    encoder : Encoder
    pack : Pack
    reader : callable
        Chooses the tokens that the head needs: `read_all`, `read_first`, `read_some`.  The
        last layer computes no others, which for `[CLS]` alone saves about an eighth of the
        work and changes no number: no later layer would look at them.

    Yields
    ------
    float32 array (dim, columns)
        tokens columns, but of the last layer only those that `reader` chooses.
    """
    x = embed(encoder.embeddings, pack)
    yield x
    *inner, last = encoder.layers
    for layer in inner:
        x = run_layer(layer, x, pack.starts, read_all(x, pack.starts))
        yield x
    yield run_layer(last, x, pack.starts, reader(x, pack.starts))


def encode(encoder: Encoder, pack: Pack, reader: Reader) -> Array:
    """Tokens in, the last layer's vectors out: the end of `hidden_states`."""
    for x in hidden_states(encoder, pack, reader):
        output = x
    return output


def attention_of(parameters: Attention, x: Array, starts: IntArray) -> Iterator[Array]:
    """Who looks at whom: the probabilities that `attend` works with, text by text.

    Parameters
    ----------
    parameters : Attention
    x : float32 array (dim, tokens)
        The layer's input, from `hidden_states`.
    starts : int64 array (batch + 1,)

    Yields
    ------
    float32 array (heads, seq, seq)
        ``[head, i, j]``: how much token i looks at token j; over j the sum is 1.
    """
    query, key = queries(parameters, x), linear(parameters.k_lin, x)
    for begin, end in itertools.pairwise(starts):
        q = split_heads(query[:, begin:end], parameters.n_heads)
        k = split_heads(key[:, begin:end], parameters.n_heads)
        yield attention_probs(q, k).transpose(0, 2, 1)


# ----------------------------------------------------------------------------------- heads
#
# A head is its parameters and a function of a few lines from the encoder's columns to a row
# of logits for each.  HEAD_PARTS names the parts of every head in a checkpoint.

HEAD_PARTS: Final = {
    "sequence classification": ("pre_classifier", "classifier"),
    "multiple choice": ("pre_classifier", "classifier"),
    "token classification": ("classifier",),
    "question answering": ("qa_outputs",),
    "masked language modelling": ("vocab_transform", "vocab_layer_norm", "vocab_projector"),
}


@dataclass(frozen=True)
class SequenceClassifier:
    """Head that gives each text a logit a label."""

    pre_classifier: Linear  # (dim, dim)
    classifier: Linear  # (labels, dim)

    @classmethod
    def load(cls, take: Take, dim: int, n_labels: int) -> SequenceClassifier:
        """Take the tensors of the head."""
        return cls(
            Linear.load(take, "pre_classifier", dim, dim),
            Linear.load(take, "classifier", n_labels, dim),
        )


def classify_sequence(head: SequenceClassifier, cls: Array) -> Array:
    """Logits of every text, from its column of `[CLS]`: (dim, batch) → float32 (batch, labels).

    Notes
    -----
    classifier(relu(pre_classifier(x))).  Multiple choice is the same with one label: each
    choice is a text, and its logit says how well it fits.
    """
    hidden = relu(linear(head.pre_classifier, cls))  # (dim, batch)
    return linear(head.classifier, hidden).T


def classify_tokens(classifier: Linear, x: Array) -> Array:
    """Logits of every token: (dim, tokens) → float32 (tokens, labels).

    Notes
    -----
    Question answering is the same with two labels: how well an answer starts at this token,
    and how well it ends there.
    """
    return linear(classifier, x).T


@dataclass(frozen=True)
class WordPredictor:
    """Head that gives each token a logit a word piece."""

    activation: Callable[[Array], Array]
    vocab_transform: Linear  # (dim, dim)
    vocab_layer_norm: LayerNorm
    vocab_projector: Linear  # (vocab, dim)

    @classmethod
    def load(cls, take: Take, config: DistilBertConfig) -> WordPredictor:
        """Take the tensors of the head; the projector may be the word embeddings again."""
        twin = WORD_EMBEDDINGS if config.tie_word_embeddings else None
        return cls(
            ACTIVATIONS[config.activation],
            Linear.load(take, "vocab_transform", config.dim, config.dim),
            LayerNorm.load(take, "vocab_layer_norm", config.dim),
            Linear(
                take(WORD_PROJECTOR, (config.vocab_size, config.dim), twin),
                take("vocab_projector.bias", (config.vocab_size,)),
            ),
        )


def predict_words(head: WordPredictor, x: Array) -> Array:
    """Logits of every word piece: (dim, tokens) → float32 (tokens, vocab).

    Notes
    -----
    vocab_projector(norm(activation(vocab_transform(x)))): Devlin et al. 2018, section 3.1,
    task 1, with the transformation of their published code.
    """
    hidden = head.activation(linear(head.vocab_transform, x))  # (dim, tokens)
    hidden = layer_norm(head.vocab_layer_norm, hidden)
    return linear(head.vocab_projector, hidden).T
