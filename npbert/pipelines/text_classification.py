"""From texts to labels and scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Generic, Unpack, overload

import numpy as np

from npbert.arguments import NOT_GIVEN, Indexed, NotGiven, check_count, check_text
from npbert.checkpoints.config import DistilBertConfig
from npbert.distilbert.activations import Array
from npbert.distilbert.model import Pack
from npbert.models.heads import DistilBertForSequenceClassification
from npbert.models.outputs import sigmoid, softmax
from npbert.pipelines.base import Call, Pipeline, TokenizedInput, read_text
from npbert.pipelines.options import CallOptions, Cutting, Options
from npbert.pipelines.results import LabelScore as LabelScore
from npbert.pipelines.results import LabelsT, TextInput, TextInputs, TextPair
from npbert.tokenization.tokenizer import Tokenizer

# What turns logits into scores, by the names that `function_to_apply` has for it.
FUNCTIONS: Final[dict[str, Callable[[Array], Array]]] = {
    "softmax": softmax,
    "sigmoid": sigmoid,
    "none": lambda logits: logits,
}
_OVERLAP: Final = 1 / 4  # the share of a window that is also in the window before it

_Text = str | tuple[str, str]  # a text, or a pair of texts


class TextClassificationCallOptions(CallOptions, total=False):
    """The options of text-classification, without `top_k`; see also `CallOptions`.

    Attributes
    ----------
    function_to_apply : "softmax", "sigmoid", "none" or None
        The function that turns logits into scores. The default is "none" for regression,
        "sigmoid" if a text can have several labels or the model has only one, and otherwise
        "softmax".
    text_pair : str
        A second text, which makes a pair of every text.
    """

    function_to_apply: str | None
    text_pair: str | None


@dataclass(frozen=True)
class TextClassificationOptions(Options):
    """The options of text-classification, checked; see `TextClassificationCallOptions`."""

    top_k: int | NotGiven | None = NOT_GIVEN
    function_to_apply: str | None = None
    text_pair: str | None = None
    long_texts: ClassVar[tuple[str, ...]] = (*Options.long_texts, "window")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.top_k not in (NOT_GIVEN, None):
            check_count("top_k", self.top_k)
        function = self.function_to_apply
        if function is not None and str(function).lower() not in FUNCTIONS:
            raise ValueError(
                f"function_to_apply is {function!r}, expected one of: {', '.join(FUNCTIONS)}"
            )
        if self.text_pair is not None:
            check_text(self.text_pair, "text_pair")

    def cutting(self, longest: int, readable: int) -> Cutting:
        """Decide how texts are cut: as in `Options`, or into windows that overlap."""
        cutting = super().cutting(longest, readable)
        if self.long_text != "window":
            return cutting
        stride = int(cutting.max_length * _OVERLAP)
        return Cutting(cutting.max_length, strategy=True, stride=stride, keeps_rest=True)


class TextClassificationPipeline(
    Pipeline[_Text, TextClassificationOptions, LabelScore | list[LabelScore]], Generic[LabelsT]
):
    """A pipeline that labels texts; `npbert.pipeline` makes it.

    Its type parameter is the result of one text: a `LabelScore`, or a list of them where `top_k`
    was given when the pipeline was made.

    Notes
    -----
    With ``long_text="window"`` a long text is read in windows. A window has as many tokens as the
    model can read, and shares a quarter of them with the window before it. The logits of the text
    are the mean of the logits of its windows, where the weight of a window is the number of
    tokens that no earlier window has.
    """

    task = "text-classification"
    options_class = TextClassificationOptions
    _expected: ClassVar[str] = "a str, a dict of text and text_pair"
    _for_long_texts: ClassVar[str] = (
        "pass long_text='window' (--long-text window) to read it in windows, or "
        "long_text='truncate' to label its beginning"
    )

    @overload
    def __init__(
        self: TextClassificationPipeline[LabelScore],
        model: DistilBertForSequenceClassification,
        tokenizer: Tokenizer,
        **given: Unpack[TextClassificationCallOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: TextClassificationPipeline[list[LabelScore]],
        model: DistilBertForSequenceClassification,
        tokenizer: Tokenizer,
        *,
        top_k: int | None,
        **given: Unpack[TextClassificationCallOptions],
    ) -> None: ...

    def __init__(
        self, model: DistilBertForSequenceClassification, tokenizer: Tokenizer, **given: Any
    ) -> None:
        super().__init__(model, tokenizer, **given)

    @overload
    def __call__(
        self, inputs: str, **options: Unpack[TextClassificationCallOptions]
    ) -> list[LabelsT]: ...
    @overload
    def __call__(
        self,
        inputs: TextPair | Mapping[str, str],
        **options: Unpack[TextClassificationCallOptions],
    ) -> LabelsT: ...
    @overload
    def __call__(
        self, inputs: TextInputs, **options: Unpack[TextClassificationCallOptions]
    ) -> list[LabelsT]: ...
    @overload
    def __call__(
        self,
        inputs: Iterable[TextInput] | Indexed[TextInput],
        **options: Unpack[TextClassificationCallOptions],
    ) -> Iterator[LabelsT]: ...
    @overload
    def __call__(
        self,
        inputs: str | TextPair | Mapping[str, str],
        *,
        top_k: int | None,
        **options: Unpack[TextClassificationCallOptions],
    ) -> list[LabelScore]: ...
    @overload
    def __call__(
        self,
        inputs: TextInputs,
        *,
        top_k: int | None,
        **options: Unpack[TextClassificationCallOptions],
    ) -> list[list[LabelScore]]: ...
    @overload
    def __call__(
        self,
        inputs: Iterable[TextInput] | Indexed[TextInput],
        *,
        top_k: int | None,
        **options: Unpack[TextClassificationCallOptions],
    ) -> Iterator[list[LabelScore]]: ...

    def __call__(
        self,
        inputs: object,
        *,
        top_k: int | NotGiven | None = NOT_GIVEN,
        **options: Unpack[TextClassificationCallOptions],
    ) -> Any:
        """Label texts.

        Parameters
        ----------
        inputs : str, dict, list or iterator
            A text; a pair ``{"text": …, "text_pair": …}``; several of these, as a list, a tuple,
            an array or a column; or an iterator over them.
        top_k : int or None, optional
            How many labels to return for each text, best first; None returns all of them.
        **options
            See `TextClassificationCallOptions`; they count for this call.

        Returns
        -------
        list, dict or iterator
            With ``d = {"label": str, "score": float}``, a str gives ``[d]``, a pair gives ``d``,
            and a list gives ``[d, …]``. An iterator gives a lazy iterator of ``d``, which reads at
            most 1024 texts, or `batch_size` texts, ahead. If `top_k` is given, even as None, a
            list ``[d, …]``, best first, stands in the place of each ``d``, and a str gives this
            list, and not a list of lists.

        Raises
        ------
        TypeError
            If an input is not a text, or a keyword is unknown.
        ValueError
            If an option cannot be honoured, or a text is too long.

        Warns
        -----
        UserWarning
            If texts were cut.
        """
        result = self._answer(inputs, self.options_for({**options, "top_k": top_k}))
        return as_list_for_one(result, inputs, top_k)

    def _is_single_input(self, inputs: object, _options: TextClassificationOptions) -> bool:
        return isinstance(inputs, (str, Mapping))

    def _read_input(self, item: object, number: int, options: TextClassificationOptions) -> _Text:
        if options.text_pair is None and not isinstance(item, (Mapping, list, tuple)):
            return read_text(item, number)
        item = _as_mapping(item, number)
        if options.text_pair is not None:
            if "text_pair" in item:
                raise ValueError(
                    f"text_pair is given twice, alone and in input {number} (counted from 0)"
                )
            item = {**item, "text_pair": options.text_pair}
        unknown = item.keys() - {"text", "text_pair"}
        if unknown or "text" not in item:
            raise ValueError(
                f"text {number} (counted from 0) is a dict with the keys {list(item)}, expected "
                "'text' and, for a pair, 'text_pair'"
            )
        text = check_text(item["text"], f"'text' of input {number} (counted from 0)")
        if item.get("text_pair") in (None, ""):  # as in the tokenizer, "" is no text
            return text
        where = f"'text_pair' of input {number} (counted from 0)"
        return text, check_text(item["text_pair"], where)

    def _check_tokenized(
        self, tokenized: TokenizedInput[_Text], call: Call[TextClassificationOptions], number: int
    ) -> None:
        if len(tokenized.parts) > 1 and isinstance(tokenized.item, tuple):
            raise ValueError(
                f"input {number} (counted from 0) is a pair of more than "
                f"{call.cutting.max_length} tokens, and only single texts can be read in windows; "
                "pass long_text='truncate'"
            )

    def _compute_rows(self, pack: Pack) -> list[Array]:
        return list(self.model.forward_pack(pack))  # one row (labels,) per text

    def _make_result(
        self,
        tokenized: TokenizedInput[_Text],
        rows: list[Array],
        call: Call[TextClassificationOptions],
    ) -> LabelScore | list[LabelScore]:
        logits = rows[0]  # (labels,)
        if len(rows) > 1:
            logits = self._mean_of_windows(tokenized, rows, call.cutting.stride)
        config = self.model.config
        scores = FUNCTIONS[self._function(call.options)](logits)  # (labels,)
        top_k = call.options.top_k
        if isinstance(top_k, NotGiven):
            best = int(scores.argmax())
            return {"label": config.id2label[best], "score": float(scores[best])}
        results: list[LabelScore] = [
            {"label": label, "score": float(score)}
            for label, score in zip(config.id2label.values(), scores, strict=True)
        ]
        results.sort(key=lambda result: result["score"], reverse=True)
        return results[:top_k]

    @property
    def function_to_apply(self) -> str:
        """What turns logits into scores, unless a call says otherwise."""
        return self._function(self._options)

    def _function(self, options: TextClassificationOptions) -> str:
        return (options.function_to_apply or _default_function(self.model.config)).lower()

    def _mean_of_windows(
        self, tokenized: TokenizedInput[_Text], rows: list[Array], stride: int
    ) -> Array:
        """Compute the mean of the logits of windows, weighted by their new tokens: (labels,)."""
        known = self.tokenizer.num_special_tokens_to_add() + stride
        n_new = np.array([len(part) - known for part in tokenized.parts], np.float32)  # (windows,)
        n_new[0] += stride  # the first window shares no token with an earlier one
        return np.average(rows, axis=0, weights=n_new).astype(np.float32)


def as_list_for_one(result: Any, inputs: object, top_k: int | NotGiven | None) -> Any:
    """Put the result of a str into a list, unless `top_k` made it a list; so does transformers."""
    return [result] if isinstance(inputs, str) and top_k is NOT_GIVEN else result


def _as_mapping(item: object, number: int) -> Mapping[str, object]:
    """Return an input as a dict of its text or texts."""
    if isinstance(item, Mapping):
        return item
    if isinstance(item, (list, tuple)):
        # A list of one list of two texts is an old form of a pair, which transformers takes too.
        if len(item) == 1 and isinstance(item[0], (list, tuple)) and len(item[0]) == 2:
            return {"text": item[0][0], "text_pair": item[0][1]}
        raise TypeError(
            f"input {number} (counted from 0) is a {type(item).__name__}, expected a str, or for a "
            "pair of texts {'text': …, 'text_pair': …}"
        )
    return {"text": read_text(item, number)}


def _default_function(config: DistilBertConfig) -> str:
    if config.problem_type == "regression":
        return "none"
    if config.problem_type == "multi_label_classification" or config.num_labels == 1:
        return "sigmoid"
    return "softmax"
