"""A loaded model, and what every answer needs of it.

Nothing here knows HTTP. The functions that make answers are called on threads of their own. They
call the one pipeline of the process, which computes the texts of all callers that wait together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import PurePath
from typing import Any

from npbert import __version__
from npbert.checkpoints.sources import COMMIT
from npbert.pipelines.factory import AnyPipeline, pipeline
from npbert.pipelines.text_classification import TextClassificationPipeline
from npbert.serve.errors import RequestError
from npbert.serve.schemas import Direction, Info
from npbert.serve.settings import Settings


class Service:
    """A loaded model with the settings of its service.

    Parameters
    ----------
    settings : Settings

    Attributes
    ----------
    settings : Settings
    pipeline : Pipeline
        The pipeline that computes all answers.

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

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.settings.model or str(self.pipeline.model.name_or_path)

    def info(self) -> Info:
        """Describe what is served."""
        config = self.pipeline.model.config
        limits = self.settings.limits
        folder = PurePath(self.pipeline.model.name_or_path).name
        kind: dict[str, dict[str, dict[str, str | int]]] = {}
        if isinstance(self.pipeline, TextClassificationPipeline):
            id2label: dict[str, str | int] = {
                str(number): label for number, label in config.id2label.items()
            }
            kind = {"classifier": {"id2label": id2label, "label2id": dict(config.label2id)}}
        return Info(
            model_id=self.name,
            # In the hub's cache, the folder of a model has the name of its commit.
            model_sha=folder if COMMIT.fullmatch(folder) else None,
            model_dtype="float32",
            model_type=kind,
            pipeline_tag=self.pipeline.task,
            max_concurrent_requests=limits.max_concurrent_requests,
            max_input_length=self.pipeline.max_tokens(),
            max_client_batch_size=limits.max_client_batch_size,
            max_request_tokens=limits.max_request_tokens,
            mask_token=self.pipeline.tokenizer.mask_token,
            version=__version__,
        )

    def results(
        self,
        items: Sequence[object],
        options: Mapping[str, object],
        truncate: bool | None = None,
        direction: Direction = "right",
    ) -> list[Any]:
        """Compute the results of the inputs of a request.

        Parameters
        ----------
        items : sequence
            The inputs, in the form of the pipeline.
        options : mapping
            The options of the pipeline.
        truncate : bool, optional
            Whether texts that are too long are cut. By default the settings decide.
        direction : "right" or "left"
            The side on which they are cut.

        Returns
        -------
        list
            What the pipeline returns for each input.

        Raises
        ------
        RequestError
            If there are no inputs, or too many.
        TypeError, ValueError
            As a call of the pipeline does.
        """
        self.check_batch(items)
        if truncate is not None:
            options = {**options, "long_text": "truncate" if truncate else "error"}
        chosen = self.pipeline if direction.lower() == "right" else self._cutting_left
        outcomes = chosen.outcomes(items, range(len(items)), chosen.options_for(options))
        return [outcome.result for outcome in outcomes]

    def check_batch(self, items: Sequence[object]) -> None:
        """Raise a RequestError if a request has no inputs, or too many."""
        most = self.settings.limits.max_client_batch_size
        if not items:
            raise RequestError(400, "inputs is an empty list, expected at least one text", "Empty")
        if len(items) > most:
            raise RequestError(
                413,
                f"inputs has {len(items):,} items, expected at most {most}; send them in several "
                "requests, or start the service with a larger --max-client-batch-size",
            )

    @cached_property
    def _cutting_left(self) -> AnyPipeline:
        """The pipeline that leaves out the beginning of a text that is too long."""
        return self.pipeline.with_truncation_side("left")
