"""The way of one text through the model, step by step, and where its tokens look."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final, NamedTuple, cast

import numpy as np

from npbert.distilbert.activations import Array
from npbert.distilbert.model import (
    Pack,
    apply_layer,
    attention_of,
    classify_sequence,
    embed,
    hidden_states,
    select_first,
)
from npbert.explanations.experiments import Answers, AnyClassifier, label_names
from npbert.explanations.results import Step
from npbert.models.heads import DistilBertForSequenceClassification
from npbert.pipelines.text_classification import FUNCTIONS

_PACKAGE_FOLDER: Final = os.path.dirname(os.path.dirname(__file__))


class TracedText(NamedTuple):
    """The arrays that a text goes through.

    Attributes
    ----------
    tokens : tuple of str
        The tokens of the text.
    states : list of float32 arrays (dim, seq)
        The embeddings, and the output of each layer. The last layer computes one column, `[CLS]`.
    starts : int64 array (2,)
        Where the text begins and ends among the columns.
    """

    tokens: tuple[str, ...]
    states: list[Array]
    starts: np.ndarray[Any, np.dtype[np.int64]]


def trace(classifier: AnyClassifier, text: str, max_tokens: int | None) -> TracedText:
    """Run the forward pass for one text, and keep its arrays.

    Parameters
    ----------
    classifier : TextClassificationPipeline
    text : str
    max_tokens : int, optional
        The number of tokens to which the text is cut, if it is.
    """
    (encoding,) = classifier.tokenizer.encode_batch(
        [text], truncation=max_tokens is not None, max_length=max_tokens, with_offsets=True
    )
    n_tokens = len(encoding.ids)
    starts = np.array([0, n_tokens])
    pack = Pack(np.array(encoding.ids, np.int64), np.arange(n_tokens), starts)
    states = list(hidden_states(classifier.model.encoder, pack, select_first))
    return TracedText(tuple(encoding.tokens), states, starts)


def steps_of(classifier: AnyClassifier, traced: TracedText, label: str) -> tuple[Step, ...]:
    """Return the steps of a text, with the lead of a label after each of them."""
    model = cast("DistilBertForSequenceClassification", classifier.model)
    cls = np.hstack([state[:, :1] for state in traced.states])  # (dim, layers + 1)
    logits = classify_sequence(model.head, cls)  # (layers + 1, labels)
    answers = Answers(logits, label_names(classifier), classifier.function_to_apply)
    leads = answers.leads(label)
    function = FUNCTIONS[answers.function]
    last = answers.scores()[-1]
    config = model.config
    of_layer = f"{config.n_heads} heads of {config.dim // config.n_heads}"
    of_layer += f"; {config.dim} → {config.hidden_dim} → {config.dim}"
    shown_logits = " ".join(f"{logit:.2f}" for logit in logits[-1])
    return (
        Step(
            "pieces",
            " ".join(traced.tokens),
            (len(traced.tokens),),
            None,
            _where(type(classifier.tokenizer).encode_batch),
        ),
        Step("embed", "word + position, norm", traced.states[0].shape, leads[0], _where(embed)),
        *(
            Step(f"layer {number}", of_layer, state.shape, lead, _where(apply_layer))
            for number, (state, lead) in enumerate(zip(traced.states[1:], leads[1:], strict=True))
        ),
        Step(
            "head",
            f"logits {shown_logits}",
            (len(answers.labels),),
            leads[-1],
            _where(classify_sequence),
        ),
        Step(
            answers.function,
            f"{label} {last[label]:.4f}",
            (len(answers.labels),),
            None,
            _where(function),
        ),
    )


def attention_in(classifier: AnyClassifier, traced: TracedText) -> Array:
    """Return where the tokens of a text look: float32 (layers, heads, seq, seq)."""
    layers = classifier.model.encoder.layers
    return np.concatenate(
        [
            list(attention_of(layer.attention, x, traced.starts))
            for layer, x in zip(layers, traced.states[:-1], strict=True)
        ]
    )


def _where(function: Callable[..., Any]) -> str:
    """Return the file and the line in which a function of npbert begins."""
    code = function.__code__
    path = os.path.relpath(code.co_filename, _PACKAGE_FOLDER)
    return f"{path.replace(os.sep, '/')}:{code.co_firstlineno}"
