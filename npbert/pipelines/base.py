"""What all pipelines share: inputs in chunks, their tokens in packs, results in order.

A call goes this way. `_answer` decides how long texts are cut, and forms chunks of inputs.
`_outcomes_of` tokenizes the inputs of one chunk, computes their tokens in packs on several threads,
and turns the model's rows of numbers into results. The hooks are the methods that a task may
replace with its own.
"""

from __future__ import annotations

import copy
import functools
import itertools
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from pathlib import Path
from typing import Any, ClassVar, Final, Generic, NamedTuple, Self, TypeVar, cast

import numpy as np
from tokenizers import Encoding

from npbert.arguments import as_iterator, as_list, check_text
from npbert.distilbert.activations import Array
from npbert.distilbert.combining import CallCombiner
from npbert.distilbert.cpus import default_threads
from npbert.distilbert.model import Pack
from npbert.distilbert.packs import TokenSequence, check_tokens, without_repeats
from npbert.messages import with_noun
from npbert.models.base import PreTrainedModel
from npbert.pipelines.components import require_own
from npbert.pipelines.options import Cutting, Options
from npbert.pipelines.streams import SizedResults
from npbert.tokenization.options import Side
from npbert.tokenization.tokenizer import Tokenizer

ItemT = TypeVar("ItemT")  # an input in the form that the task works with
OptionsT = TypeVar("OptionsT", bound=Options)
ResultT = TypeVar("ResultT")
RowsT = TypeVar("RowsT")

# Inputs are worked on in chunks. The first chunk of a stream is one input, so that its result
# comes at once. Each further chunk is up to twice as long, until it has this number of inputs,
# which is enough work for every thread.
_CHUNK_INPUTS: Final = 1024

AnyModel = PreTrainedModel[Any, Any]  # a model with any head


class Call(NamedTuple, Generic[OptionsT]):
    """The options of one call, and how it cuts long texts."""

    options: OptionsT
    cutting: Cutting


class TokenizedInput(NamedTuple, Generic[ItemT]):
    """One input, tokenized.

    Attributes
    ----------
    item
        The input in the form that the task works with.
    parts : list of Encoding
        What the model reads: one part; or several, where a long text is read in parts or where
        the task asks the model several times.
    is_cut : bool
        Whether some text of the input is in none of the parts.
    """

    item: ItemT
    parts: list[Encoding]
    is_cut: bool


class Outcome(NamedTuple, Generic[ResultT]):
    """The result of one input, and what it took.

    Attributes
    ----------
    result
        What the pipeline returns for this input.
    n_tokens : int
        The number of tokens that the model read.
    n_parts : int
        The number of parts in which the model read the input.
    is_cut : bool
        Whether some text of the input was not read by the model.
    """

    result: ResultT
    n_tokens: int
    n_parts: int
    is_cut: bool


class TooLongError(ValueError):
    """A text has more tokens than may be read, and is not to be cut.

    Parameters
    ----------
    problem : str
        Which text it is, and its length.
    advice : str
        What to do, for a caller in Python or on the command line.
    """

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(problem, advice)  # as they are, so that the error can be pickled
        self.problem = problem
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.problem}; {self.advice}"


