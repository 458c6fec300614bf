"""The way of one text through the model, step by step."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, cast

import numpy as np

from npbert.checkpoints.config import DistilBertConfig
from npbert.distilbert.activations import Array
from npbert.distilbert.model import (
    Pack,
    apply_layer,
    classify_sequence,
    embed,
    hidden_states,
    select_first,
)
from npbert.distilbert.packs import TokenSequence
from npbert.explanations.experiments import Answers, AnyClassifier, label_names
from npbert.explanations.results import Step
from npbert.models.heads import DistilBertForSequenceClassification
from npbert.pipelines.text_classification import FUNCTIONS

_N_NUMBERS: Final = 8  # that a step shows
_FORMULAS: Final = {
    "softmax": "score = e^logit / sum of e^logit over all labels",
    "sigmoid": "score = 1 / (1 + e^-logit)",
    "none": "score = logit",
}
_PACKAGE_FOLDER: Final = os.path.dirname(os.path.dirname(__file__))


class TracedText(NamedTuple):
    """The arrays that a text goes through.

    Attributes
    ----------
    tokens : tuple of str
        The tokens of the text.
    input_ids : list of int
        Their numbers in the vocabulary.
    states : list of float32 arrays (dim, seq)
        The embeddings, and the output of each layer. The last layer computes one column, `[CLS]`.
    starts : int64 array (2,)
        Where the text begins and ends among the columns.
    """

    tokens: tuple[str, ...]
    input_ids: list[int]
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
    model = classifier.model

    def states_of(pack: Pack) -> list[list[Array]]:
        with model.files.unchanged():
            return [list(hidden_states(model.encoder, pack, select_first))]

    sequence = TokenSequence(np.array(encoding.ids, np.int64), np.arange(n_tokens))
    (states,) = classifier.compute_apart(states_of, [sequence])
    return TracedText(tuple(encoding.tokens), encoding.ids, states, np.array([0, n_tokens]))


def steps_of(classifier: AnyClassifier, traced: TracedText, label: str) -> tuple[Step, ...]:
    """Return the steps of a text, with the lead of a label after each of them."""
    model = cast("DistilBertForSequenceClassification", classifier.model)
    cls = np.hstack([state[:, :1] for state in traced.states])  # (dim, layers + 1)
    with model.files.unchanged():
        logits = classify_sequence(model.head, cls)  # (layers + 1, labels)
    answers = Answers(logits, label_names(classifier), classifier.function_to_apply)
    embed_lead, *leads = answers.leads(label)
    scores = answers.scores()[-1]
    shape_of_labels = (len(answers.labels),)
    return (
        Step(
            name="pieces",
            what=" ".join(traced.tokens),
            shape=(len(traced.tokens),),
            lead=None,
            where=_where(type(classifier.tokenizer).encode_batch),
            formula="for each word: the longest pieces in the vocabulary, and their ids",
            numbers=_first(traced.input_ids),
            chapter="docs/learn/1_pieces.md",
        ),
        Step(
            name="embed",
            what="word + position, norm",
            shape=traced.states[0].shape,
            lead=embed_lead,
            where=_where(embed),
            formula="x = norm(word_embeddings[input_ids] + position_embeddings[position_ids])",
            numbers=_first(cls[:, 0]),
            chapter="docs/learn/2_vectors.md",
        ),
        *_layer_steps(model.config, traced.states[1:], leads),
        Step(
            name="head",
            what=f"logits {' '.join(f'{logit:.2f}' for logit in logits[-1])}",
            shape=shape_of_labels,
            lead=leads[-1],
            where=_where(classify_sequence),
            formula="logits = classifier(relu(pre_classifier(x of [CLS])))",
            numbers=_first(logits[-1]),
            chapter="docs/learn/6_label.md",
        ),
        Step(
            name=answers.function,
            what=f"{label} {scores[label]:.4f}",
            shape=shape_of_labels,
            lead=None,
            where=_where(FUNCTIONS[answers.function]),
            formula=_FORMULAS[answers.function],
            numbers=_first([*scores.values()]),
            chapter="docs/learn/6_label.md",
        ),
    )


def _layer_steps(
    config: DistilBertConfig, states: Sequence[Array], leads: Sequence[float]
) -> Iterator[Step]:
    """Yield the steps of all layers, from their outputs and the leads after them."""
    head_dim = config.dim // config.n_heads
    what = f"{config.n_heads} heads of {head_dim}"
    what += f"; {config.dim} → {config.hidden_dim} → {config.dim}"
    formula = (
        f"x = norm(x + out_lin(value @ softmax(key.T @ query / √{head_dim})))\n"
        f"x = norm(x + lin2({config.activation}(lin1(x))))"
    )
    for number, (state, lead) in enumerate(zip(states, leads, strict=True)):
        yield Step(
            name=f"layer {number}",
            what=what,
            shape=state.shape,
            lead=lead,
            where=_where(apply_layer),
            formula=formula,
            numbers=_first(state[:, 0]),
            chapter="docs/learn/5_layers.md",
        )


def _first(numbers: Array | Sequence[float]) -> tuple[float, ...]:
    """Return the numbers that a step shows."""
    return tuple(float(number) for number in numbers[:_N_NUMBERS])


def _where(function: Callable[..., Any]) -> str:
    """Return the file and the line in which a function of npbert begins."""
    code = function.__code__
    path = os.path.relpath(code.co_filename, _PACKAGE_FOLDER)
    return f"{path.replace(os.sep, '/')}:{code.co_firstlineno}"
