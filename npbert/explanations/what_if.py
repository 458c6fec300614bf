"""What if the model lacked a part? Changes of the encoder, for one experiment alone.

The parameters of a model are frozen dataclasses. A change makes new ones with `replace`, which
share all other arrays with the old ones. So the loaded model stays as it is, and the forward pass
is the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, TypedDict, cast

import numpy as np

from npbert.arguments import look_up_choice
from npbert.distilbert.model import Encoder, Layer, Linear
from npbert.distilbert.more_activations import ACTIVATIONS
from npbert.explanations.experiments import AnyClassifier, label_names
from npbert.messages import shown
from npbert.models.heads import DistilBertForSequenceClassification
from npbert.pipelines.results import LabelScore


class WhatIfDict(TypedDict):
    """`WhatIf` in its JSON form."""

    before: dict[str, float]
    after: dict[str, float]


@dataclass(frozen=True)
class Changes:
    """What is different in a changed model. By default nothing is.

    Attributes
    ----------
    positions : bool
        Whether tokens have positions. With False, the vector of every position is 0, and the order
        of the tokens does not count.
    without_layers : tuple of int
        The numbers of the layers that are left out, counted from 0.
    activation : str, optional
        The function that stands between the linear layers of the feed-forward part, by its name in
        a config.json: "relu". By default it is the model's own.
    scale : bool
        Whether the scores of attention are divided by sqrt(head_dim).

    Raises
    ------
    TypeError
        If a value has another type.
    ValueError
        If there is no such activation.
    """

    positions: bool = True
    without_layers: tuple[int, ...] = ()
    activation: str | None = None
    scale: bool = True

    def __post_init__(self) -> None:
        for name in ("positions", "scale"):
            value = getattr(self, name)
            if not isinstance(value, bool):
                raise TypeError(f"{name} is {shown(value)}, expected True or False")
        for number in self.without_layers:
            if not isinstance(number, int) or isinstance(number, bool):
                raise TypeError(f"without_layers has {shown(number)}, expected numbers of layers")
        if self.activation is not None:
            look_up_choice("activation", self.activation, ACTIVATIONS)


class WhatIf(NamedTuple):
    """What a classifier says of a text, and what it would say if it were changed.

    Attributes
    ----------
    before, after : dict of str to float
        The score of every label.
    """

    before: dict[str, float]
    after: dict[str, float]

    def to_dict(self) -> WhatIfDict:
        """Return both as JSON has them."""
        return {"before": dict(self.before), "after": dict(self.after)}


def what_if(classifier: AnyClassifier, text: str, changes: Changes) -> WhatIf:
    """Label a text with a classifier, and with a changed copy of it.

    Parameters
    ----------
    classifier : TextClassificationPipeline
        It stays as it is, so other threads can use it meanwhile.
    text : str
    changes : Changes

    Returns
    -------
    WhatIf

    Raises
    ------
    TypeError
        If the text is not a str.
    ValueError
        If the text is too long, if the model has no layer of such a number, or if no layer is left.
    """
    model = cast("DistilBertForSequenceClassification", classifier.model)
    changed = classifier.with_model(model.with_encoder(changed_encoder(model.encoder, changes)))
    return WhatIf(_scores(classifier, text), _scores(changed, text))


def _scores(classifier: AnyClassifier, text: str) -> dict[str, float]:
    """Return the scores of all labels, in the order of the labels."""
    options = classifier.options_for({"top_k": None})
    (outcome,) = classifier.outcomes([text], [0], options)
    scores = {
        str(of_label["label"]): of_label["score"]
        for of_label in cast("list[LabelScore]", outcome.result)
    }
    return {name: scores[name] for name in label_names(classifier)}


def changed_encoder(encoder: Encoder, changes: Changes) -> Encoder:
    """Return an encoder that differs from another one by these changes.

    Parameters
    ----------
    encoder : Encoder
        It stays as it is.
    changes : Changes

    Returns
    -------
    Encoder
        It shares all arrays that do not differ.

    Raises
    ------
    ValueError
        If the encoder has no layer of such a number, or if no layer is left.
    """
    encoder = _without_layers(encoder, changes.without_layers)
    if not changes.positions:
        zeros = np.zeros_like(encoder.embeddings.position_embeddings)
        encoder = replace(
            encoder, embeddings=replace(encoder.embeddings, position_embeddings=zeros)
        )
    if changes.activation is not None:
        activation = ACTIVATIONS[changes.activation]
        encoder = change_layers(
            encoder, lambda layer: replace(layer, ffn=replace(layer.ffn, activation=activation))
        )
    if not changes.scale:
        encoder = change_layers(encoder, _without_scale)
    return encoder


def change_layers(encoder: Encoder, change: Callable[[Layer], Layer], *numbers: int) -> Encoder:
    """Return an encoder in which some layers are changed.

    Parameters
    ----------
    encoder : Encoder
    change : callable
        Makes the new layer from the old one.
    *numbers : int
        The numbers of the layers, counted from 0. Without them, every layer is changed.
    """
    layers = (
        change(layer) if number in numbers or not numbers else layer
        for number, layer in enumerate(encoder.layers)
    )
    return replace(encoder, layers=tuple(layers))


def scaled(linear: Linear, factor: float) -> Linear:
    """Return a linear layer whose outputs are multiplied by a factor; by 0, it is silent."""
    own = np.float32(factor)
    return replace(linear, weight=linear.weight * own, bias=linear.bias * own)


def _without_layers(encoder: Encoder, numbers: tuple[int, ...]) -> Encoder:
    n_layers = len(encoder.layers)
    for number in numbers:
        if not 0 <= number < n_layers:
            raise ValueError(
                f"without_layers has {number}, expected a number from 0 to {n_layers - 1}, because "
                f"the model has {n_layers} layers"
            )
    kept = [layer for number, layer in enumerate(encoder.layers) if number not in numbers]
    if not kept:
        raise ValueError(
            f"without_layers names all {n_layers} layers of the model; leave at least one in"
        )
    return replace(encoder, layers=tuple(kept))


def _without_scale(layer: Layer) -> Layer:
    """Undo the division by sqrt(head_dim), by queries that are as many times larger."""
    attention = layer.attention
    head_dim = len(attention.q_lin.bias) // attention.n_heads
    q_lin = scaled(attention.q_lin, math.sqrt(head_dim))
    return replace(layer, attention=replace(attention, q_lin=q_lin))
