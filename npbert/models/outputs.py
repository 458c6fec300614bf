"""What a model returns: fields read by attribute, key or index, as in transformers."""

from __future__ import annotations

from collections.abc import Iterator, KeysView, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from npbert import activations

Array = NDArray[np.float32]


class ModelOutput(Mapping[str, Any]):
    """Base of the result classes.

    Fields that are None are read as None by attribute, and do not exist for keys and
    indices: ``outputs.logits``, ``outputs["logits"]`` and ``outputs[0]`` are the same array.
    """

    def to_tuple(self) -> tuple[Any, ...]:
        """Values of the fields that have one, in order."""
        return tuple(self._present().values())

    def keys(self) -> KeysView[str]:
        """Names of the fields that have a value, in order."""
        return self._present().keys()

    def __getitem__(self, key: str | int | slice) -> Any:
        if not isinstance(key, str):
            return self.to_tuple()[key]
        if key not in self.keys():
            raise KeyError(f"{key!r}; there is: {', '.join(self)}")
        return getattr(self, key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._present())

    def __len__(self) -> int:
        return len(self._present())

    def _present(self) -> dict[str, Any]:
        names = (part.name for part in fields(self))  # type: ignore[arg-type]
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    # A mapping compares values, which for arrays has no one answer.
    __eq__ = object.__eq__
    __hash__ = object.__hash__


@dataclass(frozen=True, eq=False)
class BaseModelOutput(ModelOutput):
    """Output of the encoder.

    Attributes
    ----------
    last_hidden_state : float32 array (batch, seq, dim)
        Zeros at padded positions.
    hidden_states : tuple of float32 arrays (batch, seq, dim), or None
        With ``output_hidden_states=True``: of the embeddings and of every layer.  Zeros at
        padded positions.
    attentions : tuple of float32 arrays (batch, heads, seq, seq), or None
        With ``output_attentions=True``: of every layer, ``[text, head, i, j]`` says how much
        token i looks at token j.  Zeros at padded positions.
    """

    last_hidden_state: Array
    hidden_states: tuple[Array, ...] | None = None
    attentions: tuple[Array, ...] | None = None


@dataclass(frozen=True, eq=False)
class _LogitsOutput(ModelOutput):
    """What most heads give; `hidden_states` and `attentions` as in `BaseModelOutput`."""

    loss: None = field(default=None, init=False)  # for code that reads it: there is no training
    logits: Array
    hidden_states: tuple[Array, ...] | None = None
    attentions: tuple[Array, ...] | None = None


class SequenceClassifierOutput(_LogitsOutput):
    """Output of a sequence classifier: `logits` float32 (batch, labels), before softmax."""


class MultipleChoiceModelOutput(_LogitsOutput):
    """Output of a multiple-choice model: `logits` float32 (batch, choices), before softmax.

    `hidden_states` and `attentions` have batch * choices in place of batch.
    """


class TokenClassifierOutput(_LogitsOutput):
    """Output of a token classifier: `logits` float32 (batch, seq, labels), before softmax.

    Zeros at padded positions.
    """


class MaskedLMOutput(_LogitsOutput):
    """Output of a masked language model: `logits` float32 (batch, seq, vocab), before softmax.

    Zeros at padded positions.
    """


@dataclass(frozen=True, eq=False)
class QuestionAnsweringModelOutput(ModelOutput):
    """Output of a question answerer.

    Attributes
    ----------
    start_logits, end_logits : float32 array (batch, seq)
        How well an answer begins and ends at each token.  Padded positions have the lowest
        float32 there is, so that no argmax finds them.
    hidden_states, attentions
        As in `BaseModelOutput`.
    """

    loss: None = field(default=None, init=False)
    start_logits: Array
    end_logits: Array
    hidden_states: tuple[Array, ...] | None = None
    attentions: tuple[Array, ...] | None = None


def softmax(x: Any, axis: int = -1) -> Array:
    """Probabilities from logits: exp(x) / sum(exp(x)) along an axis.

    Parameters
    ----------
    x : array-like of numbers
    axis : int

    Returns
    -------
    float32 array of the same shape
        Positive, with sum 1 along `axis`.
    """
    return activations.softmax(np.array(x, np.float32), axis)


def sigmoid(x: Any) -> Array:
    """Probabilities from logits, each on its own: 1 / (1 + exp(-x)), as float32."""
    with np.errstate(over="ignore"):  # where exp overflows, 1 / inf is the right limit
        return np.asarray(1 / (1 + np.exp(-np.asarray(x, np.float32))))
