"""What a model returns: fields that are read by attribute, key or index, as in transformers."""

from __future__ import annotations

from collections.abc import Iterator, KeysView, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike

from npbert.distilbert.activations import Array, softmax_in_place

Value = Array | tuple[Array, ...]


class OutputFields(TypedDict, total=False):
    """The fields that every output can have; see `BaseModelOutput`."""

    hidden_states: tuple[Array, ...]
    attentions: tuple[Array, ...]


class ModelOutput(Mapping[str, Any]):
    """The base of all outputs.

    ``outputs.logits``, ``outputs["logits"]`` and ``outputs[0]`` are the same array. A field that
    has no value is None as an attribute, and does not exist for keys and indices. In Python and in
    notebooks, an output shows the shapes of its arrays, and not their numbers.
    """

    def to_tuple(self) -> tuple[Value, ...]:
        """Return the values of the fields that have one, in order."""
        return tuple(self._present().values())

    def keys(self) -> KeysView[str]:
        """Return the names of the fields that have a value, in order."""
        return self._present().keys()

    def __getitem__(self, key: str | int | slice) -> Any:
        if not isinstance(key, str):
            return self.to_tuple()[key]
        if key not in self.keys():
            raise KeyError(f"{key!r}; the fields with a value are: {', '.join(self)}")
        return getattr(self, key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._present())

    def __len__(self) -> int:
        return len(self._present())

    def _present(self) -> dict[str, Value]:
        names = (part.name for part in fields(self))  # type: ignore[arg-type]
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def __repr__(self) -> str:
        names = [part.name for part in fields(self)]  # type: ignore[arg-type]
        shown = ", ".join(f"{name}={_shapes_of(getattr(self, name))}" for name in names)
        return f"{type(self).__name__}({shown})"

    # A mapping would compare the values, but two arrays are compared number by number.
    def __eq__(self, other: object) -> bool:
        return True if self is other else NotImplemented

    def __hash__(self) -> int:
        return id(self)


@dataclass(frozen=True, eq=False, repr=False)
class BaseModelOutput(ModelOutput):
    """The output of the encoder.

    Attributes
    ----------
    last_hidden_state : float32 array (batch, seq, dim)
        Padded positions have zeros.
    hidden_states : tuple of float32 arrays (batch, seq, dim), or None
        With ``output_hidden_states=True``: the embeddings, and then the output of every layer.
        Padded positions have zeros.
    attentions : tuple of float32 arrays (batch, heads, seq, seq), or None
        With ``output_attentions=True``, one array per layer: ``[text, head, i, j]`` says how much
        token ``i`` looks at token ``j``. Padded positions have zeros.
    """

    last_hidden_state: Array
    hidden_states: tuple[Array, ...] | None = None
    attentions: tuple[Array, ...] | None = None


@dataclass(frozen=True, eq=False, repr=False)
class _LogitsOutput(ModelOutput):
    """The output of most heads; for `hidden_states` and `attentions` see `BaseModelOutput`."""

    loss: None = field(default=None, init=False)  # for code that reads it; npbert does not train
    logits: Array
    hidden_states: tuple[Array, ...] | None = None
    attentions: tuple[Array, ...] | None = None


class SequenceClassifierOutput(_LogitsOutput):
    """The output of a sequence classifier: `logits` float32 (batch, labels), before softmax."""


class MultipleChoiceModelOutput(_LogitsOutput):
    """The output of a multiple-choice model: `logits` float32 (batch, choices), before softmax.

    The first axis of `hidden_states` and `attentions` has the length batch * choices.
    """


class TokenClassifierOutput(_LogitsOutput):
    """The output of a token classifier: `logits` float32 (batch, seq, labels), before softmax.

    Padded positions have zeros.
    """


class MaskedLMOutput(_LogitsOutput):
    """The output of a masked language model: `logits` float32 (batch, seq, vocab).

    The logits are the numbers before softmax. Padded positions have zeros.
    """


@dataclass(frozen=True, eq=False, repr=False)
class QuestionAnsweringModelOutput(ModelOutput):
    """The output of a model for question answering.

    Attributes
    ----------
    start_logits, end_logits : float32 array (batch, seq)
        How well an answer begins, and how well it ends, at each token. Padded positions have the
        lowest value of float32, so that no argmax finds them.
    hidden_states, attentions
        As in `BaseModelOutput`.
    """

    loss: None = field(default=None, init=False)
    start_logits: Array
    end_logits: Array
    hidden_states: tuple[Array, ...] | None = None
    attentions: tuple[Array, ...] | None = None


def _shapes_of(value: Value | None) -> str:
    """Return the shape of an array, or the shapes of several, with their type."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    shapes = [_shapes_of(item) for item in value]
    if len(set(shapes)) == 1:
        return f"{len(shapes)} x {shapes[0]}"
    return f"({', '.join(shapes)})"


def softmax(x: ArrayLike, axis: int = -1) -> Array:
    """Compute probabilities from logits: exp(x) / sum(exp(x)) along an axis.

    Parameters
    ----------
    x : array-like of numbers
        The logits, which are not changed.
    axis : int
        The axis along which the probabilities have the sum 1.

    Returns
    -------
    float32 array of the same shape
        Positive numbers.
    """
    return softmax_in_place(np.array(x, np.float32), axis)


def sigmoid(x: ArrayLike) -> Array:
    """Compute a probability from each logit on its own: 1 / (1 + exp(-x)).

    Parameters
    ----------
    x : array-like of numbers
        The logits, which are not changed.

    Returns
    -------
    float32 array of the same shape
        Numbers from 0 to 1.
    """
    with np.errstate(over="ignore"):  # where exp overflows, 1 / inf is the right limit
        return np.asarray(1 / (1 + np.exp(-np.asarray(x, np.float32))), np.float32)
