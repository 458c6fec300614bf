"""From texts to labels of their tokens, or to entities, which are neighbouring tokens."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Generic, Literal, NamedTuple, Unpack, overload

import numpy as np
from tokenizers import Encoding

from npbert.arguments import ArrowColumn, Indexed, Sized, as_list, check_stride
from npbert.distilbert.activations import Array
from npbert.messages import with_noun
from npbert.models.heads import DistilBertForTokenClassification
from npbert.models.outputs import softmax
from npbert.pipelines.base import Call, Pipeline, TokenizedInput, read_text
from npbert.pipelines.options import CallOptions, Cutting, Options, drop_none
from npbert.pipelines.results import Entity, EntityT, TokenEntity
from npbert.tokenization.inputs import as_plain_ids, check_words
from npbert.tokenization.tokenizer import Tokenizer

_OF_WORDS: Final = ("first", "average", "max")
_STRATEGIES: Final = ("none", "simple", *_OF_WORDS)
_NO_MARKS: Final = (
    "the tokens of this tokenizer do not say whether they continue a word, so each that has no "
    "space before it does, even a comma; aggregation_strategy='simple' joins tokens, not words"
)
_OUTSIDE: Final = "O"  # the label of tokens that belong to no entity, in most data sets

GroupingStrategy = Literal["simple", "first", "average", "max"]
_Text = str | list[str]  # a text, or its words
_Entities = list[TokenEntity] | list[Entity]
WordsOrTexts = Sized[str] | Sized[Sequence[str]] | ArrowColumn


class TokenClassificationCallOptions(CallOptions, total=False):
    """The options of token-classification, without `aggregation_strategy`; see also `CallOptions`.

    Attributes
    ----------
    ignore_labels : list of str
        The labels to leave out; by default ``["O"]``.
    stride : int
        The number of tokens that each part of a long text shares with the part before it. By
        default, a long text is not read in parts.
    is_split_into_words : bool
        Whether a text is given as a list of words; by default False.
    delimiter : str
        The characters between two words, if a text is given as a list of words; by default " ".
    offset_mapping : list of (int, int)
        The start and the end of each token as characters of the text, in place of those that the
        tokenizer gives. The special tokens count too. It is for a call with one text.
    """

    ignore_labels: Sized[str] | ArrowColumn | None
    stride: int | None
    is_split_into_words: bool
    delimiter: str | None
    offset_mapping: Sequence[tuple[int, int]] | None


@dataclass(frozen=True)
class TokenClassificationOptions(Options):
    """The options of token-classification, checked; see `TokenClassificationPipeline`."""

    aggregation_strategy: str = "none"
    ignore_labels: tuple[str, ...] = (_OUTSIDE,)
    stride: int | None = None
    is_split_into_words: bool = False
    delimiter: str | None = None
    offset_mapping: tuple[tuple[int, int], ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.aggregation_strategy not in _STRATEGIES:
            raise ValueError(
                f"aggregation_strategy is {self.aggregation_strategy!r}, expected one of: "
                + ", ".join(_STRATEGIES)
            )
        if self.stride is not None:
            check_stride(self.stride)

    @classmethod
    def _normalized(cls, given: dict[str, Any]) -> dict[str, Any]:
        given = drop_none(given, "ignore_labels", "aggregation_strategy")
        if "aggregation_strategy" in given:
            given["aggregation_strategy"] = str(given["aggregation_strategy"]).lower()
        if "ignore_labels" in given:
            labels = as_list(given["ignore_labels"])
            if labels is None:
                kind = type(given["ignore_labels"]).__name__
                raise TypeError(f"ignore_labels is a {kind}, expected a list of labels")
            given["ignore_labels"] = tuple(labels)
        if given.get("offset_mapping") is not None:
            given["offset_mapping"] = _read_offsets(given["offset_mapping"])
        return given

    def check_together(self) -> None:
        """Raise a ValueError if `stride` is given, but `aggregation_strategy` is "none"."""
        if self.stride is not None and self.aggregation_strategy == "none":
            raise ValueError(
                "stride is given, but aggregation_strategy is 'none', expected another strategy, "
                "because the tokens of overlapping parts cannot be told apart"
            )

    def cutting(self, longest: int, readable: int) -> Cutting:  # noqa: ARG002
        """Decide how texts are cut: as in `Options`, or into parts that overlap.

        Parameters
        ----------
        longest, readable : int
            As in `Options.cutting`.

        Returns
        -------
        Cutting
        """
        if self.stride is None:
            # transformers would cut a longer text without notice, so here it is an error.
            return super().cutting(longest, readable=longest)
        max_length = super().cutting(longest, readable=longest).max_length
        return Cutting(max_length, strategy=True, stride=self.stride, keeps_rest=True)


@dataclass(frozen=True)
class _Token:
    """A token of a text, with its probabilities."""

    word: str
    scores: Array  # (labels,) probabilities
    start: int  # counts characters of the text, as `end` does
    end: int
    index: int
    is_subword: bool  # whether it continues the word of the token before it


class _Labelled(NamedTuple):
    """A token or a word with its label."""

    entity: str
    score: float
    word: str
    start: int
    end: int


class TokenClassificationPipeline(
    Pipeline[_Text, TokenClassificationOptions, _Entities], Generic[EntityT]
):
    """A pipeline that labels tokens, for example those of names; `npbert.pipeline` makes it.

    Its type parameter is one item of the result of a text: a `TokenEntity`, or an `Entity` where
    an aggregation strategy was given when the pipeline was made.
    """

    task = "token-classification"
    options_class = TokenClassificationOptions
    _needs_offsets = True
    _for_long_texts: ClassVar[str] = (
        "pass stride=… (and an aggregation_strategy) to read it in overlapping parts, or "
        "long_text='truncate' to read its beginning alone"
    )

    @overload
    def __init__(
        self: TokenClassificationPipeline[TokenEntity],
        model: DistilBertForTokenClassification,
        tokenizer: Tokenizer,
        *,
        aggregation_strategy: Literal["none"] = ...,
        **given: Unpack[TokenClassificationCallOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: TokenClassificationPipeline[Entity],
        model: DistilBertForTokenClassification,
        tokenizer: Tokenizer,
        *,
        aggregation_strategy: GroupingStrategy,
        **given: Unpack[TokenClassificationCallOptions],
    ) -> None: ...

    def __init__(
        self, model: DistilBertForTokenClassification, tokenizer: Tokenizer, **given: Any
    ) -> None:
        super().__init__(model, tokenizer, **given)

    @overload
    def __call__(
        self, inputs: str, **options: Unpack[TokenClassificationCallOptions]
    ) -> list[EntityT]: ...
    @overload
    def __call__(
        self, inputs: WordsOrTexts, **options: Unpack[TokenClassificationCallOptions]
    ) -> list[list[EntityT]]: ...
    @overload
    def __call__(
        self,
        inputs: Iterable[str] | Iterable[Sequence[str]] | Indexed[str],
        **options: Unpack[TokenClassificationCallOptions],
    ) -> Iterator[list[EntityT]]: ...
    @overload
    def __call__(
        self,
        inputs: str,
        *,
        aggregation_strategy: GroupingStrategy,
        **options: Unpack[TokenClassificationCallOptions],
    ) -> list[Entity]: ...
    @overload
    def __call__(
        self,
        inputs: WordsOrTexts,
        *,
        aggregation_strategy: GroupingStrategy,
        **options: Unpack[TokenClassificationCallOptions],
    ) -> list[list[Entity]]: ...
    @overload
    def __call__(
        self,
        inputs: Iterable[str] | Iterable[Sequence[str]] | Indexed[str],
        *,
        aggregation_strategy: GroupingStrategy,
        **options: Unpack[TokenClassificationCallOptions],
    ) -> Iterator[list[Entity]]: ...

    def __call__(self, inputs: object, **options: Any) -> Any:
        """Label tokens.

        Parameters
        ----------
        inputs : str, list or iterator
            A text; several texts; or an iterator over texts.
        aggregation_strategy : str, optional
            With "none", which is the default, there is one result per token. The other strategies
            join neighbours with the same label into entities. "simple" joins tokens. "first",
            "max" and "average" join words. The label of a word is that of its first token
            ("first"), that of its token with the highest score ("max"), or the best label by the
            mean of the scores of its tokens ("average").
        **options
            See `TokenClassificationCallOptions`; they count for this call.

        Returns
        -------
        list or iterator
            For one text, a list of dicts. With "none" a dict has the keys ``"entity"``,
            ``"score"``, ``"index"``, ``"word"``, ``"start"`` and ``"end"``. Otherwise it has the
            keys ``"entity_group"``, ``"score"``, ``"word"``, ``"start"`` and ``"end"``. For several
            texts, and for one text as a list of words, a list of such lists.

        Raises
        ------
        TypeError
            If an input is not a text, or a keyword is unknown.
        ValueError
            If a text is too long, or an option cannot be honoured.

        Warns
        -----
        UserWarning
            If texts were cut, or if words are joined and the tokens of the tokenizer have no mark
            such as "##" that says which of them continue a word. Each that has no space before it
            continues one then, as in transformers.
        """
        call_options = self.options_for(options)
        if call_options.aggregation_strategy in _OF_WORDS and not self._marks_subwords():
            warnings.warn(_NO_MARKS, stacklevel=2)
        result = self._answer(inputs, call_options)
        return [result] if call_options.is_split_into_words and _is_words(inputs) else result

    def _is_single_input(self, inputs: object, options: TokenClassificationOptions) -> bool:
        return _is_words(inputs) if options.is_split_into_words else isinstance(inputs, str)

    def _read_input(self, item: object, number: int, options: TokenClassificationOptions) -> _Text:
        if options.is_split_into_words:
            return check_words(item, f"text {number} (counted from 0)")
        return read_text(item, number)

    def _check_tokenized(
        self,
        tokenized: TokenizedInput[_Text],
        call: Call[TokenClassificationOptions],
        number: int,
    ) -> None:
        offsets = call.options.offset_mapping
        if offsets is None:
            return
        if number > 0 or len(tokenized.parts) > 1:
            raise ValueError(
                "offset_mapping is given, expected one text alone, which is not read in parts; "
                "call the pipeline once per text"
            )
        n_tokens = len(tokenized.parts[0])
        if len(offsets) != n_tokens:
            raise ValueError(
                f"offset_mapping has {with_noun(len(offsets), 'pair')}, expected {n_tokens}, one "
                "per token, special tokens included"
            )

    def _are_words(self, options: TokenClassificationOptions) -> bool:
        return options.is_split_into_words

    def _first_position(
        self,
        part: Encoding,
        tokenized: TokenizedInput[_Text],
        _call: Call[TokenClassificationOptions],
    ) -> int:
        # As in transformers, the last part of a long text is padded to the length of the others.
        if self.tokenizer.padding_side == "right":
            return 0
        return len(tokenized.parts[0]) - len(part)

    def _make_result(
        self,
        tokenized: TokenizedInput[_Text],
        rows: list[Array],
        call: Call[TokenClassificationOptions],
    ) -> _Entities:
        options = call.options
        parts = [
            list(self._tokens(part, softmax(logits), tokenized.item, options))
            for part, logits in zip(tokenized.parts, rows, strict=True)
        ]
        if options.aggregation_strategy == "none":
            (tokens,) = parts
            found = (self._token_entity(token) for token in tokens)
            return [entity for entity in found if entity["entity"] not in options.ignore_labels]
        entities = [
            entity
            for tokens in parts
            for entity in self._entities(tokens, options.aggregation_strategy)
            if entity["entity_group"] not in options.ignore_labels
        ]
        return entities if len(parts) == 1 else list(_without_overlaps(entities))

    def _tokens(
        self, part: Encoding, probs: Array, item: _Text, options: TokenClassificationOptions
    ) -> Iterator[_Token]:
        """Yield the tokens of a text that are not special."""
        if isinstance(item, str):
            text, shifts = item, list[int]()
        else:
            delimiter = " " if options.delimiter is None else options.delimiter
            text = delimiter.join(item)
            lengths = (len(word) + len(delimiter) for word in item)
            shifts = list(itertools.accumulate(lengths, initial=0))
        marks = self._marks_subwords()
        # The tokens of the vocabulary: an added token in the text can have blanks around it.
        tokens = self.tokenizer.convert_ids_to_tokens(part.ids)
        for index, (token, number) in enumerate(zip(tokens, part.ids, strict=True)):
            if part.special_tokens_mask[index]:
                continue
            start, end = (options.offset_mapping or part.offsets)[index]
            if options.is_split_into_words:
                shift = shifts[part.word_ids[index] or 0]  # from the word to the whole text
                start, end = start + shift, end + shift
            written = text[start:end]
            is_unknown = number == self.tokenizer.unk_token_id
            # The mark "##" makes a token longer than the characters that it stands for.
            continues = len(token) != len(written) if marks else _touches(text, start)
            yield _Token(
                word=written if is_unknown else token,
                scores=probs[index],
                start=start,
                end=end,
                index=index,
                is_subword=not is_unknown and continues,
            )

    def _marks_subwords(self) -> bool:
        """Tell whether the tokens that continue a word have a mark, such as the "##" of BERT."""
        model = self.tokenizer.backend_tokenizer.model
        return bool(getattr(model, "continuing_subword_prefix", None))

    def _token_entity(self, token: _Token) -> TokenEntity:
        return {
            "entity": self.model.config.id2label[int(token.scores.argmax())],
            "score": float(token.scores.max()),
            "index": token.index,
            "word": token.word,
            "start": token.start,
            "end": token.end,
        }

    def _entities(self, tokens: list[_Token], strategy: str) -> list[Entity]:
        words = [[token] for token in tokens] if strategy == "simple" else _words(tokens)
        return [
            {
                "entity_group": group[0].entity.split("-", 1)[-1],
                "score": float(np.mean([part.score for part in group])),
                "word": self.tokenizer.convert_tokens_to_string([part.word for part in group]),
                "start": group[0].start,
                "end": group[-1].end,
            }
            for group in _groups(self._labelled(word, strategy) for word in words)
        ]

    def _labelled(self, word: list[_Token], strategy: str) -> _Labelled:
        """Find one label for the tokens of a word."""
        scores = word[0].scores  # (labels,)
        if strategy == "max":
            scores = max(word, key=lambda token: float(token.scores.max())).scores
        elif strategy == "average":
            scores = np.mean([token.scores for token in word], axis=0)
        best = int(scores.argmax())
        text = word[0].word
        if strategy != "simple":
            text = self.tokenizer.convert_tokens_to_string([token.word for token in word])
        label = str(self.model.config.id2label[best])
        return _Labelled(label, float(scores[best]), text, word[0].start, word[-1].end)


def _read_offsets(offset_mapping: object) -> tuple[tuple[int, int], ...]:
    """Return pairs from a list of pairs, or from a list of one such list, as of a batch of one."""
    pairs = as_plain_ids(offset_mapping)
    if isinstance(pairs, list) and len(pairs) == 1 and isinstance(pairs[0], list):
        inner = pairs[0]
        pairs = inner if inner and isinstance(inner[0], list) else pairs
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(end, int) for end in pair)
        for pair in pairs
    ):
        raise ValueError(
            "offset_mapping does not fit, expected a list of pairs of int: the start and the end "
            "of each token of one text"
        )
    return tuple((start, end) for start, end in pairs)


def _is_words(inputs: object) -> bool:
    words = as_list(inputs)
    return words is not None and any(isinstance(word, str) for word in words[:1])


def _touches(text: str, start: int) -> bool:
    """Tell whether no space stands before a place in a text, or at it, as transformers does."""
    return start > 0 and " " not in text[start - 1 : start + 1]


def _words(tokens: list[_Token]) -> list[list[_Token]]:
    """Group tokens into words."""
    words: list[list[_Token]] = []
    for token in tokens:
        if token.is_subword and words:
            words[-1].append(token)
        else:
            words.append([token])
    return words


def _groups(parts: Iterable[_Labelled]) -> list[list[_Labelled]]:
    """Group neighbouring tokens or words that have the same label.

    A label that begins with "B-" begins a new entity. A label that begins with "I-", or that has
    no prefix, continues the entity before it, if that entity has the same label.
    """
    groups: list[list[_Labelled]] = []
    for part in parts:
        if groups and not part.entity.startswith("B-") and _tag(part) == _tag(groups[-1][-1]):
            groups[-1].append(part)
        else:
            groups.append([part])
    return groups


def _tag(part: _Labelled) -> str:
    return part.entity[2:] if part.entity.startswith(("B-", "I-")) else part.entity


def _without_overlaps(entities: list[Entity]) -> Iterator[Entity]:
    """Yield one of the entities that overlap: the longest one.

    If several of them are equally long, the one with the highest score is yielded.
    """
    ordered = sorted(entities, key=lambda entity: entity["start"])
    kept: Entity | None = None
    for entity in ordered:
        if kept is None or entity["start"] >= kept["end"]:
            if kept is not None:
                yield kept
            kept = entity
        elif _weight(entity) > _weight(kept):
            kept = entity
    if kept is not None:
        yield kept


def _weight(entity: Entity) -> tuple[int, float]:
    return entity["end"] - entity["start"], entity["score"]
