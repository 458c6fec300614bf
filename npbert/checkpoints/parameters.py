"""The tensors that a checkpoint must have: their names, their shapes, and the fields they fill.

Each line of the functions below is one row of a table: a field of the classes of
`npbert.distilbert.model`, the name in the file, and the shape. The names are those that
transformers writes, without the prefix ``distilbert.``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from npbert.checkpoints.config import DistilBertConfig
from npbert.distilbert.activations import Array
from npbert.distilbert.model import (
    Attention,
    Embeddings,
    Encoder,
    FeedForward,
    Layer,
    LayerNorm,
    Linear,
    SequenceClassifier,
    WordPredictor,
)
from npbert.distilbert.more_activations import ACTIVATIONS

WORD_EMBEDDINGS: Final = "embeddings.word_embeddings.weight"
WORD_PROJECTOR: Final = "vocab_projector.weight"  # often the same tensor as the word embeddings

HeadT = TypeVar("HeadT")


class TakeTensor(Protocol):
    """A function that takes a tensor out of a checkpoint."""

    def __call__(self, name: str, shape: tuple[int, ...], twin: str | None = None, /) -> Array:
        """Return the tensor `name`, or the tensor `twin` if the checkpoint has no `name`.

        Parameters
        ----------
        name : str
        shape : tuple of int
            The shape that the tensor must have.
        twin : str, optional

        Returns
        -------
        float32 array of the shape `shape`
        """
        ...


class HeadKind(NamedTuple, Generic[HeadT]):
    """One kind of head.

    Attributes
    ----------
    name : str
        What error messages call the head.
    parts : tuple of str
        The beginnings of the names of its tensors, up to the first dot. For the bare encoder there
        are none.
    load : callable
        Takes the tensors of the head out of a checkpoint, and returns the parameters of the head.
    """

    name: str
    parts: tuple[str, ...]
    load: Callable[[TakeTensor, DistilBertConfig], HeadT]


# ------------------------------------------------------------------------------- the encoder


def load_encoder(take: TakeTensor, config: DistilBertConfig) -> Encoder:
    """Take the tensors of the encoder out of a checkpoint.

    Parameters
    ----------
    take : callable
        Returns one tensor; see `TakeTensor`.
    config : DistilBertConfig
        Says which shapes the tensors must have.

    Returns
    -------
    Encoder
    """
    vocab, n_positions, dim = config.vocab_size, config.max_position_embeddings, config.dim
    twin = WORD_PROJECTOR if config.tie_word_embeddings else None
    return Encoder(
        embeddings=Embeddings(
            word_embeddings=take(WORD_EMBEDDINGS, (vocab, dim), twin),
            position_embeddings=take("embeddings.position_embeddings.weight", (n_positions, dim)),
            layer_norm=_layer_norm(take, "embeddings.LayerNorm", dim),
        ),
        layers=tuple(
            _layer(take, f"transformer.layer.{number}", config) for number in range(config.n_layers)
        ),
    )


def _layer(take: TakeTensor, name: str, config: DistilBertConfig) -> Layer:
    dim, hidden_dim = config.dim, config.hidden_dim
    return Layer(
        attention=Attention(
            n_heads=config.n_heads,
            q_lin=_linear(take, f"{name}.attention.q_lin", dim, dim),
            k_lin=_linear(take, f"{name}.attention.k_lin", dim, dim),
            v_lin=_linear(take, f"{name}.attention.v_lin", dim, dim),
            out_lin=_linear(take, f"{name}.attention.out_lin", dim, dim),
        ),
        sa_layer_norm=_layer_norm(take, f"{name}.sa_layer_norm", dim),
        ffn=FeedForward(
            activation=ACTIVATIONS[config.activation],
            lin1=_linear(take, f"{name}.ffn.lin1", hidden_dim, dim),
            lin2=_linear(take, f"{name}.ffn.lin2", dim, hidden_dim),
        ),
        output_layer_norm=_layer_norm(take, f"{name}.output_layer_norm", dim),
    )


def _linear(take: TakeTensor, name: str, n_out: int, n_in: int) -> Linear:
    return Linear(
        weight=take(f"{name}.weight", (n_out, n_in)),
        bias=take(f"{name}.bias", (n_out,)),
    )


def _layer_norm(take: TakeTensor, name: str, dim: int) -> LayerNorm:
    return LayerNorm(
        weight=take(f"{name}.weight", (dim,)),
        bias=take(f"{name}.bias", (dim,)),
    )


# --------------------------------------------------------------------------------- the heads


def _sequence_classifier(take: TakeTensor, dim: int, n_labels: int) -> SequenceClassifier:
    return SequenceClassifier(
        pre_classifier=_linear(take, "pre_classifier", dim, dim),
        classifier=_linear(take, "classifier", n_labels, dim),
    )


def _load_sequence_classifier(take: TakeTensor, config: DistilBertConfig) -> SequenceClassifier:
    return _sequence_classifier(take, config.dim, config.num_labels)


def _load_choice_scorer(take: TakeTensor, config: DistilBertConfig) -> SequenceClassifier:
    return _sequence_classifier(take, config.dim, n_labels=1)


def _load_token_classifier(take: TakeTensor, config: DistilBertConfig) -> Linear:
    return _linear(take, "classifier", config.num_labels, config.dim)


def _load_question_answerer(take: TakeTensor, config: DistilBertConfig) -> Linear:
    return _linear(take, "qa_outputs", 2, config.dim)


def _load_word_predictor(take: TakeTensor, config: DistilBertConfig) -> WordPredictor:
    vocab, dim = config.vocab_size, config.dim
    twin = WORD_EMBEDDINGS if config.tie_word_embeddings else None
    return WordPredictor(
        activation=ACTIVATIONS[config.activation],
        vocab_transform=_linear(take, "vocab_transform", dim, dim),
        vocab_layer_norm=_layer_norm(take, "vocab_layer_norm", dim),
        vocab_projector=Linear(
            weight=take(WORD_PROJECTOR, (vocab, dim), twin),
            bias=take("vocab_projector.bias", (vocab,)),
        ),
    )


BARE_ENCODER: Final = HeadKind("no head", (), lambda _take, _config: None)
SEQUENCE_CLASSIFICATION: Final = HeadKind(
    "sequence classification", ("pre_classifier", "classifier"), _load_sequence_classifier
)
MULTIPLE_CHOICE: Final = HeadKind(
    "multiple choice", ("pre_classifier", "classifier"), _load_choice_scorer
)
TOKEN_CLASSIFICATION: Final = HeadKind(
    "token classification", ("classifier",), _load_token_classifier
)
QUESTION_ANSWERING: Final = HeadKind("question answering", ("qa_outputs",), _load_question_answerer)
MASKED_LANGUAGE_MODELLING: Final = HeadKind(
    "masked language modelling",
    ("vocab_transform", "vocab_layer_norm", "vocab_projector"),
    _load_word_predictor,
)
HEAD_KINDS: Final = (
    SEQUENCE_CLASSIFICATION,
    MULTIPLE_CHOICE,
    TOKEN_CLASSIFICATION,
    QUESTION_ANSWERING,
    MASKED_LANGUAGE_MODELLING,
)
