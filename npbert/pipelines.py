"""Texts in, labels out: `pipeline()` and `classify()`, with the result shapes of transformers."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from npbert.arguments import (
    HARMLESS_NAMES,
    as_list,
    check_count,
    check_text,
    reject_unknown,
    take_harmless,
)
from npbert.auto import AutoModelForSequenceClassification, DistilBertForSequenceClassification
from npbert.batching import TokenizedText, check_tokens, packs_of
from npbert.config import DistilBertConfig
from npbert.hub import DEFAULT_MODEL, DEFAULT_REVISION
from npbert.model import Array
from npbert.outputs import sigmoid, softmax
from npbert.threads import available_cpus, run
from npbert.tokenizer import AutoTokenizer, Tokenizer

TASKS: Final = ("text-classification", "sentiment-analysis")
LONG_TEXTS: Final = ("error", "truncate")

# Texts are worked on in chunks.  The first is one text, so that the first result of a slow
# stream comes at once; then they double, up to enough work for every thread.
_CHUNK_TEXTS: Final = 1024
_CHUNK_CHARACTERS: Final = 128_000

_FUNCTIONS: Final[dict[str, Callable[[Array], Array]]] = {
    "softmax": softmax,
    "sigmoid": sigmoid,
    "none": lambda logits: logits,
}

Result = dict[str, Any]  # {"label": str, "score": float}
Inputs = str | tuple[str, str]  # one text, or a pair
_NOT_GIVEN: Final = object()  # None is a meaning of its own for top_k: all labels


@dataclass(frozen=True)
class _Options:
    """How to label.  The arguments are described at `pipeline`."""

    top_k: Any = _NOT_GIVEN
    function_to_apply: str | None = None
    truncation: bool | str | None = None
    max_length: int | None = None
    long_text: str | None = None
    batch_size: int | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.top_k is not _NOT_GIVEN and self.top_k is not None:
            check_count("top_k", self.top_k)
        for name in ("max_length", "batch_size", "threads"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name))
        function = self.function_to_apply
        if function is not None and str(function).lower() not in _FUNCTIONS:
            raise ValueError(
                f"function_to_apply is {function!r}, expected one of: {', '.join(_FUNCTIONS)}"
            )
        if self.long_text not in (None, *LONG_TEXTS):
            raise ValueError(
                f"long_text is {self.long_text!r}, expected one of: {', '.join(LONG_TEXTS)}"
            )
        if (
            self.long_text is not None
            and self.truncation is not None
            and bool(self.truncation) != (self.long_text == "truncate")
        ):
            raise ValueError(
                f"truncation={self.truncation!r} and long_text={self.long_text!r} contradict "
                "each other; give one of them"
            )

    def updated(self, given: Mapping[str, Any]) -> _Options:
        """These options with those of one call in their place."""
        # The two names of one choice: the call's word counts, whichever it uses.
        if given.keys() & {"truncation", "long_text"}:
            given = {"truncation": None, "long_text": None, **given}
        return replace(self, **given)

    @property
    def cut(self) -> bool | str:
        """The tokenizer's `truncation`: False where a long text is an error."""
        if self.truncation is not None:
            return self.truncation
        if self.long_text is not None:
            return self.long_text == "truncate"
        return self.max_length is not None  # as in the tokenizer


_OPTION_NAMES: Final = tuple(_Options.__dataclass_fields__)


