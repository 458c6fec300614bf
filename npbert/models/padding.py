"""From padded arrays, as callers of a model have them, to texts without padding, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set, Sized
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from npbert.checkpoints.config import DistilBertConfig
from npbert.distilbert.activations import Array
from npbert.distilbert.model import IntArray
from npbert.distilbert.packs import TokenSequence, check_tokens

BoolArray = NDArray[np.bool_]


class Trace(NamedTuple):
    """The output of a model for one pack, and the arrays that were computed on the way to it.

    Attributes
    ----------
    rows : float32 array (columns, outputs)
        The output of the head.
    hidden_states : list of float32 arrays (dim, tokens)
        The embeddings, and then the output of each layer.
    attentions : sequence of lists of float32 arrays (heads, seq, seq)
        One list per layer, with one array per text; empty where they were not asked for.
    """

    rows: Array
    hidden_states: list[Array]
    attentions: Sequence[list[Array]]


def read_padded(
    config: DistilBertConfig,
    input_ids: ArrayLike | None,
    attention_mask: ArrayLike | None = None,
    inputs_embeds: ArrayLike | None = None,
    position_ids: ArrayLike | None = None,
    axes: tuple[str, ...] = ("batch", "seq"),
) -> tuple[list[TokenSequence], BoolArray]:
    """Take the real tokens out of padded arrays, and note where they were.

    Parameters
    ----------
    config : DistilBertConfig
    input_ids, attention_mask, inputs_embeds, position_ids
        As they are given to the model.
    axes : tuple of str
        The names of the axes of `input_ids`. The last one is "seq".

    Returns
    -------
    texts : list of TokenSequence
        One text per row. As in transformers, the position of a token is the number of its column,
        unless `position_ids` says otherwise.
    mask : bool array (…, seq)
        True at real tokens, which may stand anywhere in a row.

    Raises
    ------
    TypeError
        If an argument has the wrong dtype; the message names the argument.
    ValueError
        If a shape, an id, a length or the mask cannot be honoured.
    """
    embeds = None
    if inputs_embeds is None:
        ids = _integers("input_ids", input_ids, axes)
    elif input_ids is not None:
        raise ValueError("input_ids and inputs_embeds are both given; give one of them")
    else:
        embeds = _embeds(inputs_embeds, axes, config.dim)
        ids = np.zeros(embeds.shape[:-1], np.int64)
    mask = _mask(attention_mask, ids.shape)
    positions = _positions(position_ids, ids.shape, config.max_position_embeddings)
    texts = []
    for number, row in enumerate(np.ndindex(mask.shape[:-1])):
        seen = mask[row]
        if not seen.any():
            raise ValueError(
                f"attention_mask hides every token of row {number}; expected at least one 1 per row"
            )
        vectors = None if embeds is None else embeds[row][seen]
        text = TokenSequence(ids[row][seen], positions[row][seen], vectors)
        check_tokens(
            text, config.vocab_size, config.max_position_embeddings, f"input_ids row {number}"
        )
        texts.append(text)
    return texts, mask


def check_first_is_seen(mask: BoolArray) -> None:
    """Raise a ValueError if a mask hides the token at position 0 of a row."""
    hidden = np.flatnonzero(~mask[..., :1].reshape(-1))
    if hidden.size:
        raise ValueError(
            f"attention_mask hides position 0 of row {hidden[0]}, the [CLS] token that this "
            "head reads; pad on the right"
        )


def to_padded(rows: Array, mask: BoolArray, fill: float = 0) -> Array:
    """Put the row of each real token back where the token was in the padded arrays.

    Parameters
    ----------
    rows : float32 array (tokens, outputs)
        One row per real token, in the order of `read_padded`.
    mask : bool array (…, seq)
    fill : float
        The value at the positions where `mask` is False.

    Returns
    -------
    float32 array (…, seq, outputs)
    """
    padded = np.full((*mask.shape, rows.shape[1]), fill, np.float32)
    padded[mask] = rows
    return padded


def padded_hidden_states(
    traces: Sequence[Trace], mask: BoolArray, config: DistilBertConfig, selected: Set[int]
) -> tuple[Array | None, ...]:
    """Pad the embeddings and the output of each layer.

    Parameters
    ----------
    traces : sequence of Trace
        One trace per pack, in the order of the texts.
    mask : bool array (…, seq)
    config : DistilBertConfig
    selected : set of int
        The numbers of the wanted hidden states; 0 is the embeddings.

    Returns
    -------
    tuple of float32 arrays (rows, seq, dim), or None where a number is not in `selected`
        One row per text. Padded positions have zeros.
    """
    mask = mask.reshape(-1, mask.shape[-1])
    nothing = np.zeros((0, config.dim), np.float32)
    return tuple(
        to_padded(np.concatenate([nothing, *(t.hidden_states[step].T for t in traces)]), mask)
        if step in selected
        else None
        for step in range(config.n_layers + 1)
    )


def padded_attentions(
    traces: Sequence[Trace], mask: BoolArray, config: DistilBertConfig
) -> tuple[Array, ...]:
    """Pad the attention probabilities of each layer.

    Parameters
    ----------
    traces : sequence of Trace
        One trace per pack, in the order of the texts.
    mask : bool array (…, seq)
    config : DistilBertConfig

    Returns
    -------
    tuple of float32 arrays (rows, heads, seq, seq)
        One row per text. Where one of the two tokens is padding, there is a zero.
    """
    mask = mask.reshape(-1, mask.shape[-1])
    n_rows, seq = mask.shape
    layers = []
    for layer in range(config.n_layers):
        padded = np.zeros((n_rows, config.n_heads, seq, seq), np.float32)
        texts = (probs for trace in traces for probs in trace.attentions[layer])
        for row, probs in enumerate(texts):
            seen = np.flatnonzero(mask[row])
            padded[row][:, seen[:, None], seen] = probs
        layers.append(padded)
    return tuple(layers)


def _integers(name: str, value: ArrayLike | None, axes: tuple[str, ...]) -> IntArray:
    """Return `value` as an int64 array with the given axes."""
    if value is None:
        raise ValueError(f"{name} is missing; try model(**tokenizer(texts, return_tensors='np'))")
    rows = value if isinstance(value, Sequence) else ()
    if len({len(row) for row in rows if isinstance(row, Sized)}) > 1:
        raise ValueError(
            f"{name} has rows of different lengths; pass padding=True to the tokenizer"
        )
    array = np.asarray(value)
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"{name} has dtype {array.dtype}, expected integers")
    if array.ndim != len(axes):
        hint = f"; put one text into a list: [{name}]" if array.ndim == len(axes) - 1 else ""
        raise ValueError(f"{name} has shape {array.shape}, expected ({', '.join(axes)}){hint}")
    return array.astype(np.int64, copy=False)


def _embeds(value: ArrayLike, axes: tuple[str, ...], dim: int) -> Array:
    """Return `inputs_embeds` as a float32 array (…, seq, dim)."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"inputs_embeds has dtype {array.dtype}, expected floats")
    if array.ndim != len(axes) + 1 or array.shape[-1] != dim:
        raise ValueError(
            f"inputs_embeds has shape {array.shape}, expected ({', '.join(axes)}, dim = {dim})"
        )
    with np.errstate(over="ignore"):
        embeds = array.astype(np.float32, copy=False)
    if not np.isfinite(embeds).all():
        raise ValueError("inputs_embeds holds NaN, infinity or values beyond float32")
    return embeds


