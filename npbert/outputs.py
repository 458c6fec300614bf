"""What a model returns: fields read by attribute, key or index, as in transformers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from npbert import activations

Array = NDArray[np.float32]


class ModelOutput:
    """Base of the result classes.

    Fields that are None are read as None by attribute, and do not exist for keys and
    indices: ``outputs.logits``, ``outputs["logits"]`` and ``outputs[0]`` are the same array.
    """

    def keys(self) -> list[str]:
        """Names of the fields that have a value, in order."""
        present = (part.name for part in fields(self))  # type: ignore[arg-type]
        return [name for name in present if getattr(self, name) is not None]

    def to_tuple(self) -> tuple[Any, ...]:
        """Values of the fields that have one, in order."""
        return tuple(getattr(self, name) for name in self.keys())

    def __getitem__(self, key: str | int | slice) -> Any:
        if not isinstance(key, str):
            return self.to_tuple()[key]
        if key not in self.keys():
            raise KeyError(f"{key!r}; there is: {', '.join(self.keys())}")
        return getattr(self, key)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, key: object) -> bool:
        return key in self.keys()

    def __len__(self) -> int:
        return len(self.keys())


@dataclass(frozen=True, eq=False)
class BaseModelOutput(ModelOutput):
    """Output of the encoder.

    Attributes
    ----------
    last_hidden_state : float32 array (batch, seq, dim)
        Zeros at padded positions.
    """

    last_hidden_state: Array


@dataclass(frozen=True, eq=False)
class SequenceClassifierOutput(ModelOutput):
    """Output of a sequence classifier.

    Attributes
    ----------
    logits : float32 array (batch, labels)
        Scores before softmax or sigmoid.
    """

    logits: Array


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