class TextClassificationPipeline:
    """Tokenizer, model and labels in one call.  Made by `pipeline`.

    Threads can share one.

    Attributes
    ----------
    model : DistilBertForSequenceClassification
    tokenizer : Tokenizer
    """

    task = "text-classification"

    def __init__(
        self,
        model: DistilBertForSequenceClassification,
        tokenizer: Tokenizer,
        **options: Any,
    ) -> None:
        reject_unknown(type(self).__name__, options.keys() - {*_OPTION_NAMES}, _OPTION_NAMES)
        self.model = model
        self.tokenizer = tokenizer
        self._options = _Options(**options)

    def __call__(self, inputs: Any, **options: Any) -> Any:
        """Label texts.

        Parameters
        ----------
        inputs : str, dict, list or iterator
            A text; a pair ``{"text": …, "text_pair": …}``; several of these, as a list,
            tuple, array or column; or an iterator over them.
        **options
            `top_k`, `function_to_apply`, `truncation`, `max_length`, `long_text`,
            `batch_size`, `threads`: as in `pipeline`, for this call.

        Returns
        -------
        list, dict or iterator
            With ``d = {"label": str, "score": float}``: a str gives ``[d]``, a pair ``d``,
            a list ``[d, …]``, an iterator a lazy iterator of ``d``, which reads ahead by at
            most 1024 texts.  With `top_k`, even None, a list ``[d, …]``, best first, stands
            in place of each ``d``; a str then gives that list itself.

        Raises
        ------
        TypeError
            If an input is no text, or a keyword is unknown.
        ValueError
            If an option cannot be honoured, or a text is too long.
        """
        given = take_harmless(options)
        known = (*_OPTION_NAMES, *HARMLESS_NAMES)
        reject_unknown(f"{type(self).__name__}()", given.keys() - {*_OPTION_NAMES}, known)
        chosen = self._options.updated(given)
        if isinstance(inputs, str):
            (result,) = self._stream([inputs], chosen)
            return result if "top_k" in given else [result]
        if isinstance(inputs, Mapping):
            (result,) = self._stream([inputs], chosen)
            return result
        items = as_list(inputs)
        if items is not None:
            return list(self._stream(items, chosen, first_chunk=_CHUNK_TEXTS))
        if isinstance(inputs, Iterator):
            return self._stream(inputs, chosen)
        raise TypeError(
            f"inputs is a {type(inputs).__name__}, expected a str, a dict of text and text_pair, "
            "a list of these, or an iterator"
        )

    def _stream(
        self, items: Iterable[Any], options: _Options, first_chunk: int = 1
    ) -> Iterator[Result | list[Result]]:
        """Results of `items`, in order, chunk by chunk."""
        n_threads = options.threads or available_cpus()
        n_done = n_cut = 0
        checked = (_checked(item, number) for number, item in enumerate(items))
        for chunk in _chunks(checked, first_chunk):
            texts, n_cut_here = self._tokenize(chunk, options, n_done)
            packs = list(packs_of(texts, max_texts=options.batch_size, n_threads=n_threads))
            for logits in run(self.model.forward_pack, packs, n_threads):  # (batch, labels)
                yield from (self._result(row, options) for row in logits)
            n_done += len(chunk)
            n_cut += n_cut_here
        if n_cut:
            limit = self._limit(options)
            warnings.warn(
                f"{n_cut} of {n_done} texts were longer than {limit} tokens and were cut there",
                stacklevel=3,
            )

    def _tokenize(
        self, chunk: list[Inputs], options: _Options, n_done: int
    ) -> tuple[list[TokenizedText], int]:
        """Token ids of a chunk, and how many of its texts were cut."""
        limit = self._limit(options)
        encodings = self.tokenizer.encode_batch(
            chunk, truncation=options.cut, max_length=limit if options.cut else None
        )
        texts, n_cut = [], 0
        for number, encoding in enumerate(encodings, n_done):
            ids = np.array(encoding.ids, np.int64)
            if len(ids) > limit:
                raise ValueError(
                    f"text {number} (counted from 0) is {len(ids)} tokens long, expected at most "
                    f"{limit}; pass long_text='truncate' to label its beginning"
                )
            text = TokenizedText(ids, np.arange(len(ids)))
            check_tokens(text, self.model.config, f"text {number}")
            texts.append(text)
            n_cut += bool(encoding.overflowing)
        return texts, n_cut

    def _limit(self, options: _Options) -> int:
        """Most tokens of a text."""
        if options.max_length is not None:
            return options.max_length
        return min(self.tokenizer.model_max_length, self.model.config.max_position_embeddings)

    def _result(self, logits: Array, options: _Options) -> Result | list[Result]:
        """What is returned for one text, from its logits (labels,)."""
        config = self.model.config
        function = options.function_to_apply or _default_function(config)
        scores = _FUNCTIONS[function.lower()](logits)  # (labels,)
        if options.top_k is _NOT_GIVEN:
            best = int(scores.argmax())
            return {"label": config.id2label[best], "score": float(scores[best])}
        results: list[Result] = [
            {"label": label, "score": float(score)}
            for label, score in zip(config.id2label.values(), scores, strict=True)
        ]
        results.sort(key=lambda result: result["score"], reverse=True)
        return results[: options.top_k]


