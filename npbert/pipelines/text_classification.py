"""Texts → labels and scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Final

import numpy as np

from npbert.arguments import check_count, check_text
from npbert.checkpoints.config import DistilBertConfig
from npbert.distilbert.activations import Array
from npbert.distilbert.model import Pack
from npbert.models.outputs import sigmoid, softmax
from npbert.pipelines.base import Job, Options, Pipeline

_FUNCTIONS: Final[dict[str, Callable[[Array], Array]]] = {
    "softmax": softmax,
    "sigmoid": sigmoid,
    "none": lambda logits: logits,
}
_WINDOWS_SHARE: Final = 1 / 4  # what a window has of the one before


class _TopK(Enum):
    """In place of a number; None has a meaning of its own: all labels."""

    NOT_GIVEN = "not given"


Result = dict[str, Any]  # {"label": str, "score": float}


@dataclass(frozen=True)
class TextClassificationOptions(Options):
    """How to label.  The arguments are described at `pipeline`."""

    top_k: int | _TopK | None = _TopK.NOT_GIVEN
    function_to_apply: str | None = None
    long_texts: ClassVar[tuple[str, ...]] = (*Options.long_texts, "window")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.top_k not in (_TopK.NOT_GIVEN, None):
            check_count("top_k", self.top_k)
        function = self.function_to_apply
        if function is not None and str(function).lower() not in _FUNCTIONS:
            raise ValueError(
                f"function_to_apply is {function!r}, expected one of: {', '.join(_FUNCTIONS)}"
            )


class TextClassificationPipeline(Pipeline):
    """Labels texts.  Made by `pipeline`; see `Pipeline`.

    Notes
    -----
    With ``long_text="window"`` a long text is read in windows of as many tokens as the model
    can read, each of which shares a quarter with the one before.  The text's logits are the
    mean of theirs, weighted by the tokens that each window has and none before it.
    """

    task = "text-classification"
    options_class = TextClassificationOptions
    _expected: ClassVar[str] = "a str, a dict of text and text_pair"
    _for_long_texts: ClassVar[str] = (
        "pass long_text='window' (--long-text window) to read it in windows, or "
        "long_text='truncate' to label its beginning"
    )

    def __call__(self, inputs: Any, **options: Any) -> Any:
        """Label texts.

        Parameters
        ----------
        inputs : str, dict, list or iterator
            A text; a pair ``{"text": …, "text_pair": …}``; several of these, as a list,
            tuple, array or column; or an iterator over them.
        **options
            `top_k`, `function_to_apply`, `truncation`, `max_length`, `padding`,
            `long_text`, `batch_size`, `threads`: as in `pipeline`, for this call.

        Returns
        -------
        list, dict or iterator
            With ``d = {"label": str, "score": float}``: a str gives ``[d]``, a pair ``d``,
            a list ``[d, …]``, an iterator a lazy iterator of ``d``, which reads ahead by at
            most 1024 texts, or by `batch_size`.  With `top_k`, even None, a list ``[d, …]``,
            best first, stands in place of each ``d``; a str then gives that list itself.

        Raises
        ------
        TypeError
            If an input is no text, or a keyword is unknown.
        ValueError
            If an option cannot be honoured, or a text is too long.
        """
        result = self._call(inputs, options)
        return [result] if isinstance(inputs, str) and "top_k" not in options else result

    def _is_one(self, inputs: Any, _options: Any) -> bool:
        return isinstance(inputs, (str, Mapping))

    def _check(self, item: Any, number: int, _options: Any) -> str | tuple[str, str]:
        if not isinstance(item, Mapping):
            return check_text(item, f"text {number} (counted from 0)")
        unknown = item.keys() - {"text", "text_pair"}
        if unknown or "text" not in item:
            raise ValueError(
                f"text {number} (counted from 0) is a dict with the keys {list(item)}, expected "
                "'text' and, for a pair, 'text_pair'"
            )
        text = check_text(item["text"], f"'text' of input {number} (counted from 0)")
        if item.get("text_pair") in (None, ""):  # empty is none, as in the tokenizer
            return text
        where = f"'text_pair' of input {number} (counted from 0)"
        return text, check_text(item["text_pair"], where)

    def _jobs(self, items: list[Any], options: Any, numbers: Sequence[int]) -> list[Job]:
        if options.long_text != "window":
            return super()._jobs(items, options, numbers)
        limit = self.limit(options)
        encodings = self.tokenizer.encode_batch(
            items, truncation=True, max_length=limit, stride=_overlap(limit)
        )
        for number, item, encoding in zip(numbers, items, encodings, strict=True):
            if encoding.overflowing and isinstance(item, tuple):
                raise ValueError(
                    f"input {number} (counted from 0) is a pair of more than {limit} tokens, and "
                    "only single texts can be read in windows; pass long_text='truncate'"
                )
        return list(map(Job.whole, items, encodings))

    def _rows(self, pack: Pack) -> list[Array]:
        return list(self.model.forward_pack(pack))  # (labels,) a text

    def _result(self, job: Job, rows: list[Array], options: Any) -> Result | list[Result]:
        logits = rows[0] if len(rows) == 1 else self._combined(job, rows, options)  # (labels,)
        config = self.model.config
        function = options.function_to_apply or _default_function(config)
        scores = _FUNCTIONS[function.lower()](logits)  # (labels,)
        if options.top_k is _TopK.NOT_GIVEN:
            best = int(scores.argmax())
            return {"label": config.id2label[best], "score": float(scores[best])}
        results: list[Result] = [
            {"label": label, "score": float(score)}
            for label, score in zip(config.id2label.values(), scores, strict=True)
        ]
        results.sort(key=lambda result: result["score"], reverse=True)
        return results[: options.top_k]

    def _combined(self, job: Job, rows: list[Array], options: Any) -> Array:
        """Mean of the logits of windows, by the tokens that each brings: float32 (labels,)."""
        overlap = _overlap(self.limit(options))
        known = self.tokenizer.num_special_tokens_to_add() + overlap
        n_new = np.array([len(part) - known for part in job.parts], np.float32)  # (windows,)
        n_new[0] += overlap  # there is none before the first
        return np.average(rows, axis=0, weights=n_new).astype(np.float32)


def _overlap(limit: int) -> int:
    """Tokens that a window of up to `limit` shares with the one before."""
    return int(limit * _WINDOWS_SHARE)


def _default_function(config: DistilBertConfig) -> str:
    if config.problem_type == "regression":
        return "none"
    if config.problem_type == "multi_label_classification" or config.num_labels == 1:
        return "sigmoid"
    return "softmax"
