"""`pipeline()` and `classify()`: from a task's name and a model to results."""

from __future__ import annotations

import os
import warnings
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any, Final, NamedTuple

from npbert.checkpoints.config import DistilBertConfig
from npbert.checkpoints.hub import DEFAULT_MODEL, DEFAULT_REVISION, ModelSource
from npbert.models import heads as auto
from npbert.models.base import PreTrainedModel
from npbert.pipelines.base import Pipeline
from npbert.pipelines.text_classification import Result as Result
from npbert.pipelines.text_classification import (
    TextClassificationPipeline as TextClassificationPipeline,
)
from npbert.tokenization.tokenizer import AutoTokenizer, Tokenizer


class _Task(NamedTuple):
    module: str  # imported only when its task is wanted
    pipeline: str
    model: str


_TASKS: Final = {
    "text-classification": _Task(
        "text_classification", "TextClassificationPipeline", "DistilBertForSequenceClassification"
    ),
    "token-classification": _Task(
        "token_classification",
        "TokenClassificationPipeline",
        "DistilBertForTokenClassification",
    ),
    "fill-mask": _Task("fill_mask", "FillMaskPipeline", "DistilBertForMaskedLM"),
    "question-answering": _Task(
        "question_answering", "QuestionAnsweringPipeline", "DistilBertForQuestionAnswering"
    ),
    "zero-shot-classification": _Task(
        "zero_shot_classification",
        "ZeroShotClassificationPipeline",
        "DistilBertForSequenceClassification",
    ),
    "feature-extraction": _Task(
        "feature_extraction", "FeatureExtractionPipeline", "DistilBertModel"
    ),
}
_OTHER_NAMES: Final = {"sentiment-analysis": "text-classification", "ner": "token-classification"}
TASKS: Final = (*_TASKS, *_OTHER_NAMES)


def pipeline(
    task: str | None = None,
    model: str | Path | PreTrainedModel[Any, Any] | None = None,
    *,
    tokenizer: str | Path | Tokenizer | None = None,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
    token: str | bool | None = None,
    **options: Any,
) -> Any:
    """Make a pipeline, as `transformers.pipeline` does.

    Parameters
    ----------
    task : str, optional
        "text-classification" (or "sentiment-analysis"), "token-classification" (or "ner"),
        "fill-mask", "question-answering", "zero-shot-classification" or
        "feature-extraction".  By default the task of the model's head.
    model : str, Path or model, optional
        A folder, a bundled name ("mini"), a hub id, or a loaded model.  By default, for
        text-classification alone, the sentiment model that transformers has as its default,
        at a fixed commit.
    tokenizer : str, Path or Tokenizer, optional
        By default the one in the model's folder.
    revision, cache_dir, local_files_only, token
        As in huggingface_hub; see `npbert.checkpoints.hub.resolve`.
    top_k : int or None
        Of text-classification: how many labels to return for each text; None for all.
    function_to_apply : "softmax", "sigmoid" or "none", optional
        Of text-classification: from logits to scores.  By default none for regression,
        sigmoid for several labels a text or a single label, else softmax.
    long_text : "error", "truncate" or "window", optional
        What to do with a text of more tokens than the model can read ("error").  "window",
        of text-classification: read it whole, in windows that overlap.
    truncation : bool or str, optional
        True is ``long_text="truncate"``; a str is the tokenizer's strategy for pairs.
    max_length : int, optional
        Most tokens of a text; given alone, longer ones are cut.
    batch_size : int, optional
        Most texts in a pack, and most that are read ahead of a stream; 1 answers each text
        before it asks for the next.  It changes nothing but memory and speed.
    padding : bool or str, optional
        Nothing is ever padded; but `max_length` beside it does not cut, as in the tokenizer.
    threads : int, optional
        Most threads that compute at a time.  By default the processors that this process
        may use, by its affinity and the quota of its control group.
    **options
        The last eight, those of the call of other tasks' pipelines, and keywords of ported
        code that change nothing here: `device`, `dtype`, `torch_dtype`, `framework`,
        `num_workers`, `use_fast`.

    Returns
    -------
    Pipeline

    Raises
    ------
    OSError
        If the model cannot be found or fetched.
    TypeError
        If a keyword is unknown.
    ValueError
        If an argument cannot be honoured, or the model's files cannot be used.

    Warns
    -----
    UserWarning
        If no model was named.
    """
    if task is None and model is None:
        raise ValueError("neither task nor model is given; try pipeline('sentiment-analysis')")
    if task is not None and task not in TASKS:
        raise ValueError(f"task is {task!r}, expected one of: {', '.join(TASKS)}")
    where: dict[str, Any] = {
        "cache_dir": cache_dir,
        "local_files_only": local_files_only,
        "token": token,
    }
    if task is not None:
        task = _OTHER_NAMES.get(task, task)
        check_options(task, options, "pipeline()")
    if model is None:
        assert task is not None
        model, revision = _default(task, revision)
    if task is None:
        task = _task_of(model, revision, where)
        check_options(task, options, "pipeline()")
    found = _TASKS[task]
    model_class = getattr(auto, found.model)
    if isinstance(model, PreTrainedModel):
        if not isinstance(model, model_class):
            raise ValueError(
                f"model is a {type(model).__name__}, expected a {found.model} for {task}"
            )
        if tokenizer is None:
            raise ValueError(
                "model is a loaded model, so its tokenizer is needed: pipeline(…, tokenizer=…)"
            )
        loaded = model
    else:
        # Both from one folder, so from one commit, even if somebody pushes in between.
        check = DistilBertConfig.from_json_file
        folder = ModelSource(model, revision, **where).resolve(check_config=check)
        loaded = model_class.from_pretrained(folder)
        tokenizer = folder if tokenizer is None else tokenizer
    if not isinstance(tokenizer, Tokenizer):
        tokenizer = AutoTokenizer.from_pretrained(tokenizer, **where)
    return _pipeline_class(found)(loaded, tokenizer, **options)


