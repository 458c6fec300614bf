"""What a tokenizer returns: ids and masks, and the way from tokens to characters and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, NamedTuple, Self, overload

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

from npbert.arguments import without_ported

# The default makes a plain `npbert.BatchEncoding` in an annotation a complete type. Python itself
# has defaults of type variables from release 3.13 on.
if TYPE_CHECKING:
    from typing_extensions import TypeVar

    IdsT = TypeVar("IdsT", default=Any)  # IntArray, list[int] or list[list[int]]
else:
    from typing import TypeVar

    IdsT = TypeVar("IdsT")

IntArray = NDArray[np.int64]

# The columns beside input_ids, and how each of them is read from the encoding of a row.
_COLUMNS: Final[Mapping[str, Callable[[Encoding], Any]]] = {
    "token_type_ids": lambda encoding: encoding.type_ids,
    "attention_mask": lambda encoding: encoding.attention_mask,
    "special_tokens_mask": lambda encoding: encoding.special_tokens_mask,
    "offset_mapping": lambda encoding: encoding.offsets,
    "length": lambda encoding: len(encoding.ids),
}


class CharSpan(NamedTuple):
    """The characters of a text from `start` up to, but not including, `end`."""

    start: int
    end: int


class TokenSpan(NamedTuple):
    """The tokens of a text from `start` up to, but not including, `end`."""

    start: int
    end: int


class BatchEncoding(dict[str, Any], Generic[IdsT]):
    """A dict of columns, such as `input_ids`, whose keys are attributes too.

    With an int as the key, it gives the `Encoding` of one row.

    Parameters
    ----------
    columns : dict
        The columns by their names. Each is a list or an array of one row per text.
    encodings : sequence of Encoding, optional
        One per row. Without them, the way from tokens to characters is not known.

    Attributes
    ----------
    input_ids, attention_mask, token_type_ids, special_tokens_mask : array or list
        With ``return_tensors="np"``, each is an int64 array (batch, seq). Otherwise it is a list
        of int for one text, and a list of lists for several. The last two, and the columns that
        follow, are there if the call asked for them.
    offset_mapping : array (batch, seq, 2) or list
        The start and the end of each token in its text, as characters.
    length, overflow_to_sample_mapping : array (batch,) or list of int
        The number of tokens of each row, and the number of the text that it comes from.

    Notes
    -----
    The methods from tokens to characters take the number of a row and a place in it. If they get
    one number alone, it is a place in the first row.
    """

    input_ids: IdsT
    attention_mask: IdsT
    token_type_ids: IdsT
    special_tokens_mask: IdsT

    def __init__(
        self, columns: Mapping[str, Any], encodings: Sequence[Encoding] | None = None
    ) -> None:
        super().__init__(columns)
        self._encodings = None if encodings is None else list(encodings)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getitem__(name)
        except KeyError:
            there = ", ".join(self)
            raise AttributeError(
                f"there is no column {name!r}, because the call did not ask for it; "
                f"there is: {there}"
            ) from None

    # A dict of Any, so that model(**inputs) may fill keywords of any type. These types of the
    # single columns hold until a column is replaced by something else.
    @overload
    def __getitem__(
        self,
        key: Literal["input_ids", "attention_mask", "token_type_ids", "special_tokens_mask"],
    ) -> IdsT: ...
    @overload
    def __getitem__(
        self: BatchEncoding[IntArray],
        key: Literal["offset_mapping", "length", "overflow_to_sample_mapping"],
    ) -> IntArray: ...
    @overload
    def __getitem__(
        self: BatchEncoding[list[int]], key: Literal["offset_mapping"]
    ) -> list[tuple[int, int]]: ...
    @overload
    def __getitem__(
        self: BatchEncoding[list[list[int]]], key: Literal["offset_mapping"]
    ) -> list[list[tuple[int, int]]]: ...
    @overload
    def __getitem__(
        self: BatchEncoding[list[int]] | BatchEncoding[list[list[int]]],
        key: Literal["length", "overflow_to_sample_mapping"],
    ) -> list[int]: ...
    @overload
    def __getitem__(self, key: str) -> Any: ...
    @overload
    def __getitem__(self, key: int) -> Encoding: ...
    @overload
    def __getitem__(self, key: slice) -> list[Encoding] | dict[str, Any]: ...
    def __getitem__(self, key: str | int | slice) -> Any:
        if isinstance(key, str):
            return super().__getitem__(key)
        if isinstance(key, slice) and self._encodings is None:
            return {name: column[key] for name, column in self.items()}
        return self._require_encodings()[key]

    def copy(self) -> BatchEncoding[IdsT]:
        """Return a new encoding with the same columns; what is in the columns is not copied."""
        return BatchEncoding(self, self._encodings)

    def __or__(self, other: Mapping[str, Any]) -> BatchEncoding[IdsT]:  # type: ignore[override]
        merged = self.copy()
        merged.update(other)
        return merged

    @property
    def data(self) -> BatchEncoding[IdsT]:
        """The columns: this is the encoding itself, which is a dict of them."""
        return self

    @property
    def is_fast(self) -> bool:
        """Whether the way back to characters is known; after `Tokenizer.pad` it is not."""
        return self._encodings is not None

    @property
    def encodings(self) -> list[Encoding] | None:
        """The encodings of the `tokenizers` library, one per row."""
        return self._encodings

    @property
    def n_sequences(self) -> int | None:
        """The number of texts per row: 2 for pairs, 1 for single texts."""
        return self._encodings[0].n_sequences if self._encodings else None

    @overload
    def convert_to_tensors(self, tensor_type: Literal["np"]) -> BatchEncoding[IntArray]: ...
    @overload
    def convert_to_tensors(self, tensor_type: None = None) -> Self: ...
    @overload
    def convert_to_tensors(self, tensor_type: Literal["np"] | None) -> BatchEncoding: ...
    def convert_to_tensors(self, tensor_type: str | None = None) -> BatchEncoding:
        """Turn the columns into arrays.

        Parameters
        ----------
        tensor_type : "np", optional
            Without it, the columns stay as they are.

        Returns
        -------
        BatchEncoding
            The encoding itself.

        Raises
        ------
        ValueError
            If rows have different lengths, or `tensor_type` is not "np".
        """
        if tensor_type not in (None, "np"):
            raise ValueError(f"return_tensors is {tensor_type!r}, expected 'np' or None")
        if tensor_type is not None:
            self.update({name: _as_array(name, column) for name, column in self.items()})
        return self

    def to(self, device: str) -> Self:
        """Return the encoding, which is on the CPU; any other device raises a ValueError."""
        without_ported({"device": device})
        return self

    def tokens(self, batch_index: int = 0) -> list[str]:
        """Return the tokens of a row as strings."""
        return self._require_encodings()[batch_index].tokens

    def sequence_ids(self, batch_index: int = 0) -> list[int | None]:
        """Return which text of a pair each token belongs to: 0, 1, or None for special tokens."""
        return self._require_encodings()[batch_index].sequence_ids

    def word_ids(self, batch_index: int = 0) -> list[int | None]:
        """Return the number of each token's word; for special tokens it is None."""
        return self._require_encodings()[batch_index].word_ids

    def token_to_sequence(self, batch_or_token_index: int, token_index: int | None = None) -> int:
        """Return which text of a pair a token belongs to: 0 or 1."""
        encoding, token = self._find(batch_or_token_index, token_index)
        return encoding.token_to_sequence(_count_from_start(token, encoding))  # type: ignore[return-value]

    def token_to_word(
        self, batch_or_token_index: int, token_index: int | None = None
    ) -> int | None:
        """Return the number of a token's word; for special tokens it is None."""
        encoding, token = self._find(batch_or_token_index, token_index)
        return encoding.token_to_word(_count_from_start(token, encoding))

    def token_to_chars(
        self, batch_or_token_index: int, token_index: int | None = None
    ) -> CharSpan | None:
        """Return where a token stands in its text; for special tokens this is None."""
        encoding, token = self._find(batch_or_token_index, token_index)
        span = encoding.token_to_chars(_count_from_start(token, encoding))
        return None if span is None else CharSpan(*span)

    def word_to_tokens(
        self, batch_or_word_index: int, word_index: int | None = None, sequence_index: int = 0
    ) -> TokenSpan | None:
        """Return the tokens of a word, or None if all of them were cut off."""
        encoding, word = self._find(batch_or_word_index, word_index)
        span = encoding.word_to_tokens(word, sequence_index)
        return None if span is None else TokenSpan(*span)

    def word_to_chars(
        self, batch_or_word_index: int, word_index: int | None = None, sequence_index: int = 0
    ) -> CharSpan:
        """Return where a word stands in its text."""
        encoding, word = self._find(batch_or_word_index, word_index)
        span = encoding.word_to_chars(word, sequence_index)
        if span is None:
            raise ValueError(f"there is no word {word} in this text")
        return CharSpan(*span)

    def char_to_token(
        self, batch_or_char_index: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        """Return the number of a character's token, or None if it has none, as a space."""
        encoding, char = self._find(batch_or_char_index, char_index)
        return encoding.char_to_token(char, sequence_index)

    def char_to_word(
        self, batch_or_char_index: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        """Return the number of a character's word, or None if it has none, as a space."""
        encoding, char = self._find(batch_or_char_index, char_index)
        return encoding.char_to_word(char, sequence_index)

    def _require_encodings(self) -> list[Encoding]:
        if self._encodings is None:
            raise ValueError(
                "these ids were not tokenized here but padded, so their texts are not known; "
                "call the tokenizer with padding=True instead"
            )
        return self._encodings

    def _find(self, batch_or_index: int, index: int | None) -> tuple[Encoding, int]:
        """Return a row's encoding and a place in it, from the numbers that a method was given."""
        if index is None:
            return self._require_encodings()[0], batch_or_index
        return self._require_encodings()[batch_or_index], index


def read_encodings(
    encodings: Sequence[Encoding],
    wanted: Mapping[str, bool],
    *,
    with_overflow: bool,
    is_batch: bool,
) -> BatchEncoding:
    """Make columns of lists from the encodings of texts.

    Parameters
    ----------
    encodings : sequence of Encoding
        One per text.
    wanted : dict of bool
        For each column beside `input_ids`, whether it is wanted.
    with_overflow : bool
        Whether the parts that were cut off a text are rows too.
    is_batch : bool
        Whether a single text is a batch of one, so that its columns are lists of lists.

    Returns
    -------
    BatchEncoding
    """
    parts = [[encoding] for encoding in encodings]
    if with_overflow:
        parts = [[encoding, *encoding.overflowing] for encoding in encodings]
    rows = [part for of_text in parts for part in of_text]
    columns: dict[str, Any] = {"input_ids": [row.ids for row in rows]}
    for name, read in _COLUMNS.items():
        if wanted[name]:
            columns[name] = list(map(read, rows))
    if with_overflow:
        columns["overflow_to_sample_mapping"] = [
            number for number, of_text in enumerate(parts) for _ in of_text
        ]
    elif not is_batch:
        columns = {
            name: column[0] if isinstance(column[0], list) else column
            for name, column in columns.items()
        }
    return BatchEncoding(columns, rows)


def _count_from_start(token: int, encoding: Encoding) -> int:
    """Return the number of a token counted from the start; -1 is the last one."""
    return token + len(encoding.ids) if token < 0 else token


def _as_array(name: str, column: Any) -> NDArray[Any]:
    if isinstance(column, np.ndarray):
        return column
    if column and not isinstance(column[0], (list, tuple)):  # one value per row, or one text
        return np.array(column)
    lengths = {len(row) for row in column}
    if len(lengths) > 1:
        raise ValueError(
            f"{name}: texts of {min(lengths)} to {max(lengths)} tokens do not make an array; "
            "pass padding=True (and truncation=True for long texts)"
        )
    array = np.array(column)
    return array if array.size else np.zeros((len(column), max(lengths, default=0)), np.int64)