def _mask(value: ArrayLike | None, shape: tuple[int, ...]) -> BoolArray:
    """Return an attention mask as a bool array of the given shape."""
    if value is None:
        return np.ones(shape, bool)
    array = np.asarray(value)
    if array.shape != shape:
        raise ValueError(
            f"attention_mask has shape {array.shape}, expected that of input_ids, {shape}"
        )
    if array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        raise ValueError("attention_mask has values other than 0 (hidden) and 1 (seen)")
    return array.astype(bool)


def _positions(value: ArrayLike | None, shape: tuple[int, ...], n_positions: int) -> IntArray:
    """Return the position of every token, which by default is the number of its column."""
    if value is None:
        return np.broadcast_to(np.arange(shape[-1]), shape)
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"position_ids has dtype {array.dtype}, expected integers")
    seq = shape[-1]
    n_rows = math.prod(shape[:-1])  # in transformers each choice of each text is one row
    if array.shape not in (shape, (n_rows, seq), (1, seq), (seq,)):
        raise ValueError(
            f"position_ids has shape {array.shape}, expected that of input_ids, {shape}, or "
            f"(1, {seq}) or ({seq},)"
        )
    if array.size and not 0 <= array.min() <= array.max() < n_positions:
        raise ValueError(
            f"position_ids has values from {array.min()} to {array.max()}, expected 0 to "
            f"{n_positions - 1} (max_position_embeddings {n_positions})"
        )
    is_of_all = array.shape in ((1, seq), (seq,))
    return np.broadcast_to(array if is_of_all else array.reshape(shape), shape)