_PIPELINE_NAMES: Final = tuple(set(pipeline.__annotations__) - {"options", "return"})


def classify(
    texts: Any,
    model: str | Path | None = None,
    *,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
    token: str | bool | None = None,
    **options: Any,
) -> Any:
    """Label texts in one call; the model stays loaded for the next one.

    Parameters
    ----------
    texts : str, dict, list or iterator
        See `TextClassificationPipeline`.
    model : str or Path, optional
        A folder, a bundled name ("mini"), or a hub id; by default the one of `pipeline`.
    revision, cache_dir, local_files_only, token
        As in huggingface_hub; see `npbert.checkpoints.hub.resolve`.
    **options
        `top_k`, `function_to_apply`, `long_text`, `truncation`, `max_length`,
        `batch_size`, `threads`: see `pipeline`.

    Returns
    -------
    list, dict or iterator
        See `TextClassificationPipeline`: a str gives ``[{"label": …, "score": …}]``, a list
        one dict a text.

    Raises
    ------
    OSError, TypeError, ValueError
        As `pipeline` and its result do.
    """
    check_options("text-classification", options, "classify()")
    classifier = loaded_classifier(model, revision, cache_dir, local_files_only, token)
    return classifier(texts, **options)


def loaded_classifier(
    model: str | Path | None = None,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
    token: str | bool | None = None,
) -> Any:
    """The pipeline that this process has for a model: loaded once, whoever asks."""
    if isinstance(model, (str, Path)):
        model = ModelSource(model).anchored().model
    with _loading:
        return _loaded(model, revision, cache_dir, local_files_only, token, _fingerprint(model))


_loading: Final = Lock()  # lru_cache alone would load twice for two threads


@lru_cache(maxsize=2)
def _loaded(
    model: str | Path | None,
    revision: str | None,
    cache_dir: str | Path | None,
    local_files_only: bool,
    token: str | bool | None,
    fingerprint: object,  # noqa: ARG001 - part of the key of the cache
) -> Pipeline:
    return pipeline(  # type: ignore[no-any-return]
        "text-classification",
        model,
        revision=revision,
        cache_dir=cache_dir,
        local_files_only=local_files_only,
        token=token,
    )


def _fingerprint(model: object) -> object:
    """Changes when the files of a local folder do, so that no stale model answers."""
    if not isinstance(model, str):
        return None
    folder = Path(model)
    if not folder.is_dir():
        return None
    entries = [(entry.name, entry.stat()) for entry in os.scandir(folder)]
    return tuple(sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in entries))


def _pipeline_class(task: _Task) -> type[Pipeline]:
    module = import_module(f"npbert.pipelines.{task.module}")
    found: type[Pipeline] = getattr(module, task.pipeline)
    return found


def check_options(task: str, options: dict[str, Any], function: str) -> None:
    """Refuse wrong options before anything is loaded."""
    found = _pipeline_class(_TASKS[task])
    found.options_class(**found.checked_options(options, function, _PIPELINE_NAMES))


def _default(task: str, revision: str | None) -> tuple[str, str]:
    """The model for those who name none, and its commit."""
    if task != "text-classification":
        raise ValueError(f"model is missing: {task} has no default model; name one")
    revision = revision or DEFAULT_REVISION
    warnings.warn(
        f"no model was named; using {DEFAULT_MODEL} at revision {revision[:7]}. Name one to be "
        "sure of it",
        stacklevel=3,
    )
    return DEFAULT_MODEL, revision


def _task_of(model: Any, revision: str | None, where: dict[str, Any]) -> str:
    """The task of a model's head, by its class or by what config.json calls it."""
    if isinstance(model, PreTrainedModel):
        heads = [type(model).__name__]
    else:
        config = DistilBertConfig.from_pretrained(model, revision=revision, **where)
        heads = list(config.architectures or ())
    for name, task in _TASKS.items():
        if task.model in heads:
            return name
    raise ValueError(
        f"task is missing, and the model is a {', '.join(heads) or 'model of unknown kind'}; "
        f"name one of: {', '.join(TASKS)}"
    )
