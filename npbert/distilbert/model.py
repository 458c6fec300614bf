"""The whole architecture of DistilBERT, from top to bottom, in NumPy.

Each token of a text becomes a vector of `dim` numbers, and every layer adds to these vectors.
These are all the formulas, for one text. `norm` stands for `layer_norm`, and the parameters have
their names in the checkpoint (`q_lin`, `lin1`, …):

    x = norm(word_embeddings[input_ids] + position_embeddings[position_ids])
    for each layer:
        query, key, value = q_lin(x) / sqrt(head_dim), k_lin(x), v_lin(x)
        context = value @ softmax(key.T @ query)           # each attention head on its own rows
        x = norm(x + out_lin(context))                     # every token has looked at all others
        x = norm(x + lin2(gelu(lin1(x))))                  # every token on its own
    logits = classifier(relu(pre_classifier(x[:, 0])))     # column 0 is the token [CLS]

DistilBERT (Sanh et al. 2019, arXiv:1910.01108) is BERT (Devlin et al. 2018, arXiv:1810.04805)
with half the layers, and without token types and the pooler. Both are the encoder of the
transformer (Vaswani et al. 2017, arXiv:1706.03762).

``x`` is the running vector of every token, to which each part adds its result. The literature
calls it the *residual stream*. The layers are *post-norm*: the normalization comes after the sum,
as in the paper of 2017. In later models it comes before each part. The weights were trained for
post-norm, so no other order gives the right numbers.

New to this? The course in docs/learn explains each of these lines, with numbers to check by hand.

Two decisions make the code below short:

* Arrays are *feature-major*: ``x`` has the shape (dim, tokens), with one column per token. A
  linear layer is then ``weight @ x + bias``, with the weight exactly as the file stores it.
* The tokens of several texts lie side by side in one *pack*. A pack needs no padding and no
  attention mask: attention works on the columns of one text at a time, and everything else
  works on each column alone. With one text, the pack is the text.

The comments call the lengths of axes by these words:

    tokens      all tokens of a pack            batch       texts of a pack
    seq         tokens of one text              selected    tokens of one text that are wanted
    dim         numbers per token               hidden_dim  numbers per token inside feed_forward
    heads       attention heads                 head_dim    dim / heads
    vocab       word pieces                     labels      outputs of a classification head
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from npbert.distilbert.activations import Array, relu, softmax_in_place
from npbert.distilbert.tree import Parameters

IntArray = NDArray[np.int64]

LAYER_NORM_EPSILON: Final = 1e-12  # fixed by the architecture; config.json does not have it

_MAX_SCORES: Final = 262_144  # 1 MB of float32; see `heads_at_once`


class Pack(NamedTuple):
    """The tokens of one or more texts, side by side.

    Attributes
    ----------
    input_ids : int64 array (tokens,)
        The number of each token in the vocabulary.
    position_ids : int64 array (tokens,)
        The place of each token in its text, counted from 0.
    starts : int64 array (batch + 1,)
        Text ``i`` has the columns from ``starts[i]`` up to, but not including, ``starts[i + 1]``.
    inputs_embeds : float32 array (tokens, dim), optional
        Vectors that are used in place of the word embeddings of `input_ids`.
    """

    input_ids: IntArray
    position_ids: IntArray
    starts: IntArray
    inputs_embeds: Array | None = None


class Selection(NamedTuple):
    """The columns of ``x`` whose output is wanted.

    A classifier looks at the token `[CLS]` alone. The last layer therefore computes that one
    column of each text and no other, which saves about one eighth of all the work. The result
    is the same, because no later layer would look at the other columns.

    Attributes
    ----------
    x : float32 array (dim, columns)
    starts : int64 array (batch + 1,)
        Text ``i`` has the columns from ``starts[i]`` up to, but not including, ``starts[i + 1]``.
    """

    x: Array
    starts: IntArray


Selector = Callable[[Array, IntArray], Selection]  # from `x` and the `starts` of its pack


def select_all(x: Array, starts: IntArray) -> Selection:
    """Select every token; the arguments are those of every `Selector`.

    Parameters
    ----------
    x : float32 array (dim, tokens)
    starts : int64 array (batch + 1,)
        Where each text begins among the tokens.

    Returns
    -------
    Selection
    """
    return Selection(x, starts)


def select_first(x: Array, starts: IntArray) -> Selection:
    """Select the first token of every text, which is `[CLS]`; see `select_all`."""
    return Selection(np.ascontiguousarray(x[:, starts[:-1]]), np.arange(len(starts)))


def select(columns: IntArray) -> Selector:
    """Return a function that selects the tokens in some columns.

    Parameters
    ----------
    columns : int64 array (columns,)
        The numbers of these columns among the tokens of a pack, in ascending order.

    Returns
    -------
    Selector
    """
    return lambda x, starts: Selection(
        np.ascontiguousarray(x[:, columns]), np.searchsorted(columns, starts)
    )


# ----------------------------------------------------------------------------- linear layers


@dataclass(frozen=True, repr=False)
class Linear(Parameters):
    """The parameters of a linear layer."""

    weight: Array  # (out, in)
    bias: Array  # (out,)


def linear(parameters: Linear, x: Array) -> Array:
    """Apply a linear layer to every column.

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


