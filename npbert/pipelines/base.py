"""What all pipelines share: options, inputs in chunks, packs, results in order."""

from __future__ import annotations

import itertools
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, NamedTuple, Self

import numpy as np
from tokenizers import Encoding

from npbert.arguments import (
    HARMLESS_NAMES,
    as_iterator,
    as_list,
    check_count,
    check_text,
    choice,
    reject_unknown,
    take_harmless,
)
from npbert.distilbert.activations import Array
from npbert.distilbert.model import Pack
from npbert.distilbert.packs import TokenSequence, check_tokens, compute_in_packs
from npbert.distilbert.threads import available_cpus
from npbert.models.base import PreTrainedModel
from npbert.tokenization.tokenizer import PADDINGS, Tokenizer

# Inputs are worked on in chunks.  The first of a stream is one input, so that its result comes
# at once; then they double, up to enough work for every thread.
_CHUNK_INPUTS: Final = 1024


@dataclass(frozen=True)
class Options:
    """How to work.  The arguments are described at `pipeline`."""

    truncation: bool | str | None = None
    max_length: int | None = None
    padding: bool | str = False
    long_text: str | None = None
    batch_size: int | None = None
    threads: int | None = None
    long_texts: ClassVar[tuple[str, ...]] = ("error", "truncate")

    def __post_init__(self) -> None:
        for name in ("max_length", "batch_size", "threads"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name))
        choice("padding", self.padding, PADDINGS)
        if self.long_text not in (None, *self.long_texts):
            raise ValueError(
                f"long_text is {self.long_text!r}, expected one of: {', '.join(self.long_texts)}"
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

    def updated(self, given: Mapping[str, Any]) -> Self:
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
        # As in the tokenizer: what is padded is not cut unasked.
        return self.max_length is not None and self.padding is False

    @property
    def limit(self) -> int | None:
        """`max_length` where it counts: for a text that may be cut, or must not be longer."""
        return self.max_length if self.cut or self.long_text is not None else None


class Job(NamedTuple):
    """One input, tokenized: as one text, or as several parts of one."""

    item: Any
    parts: list[Encoding]
    is_cut: bool = False  # is there text that no part holds?

    @classmethod
    def whole(cls, item: Any, encoding: Encoding) -> Job:
        """A text with all its parts: what did not fit into the first is in the others."""
        return cls(item, [encoding, *encoding.overflowing])


class Answer(NamedTuple):
    """Result of one input, and what it took."""

    result: Any
    n_tokens: int
    n_parts: int
    is_cut: bool  # is there text that was not read?


_TOKENIZER_OPTIONS: Final = ("truncation", "max_length", "padding")


def flattened(options: Mapping[str, Any], name: str) -> dict[str, Any]:
    """`options` with those of the dict called `name` among them, as transformers nests them."""
    flat = dict(options)
    nested = flat.pop(name, None) or {}
    reject_unknown(name, nested.keys() - {*_TOKENIZER_OPTIONS}, _TOKENIZER_OPTIONS)
    twice = nested.keys() & flat.keys()
    if twice:
        raise ValueError(f"{min(twice)} is given twice, alone and in {name}")
    return flat | nested


def without_none(options: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """`options` without those called `names` that are None: as if they were not given."""
    return {
        name: value for name, value in options.items() if value is not None or name not in names
    }


class Pipeline(ABC):
    """Tokenizer, model and results in one call.  Made by `pipeline`.

    Threads can share one.

    Attributes
    ----------
    task : str
    model : PreTrainedModel[Any, Any]
    tokenizer : Tokenizer
    """

    task: ClassVar[str]
    options_class: ClassVar[type[Options]] = Options
    max_chunk_characters: ClassVar[int] = 128_000

    def __init__(
        self, model: PreTrainedModel[Any, Any], tokenizer: Tokenizer, **options: Any
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        checked = self.checked_options(options, type(self).__name__)
        self._options: Any = self.options_class(**checked)

    @classmethod
    def checked_options(
        cls, options: Mapping[str, Any], function: str, more_names: Iterable[str] = ()
    ) -> dict[str, Any]:
        """Those of the arguments of `function` that say how to work.

        Raises
        ------
        TypeError
            If an argument is unknown.
        ValueError
            If one cannot be honoured.
        """
        names = tuple(cls.options_class.__dataclass_fields__)
        plain = cls._plain(take_harmless(options))
        reject_unknown(function, plain.keys() - {*names}, (*names, *more_names, *HARMLESS_NAMES))
        return plain

    @staticmethod
    def _plain(options: dict[str, Any]) -> dict[str, Any]:
        """`options` in the form of the options' class."""
        return options

    @abstractmethod
    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Results of one input, a list or an iterator."""

    def _call(self, inputs: Any, given: Mapping[str, Any]) -> Any:
        """One result for one input, a list for a list, an iterator for an iterator."""
        options = self._options.updated(self.checked_options(given, f"{type(self).__name__}()"))
        if self._is_one(inputs, options):
            (result,) = self._stream(self._checked([inputs], options), options)
            return result
        items = as_list(inputs)
        if items is not None:
            checked = list(self._checked(items, options))  # all of them, before any work
            return list(self._stream(checked, options, first_chunk=_CHUNK_INPUTS))
        stream = as_iterator(inputs)
        if stream is not None:
            return self._stream(self._checked(stream, options), options)
        raise TypeError(
            f"inputs is a {type(inputs).__name__}, expected {self._expected}, a list of these, or "
            "an iterator"
        )

    def answers(self, items: Sequence[Any], numbers: Sequence[int], **given: Any) -> list[Answer]:
        """Results of a few inputs, worked on in one go, each with what it took.

        For those who keep count themselves: nothing is warned of.

        Parameters
        ----------
        items : sequence
            Inputs, all of which are in memory at once.
        numbers : sequence of int
            What they are called in error messages.
        **given
            Options, as in the call.

        Returns
        -------
        list of Answer

        Raises
        ------
        TypeError, ValueError
            As the call does.
        """
        options = self._options.updated(self.checked_options(given, "answers()"))
        checked = [
            self._check(item, number, options) for item, number in zip(items, numbers, strict=True)
        ]
        return list(self._work(checked, options, numbers))

    # ------------------------------------------------------- what a task may do its own way

    _expected: ClassVar[str] = "a str"

    def _is_one(self, inputs: Any, _options: Any) -> bool:
        """Whether `inputs` is one input and not a list of them."""
        return isinstance(inputs, str)

    def _check(self, item: Any, number: int, _options: Any) -> Any:
        """One input in the form that the tokenizer takes.

        Raises
        ------
        TypeError, ValueError
            Naming the position of an input that is no such thing.
        """
        return check_text(item, f"text {number} (counted from 0)")

    def _n_characters(self, item: Any, _options: Any) -> int:
        return sum(map(len, item)) if isinstance(item, tuple) else len(item)

    def _jobs(self, items: list[Any], options: Any, numbers: Sequence[int]) -> list[Job]:
        """Tokenize some inputs; `numbers` is what error messages call them."""
        encodings = self._encode(items, options)
        for number, encoding in zip(numbers, encodings, strict=True):
            self._check_length(len(encoding), options, number)
        return [
            Job(item, [part], is_cut=bool(part.overflowing))
            for item, part in zip(items, encodings, strict=True)
        ]

    def _rows(self, pack: Pack) -> list[Array]:
        """What the model says of every text of a pack."""
        return np.split(self.model.forward_pack(pack), pack.starts[1:-1])

    @abstractmethod
    def _result(self, job: Job, rows: list[Array], options: Any) -> Any:
        """Result of one input, from the rows of its parts."""

    # ----------------------------------------------------------------------------- the work

    def _stream(self, items: Iterable[Any], options: Any, first_chunk: int = 1) -> Iterator[Any]:
        """Results of `items`, in order, chunk by chunk."""
        n_done = n_cut = 0
        for chunk in self._chunks(items, first_chunk, options):
            for answer in self._work(chunk, options, range(n_done, n_done + len(chunk))):
                yield answer.result
                n_cut += answer.is_cut
            n_done += len(chunk)
        if n_cut:
            warnings.warn(
                f"{n_cut} of {n_done} texts were longer than {self.limit(options)} tokens and "
                "were cut there",
                stacklevel=4,
            )

    def _work(self, chunk: list[Any], options: Any, numbers: Sequence[int]) -> Iterator[Answer]:
        """Answers to some inputs, in order."""
        n_threads = options.threads or available_cpus()
        jobs = self._jobs(chunk, options, numbers)
        texts = [
            self._text(part, number)
            for number, job in zip(numbers, jobs, strict=True)
            for part in job.parts
        ]
        of_packs = compute_in_packs(self._rows, texts, n_threads, options.batch_size)
        rows = itertools.chain.from_iterable(of_packs)
        for job in jobs:
            n_parts = len(job.parts)
            result = self._result(job, list(itertools.islice(rows, n_parts)), options)
            yield Answer(result, sum(map(len, job.parts)), n_parts, job.is_cut)

    def _checked(self, items: Iterable[Any], options: Any) -> Iterator[Any]:
        return (self._check(item, number, options) for number, item in enumerate(items))

    def _chunks(self, items: Iterable[Any], n_items: int, options: Any) -> Iterator[list[Any]]:
        """Cut a stream into chunks of up to `n_items`, then twice as many, and so on."""
        items = iter(items)
        while True:
            chunk: list[Any] = []
            n_characters = 0
            try:
                for item in itertools.islice(items, n_items):
                    chunk.append(item)
                    n_characters += self._n_characters(item, options)
                    if n_characters >= self.max_chunk_characters:
                        break
            finally:
                # In `finally`, so that what came before an input that cannot be had is worked
                # on first; the exception goes on its way when the next chunk is asked for.
                if chunk:
                    yield chunk
            if not chunk:
                return
            n_items = min(2 * n_items, options.batch_size or _CHUNK_INPUTS)

    def _encode(self, texts: list[Any], options: Any, **more: Any) -> list[Encoding]:
        limit = self.limit(options) if options.cut else None
        return self.tokenizer.encode_batch(texts, truncation=options.cut, max_length=limit, **more)

    def _text(self, encoding: Encoding, number: int) -> TokenSequence:
        ids = np.array(encoding.ids, np.int64)
        text = TokenSequence(ids, np.arange(len(ids)))
        config = self.model.config
        check_tokens(text, config.vocab_size, config.max_position_embeddings, f"text {number}")
        return text

    def limit(self, options: Options | None = None) -> int:
        """Most tokens of a text, with `options` in place of the pipeline's own."""
        options = options or self._options
        if options.limit is not None:
            return options.limit
        return min(self.tokenizer.model_max_length, self.model.config.max_position_embeddings)

    def _check_length(self, n_tokens: int, options: Options, number: int) -> None:
        limit = self.limit(options)
        if n_tokens > limit:
            raise ValueError(
                f"text {number} (counted from 0) is {n_tokens} tokens long, expected at most "
                f"{limit}; {self._for_long_texts}"
            )

    _for_long_texts: ClassVar[str] = "pass long_text='truncate' to read its beginning alone"