class Pipeline(ABC, Generic[ItemT, OptionsT, ResultT]):
    """The base of all pipelines: a tokenizer and a model that one call runs.

    `npbert.pipeline` makes pipelines. Several threads can share one pipeline.

    Parameters
    ----------
    model : PreTrainedModel
        The model, with the head of the task.
    tokenizer : Tokenizer
        The tokenizer that was made for the model.
    **given
        The options of every call, as keyword arguments; see `npbert.pipeline`.

    Attributes
    ----------
    task : str
    model : PreTrainedModel
    tokenizer : Tokenizer
    pack_watcher : callable, optional
        Called with every `Pack` that has been computed, on the thread that has computed it. A
        service counts tokens with it.

    Raises
    ------
    TypeError
        If a keyword is unknown, or the model or the tokenizer is not one of npbert.
    ValueError
        If an option cannot be honoured.
    """

    task: ClassVar[str]
    options_class: ClassVar[type[Options]]
    max_chunk_characters: ClassVar[int] = 128_000

    def __init__(
        self,
        model: AnyModel,
        tokenizer: Tokenizer,
        **given: Any,
    ) -> None:
        require_own("model", model, PreTrainedModel)
        require_own("tokenizer", tokenizer, Tokenizer)
        tokenizer.require_embeddings(model.config.vocab_size)
        self.model = model
        self.tokenizer = tokenizer
        self.pack_watcher: Callable[[Pack], None] | None = None
        self._combiner = CallCombiner()
        self._shares_packs = True  # with the other pipelines that have the same combiner
        self._options = cast("OptionsT", self.options_class.read(given, type(self).__name__))

    @abstractmethod
    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Return the result of one input, a list of results, or an iterator over results."""

    def max_tokens(self) -> int:
        """Return the most tokens that the model reads of a text, unless a call says otherwise."""
        return self._cutting(self._options).max_length

    def with_truncation_side(self, side: Side) -> Self:
        """Return a pipeline that cuts long texts on another side, with the same model.

        Callers of both are computed together.

        Parameters
        ----------
        side : "right" or "left"
            The side on which tokens are left out.

        Returns
        -------
        Pipeline
        """
        other = copy.copy(self)
        other.tokenizer = copy.deepcopy(self.tokenizer)  # with a lock and a backend of its own
        other.tokenizer.truncation_side = side
        return other

    def with_model(self, model: AnyModel) -> Self:
        """Return a pipeline with the same options and tokenizer, and with another model.

        Callers of both wait in one queue, so they never compute at the same time.

        Parameters
        ----------
        model : PreTrainedModel
            A model with the same head, vocabulary and number of positions.

        Returns
        -------
        Pipeline
        """
        other = copy.copy(self)
        other.model = model
        other._shares_packs = False
        return other

    def compute_apart(
        self, function: Callable[[Pack], list[RowsT]], texts: Sequence[TokenSequence]
    ) -> list[RowsT]:
        """Compute texts by a function of one's own, in the queue of the pipeline's callers.

        Parameters
        ----------
        function : callable
            Computes something for each text of a pack.
        texts : sequence of TokenSequence
            Their token ids and positions.

        Returns
        -------
        list
            What the function has returned for each text.
        """
        n_threads = self._options.threads or default_threads()
        watched = functools.partial(self._compute_watched, function)
        return self._combiner.compute(watched, texts, n_threads, is_alone=True)

    @property
    def device(self) -> str:
        """Always "cpu", as that of the model."""
        return self.model.device

    @property
    def dtype(self) -> str:
        """Always "float32", as that of the model."""
        return self.model.dtype

    torch_dtype = dtype  # its name in older code

    def predict(self, inputs: Any, /) -> Any:
        """Call the pipeline, under the name that scikit-learn has for it."""
        return self(inputs)

    transform = predict

    def save_pretrained(self, save_directory: str | Path) -> tuple[str, ...]:
        """Write the files of the model and of the tokenizer.

        Parameters
        ----------
        save_directory : str or Path
            The folder. It is made if it does not exist.

        Returns
        -------
        tuple of str
            The paths of the files.

        Raises
        ------
        FileExistsError
            If the folder has files of these names that hold something else.
        """
        of_model = self.model.save_pretrained(save_directory)
        return of_model + self.tokenizer.save_pretrained(save_directory)

    def options_for(self, given: Mapping[str, object]) -> OptionsT:
        """Return the options of one call: those of the pipeline, changed by the call's arguments.

        Parameters
        ----------
        given : mapping
            The keyword arguments of the call.

        Returns
        -------
        Options
            An instance of `options_class`.

        Raises
        ------
        TypeError
            If an argument is unknown.
        ValueError
            If an argument cannot be honoured.
        """
        return self._options.updated(given, f"{type(self).__name__}()")

    def outcomes(
        self, items: Sequence[object], numbers: Sequence[int], options: OptionsT
    ) -> list[Outcome[ResultT]]:
        """Compute a few inputs together, and return the result of each and what it took.

        This is for callers that count cut texts themselves, so there is no warning about them.

        Parameters
        ----------
        items : sequence
            Inputs, all of which are in memory at once.
        numbers : sequence of int
            The number of each input in error messages.
        options : Options
            As `options_for` returns them.

        Returns
        -------
        list of Outcome

        Raises
        ------
        TypeError, ValueError
            As a call of the pipeline does.
        """
        read = [
            self._read_input(item, number, options)
            for item, number in zip(items, numbers, strict=True)
        ]
        call = self._make_call(options)
        outcomes = list(self._outcomes_of(read, call, numbers))
        self._warn_of_unlimited(sum(self._is_beyond(one, call) for one in outcomes), len(outcomes))
        return outcomes

    # ------------------------------------------------- hooks: what a task may do in its own way

    _expected: ClassVar[str] = "a str"  # the words for one input in error messages
    _for_long_texts: ClassVar[str] = "pass long_text='truncate' to read its beginning alone"
    _needs_offsets: ClassVar[bool] = False  # whether the task asks where tokens are in the text

    def _is_single_input(self, inputs: object, _options: OptionsT, /) -> bool:
        """Tell whether `inputs` is one input, and not several."""
        return isinstance(inputs, str)

    @abstractmethod
    def _read_input(self, item: object, number: int, options: OptionsT, /) -> ItemT:
        """Bring one input into the form that the task works with.

        Raises
        ------
        TypeError, ValueError
            If the input cannot be used; the message gives its number.
        """

    def _cutting(self, options: OptionsT, /) -> Cutting:
        """Decide how long texts are cut."""
        readable = self.model.config.max_position_embeddings
        return options.cutting(min(self.tokenizer.model_max_length, readable), readable)

    def _are_words(self, _options: OptionsT, /) -> bool:
        """Tell whether a text is a list of words."""
        return False

    def _texts_of(self, item: ItemT, _options: OptionsT, /) -> list[Any]:
        """List the texts, or pairs of texts, that the tokenizer gets for one input."""
        return [item]

    def _n_characters(self, item: ItemT, options: OptionsT, /) -> int:
        """Count the characters of one input, as a measure of the work that it takes."""
        texts = self._texts_of(item, options)
        return sum(len(text) if isinstance(text, str) else sum(map(len, text)) for text in texts)

    def _check_tokenized(
        self, tokenized: TokenizedInput[ItemT], call: Call[OptionsT], number: int, /
    ) -> None:
        """Raise a ValueError if the tokens of an input cannot be used."""

    def _first_position(
        self, _part: Encoding, _tokenized: TokenizedInput[ItemT], _call: Call[OptionsT], /
    ) -> int:
        """Return the position of the first token of a part: after the padding on its left."""
        return 0

    def _compute_rows(self, pack: Pack, /) -> list[Array]:
        """Compute a pack, and return the model's rows for each text of it."""
        return np.split(self.model.forward_pack(pack), pack.starts[1:-1])

    @abstractmethod
    def _make_result(
        self, tokenized: TokenizedInput[ItemT], rows: list[Array], call: Call[OptionsT], /
    ) -> ResultT:
        """Make the result of one input from the rows of its parts."""

    # -------------------------------------------------------------------------------- the work

    def _make_call(self, options: OptionsT) -> Call[OptionsT]:
        options.check_together()
        return Call(options, self._cutting(options))

    def _answer(self, inputs: object, options: OptionsT) -> Any:
        """Return one result for one input, a list for a list, an iterator for an iterator."""
        call = self._make_call(options)
        if self._is_single_input(inputs, options):
            (result,) = self._stream(self._read_inputs([inputs], options), call)
            return result
        items = as_list(inputs)
        if items is not None:
            read = list(self._read_inputs(items, options))  # all of them, before any work
            return list(self._stream(read, call, first_chunk=_CHUNK_INPUTS))
        stream = as_iterator(inputs)
        if stream is not None:
            results = self._stream(self._read_inputs(stream, options), call)
            return SizedResults(results, len(inputs)) if isinstance(inputs, Sized) else results
        raise TypeError(
            f"inputs is a {type(inputs).__name__}, expected {self._expected}, a list of these, or "
            "an iterator"
        )

    def _read_inputs(self, items: Iterable[object], options: OptionsT) -> Iterator[ItemT]:
        return (self._read_input(item, number, options) for number, item in enumerate(items))

    def _stream(
        self, items: Iterable[ItemT], call: Call[OptionsT], first_chunk: int = 1
    ) -> Iterator[ResultT]:
        """Yield the results of `items`, in order, chunk by chunk."""
        n_done = n_cut = n_beyond = 0
        for chunk in self._chunks(items, first_chunk, call.options):
            for outcome in self._outcomes_of(chunk, call, range(n_done, n_done + len(chunk))):
                yield outcome.result
                n_cut += outcome.is_cut
                n_beyond += self._is_beyond(outcome, call)
            n_done += len(chunk)
        if n_cut:
            warnings.warn(
                f"{n_cut:,} of {with_noun(n_done, 'text')} had more than {call.cutting.max_length} "
                "tokens, and only these were read",
                stacklevel=4,
            )
        self._warn_of_unlimited(n_beyond, n_done)

    def _is_beyond(self, outcome: Outcome[ResultT], call: Call[OptionsT]) -> bool:
        """Tell whether a text was read whole, although the tokenizer sets a smaller limit."""
        return (
            not call.cutting.strategy
            and call.cutting.max_length > self.tokenizer.model_max_length
            and outcome.n_tokens > self.tokenizer.model_max_length
        )

    def _warn_of_unlimited(self, n_texts: int, n_all: int) -> None:
        if n_texts:
            warnings.warn(
                f"{n_texts:,} of {with_noun(n_all, 'text')} had more tokens than the tokenizer's "
                f"model_max_length of {self.tokenizer.model_max_length}, and all of these were "
                "read; pass truncation=True to cut such texts, or long_text='error' to refuse them",
                stacklevel=5,
            )

    def _chunks(
        self, items: Iterable[ItemT], n_items: int, options: OptionsT
    ) -> Iterator[list[ItemT]]:
        """Yield a stream in chunks.

        The first chunk has up to `n_items` inputs. Each further one has up to twice as many.
        """
        items = iter(items)
        while True:
            chunk: list[ItemT] = []
            n_characters = 0
            try:
                for item in itertools.islice(items, n_items):
                    chunk.append(item)
                    n_characters += self._n_characters(item, options)
                    if n_characters >= self.max_chunk_characters:
                        break
            finally:
                # If an input cannot be read, the inputs before it are still computed first. The
                # exception reaches the caller when the caller asks for the next chunk.
                if chunk:
                    yield chunk
            if not chunk:
                return
            n_items = min(2 * n_items, options.batch_size or _CHUNK_INPUTS)

    def _outcomes_of(
        self, chunk: Sequence[ItemT], call: Call[OptionsT], numbers: Sequence[int]
    ) -> Iterator[Outcome[ResultT]]:
        """Yield the outcome of each input of a chunk, in order."""
        tokenized = self._tokenize(chunk, call, numbers)
        sequences, places = without_repeats(
            self._token_sequence(part, number, self._first_position(part, one, call))
            for number, one in zip(numbers, tokenized, strict=True)
            for part in one.parts
        )
        n_threads = call.options.threads or default_threads()
        computed = self._combiner.compute(
            functools.partial(self._compute_watched, self._compute_rows),
            sequences,
            n_threads,
            call.options.batch_size,
            is_alone=not self._shares_packs,
        )
        rows = (computed[place] for place in places)
        for one in tokenized:
            n_parts = len(one.parts)
            result = self._make_result(one, list(itertools.islice(rows, n_parts)), call)
            yield Outcome(result, sum(map(len, one.parts)), n_parts, one.is_cut)

    def _compute_watched(self, function: Callable[[Pack], list[RowsT]], pack: Pack) -> list[RowsT]:
        rows = function(pack)
        if self.pack_watcher is not None:
            self.pack_watcher(pack)
        return rows

    def _tokenize(
        self, chunk: Sequence[ItemT], call: Call[OptionsT], numbers: Sequence[int]
    ) -> list[TokenizedInput[ItemT]]:
        """Tokenize a chunk, and cut its long texts; error messages name inputs by `numbers`."""
        cutting = call.cutting
        texts = [self._texts_of(item, call.options) for item in chunk]
        encodings = iter(
            self.tokenizer.encode_batch(
                list(itertools.chain.from_iterable(texts)),
                truncation=cutting.strategy,
                max_length=cutting.max_length,
                stride=cutting.stride,
                with_offsets=self._needs_offsets,
                is_split_into_words=self._are_words(call.options),
                keeps_rest=cutting.keeps_rest,
            )
        )
        tokenized = []
        for number, item, of_item in zip(numbers, chunk, texts, strict=True):
            firsts = list(itertools.islice(encodings, len(of_item)))
            for first in firsts:
                if len(first) > cutting.max_length:
                    raise TooLongError(
                        f"text {number} (counted from 0) is {len(first)} tokens long, expected at "
                        f"most {cutting.max_length}",
                        self._for_long_texts,
                    )
            if cutting.keeps_rest:
                parts = [part for first in firsts for part in (first, *first.overflowing)]
                one = TokenizedInput(item, parts, is_cut=False)
            else:
                is_cut = any(first.overflowing for first in firsts)
                one = TokenizedInput(item, firsts, is_cut)
            tokenized.append(one)
        for number, one in zip(numbers, tokenized, strict=True):
            self._check_tokenized(one, call, number)
        return tokenized

    def _token_sequence(self, encoding: Encoding, number: int, first: int) -> TokenSequence:
        ids = np.array(encoding.ids, np.int64)
        sequence = TokenSequence(ids, np.arange(first, first + len(ids)))
        config = self.model.config
        check_tokens(sequence, config.vocab_size, config.max_position_embeddings, f"text {number}")
        return sequence


def read_text(item: object, number: int) -> str:
    """Return an input that must be a text; `number` is its position, counted from 0."""
    return check_text(item, f"text {number} (counted from 0)")