# ----------------------------------------------------------------------------- normalization


@dataclass(frozen=True, repr=False)
class LayerNorm(Parameters):
    """The scale and the shift that follow a normalization."""

    weight: Array  # (dim,)
    bias: Array  # (dim,)


def layer_norm(parameters: LayerNorm, x: Array) -> Array:
    """Normalize every column to mean 0 and variance 1, then scale and shift it; in place.

    Parameters
    ----------
    parameters : LayerNorm
    x : float32 array (dim, columns)
        Overwritten with the result. Pass ``x.copy()`` to keep it.

    Returns
    -------
    float32 array (dim, columns)
        `x` itself.

    Notes
    -----
    (x - mean) / sqrt(variance + epsilon) * weight + bias, where the mean and the (biased)
    variance are those of the `dim` numbers of a column: Ba et al. 2016, arXiv:1607.06450.

    Every layer adds to the same vectors. Without the normalization, the numbers in these vectors
    would grow from layer to layer, and training would not settle.
    """
    dim, n_columns = x.shape
    # A sum over dim rows is taken in groups of rows, and then over the groups: one long float32
    # sum would raise the error of the model's output, measured against float64, by a tenth.
    n_groups = math.gcd(dim, 16)
    grouped = x.reshape(n_groups, dim // n_groups, n_columns)  # a view
    # x -= x.mean(axis=0)
    x -= grouped.sum(axis=1).sum(axis=0) / dim  # (columns,)
    # variance = (x * x).mean(axis=0), without making the array x * x
    variance = np.einsum("gdc,gdc->gc", grouped, grouped).sum(axis=0) / dim  # (columns,)
    variance[np.isinf(variance)] = np.nan  # or the division would hide what overflowed
    x /= np.sqrt(variance + LAYER_NORM_EPSILON)
    x *= parameters.weight[:, None]
    x += parameters.bias[:, None]
    return x


# -------------------------------------------------------------------------------- embeddings


@dataclass(frozen=True, repr=False)
class Embeddings(Parameters):
    """One vector for every word piece, and one for every position."""

    word_embeddings: Array  # (vocab, dim)
    position_embeddings: Array  # (max_position_embeddings, dim)
    layer_norm: LayerNorm


def embed(embeddings: Embeddings, pack: Pack) -> Array:
    """Look up the vector of every token.

    Parameters
    ----------
    embeddings : Embeddings
    pack : Pack

    Returns
    -------
    float32 array (dim, tokens)

    Notes
    -----
    norm(word_embeddings[input_ids] + position_embeddings[position_ids]), Devlin et al. 2018,
    section 3, without their token types. Attention has no sense of order, so the vector of the
    position is all that tells "dog bites man" from "man bites dog".
    """
    words = pack.inputs_embeds
    if words is None:
        words = embeddings.word_embeddings[pack.input_ids]  # (tokens, dim)
    rows = words + embeddings.position_embeddings[pack.position_ids]  # (tokens, dim)
    x = np.ascontiguousarray(rows.T)  # (dim, tokens)
    return layer_norm(embeddings.layer_norm, x)


# --------------------------------------------------------------------------------- attention


@dataclass(frozen=True, repr=False)
class Attention(Parameters):
    """The four linear layers of multi-head self-attention."""

    n_heads: int
    q_lin: Linear  # (dim, dim), as are the others
    k_lin: Linear
    v_lin: Linear
    out_lin: Linear


def queries(parameters: Attention, x: Array) -> Array:
    """Compute the query of every token: what the token looks for, divided by sqrt(head_dim).

    Parameters
    ----------
    parameters : Attention
    x : float32 array (dim, columns)

    Returns
    -------
    float32 array (dim, columns)

    Notes
    -----
    The product of a query and a key is a sum of head_dim terms, so the variance of the product is
    head_dim times the variance of one term. The division undoes this. Without it, softmax would
    give little but numbers close to 0 and 1 (Vaswani et al. 2017, section 3.2.1).
    """
    query = linear(parameters.q_lin, x)  # (dim, columns)
    query *= 1 / math.sqrt(len(query) // parameters.n_heads)  # np.sqrt would make it float64
    return query


def attention_probs(query: Array, key: Array) -> Array:
    """Compute how much each query looks at each key of the same text.

    Parameters
    ----------
    query : float32 array (heads, head_dim, selected)
    key : float32 array (heads, head_dim, seq)

    Returns
    -------
    float32 array (heads, seq, selected)
        The column of a query says how the query shares out its attention, and the sum of the
        column is 1. Papers and `attention_of` have the transpose of this array, with one row per
        query.
    """
    return softmax_in_place(key.transpose(0, 2, 1) @ query, axis=1)


def attend(parameters: Attention, x: Array, starts: IntArray, selection: Selection) -> Array:
    """Let the selected tokens look at all tokens of their text: multi-head self-attention.

    Parameters
    ----------
    parameters : Attention
    x : float32 array (dim, tokens)
        The tokens that are looked at. Keys and values are made from them.
    starts : int64 array (batch + 1,)
        Where each text begins among the tokens.
    selection : Selection
        The tokens that look, and whose output is wanted. Queries are made from them.

    Returns
    -------
    float32 array (dim, columns of `selection`)

    Notes
    -----
    For each text and each head, softmax(Q K^T / sqrt(head_dim)) V, Vaswani et al. 2017,
    equation 1. The code computes the transpose of this equation, because the arrays are
    feature-major: ``value @ softmax(key.T @ query)``.
    """
    query = queries(parameters, selection.x)  # (dim, columns of selection)
    key = linear(parameters.k_lin, x)  # (dim, tokens)
    value = linear(parameters.v_lin, x)  # (dim, tokens)
    n_heads = parameters.n_heads

    context = np.empty_like(query)  # (dim, columns of selection)
    for text in range(len(starts) - 1):
        seen = slice(starts[text], starts[text + 1])
        looking = slice(selection.starts[text], selection.starts[text + 1])
        q = split_heads(query[:, looking], n_heads)  # (heads, head_dim, selected)
        k = split_heads(key[:, seen], n_heads)  # (heads, head_dim, seq)
        v = split_heads(value[:, seen], n_heads)  # (heads, head_dim, seq)
        out = split_heads(context[:, looking], n_heads)  # (heads, head_dim, selected), a view
        for some in heads_at_once(q, k):
            probs = attention_probs(q[some], k[some])  # (some heads, seq, selected)
            np.matmul(v[some], probs, out=out[some])
    return linear(parameters.out_lin, context)


def split_heads(columns: Array, n_heads: int) -> Array:
    """View a float32 array (dim, columns) as (heads, head_dim, columns), without a copy."""
    dim, n_columns = columns.shape
    return columns.reshape(n_heads, dim // n_heads, n_columns)


def heads_at_once(query: Array, key: Array) -> Iterator[slice]:
    """Yield groups of heads whose attention scores together fit into the processor's cache.

    The scores of a group stay there between the product that makes them, the passes of softmax,
    and the product that uses them. With 512 tokens, attention takes 0.78 of the time that it
    takes with all heads in one group.

    Parameters
    ----------
    query : float32 array (heads, head_dim, selected)
    key : float32 array (heads, head_dim, seq)

    Yields
    ------
    slice
        The numbers of the heads of a group.
    """
    n_heads, _, seq = key.shape
    n_scores = max(seq * query.shape[2], 1)  # per head; 0 where no token of the text is selected
    n_at_once = max(_MAX_SCORES // n_scores, 1)
    for first in range(0, n_heads, n_at_once):
        yield slice(first, first + n_at_once)


def attention_of(parameters: Attention, x: Array, starts: IntArray) -> Iterator[Array]:
    """Yield the probabilities that `attend` works with, text by text.

    Parameters
    ----------
    parameters : Attention
    x : float32 array (dim, tokens)
        The input of the layer, as `hidden_states` yields it.
    starts : int64 array (batch + 1,)
        Where each text begins among the tokens.

    Yields
    ------
    float32 array (heads, seq, seq)
        ``[head, i, j]`` says how much token ``i`` looks at token ``j``; the sum over ``j`` is 1.
        This is the transpose of what `attention_probs` returns. Papers and transformers have it
        in this form.
    """
    query, key = queries(parameters, x), linear(parameters.k_lin, x)  # (dim, tokens) each
    for begin, end in itertools.pairwise(starts):
        q = split_heads(query[:, begin:end], parameters.n_heads)  # (heads, head_dim, seq)
        k = split_heads(key[:, begin:end], parameters.n_heads)  # (heads, head_dim, seq)
        yield attention_probs(q, k).transpose(0, 2, 1)


# ------------------------------------------------------------------------------ feed-forward


@dataclass(frozen=True, repr=False)
class FeedForward(Parameters):
    """The two linear layers that work on each token alone, and the function between them."""

    activation: Callable[[Array], Array]  # works in place
    lin1: Linear  # (hidden_dim, dim)
    lin2: Linear  # (dim, hidden_dim)


def feed_forward(parameters: FeedForward, x: Array) -> Array:
    """Apply the feed-forward part of a layer to every column.

    Parameters
    ----------
    parameters : FeedForward
    x : float32 array (dim, columns)

    Returns
    -------
    float32 array (dim, columns)

    Notes
    -----
    lin2(activation(lin1(x))), Vaswani et al. 2017, equation 2, with GELU in place of ReLU.
    """
    hidden = parameters.activation(linear(parameters.lin1, x))  # (hidden_dim, columns)
    return linear(parameters.lin2, hidden)


# ----------------------------------------------------------------------- layers, one by one


@dataclass(frozen=True, repr=False)
class Layer(Parameters):
    """One layer of the encoder."""

    attention: Attention
    sa_layer_norm: LayerNorm  # "sa" for self-attention, which it follows
    ffn: FeedForward
    output_layer_norm: LayerNorm


def apply_layer(layer: Layer, x: Array, starts: IntArray, selection: Selection) -> Array:
    """Apply one layer of the encoder.

    Parameters
    ----------
    layer : Layer
    x : float32 array (dim, tokens)
    starts : int64 array (batch + 1,)
        Where each text begins among the tokens.
    selection : Selection
        The tokens whose output is wanted.

    Returns
    -------
    float32 array (dim, columns of `selection`)

    Notes
    -----
    x = norm(x + attention(x)), then x = norm(x + feed_forward(x)), Vaswani et al. 2017,
    section 3.1.
    """
    attended = attend(layer.attention, x, starts, selection)
    attended += selection.x
    attended = layer_norm(layer.sa_layer_norm, attended)
    output = feed_forward(layer.ffn, attended)
    output += attended
    return layer_norm(layer.output_layer_norm, output)


@dataclass(frozen=True, repr=False)
class Encoder(Parameters):
    """Embeddings and layers: all of DistilBERT but the head."""

    embeddings: Embeddings
    layers: tuple[Layer, ...]


def hidden_states(encoder: Encoder, pack: Pack, selector: Selector) -> Iterator[Array]:
    """Yield the embeddings, and then the output of each layer: the one forward pass.

    Parameters
    ----------
    encoder : Encoder
    pack : Pack
    selector : callable
        Selects the tokens that the head needs: `select_all`, `select_first`, or what `select`
        returns. The last layer computes no other tokens.

    Yields
    ------
    float32 array (dim, columns)
        One column per token; from the last layer only the columns that `selector` selects.
    """
    x = embed(encoder.embeddings, pack)
    yield x
    *inner, last = encoder.layers
    for layer in inner:
        x = apply_layer(layer, x, pack.starts, select_all(x, pack.starts))
        yield x
    yield apply_layer(last, x, pack.starts, selector(x, pack.starts))


def encode(encoder: Encoder, pack: Pack, selector: Selector) -> Array:
    """Compute the output of the last layer, which is the last array of `hidden_states`.

    Parameters
    ----------
    encoder : Encoder
    pack : Pack
    selector : callable
        Selects the tokens that the head needs, as in `hidden_states`.

    Returns
    -------
    float32 array (dim, columns)
        One column per selected token.
    """
    steps = hidden_states(encoder, pack, selector)
    x = next(steps)
    for x in steps:  # noqa: B007 - each step replaces the one before it
        pass
    return x


# ------------------------------------------------------------------------------------- heads
#
# A head of the model turns the output of the encoder into an answer. Such a head has nothing to do
# with the heads of attention. It consists of a few parameters and a function from columns of `x`
# to logits. A logit is the raw score of a label, and only the differences of logits count.


@dataclass(frozen=True, repr=False)
class SequenceClassifier(Parameters):
    """The head that gives each text one logit per label."""

    pre_classifier: Linear  # (dim, dim)
    classifier: Linear  # (labels, dim)


def classify_sequence(head: SequenceClassifier, cls: Array) -> Array:
    """Compute the logits of every text, from its column of `[CLS]`.

    Parameters
    ----------
    head : SequenceClassifier
    cls : float32 array (dim, batch)

    Returns
    -------
    float32 array (batch, labels)

    Notes
    -----
    classifier(relu(pre_classifier(x))). Multiple choice is the same with one label: each choice
    is a text, and its logit says how well the choice fits.
    """
    hidden = relu(linear(head.pre_classifier, cls))  # (dim, batch)
    return linear(head.classifier, hidden).T


def classify_tokens(classifier: Linear, x: Array) -> Array:
    """Compute the logits of every token.

    Parameters
    ----------
    classifier : Linear
    x : float32 array (dim, tokens)

    Returns
    -------
    float32 array (tokens, labels)

    Notes
    -----
    Question answering is the same with two labels: how well an answer starts at this token, and
    how well it ends there.
    """
    return linear(classifier, x).T


@dataclass(frozen=True, repr=False)
class WordPredictor(Parameters):
    """The head that gives each token one logit per word piece."""

    activation: Callable[[Array], Array]  # works in place
    vocab_transform: Linear  # (dim, dim)
    vocab_layer_norm: LayerNorm
    vocab_projector: Linear  # (vocab, dim)


def predict_words(head: WordPredictor, x: Array) -> Array:
    """Compute the logits of all word pieces for every token.

    Parameters
    ----------
    head : WordPredictor
    x : float32 array (dim, tokens)

    Returns
    -------
    float32 array (tokens, vocab)

    Notes
    -----
    vocab_projector(norm(activation(vocab_transform(x)))): Devlin et al. 2018, section 3.1, task
    1, with the transformation that their published code has.
    """
    hidden = head.activation(linear(head.vocab_transform, x))  # (dim, tokens)
    hidden = layer_norm(head.vocab_layer_norm, hidden)
    return linear(head.vocab_projector, hidden).T
