"""`pipeline()` and `classify()`: from a task's name and a model to results."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Unpack, cast, overload

from npbert.arguments import NOT_GIVEN, Indexed, NotGiven
from npbert.checkpoints.config import DistilBertConfig
from npbert.checkpoints.hub import (
    DEFAULT_MODEL,
    DEFAULT_REVISION,
    HUB_OPTIONS,
    HubOptions,
    ModelSource,
    split_hub_options,
)
from npbert.models import heads
from npbert.models.base import PreTrainedModel
from npbert.pipelines.base import AnyModel, Pipeline
from npbert.pipelines.options import Options
from npbert.pipelines.results import LabelScore, TextInput, TextInputs, TextPair
from npbert.pipelines.text_classification import (
    TextClassificationCallOptions,
    TextClassificationOptions,
    TextClassificationPipeline,
    as_list_for_one,
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

_TOKENIZER_NEEDED: Final = (
    "model is a loaded model, so its tokenizer is needed: pipeline(…, tokenizer=…)"
)

_TextClassification = Literal["text-classification", "sentiment-analysis"]
_TokenClassification = Literal["token-classification", "ner"]
_TokenizerArgument = str | Path | Tokenizer | None


# The options of each task when its pipeline is made: those of a call, and those of the hub.
class _TextClassificationArguments(TextClassificationCallOptions, HubOptions, total=False): ...


if TYPE_CHECKING:

    class _TokenClassificationArguments(
        TokenClassificationCallOptions, HubOptions, total=False
    ): ...

    class _FillMaskArguments(FillMaskCallOptions, HubOptions, total=False): ...

    class _QuestionAnsweringArguments(QuestionAnsweringCallOptions, HubOptions, total=False): ...

    class _ZeroShotArguments(ZeroShotCallOptions, HubOptions, total=False): ...

    class _FeatureExtractionArguments(FeatureExtractionCallOptions, HubOptions, total=False): ...

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
    tokenizer: str | Path | Tokenizer | None = None,
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
    tokenizer : str, Path or Tokenizer, optional
        By default it is the tokenizer in the model's folder.
    **options
        `revision`, `cache_dir`, `local_files_only` and `token`, as in huggingface_hub (see
        `HubOptions`); and all options of the task's call, which then count for every call. See
        `CallOptions` for the options that every task has, and the class of the task's pipeline for
        the others. Keywords of ported code that change nothing here are accepted too: see
        `PortedOptions`.

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
    if task is not None:
        if task not in TASKS:
            raise ValueError(f"task is {task!r}, expected one of: {', '.join(TASKS)}")
        task = _OTHER_NAMES.get(task, task)
    elif model is not None:
        task = _task_of(model, of_hub)
    else:
        raise ValueError("neither task nor model is given; try pipeline('sentiment-analysis')")
    read_options = _read_options(task, given)  # before anything is downloaded or loaded
    found = _TASKS[task]
    if isinstance(model, PreTrainedModel):
        if not isinstance(model, getattr(heads, found.model)):
            raise ValueError(
                f"model is a {type(model).__name__}, expected a {found.model} for {task}"
            )
        if tokenizer is None:
            raise ValueError(_TOKENIZER_NEEDED)
        loaded = model
    else:
        source = _source_of(model, task, of_hub)
        if model is None:
            _warn_of_default(source, stacklevel=3)
        # The model and the tokenizer are read from one folder. So they come from one commit, even
        # if somebody pushes to the repository in between.
        folder = source.resolve(check_config=DistilBertConfig.from_json_file)
        loaded = getattr(heads, found.model).from_pretrained(folder)
        tokenizer = folder if tokenizer is None else tokenizer
    if not isinstance(tokenizer, Tokenizer):
        of_hub.pop("revision", None)  # it is the revision of the model
        tokenizer = AutoTokenizer.from_pretrained(tokenizer, **of_hub)
    return _pipeline_class(task)(loaded, tokenizer, checked_options=read_options)


@overload
def classify(
    texts: str,
    model: str | Path | None = ...,
    *,
    top_k: int | None = ...,
    **options: Unpack[_TextClassificationArguments],
) -> list[LabelScore]: ...
@overload
def classify(
    texts: TextPair | Mapping[str, str],
    model: str | Path | None = ...,
    **options: Unpack[_TextClassificationArguments],
) -> LabelScore: ...
@overload
def classify(
    texts: TextPair | Mapping[str, str],
    model: str | Path | None = ...,
    *,
    top_k: int | None,
    **options: Unpack[_TextClassificationArguments],
) -> list[LabelScore]: ...
@overload
def classify(
    texts: TextInputs,
    model: str | Path | None = ...,
    **options: Unpack[_TextClassificationArguments],
) -> list[LabelScore]: ...
@overload
def classify(
    texts: TextInputs,
    model: str | Path | None = ...,
    *,
    top_k: int | None,
    **options: Unpack[_TextClassificationArguments],
) -> list[list[LabelScore]]: ...
@overload
def classify(
    texts: Iterable[TextInput] | Indexed[TextInput],
    model: str | Path | None = ...,
    **options: Unpack[_TextClassificationArguments],
) -> Iterator[LabelScore]: ...
@overload
def classify(
    texts: Iterable[TextInput] | Indexed[TextInput],
    model: str | Path | None = ...,
    *,
    top_k: int | None,
    **options: Unpack[_TextClassificationArguments],
) -> Iterator[list[LabelScore]]: ...


def classify(
    texts: object,
    model: str | Path | None = None,
    *,
    top_k: int | NotGiven | None = NOT_GIVEN,
    **options: Unpack[_TextClassificationArguments],
) -> Any:
    """Label texts in one call; the model stays loaded for the next call.

    Parameters
    ----------
    texts : str, dict, list or iterator
        A text; a pair ``{"text": …, "text_pair": …}``; several of these, as a list, a tuple, an
        array or a column; or an iterator over them.
    model : str or Path, optional
        A folder, a bundled name ("mini"), or a hub id. The default is that of `pipeline`.
    top_k : int or None, optional
        How many labels to return for each text, best first; None returns all of them.
    **options
        `revision`, `cache_dir`, `local_files_only` and `token`, as in huggingface_hub (see
        `HubOptions`), and the options of text-classification (see
        `TextClassificationCallOptions` and `CallOptions`).

    Returns
    -------
    list, dict or iterator
        A str gives ``[{"label": …, "score": …}]``, and a list gives one such dict per text. For
        other inputs, and for `top_k`, see `TextClassificationPipeline`.

    Raises
    ------
    OSError
        If the model cannot be found or fetched.
    TypeError
        If an input is not a text, or a keyword is unknown.
    ValueError
        If an option or a text cannot be honoured, or the model's files cannot be used.

    Warns
    -----
    UserWarning
        If no model was named, so that the default is loaded; or if texts were cut.
    """
    of_hub, given = split_hub_options(options)
    call_options = TextClassificationOptions.read(
        {**given, "top_k": top_k}, "classify()", _CLASSIFY_NAMES
    )
    if isinstance(model, PreTrainedModel):
        raise ValueError(_TOKENIZER_NEEDED)
    source = _source_of(model, "text-classification", of_hub)
    classifier = loaded_classifier(source, is_named=model is not None)
    result = classifier._answer(texts, call_options)
    return as_list_for_one(result, texts, top_k)


_CLASSIFY_NAMES: Final = ("texts", "model", *HUB_OPTIONS)
_PIPELINE_NAMES: Final = ("task", "model", "tokenizer", *HUB_OPTIONS)


def loaded_classifier(source: ModelSource, is_named: bool = True) -> TextClassifier:
    """Return the pipeline that labels texts with a model; this process loads it only once.

    Parameters
    ----------
    source : ModelSource
    is_named : bool
        Whether the user has named the model.

    Returns
    -------
    TextClassificationPipeline

    Raises
    ------
    OSError
        If the model cannot be found or fetched.
    ValueError
        If the model's files cannot be used.

    Warns
    -----
    UserWarning
        If the model is loaded, and the user has not named it.
    """
    source = source.anchored()
    with _loading:
        return _loaded(source, is_named, _fingerprint(source))


_loading: Final = Lock()  # lru_cache alone would load a model twice for two threads


@lru_cache(maxsize=2)
def _loaded(
    source: ModelSource,
    is_named: bool,
    fingerprint: object,  # noqa: ARG001 - a part of the key of the cache
) -> TextClassifier:
    if not is_named:
        _warn_of_default(source, stacklevel=5)  # the caller of `classify`
    of_hub = asdict(source)
    return cast("TextClassifier", pipeline("text-classification", of_hub.pop("model"), **of_hub))


def _fingerprint(source: ModelSource) -> object:
    """Return a value that changes with the files of a folder, so that changed files are loaded."""
    folder = Path(source.model)
    if not folder.is_dir():
        return None
    entries = [(entry.name, entry.stat()) for entry in os.scandir(folder)]
    return tuple(sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in entries))


def _pipeline_class(task: str) -> type[AnyPipeline]:
    module = import_module(f"npbert.pipelines.{_TASKS[task].module}")
    found: type[AnyPipeline] = getattr(module, _TASKS[task].pipeline)
    return found


def _read_options(task: str, given: Mapping[str, object]) -> Options:
    return _pipeline_class(task).options_class.read(given, "pipeline()", _PIPELINE_NAMES)


def _source_of(model: str | Path | None, task: str, of_hub: HubOptions) -> ModelSource:
    return _default_source(task, of_hub) if model is None else ModelSource(model, **of_hub)


def _default_source(task: str, of_hub: HubOptions) -> ModelSource:
    """Return the model that is used if the caller names none, at a fixed commit."""
    if task != "text-classification":
        raise ValueError(f"model is missing: {task} has no default model; name one")
    source = ModelSource(DEFAULT_MODEL, **of_hub)
    return replace(source, revision=source.revision or DEFAULT_REVISION)


def _warn_of_default(source: ModelSource, stacklevel: int) -> None:
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
