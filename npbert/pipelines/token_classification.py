"""Texts → labels of their tokens, or of the entities that these make up."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np
from tokenizers import Encoding

from npbert.arguments import as_list, check_stride, check_text
from npbert.distilbert.activations import Array
from npbert.models.outputs import softmax
from npbert.pipelines.base import Job, Options, Pipeline, without_none

_STRATEGIES: Final = ("none", "simple", "first", "average", "max")


@dataclass(frozen=True)
class TokenClassificationOptions(Options):
    """How to label.  The arguments are described at `TokenClassificationPipeline`."""

    aggregation_strategy: str = "none"
    ignore_labels: tuple[str, ...] = ("O",)
    stride: int | None = None
    is_split_into_words: bool = False
    delimiter: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.aggregation_strategy not in _STRATEGIES:
            raise ValueError(
                f"aggregation_strategy is {self.aggregation_strategy!r}, expected one of: "
                + ", ".join(_STRATEGIES)
            )
        if self.stride is not None:
            check_stride(self.stride)

    def check_together(self) -> None:
        """Refuse a stride without an aggregation strategy, once both are known."""
        if self.stride is not None and self.aggregation_strategy == "none":
            raise ValueError(
                "stride is given, but aggregation_strategy is 'none'; expected another one, "
                "because tokens of overlapping parts cannot be told apart"
            )


@dataclass(frozen=True)
class _Token:
    """A token, or a word, of a text."""

    word: str
    scores: Array  # (labels,) probabilities
    start: int  # characters of the text
    end: int
    index: int
    is_subword: bool  # does it go on with the word of the token before?


class _Labelled(NamedTuple):
    """A token or word with its label."""

    entity: str
    score: float
    word: str
    start: int
    end: int


class TokenClassificationPipeline(Pipeline):
    """Labels tokens, such as names.  Made by `pipeline`; see `Pipeline`."""

    task = "token-classification"
    options_class = TokenClassificationOptions
    _for_long_texts: ClassVar[str] = (
        "pass stride=… (and an aggregation_strategy) to read it in overlapping parts, or "
        "long_text='truncate' to read its beginning alone"
    )

    def __call__(self, inputs: Any, **options: Any) -> Any:
        """Label tokens.

        Parameters
        ----------
        inputs : str, list or iterator
            A text; several of these; or an iterator over them.
        aggregation_strategy : str, optional
            "none": a result a token.  The others make entities of neighbours with one
            label: "simple" of tokens; the others of words, whose label is that of the first
            token ("first"), of the highest score ("max"), or of the mean ("average").
        ignore_labels : list of str, optional
            Labels to leave out (["O"]).
        stride : int, optional
            Read a long text in parts that share so many tokens.
        is_split_into_words : bool, optional
            A text is a list of words, which `delimiter` (" ") joins.
        **options
            `truncation`, `max_length`, `long_text`, `batch_size`, `threads`: see `pipeline`.

        Returns
        -------
        list or iterator
            For a text a list of dicts: with "none" ``{"entity", "score", "index", "word",
            "start", "end"}``, else ``{"entity_group", "score", "word", "start", "end"}``;
            for several texts, and for the words of one, a list of these.

        Raises
        ------
        TypeError
            If an input is no text, or a keyword is unknown.
        ValueError
            If a text is too long, or an option cannot be honoured.
        """
        result = self._call(inputs, options)
        is_split = options.get("is_split_into_words", self._options.is_split_into_words)
        return [result] if is_split and _is_words(inputs) else result

    @staticmethod
    def _plain(options: dict[str, Any]) -> dict[str, Any]:
        options = without_none(options, "ignore_labels", "aggregation_strategy")
        if "aggregation_strategy" in options:
            options["aggregation_strategy"] = str(options["aggregation_strategy"]).lower()
        labels = options.get("ignore_labels")
        if labels is None:
            return options
        items = as_list(labels)
        if items is None:
            raise TypeError(
                f"ignore_labels is a {type(labels).__name__}, expected a list of labels"
            )
        return {**options, "ignore_labels": tuple(items)}

    def _is_one(self, inputs: Any, options: Any) -> bool:
        return _is_words(inputs) if options.is_split_into_words else isinstance(inputs, str)

    def _check(self, item: Any, number: int, options: Any) -> str | list[str]:
        where = f"text {number} (counted from 0)"
        if not options.is_split_into_words:
            return check_text(item, where)
        words = as_list(item)
        if words is None:
            raise TypeError(f"{where} is a {type(item).__name__}, expected a list of words")
        return [check_text(word, f"{where}, word {place}") for place, word in enumerate(words)]

    def _n_characters(self, item: Any, _options: Any) -> int:
        return len(item) if isinstance(item, str) else sum(map(len, item))

    def _jobs(self, items: list[Any], options: Any, numbers: Sequence[int]) -> list[Job]:
        options.check_together()
        more = {"with_offsets": True, "is_split_into_words": options.is_split_into_words}
        if options.stride is None:
            encodings = self._encode(items, options, **more)
        else:
            encodings = self.tokenizer.encode_batch(
                items,
                truncation=True,
                max_length=self.limit(options),
                stride=options.stride,
                **more,
            )
        jobs = []
        for number, item, encoding in zip(numbers, items, encodings, strict=True):
            self._check_length(len(encoding), options, number)
            if options.stride is None:
                jobs.append(Job(item, [encoding], is_cut=bool(encoding.overflowing)))
            else:
                jobs.append(Job.whole(item, encoding))
        return jobs

    def _result(self, job: Job, rows: list[Array], options: Any) -> list[dict[str, Any]]:
        entities: list[dict[str, Any]] = []
        for part, logits in zip(job.parts, rows, strict=True):
            tokens = list(self._tokens(part, softmax(logits), job.item, options))
            found = self._entities(tokens, options.aggregation_strategy)
            entities += (
                entity
                for entity in found
                if entity.get("entity", entity.get("entity_group")) not in options.ignore_labels
            )
        return entities if len(job.parts) == 1 else list(_without_overlaps(entities))

    def _tokens(
        self, part: Encoding, probs: Array, item: str | list[str], options: Any
    ) -> Iterator[_Token]:
        """The tokens of a text that are not special."""
        text, shifts = item, [0]
        if not isinstance(item, str):
            delimiter = " " if options.delimiter is None else options.delimiter
            text = delimiter.join(item)
            lengths = (len(word) + len(delimiter) for word in item)
            shifts = list(itertools.accumulate(lengths, initial=0))
        for index, (token, number) in enumerate(zip(part.tokens, part.ids, strict=True)):
            if part.special_tokens_mask[index]:
                continue
            start, end = part.offsets[index]
            if options.is_split_into_words:
                shift = shifts[part.word_ids[index] or 0]  # from the word to the whole text
                start, end = start + shift, end + shift
            written = text[start:end]
            is_unknown = number == self.tokenizer.unk_token_id
            yield _Token(
                word=str(written) if is_unknown else token,
                scores=probs[index],
                start=start,
                end=end,
                index=index,
                # "##" makes a token longer than what it stands for.
                is_subword=not is_unknown and len(token) != len(written),
            )

    def _entities(self, tokens: list[_Token], strategy: str) -> list[dict[str, Any]]:
        id2label = self.model.config.id2label
        if strategy == "none":
            return [
                {
                    "entity": id2label[int(token.scores.argmax())],
                    "score": float(token.scores.max()),
                    "index": token.index,
                    "word": token.word,
                    "start": token.start,
                    "end": token.end,
                }
                for token in tokens
            ]
        groups: Iterable[list[_Token]] = ([token] for token in tokens)
        if strategy != "simple":
            groups = _words(tokens)
        return [
            {
                "entity_group": run[0].entity.split("-", 1)[-1],
                "score": float(np.mean([part.score for part in run])),
                "word": self.tokenizer.convert_tokens_to_string([part.word for part in run]),
                "start": run[0].start,
                "end": run[-1].end,
            }
            for run in _runs(self._labelled(group, strategy) for group in groups)
        ]

    def _labelled(self, word: list[_Token], strategy: str) -> _Labelled:
        """One label for the tokens of a word."""
        scores = word[0].scores  # (labels,)
        if strategy == "max":
            scores = max(word, key=lambda token: float(token.scores.max())).scores
        elif strategy == "average":
            scores = np.mean([token.scores for token in word], axis=0)
        best = int(scores.argmax())
        text = word[0].word
        if strategy != "simple":
            text = self.tokenizer.convert_tokens_to_string([token.word for token in word])
        return _Labelled(
            self.model.config.id2label[best], float(scores[best]), text, word[0].start, word[-1].end
        )


def _is_words(inputs: Any) -> bool:
    words = as_list(inputs)
    return words is not None and any(isinstance(word, str) for word in words[:1])


def _words(tokens: list[_Token]) -> list[list[_Token]]:
    """Tokens, word by word."""
    words: list[list[_Token]] = []
    for token in tokens:
        if token.is_subword and words:
            words[-1].append(token)
        else:
            words.append([token])
    return words


def _runs(parts: Iterable[_Labelled]) -> list[list[_Labelled]]:
    """Neighbours of one label; "B-" begins an entity, "I-" and no prefix go on with it."""
    runs: list[list[_Labelled]] = []
    for part in parts:
        if runs and not part.entity.startswith("B-") and _tag(part) == _tag(runs[-1][-1]):
            runs[-1].append(part)
        else:
            runs.append([part])
    return runs


def _tag(part: _Labelled) -> str:
    return part.entity[2:] if part.entity.startswith(("B-", "I-")) else part.entity


def _without_overlaps(entities: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Of entities that overlap the longest, or of equally long ones the surest."""
    ordered = sorted(entities, key=lambda entity: entity["start"])
    kept: dict[str, Any] | None = None
    for entity in ordered:
        if kept is None or not kept["start"] <= entity["start"] < kept["end"]:
            if kept is not None:
                yield kept
            kept = entity
        elif _weight(entity) > _weight(kept):
            kept = entity
    if kept is not None:
        yield kept


def _weight(entity: dict[str, Any]) -> tuple[int, float]:
    return entity["end"] - entity["start"], entity["score"]
