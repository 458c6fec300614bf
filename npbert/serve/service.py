"""What the service answers: plain functions from a checked request to an answer.

Nothing here knows HTTP. Each function runs on a thread of its own, and calls the one pipeline of
the process, which computes the texts of all callers that wait together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import PurePath
from typing import Any, cast

import msgspec

from npbert import __version__
from npbert.checkpoints.hub import COMMIT
from npbert.explanations.explain import explain
from npbert.explanations.results import ExplanationDict
from npbert.pipelines.factory import AnyPipeline, pipeline
from npbert.pipelines.results import (
    Entity,
    Features,
    FilledMasks,
    LabelScore,
    QuestionAnswer,
    TokenEntity,
    ZeroShotResult,
)
from npbert.pipelines.text_classification import TextClassificationPipeline
from npbert.serve import schemas
from npbert.serve.errors import RequestError
from npbert.serve.settings import Settings


class Service:
    """A loaded model, and what is answered with it.

    Parameters
    ----------
    settings : Settings

    Raises
    ------
    OSError
        If the model cannot be found or fetched.
    ValueError
        If the model's files or an option cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.pipeline: AnyPipeline = pipeline(
            settings.task or ("text-classification" if settings.model is None else None),
            settings.model,
            revision=settings.revision,
            subfolder=settings.subfolder,
            variant=settings.variant,
            long_text=settings.long_text,
            threads=settings.n_threads,
        )

    def warm_up(self) -> None:
        """Compute something, so that the first request does not wait for what comes but once."""
        self.pipeline.model(input_ids=[[self.pipeline.tokenizer.cls_token_id or 0]])

    @cached_property
    def _cutting_left(self) -> AnyPipeline:
        """The pipeline that leaves out the beginning of a text that is too long."""
        return self.pipeline.with_truncation_side("left")

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.settings.model or str(self.pipeline.model.name_or_path)

    def info(self) -> schemas.Info:
        """Describe what is served."""
        config = self.pipeline.model.config
        limits = self.settings.limits
        kind: dict[str, dict[str, dict[str, str | int]]] = {}
        if isinstance(self.pipeline, TextClassificationPipeline):
            id2label: dict[str, str | int] = {
                str(number): label for number, label in config.id2label.items()
            }
            kind = {"classifier": {"id2label": id2label, "label2id": dict(config.label2id)}}
        return schemas.Info(
            model_id=self.name,
            model_sha=self._commit(),
            model_dtype="float32",
            model_type=kind,
            pipeline_tag=self.pipeline.task,
            max_concurrent_requests=limits.max_concurrent_requests,
            max_input_length=self.pipeline.max_tokens(),
            max_client_batch_size=limits.max_client_batch_size,
            max_request_tokens=limits.max_request_tokens,
            version=__version__,
        )

    def _commit(self) -> str | None:
        """Return the commit of a model from the hub, whose folder in the cache has its name."""
        folder = PurePath(self.pipeline.model.name_or_path).name
        return folder if COMMIT.fullmatch(folder) else None

    def predict(
        self, request: schemas.PredictRequest
    ) -> list[schemas.Prediction] | list[list[schemas.Prediction]]:
        """Label texts, in the shapes of text-embeddings-inference."""
        items, is_batch = _sequences(request.inputs)
        options: dict[str, object] = {"top_k": None, **_truncation(request.truncate)}
        if request.raw_scores:
            options["function_to_apply"] = "none"
        results = self._run(items, options, request.truncation_direction)
        answers = [
            [schemas.Prediction(one["score"], str(one["label"])) for one in result]
            for result in cast("list[list[LabelScore]]", results)
        ]
        return answers if is_batch else answers[0]

    def tokenize(self, request: schemas.TokenizeRequest) -> list[list[schemas.Token]]:
        """Split texts into tokens."""
        texts = [request.inputs] if isinstance(request.inputs, str) else request.inputs
        self._check_batch(texts)
        encoded = self.pipeline.tokenizer(
            texts,
            add_special_tokens=request.add_special_tokens,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        return [
            [
                schemas.Token(token_id, token, bool(special), *((None, None) if special else place))
                for token_id, token, special, place in zip(
                    encoded["input_ids"][number],
                    encoded.tokens(number),
                    encoded["special_tokens_mask"][number],
                    encoded["offset_mapping"][number],
                    strict=True,
                )
            ]
            for number in range(len(texts))
        ]

    def explain(self, request: schemas.ExplainRequest) -> ExplanationDict:
        """Show which words of a text made its label."""
        wishes = request.parameters
        return explain(
            request.inputs,
            cast("TextClassificationPipeline[LabelScore]", self.pipeline),
            label=wishes.label,
            method=wishes.method,
            unit=wishes.unit,
            steps=wishes.steps,
            attention=wishes.attention,
        ).to_dict()

    # ----------------------------------------------------- the hub's inference API, task by task

    def classify(self, request: schemas.ClassificationRequest) -> list[list[LabelScore]]:
        """Label texts: a list of labels for each text, also for a single one."""
        options = {"top_k": None, **_given(request.parameters)}
        return self._run(_listed(request.inputs), options)

    def label_tokens(
        self, request: schemas.TokenRequest
    ) -> list[TokenEntity] | list[Entity] | list[list[TokenEntity]] | list[list[Entity]]:
        """Label the words of texts."""
        labelled: list[TokenEntity] = self._one_or_all(request.inputs, _given(request.parameters))
        return labelled

    def fill_masks(self, request: schemas.FillMaskRequest) -> FilledMasks | list[FilledMasks]:
        """Guess hidden words."""
        filled: FilledMasks = self._one_or_all(request.inputs, _given(request.parameters))
        return filled

    def answer_questions(
        self, request: schemas.QuestionRequest
    ) -> QuestionAnswer | list[QuestionAnswer] | list[list[QuestionAnswer]]:
        """Find answers in texts."""
        inputs = request.inputs
        questions = inputs if isinstance(inputs, list) else [inputs]
        answers: list[QuestionAnswer] = self._run(
            [msgspec.structs.asdict(question) for question in questions],
            _given(request.parameters),
        )
        return answers if isinstance(inputs, list) else answers[0]

    def choose_labels(
        self, request: schemas.ZeroShotRequest
    ) -> list[LabelScore] | list[list[LabelScore]]:
        """Label texts with labels that the request brings, best first."""
        results: list[ZeroShotResult] = self._run(
            _listed(request.inputs), _given(request.parameters)
        )
        answers: list[list[LabelScore]] = [
            [
                {"label": label, "score": score}
                for label, score in zip(result["labels"], result["scores"], strict=True)
            ]
            for result in results
        ]
        return answers[0] if isinstance(request.inputs, str) else answers

    def encode(self, request: schemas.FeatureRequest) -> list[list[float]] | Features:
        """Compute the vectors of the tokens of texts: (seq, dim) for each text."""
        results: list[Features] = self._run(
            _listed(request.inputs), _truncation(request.truncate), request.truncation_direction
        )
        answers = [of_text[0] for of_text in results]
        return answers[0] if isinstance(request.inputs, str) else answers

    # ----------------------------------------------------------------------------------- the work

    def _one_or_all(self, inputs: str | list[str], options: Mapping[str, object]) -> Any:
        results = self._run(_listed(inputs), options)
        return results[0] if isinstance(inputs, str) else results

    def _run(
        self,
        items: Sequence[object],
        options: Mapping[str, object],
        direction: str = "right",
    ) -> list[Any]:
        """Compute the results of the inputs of a request."""
        self._check_batch(items)
        chosen = self.pipeline if direction.lower() == "right" else self._cutting_left
        outcomes = chosen.outcomes(items, range(len(items)), chosen.options_for(options))
        return [outcome.result for outcome in outcomes]

    def _check_batch(self, items: Sequence[object]) -> None:
        most = self.settings.limits.max_client_batch_size
        if not items:
            raise RequestError(400, "inputs is an empty list, expected at least one text", "Empty")
        if len(items) > most:
            raise RequestError(
                413,
                f"inputs has {len(items):,} items, expected at most {most}; send them in several "
                "requests, or start the service with a larger --max-client-batch-size",
            )


def _sequences(
    inputs: str | list[str | list[str]],
) -> tuple[Sequence[str | dict[str, str]], bool]:
    """Return the texts and pairs of a request in the form of the pipeline, and whether many."""
    if isinstance(inputs, str):
        return [inputs], False
    if inputs and isinstance(inputs[0], str):
        return [_sequence(inputs, "inputs")], False
    return [_sequence(one, f"inputs[{number}]") for number, one in enumerate(inputs)], True


def _sequence(texts: str | Sequence[str | list[str]], where: str) -> str | dict[str, str]:
    """Return a list of one or two texts in the form of the pipeline."""
    match texts:
        case [str() as text]:
            return text
        case [str() as text, str() as text_pair]:
            return {"text": text, "text_pair": text_pair}
    got = "a text" if isinstance(texts, str) else f"a list of {len(texts)} items"
    raise RequestError(
        422,
        f"{where} is {got}, expected one text or two texts in a list; a batch is a list of such "
        'lists, such as [["one text"], ["a text", "and its pair"]]',
    )


def _listed(inputs: str | list[str]) -> list[str]:
    return [inputs] if isinstance(inputs, str) else inputs


def _given(parameters: schemas.Parameters) -> dict[str, object]:
    """Return the options that a request gives."""
    given = msgspec.structs.asdict(parameters)
    return {name: value for name, value in given.items() if value is not None}


def _truncation(truncate: bool | None) -> dict[str, object]:
    """Return the option for long texts that a request gives, if it does."""
    return {} if truncate is None else {"long_text": "truncate" if truncate else "error"}
