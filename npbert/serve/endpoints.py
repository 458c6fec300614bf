"""The lists of what the service answers: to POST from its threads, and to GET from memory.

The routes of the application and the OpenAPI document are both made from these lists.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from npbert.explanations.attention import HeadAttentionDict
from npbert.explanations.results import ExplanationDict
from npbert.explanations.what_if import WhatIfDict
from npbert.pipelines.results import (
    Entity,
    Features,
    FilledMask,
    LabelScore,
    QuestionAnswer,
    TokenEntity,
)
from npbert.serve import explanations, inference_api, schemas, text_embeddings_inference
from npbert.serve.service import Service


class Endpoint(NamedTuple):
    """One path, and what is answered there to POST.

    Attributes
    ----------
    path : str
    summary : str
        What it does, for the OpenAPI document.
    request : type
        The `Request` that the body has to be.
    answers : tuple of types
        The types that the answer can have: one for a single input, another one for several.
    function : callable
        Makes the answer, from the service and the request. It is called on a thread of its own.
    """

    path: str
    summary: str
    request: type[schemas.Request]
    answers: tuple[Any, ...]  # for type checkers, list[…] is no type
    function: Callable[[Service, Any], object]


class Lookup(NamedTuple):
    """What is answered to GET at one path.

    Attributes
    ----------
    summary : str
        What it is, for the OpenAPI document.
    media_type : str
    needs_key : bool
        Whether a request has to show the API key, if there is one.
    """

    summary: str
    media_type: str
    needs_key: bool = True


PAGE: Final = "/"
HEALTH: Final = "/health"
INFO: Final = "/info"
METRICS: Final = "/metrics"
OPENAPI: Final = "/openapi.json"
LOOKUPS: Final = {
    PAGE: Lookup("The page for browsers", "text/html", needs_key=False),
    HEALTH: Lookup("Whether the service is alive and ready", "application/json", needs_key=False),
    INFO: Lookup("What is served", "application/json"),
    METRICS: Lookup("The metrics for Prometheus", "text/plain"),
    OPENAPI: Lookup("This document", "application/json"),
}

_INFERENCE_API: Final = "in the shapes of the hub's inference API"
_TEXT_EMBEDDINGS_INFERENCE: Final = "in the shapes of text-embeddings-inference"

_BY_TASK: Final = {
    "text-classification": Endpoint(
        "/",
        f"Label texts, {_INFERENCE_API}",
        schemas.ClassificationRequest,
        (list[list[LabelScore]],),
        inference_api.classify,
    ),
    "token-classification": Endpoint(
        "/",
        f"Label the words of texts, {_INFERENCE_API}",
        schemas.TokenRequest,
        (list[Entity], list[TokenEntity], list[list[Entity]], list[list[TokenEntity]]),
        inference_api.label_tokens,
    ),
    "fill-mask": Endpoint(
        "/",
        f"Guess hidden words, {_INFERENCE_API}",
        schemas.FillMaskRequest,
        (list[FilledMask], list[list[FilledMask]], list[list[list[FilledMask]]]),
        inference_api.fill_masks,
    ),
    "question-answering": Endpoint(
        "/",
        f"Find answers in texts, {_INFERENCE_API}",
        schemas.QuestionRequest,
        (QuestionAnswer, list[QuestionAnswer], list[list[QuestionAnswer]]),
        inference_api.answer_questions,
    ),
    "zero-shot-classification": Endpoint(
        "/",
        f"Label texts with labels of the request, {_INFERENCE_API}",
        schemas.ZeroShotRequest,
        (list[LabelScore], list[list[LabelScore]]),
        inference_api.choose_labels,
    ),
    "feature-extraction": Endpoint(
        "/",
        f"Compute the vectors of tokens, {_INFERENCE_API}",
        schemas.FeatureRequest,
        (list[list[float]], Features),
        inference_api.encode,
    ),
}

_FOR_ALL: Final = (
    Endpoint(
        "/tokenize",
        f"Split texts into tokens, {_TEXT_EMBEDDINGS_INFERENCE}",
        schemas.TokenizeRequest,
        (list[list[schemas.Token]],),
        text_embeddings_inference.tokenize,
    ),
)

_FOR_CLASSIFIERS: Final = (
    Endpoint(
        "/predict",
        f"Label texts, {_TEXT_EMBEDDINGS_INFERENCE}",
        schemas.PredictRequest,
        (list[schemas.Prediction], list[list[schemas.Prediction]]),
        text_embeddings_inference.predict,
    ),
    Endpoint(
        "/explain",
        "Show which words of a text made its label",
        schemas.ExplainRequest,
        (ExplanationDict,),
        explanations.explain_text,
    ),
    Endpoint(
        "/attention",
        "Show where the tokens of a text look, by one head of attention",
        schemas.AttentionRequest,
        (HeadAttentionDict,),
        explanations.show_attention,
    ),
    Endpoint(
        "/what-if",
        "Label a text with the model, and with a changed copy of it",
        schemas.WhatIfRequest,
        (WhatIfDict,),
        explanations.change_model,
    ),
)


def endpoints_for(task: str) -> tuple[Endpoint, ...]:
    """Return what a service answers whose pipeline is of a task."""
    of_task = (_BY_TASK[task], *_FOR_ALL)
    return of_task + _FOR_CLASSIFIERS if task == "text-classification" else of_task
