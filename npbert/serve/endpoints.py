"""The list of what the service answers to POST: path, request, answer and function.

The routes of the application and the OpenAPI document are both made from this list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from npbert.explanations.results import ExplanationDict
from npbert.pipelines.results import (
    Entity,
    Features,
    FilledMask,
    LabelScore,
    QuestionAnswer,
    TokenEntity,
)
from npbert.serve import schemas
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
        Makes the answer from the request. It is called on a thread of its own.
    """

    path: str
    summary: str
    request: type[schemas.Request]
    answers: tuple[Any, ...]  # the types of generic lists are no `type` for type checkers
    function: Callable[[Any], object]


class _Task(NamedTuple):
    """What ``POST /`` takes and gives for a task."""

    request: type[schemas.Request]
    answers: tuple[Any, ...]
    function: Callable[[Service, Any], object]


_TASKS: Final = {
    "text-classification": _Task(
        schemas.ClassificationRequest, (list[list[LabelScore]],), Service.classify
    ),
    "token-classification": _Task(
        schemas.TokenRequest,
        (list[Entity], list[TokenEntity], list[list[Entity]], list[list[TokenEntity]]),
        Service.label_tokens,
    ),
    "fill-mask": _Task(
        schemas.FillMaskRequest,
        (list[FilledMask], list[list[FilledMask]], list[list[list[FilledMask]]]),
        Service.fill_masks,
    ),
    "question-answering": _Task(
        schemas.QuestionRequest,
        (QuestionAnswer, list[QuestionAnswer], list[list[QuestionAnswer]]),
        Service.answer_questions,
    ),
    "zero-shot-classification": _Task(
        schemas.ZeroShotRequest,
        (list[LabelScore], list[list[LabelScore]]),
        Service.choose_labels,
    ),
    "feature-extraction": _Task(
        schemas.FeatureRequest, (list[list[float]], Features), Service.encode
    ),
}


def endpoints_of(service: Service) -> list[Endpoint]:
    """Return what a service answers; a model that labels texts has more than others."""
    task = _TASKS[service.pipeline.task]
    endpoints = [
        Endpoint(
            "/",
            f"{service.pipeline.task}, in the shapes of the hub's inference API",
            task.request,
            task.answers,
            lambda request: task.function(service, request),
        ),
        Endpoint(
            "/tokenize",
            "Split texts into tokens, in the shapes of text-embeddings-inference",
            schemas.TokenizeRequest,
            (list[list[schemas.Token]],),
            service.tokenize,
        ),
    ]
    if service.pipeline.task == "text-classification":
        endpoints += [
            Endpoint(
                "/predict",
                "Label texts, in the shapes of text-embeddings-inference",
                schemas.PredictRequest,
                (list[schemas.Prediction], list[list[schemas.Prediction]]),
                service.predict,
            ),
            Endpoint(
                "/explain",
                "Show which words of a text made its label",
                schemas.ExplainRequest,
                (ExplanationDict,),
                service.explain,
            ),
        ]
    return endpoints
