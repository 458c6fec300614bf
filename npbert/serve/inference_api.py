"""Answers in the shapes of the hub's inference API, one function per task."""

from __future__ import annotations

from typing import Final, TypeVar

from msgspec.structs import asdict

from npbert.pipelines.results import (
    Entity,
    Features,
    FilledMasks,
    LabelScore,
    QuestionAnswer,
    TokenEntity,
    ZeroShotResult,
)
from npbert.serve.errors import RequestError
from npbert.serve.schemas import (
    ClassificationRequest,
    FeatureRequest,
    FillMaskRequest,
    Pair,
    Parameters,
    QuestionRequest,
    TokenRequest,
    ZeroShotRequest,
)
from npbert.serve.service import Service

InputT = TypeVar("InputT")
ResultT = TypeVar("ResultT")

_MOST_FILLED: Final = 1000
_N_FILLED: Final = 5  # for each mask, unless a request says otherwise


def classify(service: Service, request: ClassificationRequest) -> list[list[LabelScore]]:
    """Label texts: a list of labels for each text, also for a single one."""
    items = [asdict(one) if isinstance(one, Pair) else one for one in _listed(request.inputs)]
    return service.results(items, {"top_k": None, **_given(request.parameters)})


def label_tokens(
    service: Service, request: TokenRequest
) -> list[TokenEntity] | list[Entity] | list[list[TokenEntity]] | list[list[Entity]]:
    """Label the words of texts."""
    results: list[list[TokenEntity]] = service.results(
        _listed(request.inputs), _given(request.parameters)
    )
    return _one_or_all(results, request.inputs)


def fill_masks(service: Service, request: FillMaskRequest) -> FilledMasks | list[FilledMasks]:
    """Guess hidden words."""
    texts, options = _listed(request.inputs), _given(request.parameters)
    n_each = request.parameters.top_k or _N_FILLED
    mask_token = service.pipeline.tokenizer.mask_token or ""
    for number, text in enumerate(texts):
        n_masks = text.count(mask_token)
        if n_masks * n_each > _MOST_FILLED:
            raise RequestError(
                413,
                f"inputs[{number}] has {n_masks:,} masks, each with {n_each} answers, expected at "
                f"most {_MOST_FILLED:,} answers for a text",
            )
    results: list[FilledMasks] = service.results(texts, {**options, "top_k": n_each})
    return _one_or_all(results, request.inputs)


def answer_questions(
    service: Service, request: QuestionRequest
) -> QuestionAnswer | list[QuestionAnswer] | list[list[QuestionAnswer]]:
    """Find answers in texts."""
    questions = [asdict(question) for question in _listed(request.inputs)]
    results: list[QuestionAnswer] = service.results(questions, _given(request.parameters))
    return _one_or_all(results, request.inputs)


def choose_labels(
    service: Service, request: ZeroShotRequest
) -> list[LabelScore] | list[list[LabelScore]]:
    """Label texts with labels that the request brings, best first."""
    results: list[ZeroShotResult] = service.results(
        _listed(request.inputs), _given(request.parameters)
    )
    answers: list[list[LabelScore]] = [
        [
            {"label": label, "score": score}
            for label, score in zip(result["labels"], result["scores"], strict=True)
        ]
        for result in results
    ]
    return _one_or_all(answers, request.inputs)


def encode(service: Service, request: FeatureRequest) -> list[list[float]] | Features:
    """Compute the vectors of the tokens of texts: (seq, dim) for each text."""
    results: list[Features] = service.results(
        _listed(request.inputs), {}, request.truncate, request.truncation_direction
    )
    answers = [of_text for (of_text,) in results]
    return _one_or_all(answers, request.inputs)


def _listed(inputs: InputT | list[InputT]) -> list[InputT]:
    return inputs if isinstance(inputs, list) else [inputs]


def _one_or_all(results: list[ResultT], inputs: object) -> ResultT | list[ResultT]:
    """Return all results if a request has a list of inputs, or the only one."""
    return results if isinstance(inputs, list) else results[0]


def _given(parameters: Parameters) -> dict[str, object]:
    """Return the options that a request gives."""
    return {name: value for name, value in asdict(parameters).items() if value is not None}
