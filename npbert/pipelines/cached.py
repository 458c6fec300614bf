"""`classify()`: labels in one call, by a pipeline that stays loaded for the next call."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Final, Unpack, cast, overload

from npbert.arguments import NOT_GIVEN, Indexed, NotGiven
from npbert.checkpoints.mapped_files import FileState
from npbert.checkpoints.sources import HUB_OPTIONS, ModelSource, split_hub_options
from npbert.models.base import PreTrainedModel
from npbert.pipelines.factory import (
    TOKENIZER_NEEDED,
    TextClassificationArguments,
    pipeline,
    source_of,
    warn_of_default,
)
from npbert.pipelines.results import LabelScore, TextInput, TextInputs, TextPair
from npbert.pipelines.text_classification import (
    TextClassificationOptions,
    TextClassificationPipeline,
    as_list_for_one,
)

TextClassifier = TextClassificationPipeline[LabelScore]


@overload
def classify(
    texts: str,
    model: str | Path | None = ...,
    *,
    top_k: int | None = ...,
    **options: Unpack[TextClassificationArguments],
) -> list[LabelScore]: ...
@overload
def classify(
    texts: TextPair | Mapping[str, str],
    model: str | Path | None = ...,
    **options: Unpack[TextClassificationArguments],
) -> LabelScore: ...
@overload
def classify(
    texts: TextPair | Mapping[str, str],
    model: str | Path | None = ...,
    *,
    top_k: int | None,
    **options: Unpack[TextClassificationArguments],
) -> list[LabelScore]: ...
@overload
def classify(
    texts: TextInputs,
    model: str | Path | None = ...,
    **options: Unpack[TextClassificationArguments],
) -> list[LabelScore]: ...
@overload
def classify(
    texts: TextInputs,
    model: str | Path | None = ...,
    *,
    top_k: int | None,
    **options: Unpack[TextClassificationArguments],
) -> list[list[LabelScore]]: ...
@overload
def classify(
    texts: Iterable[TextInput] | Indexed[TextInput],
    model: str | Path | None = ...,
    **options: Unpack[TextClassificationArguments],
) -> Iterator[LabelScore]: ...
@overload
def classify(
    texts: Iterable[TextInput] | Indexed[TextInput],
    model: str | Path | None = ...,
    *,
    top_k: int | None,
    **options: Unpack[TextClassificationArguments],
) -> Iterator[list[LabelScore]]: ...


def classify(
    texts: object,
    model: str | Path | None = None,
    *,
    top_k: int | NotGiven | None = NOT_GIVEN,
    **options: Unpack[TextClassificationArguments],
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
        `revision`, `subfolder`, `variant`, `cache_dir`, `local_files_only`, `token` and
        `disable_mmap` (see `HubOptions`), and the options of text-classification (see
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
        raise ValueError(TOKENIZER_NEEDED)
    source = source_of(model, "text-classification", of_hub)
    classifier = loaded_classifier(source, is_named=model is not None)
    result = classifier._answer(texts, call_options)
    return as_list_for_one(result, texts, top_k)


_CLASSIFY_NAMES: Final = ("texts", "model", *HUB_OPTIONS)


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


_loading = Lock()  # lru_cache alone would load a model twice for two threads


def _renew_lock() -> None:
    global _loading
    _loading = Lock()


if hasattr(os, "register_at_fork"):  # in the new process, no other thread loads a model
    os.register_at_fork(after_in_child=_renew_lock)


@lru_cache(maxsize=2)
def _loaded(
    source: ModelSource,
    is_named: bool,
    fingerprint: object,  # noqa: ARG001 - a part of the key of the cache
) -> TextClassifier:
    if not is_named:
        warn_of_default(source, stacklevel=5)  # the caller of `classify`
    of_hub = asdict(source)
    return cast("TextClassifier", pipeline("text-classification", of_hub.pop("model"), **of_hub))


def _fingerprint(source: ModelSource) -> object:
    """Return a value that changes with the files of a folder, so that changed files are loaded."""
    folder = Path(source.model) / source.folder_inside
    if not folder.is_dir():
        return None
    return tuple(sorted((entry.name, FileState.of(entry.stat())) for entry in os.scandir(folder)))
