"""`pipeline()`: from a task's name and a model to a pipeline."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Unpack, overload

from npbert.checkpoints.config import DistilBertConfig
from npbert.checkpoints.sources import (
    DEFAULT_MODEL,
    DEFAULT_REVISION,
    HUB_OPTIONS,
    HubOptions,
    ModelSource,
    elsewhere,
    split_hub_options,
)
from npbert.models import heads
from npbert.models.base import PreTrainedModel
from npbert.pipelines.base import AnyModel, Pipeline
from npbert.pipelines.components import reject_other_packages
from npbert.pipelines.options import Options
from npbert.pipelines.results import LabelScore
from npbert.pipelines.text_classification import (
    TextClassificationCallOptions,
    TextClassificationPipeline,
)
from npbert.tokenization.tokenizer import AutoTokenizer, Tokenizer

if TYPE_CHECKING:  # a task's module is imported when the task is wanted
    from npbert.distilbert.activations import Array
    from npbert.pipelines.feature_extraction import (
        FeatureExtractionCallOptions,
        FeatureExtractionPipeline,
    )
    from npbert.pipelines.fill_mask import FillMaskCallOptions, FillMaskPipeline
    from npbert.pipelines.question_answering import (
        Answers,
        QuestionAnsweringCallOptions,
        QuestionAnsweringPipeline,
    )
    from npbert.pipelines.results import Entity
    from npbert.pipelines.token_classification import (
        GroupingStrategy,
        TokenClassificationCallOptions,
        TokenClassificationPipeline,
    )
    from npbert.pipelines.zero_shot_classification import (
        ZeroShotCallOptions,
        ZeroShotClassificationPipeline,
    )

AnyPipeline = Pipeline[Any, Any, Any]  # a pipeline of any task
TextClassifier = TextClassificationPipeline[LabelScore]


class _Task(NamedTuple):
    """The names of a task's module, of its pipeline's class, and of its model's class."""

    module: str
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

TOKENIZER_NEEDED: Final = (
    "model is a loaded model, so its tokenizer is needed: pipeline(…, tokenizer=…)"
)

_TextClassification = Literal["text-classification", "sentiment-analysis"]
_TokenClassification = Literal["token-classification", "ner"]
_TokenizerArgument = str | Path | Tokenizer | tuple[str | Path, Mapping[str, Any]] | None


class _LoadingArguments(HubOptions, total=False):
    """What says how the model is loaded."""

    config: str | Path | DistilBertConfig | None
    model_kwargs: Mapping[str, Any] | None


class TextClassificationArguments(TextClassificationCallOptions, HubOptions, total=False):
    """The options of `classify`: those of a call of the pipeline, and those of the hub."""


# The options of each task when its pipeline is made: those of a call, and those of loading.
class _TextClassificationArguments(TextClassificationArguments, _LoadingArguments, total=False): ...


if TYPE_CHECKING:

    class _TokenClassificationArguments(
        TokenClassificationCallOptions, _LoadingArguments, total=False
    ): ...

    class _FillMaskArguments(FillMaskCallOptions, _LoadingArguments, total=False): ...

    class _QuestionAnsweringArguments(
        QuestionAnsweringCallOptions, _LoadingArguments, total=False
    ): ...

    class _ZeroShotArguments(ZeroShotCallOptions, _LoadingArguments, total=False): ...

    class _FeatureExtractionArguments(
        FeatureExtractionCallOptions, _LoadingArguments, total=False
    ): ...

    class _AnyTaskArguments(
        _TextClassificationArguments,
        _TokenClassificationArguments,
        _FillMaskArguments,  # whose `top_k` is also that of the other tasks
        _QuestionAnsweringArguments,
        _ZeroShotArguments,
        _FeatureExtractionArguments,
        total=False,
    ):
        aggregation_strategy: str | None
        return_tensors: bool | str | None


