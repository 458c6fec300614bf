"""From texts to the vectors of the encoder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, Unpack, overload

import numpy as np
from tokenizers import Encoding

from npbert.arguments import Indexed, look_up_choice
from npbert.distilbert.activations import Array
from npbert.models.heads import DistilBertModel
from npbert.pipelines.base import Call, Pipeline, TokenizedInput, read_text
from npbert.pipelines.options import CallOptions, Cutting, Options, TokenizerKwargs, flatten
from npbert.pipelines.results import Features, FeaturesT, Texts
from npbert.tokenization.padding import read_padding
from npbert.tokenization.tokenizer import Tokenizer
from npbert.tokenization.truncation import read_limit


class FeatureExtractionCallOptions(CallOptions, total=False):
    """The options of feature-extraction, without `return_tensors`; see also `CallOptions`.

    Attributes
    ----------
    tokenize_kwargs : dict
        `truncation`, `max_length` and `padding`, in a dict of their own. With
        ``padding="max_length"``, a text has `max_length` vectors, and those of padding are zeros.
    """

    tokenize_kwargs: TokenizerKwargs | None


@dataclass(frozen=True)
class FeatureExtractionOptions(Options):
    """The options of feature-extraction, checked; see `FeatureExtractionPipeline`."""

    return_tensors: bool | str | None = False

    def __post_init__(self) -> None:
        super().__post_init__()
        look_up_choice(
            "return_tensors", self.return_tensors, dict.fromkeys((False, True, None, "np"))
        )

    @classmethod
    def _normalized(cls, given: dict[str, Any]) -> dict[str, Any]:
        return flatten(given, "tokenize_kwargs")


class FeatureExtractionPipeline(
    Pipeline[str, FeatureExtractionOptions, Features | Array], Generic[FeaturesT]
):
    """A pipeline that returns the last hidden state of texts; `npbert.pipeline` makes it.

    Its type parameter is the result of one text: nested lists, or an array where
    ``return_tensors=True`` was given when the pipeline was made.
    """

    task = "feature-extraction"
    options_class = FeatureExtractionOptions
    max_chunk_characters: ClassVar[int] = 16_000  # a token becomes `dim` numbers

    @overload
    def __init__(
        self: FeatureExtractionPipeline[Features],
        model: DistilBertModel,
        tokenizer: Tokenizer,
        *,
        return_tensors: Literal[False] | None = ...,
        **given: Unpack[FeatureExtractionCallOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: FeatureExtractionPipeline[Array],
        model: DistilBertModel,
        tokenizer: Tokenizer,
        *,
        return_tensors: Literal[True, "np"],
        **given: Unpack[FeatureExtractionCallOptions],
    ) -> None: ...

    def __init__(self, model: DistilBertModel, tokenizer: Tokenizer, **given: Any) -> None:
        super().__init__(model, tokenizer, **given)

    @overload
    def __call__(
        self, inputs: str, **options: Unpack[FeatureExtractionCallOptions]
    ) -> FeaturesT: ...
    @overload
    def __call__(
        self, inputs: Texts, **options: Unpack[FeatureExtractionCallOptions]
    ) -> list[FeaturesT]: ...
    @overload
    def __call__(
        self,
        inputs: Iterable[str] | Indexed[str],
        **options: Unpack[FeatureExtractionCallOptions],
    ) -> Iterator[FeaturesT]: ...
    @overload
    def __call__(
        self,
        inputs: str,
        *,
        return_tensors: Literal[True, "np"],
        **options: Unpack[FeatureExtractionCallOptions],
    ) -> Array: ...
    @overload
    def __call__(
        self,
        inputs: Texts,
        *,
        return_tensors: Literal[True, "np"],
        **options: Unpack[FeatureExtractionCallOptions],
    ) -> list[Array]: ...
    @overload
    def __call__(
        self,
        inputs: Iterable[str] | Indexed[str],
        *,
        return_tensors: Literal[True, "np"],
        **options: Unpack[FeatureExtractionCallOptions],
    ) -> Iterator[Array]: ...

    def __call__(self, inputs: object, **options: Any) -> Any:
        """Encode texts.

        Parameters
        ----------
        inputs : str, list or iterator
            A text; several texts; or an iterator over texts.
        return_tensors : bool, optional
            Whether to return NumPy arrays. By default the result is nested lists.
        **options
            See `FeatureExtractionCallOptions`; they count for this call.

        Returns
        -------
        list, array or iterator
            For one text, its last hidden state, as nested lists of float or as a float32 array
            (1, seq, dim). For several texts, a list of these. For an iterator, an iterator over
            these.

        Raises
        ------
        TypeError
            If an input is not a text, or a keyword is unknown.
        ValueError
            If a text is too long, or an option cannot be honoured.
        """
        return self._answer(inputs, self.options_for(options))

    def _read_input(self, item: object, number: int, _options: FeatureExtractionOptions) -> str:
        return read_text(item, number)

    def _cutting(self, options: FeatureExtractionOptions) -> Cutting:
        width = self._width(options)
        readable = self.model.config.max_position_embeddings
        if width > readable:
            raise ValueError(
                f"padding is 'max_length' and the length is {width}, expected at most {readable}, "
                "the positions that the model has; pass max_length, too"
            )
        return super()._cutting(options)

    def _width(self, options: FeatureExtractionOptions) -> int:
        """Return the least number of vectors per text: with padding="max_length", its length."""
        limit = read_limit(options.max_length, self.tokenizer.model_max_length)
        side = self.tokenizer.padding_side
        padding = read_padding(options.padding, limit, None, side, truncation=None)
        return padding.length or 0 if padding is not None else 0

    def _first_position(
        self,
        part: Encoding,
        _tokenized: TokenizedInput[str],
        call: Call[FeatureExtractionOptions],
    ) -> int:
        if self.tokenizer.padding_side == "right":
            return 0
        return max(0, self._width(call.options) - len(part))

    def _make_result(
        self,
        tokenized: TokenizedInput[str],
        rows: list[Array],
        call: Call[FeatureExtractionOptions],
    ) -> Features | Array:
        (vectors,) = rows  # (tokens, dim)
        n_padding = self._width(call.options) - len(vectors)
        if n_padding > 0:
            first = self._first_position(tokenized.parts[0], tokenized, call)
            vectors = np.pad(vectors, ((first, n_padding - first), (0, 0)))  # with zeros
        hidden_state = vectors[None]  # (1, seq, dim)
        if call.options.return_tensors:
            return hidden_state.copy()  # equal texts share their vectors
        nested: Features = hidden_state.tolist()
        return nested
