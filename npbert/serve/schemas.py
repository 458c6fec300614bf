"""The JSON that the service takes and gives: each shape is declared once.

These declarations check the requests, and the OpenAPI document is made from them. `/predict` and
`/tokenize` have the shapes of text-embeddings-inference. Those of `/` are the shapes of the hub's
inference API, which differ by task; huggingface_hub has a client for them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

Direction = Literal["Left", "Right", "left", "right"]
Count = Annotated[int, Meta(ge=1)]
Number = Annotated[int, Meta(ge=0)]
FewAnswers = Annotated[int, Meta(ge=1, le=100)]
Some = Annotated[list[str], Meta(min_length=1)]


class Request(Struct, forbid_unknown_fields=True):
    """The base of all requests: a key that is not known is an error."""


# ------------------------------------------------------------------ text-embeddings-inference


class PredictRequest(Request):
    """Texts to label.

    Attributes
    ----------
    inputs
        One text; a pair of texts as a list of two; or a batch, which is a list of lists of one or
        two texts.
    truncate
        Whether a text that is too long is cut. By default it is what `--long-text` says.
    truncation_direction
        The side on which it is cut.
    raw_scores
        Whether the scores are the logits of the model.
    """

    inputs: str | list[str | list[str]]
    truncate: bool | None = None
    truncation_direction: Direction = "Right"
    raw_scores: bool = False


class Prediction(Struct):
    """One label of a text, and its score."""

    score: float
    label: str


class TokenizeRequest(Request):
    """Texts to split into tokens."""

    inputs: str | list[str]
    add_special_tokens: bool = True


class Token(Struct):
    """One token; `start` and `stop` count characters of the text, and are null without a place."""

    id: int
    text: str
    special: bool
    start: int | None
    stop: int | None


# --------------------------------------------------------------------- the hub's inference API


class Parameters(Request, omit_defaults=True):
    """The base of the options of the tasks. An option that is null counts as not given."""


class ClassificationParameters(Parameters):
    """The options of text-classification."""

    function_to_apply: Literal["sigmoid", "softmax", "none"] | None = None
    top_k: Count | None = None


class TokenParameters(Parameters):
    """The options of token-classification."""

    aggregation_strategy: Literal["none", "simple", "first", "average", "max"] | None = None
    ignore_labels: list[str] | None = None
    stride: Number | None = None


class FillMaskParameters(Parameters):
    """The options of fill-mask."""

    targets: Some | None = None
    top_k: FewAnswers | None = None


class QuestionParameters(Parameters):
    """The options of question-answering."""

    align_to_words: bool | None = None
    doc_stride: Number | None = None
    handle_impossible_answer: bool | None = None
    max_answer_len: Count | None = None
    max_question_len: Count | None = None
    max_seq_len: Count | None = None
    top_k: FewAnswers | None = None


class ZeroShotParameters(Parameters):
    """The options of zero-shot-classification."""

    candidate_labels: str | Some
    hypothesis_template: str | None = None
    multi_label: bool | None = None


class Question(Request):
    """A question, and the text that holds its answer."""

    question: str
    context: str


class Pair(Request):
    """Two texts that get one label together."""

    text: str
    text_pair: str


class HubRequest(Request, kw_only=True):
    """The base of the requests that clients of the hub send.

    Attributes
    ----------
    options
        Accepted, and without effect: there is no cache, and a model is loaded.
    """

    options: dict[str, Any] | UnsetType = UNSET


class ClassificationRequest(HubRequest):
    """Texts to label, or pairs of texts."""

    inputs: str | Pair | list[str | Pair]
    parameters: ClassificationParameters = msgspec.field(default_factory=ClassificationParameters)


class TokenRequest(HubRequest):
    """Texts whose words are labelled."""

    inputs: str | list[str]
    parameters: TokenParameters = msgspec.field(default_factory=TokenParameters)


class FillMaskRequest(HubRequest):
    """Texts with masks."""

    inputs: str | list[str]
    parameters: FillMaskParameters = msgspec.field(default_factory=FillMaskParameters)


class QuestionRequest(HubRequest):
    """Questions, each with its context."""

    inputs: Question | list[Question]
    parameters: QuestionParameters = msgspec.field(default_factory=QuestionParameters)


class ZeroShotRequest(HubRequest):
    """Texts, and labels to choose from."""

    inputs: str | list[str]
    parameters: ZeroShotParameters


class FeatureRequest(HubRequest):
    """Texts to encode; this task has its options beside `inputs`."""

    inputs: str | list[str]
    truncate: bool | None = None
    truncation_direction: Direction = "Right"


# --------------------------------------------------------------------------------- npbert's own


class ExplainParameters(Request):
    """The options of `npbert.explain`."""

    label: str | None = None
    method: Literal["leave-one-out", "mask", "shapley"] = "leave-one-out"
    unit: Literal["word", "sentence"] = "word"
    steps: bool = False
    attention: bool = False


class ExplainRequest(Request):
    """A text whose label is explained."""

    inputs: str
    parameters: ExplainParameters = msgspec.field(default_factory=ExplainParameters)


class AttentionParameters(Request):
    """One head of the model, by its numbers, which are counted from 0."""

    layer: Number = 0
    head: Number = 0


class AttentionRequest(Request):
    """A text whose tokens look at each other."""

    inputs: str
    parameters: AttentionParameters = msgspec.field(default_factory=AttentionParameters)


class ModelChanges(Request):
    """What is different in the model for one request; see `npbert.explanations.what_if.Changes`."""

    positions: bool = True
    without_layers: list[Number] = []
    activation: str | None = None
    scale: bool = True


class WhatIfRequest(Request):
    """A text that a changed model labels, too."""

    inputs: str
    changes: ModelChanges


class Info(Struct):
    """What is served, with the keys of text-embeddings-inference, and the mask token."""

    model_id: str
    model_sha: str | None
    model_dtype: str
    model_type: dict[str, dict[str, dict[str, str | int]]]
    pipeline_tag: str
    max_concurrent_requests: int
    max_input_length: int
    max_client_batch_size: int
    max_request_tokens: int
    mask_token: str | None
    version: str