@overload
def pipeline(
    task: _TextClassification,
    model: str | Path | heads.DistilBertForSequenceClassification | None = ...,
    *,
    tokenizer: _TokenizerArgument = ...,
    **options: Unpack[_TextClassificationArguments],
) -> TextClassificationPipeline[LabelScore]: ...
@overload
def pipeline(
    task: _TextClassification,
    model: str | Path | heads.DistilBertForSequenceClassification | None = ...,
    *,
    tokenizer: _TokenizerArgument = ...,
    top_k: int | None,
    **options: Unpack[_TextClassificationArguments],
) -> TextClassificationPipeline[list[LabelScore]]: ...
@overload
def pipeline(
    task: _TokenClassification,
    model: str | Path | heads.DistilBertForTokenClassification,
    *,
    tokenizer: _TokenizerArgument = ...,
    aggregation_strategy: Literal["none"] = ...,
    **options: Unpack[_TokenClassificationArguments],
) -> TokenClassificationPipeline: ...
@overload
def pipeline(
    task: _TokenClassification,
    model: str | Path | heads.DistilBertForTokenClassification,
    *,
    tokenizer: _TokenizerArgument = ...,
    aggregation_strategy: GroupingStrategy,
    **options: Unpack[_TokenClassificationArguments],
) -> TokenClassificationPipeline[Entity]: ...
@overload
def pipeline(
    task: Literal["fill-mask"],
    model: str | Path | heads.DistilBertForMaskedLM,
    *,
    tokenizer: _TokenizerArgument = ...,
    **options: Unpack[_FillMaskArguments],
) -> FillMaskPipeline: ...
@overload
def pipeline(
    task: Literal["question-answering"],
    model: str | Path | heads.DistilBertForQuestionAnswering,
    *,
    tokenizer: _TokenizerArgument = ...,
    **options: Unpack[_QuestionAnsweringArguments],
) -> QuestionAnsweringPipeline: ...
@overload
def pipeline(
    task: Literal["question-answering"],
    model: str | Path | heads.DistilBertForQuestionAnswering,
    *,
    tokenizer: _TokenizerArgument = ...,
    top_k: int,
    **options: Unpack[_QuestionAnsweringArguments],
) -> QuestionAnsweringPipeline[Answers]: ...
@overload
def pipeline(
    task: Literal["zero-shot-classification"],
    model: str | Path | heads.DistilBertForSequenceClassification,
    *,
    tokenizer: _TokenizerArgument = ...,
    **options: Unpack[_ZeroShotArguments],
) -> ZeroShotClassificationPipeline: ...
@overload
def pipeline(
    task: Literal["feature-extraction"],
    model: str | Path | heads.DistilBertModel,
    *,
    tokenizer: _TokenizerArgument = ...,
    return_tensors: Literal[False] | None = ...,
    **options: Unpack[_FeatureExtractionArguments],
) -> FeatureExtractionPipeline: ...
@overload
def pipeline(
    task: Literal["feature-extraction"],
    model: str | Path | heads.DistilBertModel,
    *,
    tokenizer: _TokenizerArgument = ...,
    return_tensors: Literal[True, "np"],
    **options: Unpack[_FeatureExtractionArguments],
) -> FeatureExtractionPipeline[Array]: ...
@overload
def pipeline(
    task: str | None = ...,
    model: str | Path | AnyModel | None = ...,
    *,
    tokenizer: _TokenizerArgument = ...,
    **options: Unpack[_AnyTaskArguments],
) -> AnyPipeline: ...