def pipeline(
    task: str | None = None,
    model: str | Path | DistilBertForSequenceClassification | None = None,
    *,
    tokenizer: str | Path | Tokenizer | None = None,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
    token: str | bool | None = None,
    **options: Any,
) -> TextClassificationPipeline:
    """Make a text classifier, as `transformers.pipeline` does.

    Parameters
    ----------
    task : "text-classification" or "sentiment-analysis", optional
        Two names of one task.
    model : str, Path or model, optional
        A folder, a bundled name ("mini"), a hub id, or a loaded model.  By default the
        sentiment model that transformers has as its default, at a fixed commit.
    tokenizer : str, Path or Tokenizer, optional
        By default the one in the model's folder.
    revision, cache_dir, local_files_only, token
        As in huggingface_hub; see `npbert.hub.resolve`.
    top_k : int or None
        How many labels to return for each text; None for all.
    function_to_apply : "softmax", "sigmoid" or "none", optional
        From logits to scores.  By default none for regression, sigmoid for several labels a
        text or a single label, else softmax.
    long_text : "error" or "truncate", optional
        What to do with a text of more tokens than the model can read ("error").
    truncation : bool or str, optional
        True is ``long_text="truncate"``; a str is the tokenizer's strategy for pairs.
    max_length : int, optional
        Most tokens of a text; given alone, longer ones are cut.
    batch_size : int, optional
        Most texts in a pack.  It changes nothing but memory and speed.
    threads : int, optional
        Most threads that compute at a time.  By default the processors that this process
        may use, by its affinity and the quota of its control group.
    **options
        The last seven, and keywords of ported code that change nothing here: `device`,
        `dtype`, `torch_dtype`, `framework`, `num_workers`, `use_fast`.

    Returns
    -------
    TextClassificationPipeline

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
    options = take_harmless(options)
    known = (*_PIPELINE_NAMES, *_OPTION_NAMES, *HARMLESS_NAMES)
    reject_unknown("pipeline()", options.keys() - {*_OPTION_NAMES}, known)
    _Options(**options)  # a wrong option should not cost a download
    if model is None:
        model = DEFAULT_MODEL
        revision = revision or DEFAULT_REVISION
        warnings.warn(
            f"no model was named; using {model} at revision {revision[:7]}. Name one to be sure "
            "of it",
            stacklevel=2,
        )
    where: dict[str, Any] = {
        "cache_dir": cache_dir,
        "local_files_only": local_files_only,
        "token": token,
    }
    if tokenizer is None:
        if isinstance(model, DistilBertForSequenceClassification):
            raise ValueError(
                "model is a loaded model, so its tokenizer is needed: pipeline(…, tokenizer=…)"
            )
        tokenizer = AutoTokenizer.from_pretrained(model, revision=revision, **where)
    elif not isinstance(tokenizer, Tokenizer):
        tokenizer = AutoTokenizer.from_pretrained(tokenizer, **where)
    if not isinstance(model, DistilBertForSequenceClassification):
        model = AutoModelForSequenceClassification.from_pretrained(
            model, revision=revision, **where
        )
    return TextClassificationPipeline(model, tokenizer, **options)


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
        As in huggingface_hub; see `npbert.hub.resolve`.
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
    known = (*_PIPELINE_NAMES, *_OPTION_NAMES, *HARMLESS_NAMES)
    reject_unknown("classify()", take_harmless(options).keys() - {*_OPTION_NAMES}, known)
    _Options(**take_harmless(options))
    classifier = _loaded(model, revision, cache_dir, local_files_only, token, _fingerprint(model))
    return classifier(texts, **options)


@lru_cache(maxsize=2)
def _loaded(
    model: str | Path | None,
    revision: str | None,
    cache_dir: str | Path | None,
    local_files_only: bool,
    token: str | bool | None,
    fingerprint: object,  # noqa: ARG001 - part of the key of the cache
) -> TextClassificationPipeline:
    return pipeline(
        TASKS[0],
        model,
        revision=revision,
        cache_dir=cache_dir,
        local_files_only=local_files_only,
        token=token,
    )


def _fingerprint(model: object) -> object:
    """Changes when the files of a local folder do, so that no stale model answers."""
    if not isinstance(model, (str, Path)):
        return None
    folder = Path(model).expanduser()
    if not folder.is_dir():
        return None
    entries = [(entry.name, entry.stat()) for entry in os.scandir(folder)]
    return os.getcwd(), tuple(
        sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in entries)
    )


def _checked(item: Any, number: int) -> Inputs:
    """One input as a text or a pair.

    Raises
    ------
    TypeError, ValueError
        Naming the position of an input that is neither.
    """
    if not isinstance(item, Mapping):
        return check_text(item, f"text {number} (counted from 0)")
    unknown = item.keys() - {"text", "text_pair"}
    if unknown or "text" not in item:
        raise ValueError(
            f"text {number} (counted from 0) is a dict with the keys {list(item)}, expected "
            "'text' and, for a pair, 'text_pair'"
        )
    text = check_text(item["text"], f"'text' of input {number} (counted from 0)")
    if item.get("text_pair") is None:
        return text
    return text, check_text(item["text_pair"], f"'text_pair' of input {number} (counted from 0)")


def _chunks(items: Iterable[Inputs], n_texts: int) -> Iterator[list[Inputs]]:
    """Cut a stream into chunks of up to `n_texts`, then twice as many, and so on."""
    items = iter(items)
    while True:
        chunk, n_characters = [], 0
        for item in itertools.islice(items, n_texts):
            chunk.append(item)
            n_characters += len(item) if isinstance(item, str) else sum(map(len, item))
            if n_characters >= _CHUNK_CHARACTERS:
                break
        if not chunk:
            return
        yield chunk
        n_texts = min(2 * n_texts, _CHUNK_TEXTS)


def _default_function(config: DistilBertConfig) -> str:
    if config.problem_type == "regression":
        return "none"
    if config.problem_type == "multi_label_classification" or config.num_labels == 1:
        return "sigmoid"
    return "softmax"