def pipeline(
    task: str | None = None,
    model: str | Path | AnyModel | None = None,
    *,
    config: str | Path | DistilBertConfig | None = None,
    tokenizer: _TokenizerArgument = None,
    model_kwargs: Mapping[str, Any] | None = None,
    **options: Any,
) -> AnyPipeline:
    """Make a pipeline, as `transformers.pipeline` does.

    Parameters
    ----------
    task : str, optional
        "text-classification" (or "sentiment-analysis"), "token-classification" (or "ner"),
        "fill-mask", "question-answering", "zero-shot-classification" or "feature-extraction". By
        default it is the task that the model's head is for.
    model : str, Path or model, optional
        A folder, a bundled name ("mini"), a hub id, or a loaded model. For text-classification,
        the default is the sentiment model that transformers also has as its default, at a fixed
        commit. The other tasks have no default.
    config : str, Path or DistilBertConfig, optional
        The config to use in place of the model's config.json, or the name of a model that has it.
    tokenizer : str, Path, Tokenizer or tuple, optional
        By default it is the tokenizer in the model's folder. A tuple is a name, and a dict of
        keyword arguments for `Tokenizer.from_pretrained`.
    model_kwargs : dict, optional
        Further keyword arguments for the `from_pretrained` of the model's class, and of these
        those of `HubOptions` for the tokenizer too.
    **options
        `revision`, `subfolder`, `variant`, `cache_dir`, `local_files_only`, `token` and
        `disable_mmap` (see `HubOptions`); and all options of the task's call, which then
        count for every call. See `CallOptions` for the options that every task has, and the class
        of the task's pipeline for the others. Keywords of ported code that change nothing here
        are accepted too: see `PortedOptions`.

    Returns
    -------
    Pipeline
        An instance of the task's class.

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
        If no model was named, so that the default is used.
    """
    of_hub, given = split_hub_options(options)
    of_hub, for_model = _merge(of_hub, model_kwargs)
    if task is not None:
        if task not in TASKS:
            raise ValueError(f"task is {task!r}, expected one of: {', '.join(TASKS)}")
        task = _OTHER_NAMES.get(task, task)
    elif model is not None:
        task = _task_of(model, of_hub)
    else:
        raise ValueError("neither task nor model is given; try pipeline('sentiment-analysis')")
    _read_options(task, given)  # before anything is downloaded or loaded
    found = _TASKS[task]
    if isinstance(model, PreTrainedModel):
        if not isinstance(model, getattr(heads, found.model)):
            raise ValueError(
                f"model is a {type(model).__name__}, expected a {found.model} for {task}"
            )
        if tokenizer is None:
            raise ValueError(TOKENIZER_NEEDED)
        if config is not None or for_model:
            name = "config" if config is not None else "model_kwargs"
            raise ValueError(
                f"{name} is given, but the model is loaded already; give {name} when it is loaded"
            )
        loaded = model
    else:
        reject_other_packages("model", model)
        reject_other_packages("config", config)
        source = source_of(model, task, of_hub)
        if model is None:
            warn_of_default(source, stacklevel=3)
        # The model and the tokenizer are read from one folder. So they come from one commit, even
        # if somebody pushes to the repository in between.
        folder = source.resolve(check_config=DistilBertConfig.from_json_file)
        loaded = getattr(heads, found.model).from_pretrained(
            folder,
            config=config,
            variant=source.variant,
            disable_mmap=source.disable_mmap,
            **for_model,
        )
        tokenizer = folder if tokenizer is None else tokenizer
    if not isinstance(tokenizer, Tokenizer):
        reject_other_packages("tokenizer", tokenizer)
        if isinstance(tokenizer, tuple):
            if len(tokenizer) != 2 or not isinstance(tokenizer[1], Mapping):
                raise TypeError(
                    f"tokenizer is {tokenizer!r}, expected a name, or a tuple of a name and a dict "
                    'of settings, such as ("folder", {"do_lower_case": False})'
                )
            by_name, settings = tokenizer
        else:
            by_name, settings = tokenizer, {}
        for_tokenizer: dict[str, Any] = {**elsewhere(of_hub), **settings}
        tokenizer = AutoTokenizer.from_pretrained(by_name, **for_tokenizer)
    return _pipeline_class(task)(loaded, tokenizer, **given)


def _merge(
    of_hub: HubOptions, model_kwargs: Mapping[str, Any] | None
) -> tuple[HubOptions, dict[str, Any]]:
    """Return the options of the hub from both places, and the other items of `model_kwargs`."""
    more, others = split_hub_options(model_kwargs or {})
    twice = sorted(of_hub.keys() & more.keys())
    if twice:
        raise ValueError(f"{twice[0]} is given twice, alone and in model_kwargs; give it once")
    return of_hub | more, others


_PIPELINE_NAMES: Final = ("task", "model", "config", "tokenizer", "model_kwargs", *HUB_OPTIONS)


def _pipeline_class(task: str) -> type[AnyPipeline]:
    module = import_module(f"npbert.pipelines.{_TASKS[task].module}")
    found: type[AnyPipeline] = getattr(module, _TASKS[task].pipeline)
    return found


def _read_options(task: str, given: Mapping[str, object]) -> Options:
    return _pipeline_class(task).options_class.read(given, "pipeline()", _PIPELINE_NAMES)


def source_of(model: str | Path | None, task: str, of_hub: HubOptions) -> ModelSource:
    """Return where a model comes from; without a name, it is the default model of the task."""
    return _default_source(task, of_hub) if model is None else ModelSource(model, **of_hub)


def _default_source(task: str, of_hub: HubOptions) -> ModelSource:
    """Return the model that is used if the caller names none, at a fixed commit."""
    if task != "text-classification":
        raise ValueError(f"model is missing: {task} has no default model; name one")
    source = ModelSource(DEFAULT_MODEL, **of_hub)
    return replace(source, revision=source.revision or DEFAULT_REVISION)


def warn_of_default(source: ModelSource, stacklevel: int) -> None:
    """Warn the user that no model was named."""
    warnings.warn(
        f"no model was named; using {source.model} at revision {str(source.revision)[:7]}. Name "
        "a model to be sure which one is used",
        stacklevel=stacklevel,
    )


def _task_of(model: str | Path | AnyModel, of_hub: HubOptions) -> str:
    """Return the task of a model's head, by its class or by what config.json calls it."""
    if isinstance(model, PreTrainedModel):
        names = [type(model).__name__]
    else:
        config = DistilBertConfig.from_pretrained(model, **of_hub)
        names = list(config.architectures or ())
    for name, task in _TASKS.items():
        if task.model in names:
            return name
    raise ValueError(
        f"task is missing, and the model is a {', '.join(names) or 'model of unknown kind'}; "
        f"name the task, one of: {', '.join(TASKS)}"
    )
