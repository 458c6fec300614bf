"""What a tokenizer returns: ids and masks, and the way from tokens to characters and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from tokenizers import Encoding

from npbert.arguments import take_harmless


class CharSpan(NamedTuple):
    """Characters of a text, from `start` up to but without `end`."""

    start: int
    end: int


class TokenSpan(NamedTuple):
    """Tokens of a text, from `start` up to but without `end`."""

    start: int
    end: int


class BatchEncoding(dict[str, Any]):
    """A dict whose keys are attributes too; an int as key gives a text's `Encoding`.

    ``input_ids`` and ``attention_mask`` have shape (batch, seq), int64, with
    ``return_tensors="np"``; otherwise they are lists, of ints for one text and of lists of
    ints for several.

    The methods from tokens to characters take the number of a text and a place in it, or a
    place alone for the first text.
    """

    def __init__(
        self, columns: dict[str, Any], encodings: Sequence[Encoding] | None = None
    ) -> None:
        super().__init__(columns)
        self._encodings = None if encodings is None else list(encodings)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getitem__(name)
        except KeyError:
            there = ", ".join(self)
            raise AttributeError(f"{name!r} was not asked for; there is: {there}") from None

    def __getitem__(self, key: str | int | slice) -> Any:
        if isinstance(key, str):
            return super().__getitem__(key)
        if isinstance(key, slice) and self._encodings is None:
            return {name: column[key] for name, column in self.items()}
        return self._all()[key]

    def copy(self) -> BatchEncoding:
        """A copy of the columns, not of what is in them."""
        return BatchEncoding(self, self._encodings)

    def __or__(self, other: Any) -> BatchEncoding:  # type: ignore[override]
        merged = self.copy()
        merged.update(other)
        return merged

    @property
    def data(self) -> BatchEncoding:
        """The columns: the encoding itself, which is a dict of them."""
        return self

    @property
    def is_fast(self) -> bool:
        """Whether the way back to characters is known: not after `Tokenizer.pad`."""
        return self._encodings is not None

    @property
    def encodings(self) -> list[Encoding] | None:
        """Encodings of the `tokenizers` library, one a row."""
        return self._encodings

    @property
    def n_sequences(self) -> int | None:
        """2 for pairs, 1 for texts."""
        return self._encodings[0].n_sequences if self._encodings else None

    def convert_to_tensors(self, tensor_type: str | None = None) -> Self:
        """Turn the columns into arrays.

        Raises
        ------
        ValueError
            If rows have different lengths, or `tensor_type` is not "np".
        """
        if tensor_type not in (None, "np"):
            raise ValueError(f"return_tensors is {tensor_type!r}, expected 'np' or None")
        if tensor_type is not None:
            self.update({name: _array(name, column) for name, column in self.items()})
        return self

    def to(self, device: str) -> Self:
        """Return the encoding, which is on the CPU; other devices raise a ValueError."""
        take_harmless({"device": device})
        return self

    def tokens(self, batch_index: int = 0) -> list[str]:
        """Tokens of a text."""
        return self._all()[batch_index].tokens

    def sequence_ids(self, batch_index: int = 0) -> list[int | None]:
        """0 or 1 for every token of the first or second text; None for special tokens."""
        return self._all()[batch_index].sequence_ids

    def word_ids(self, batch_index: int = 0) -> list[int | None]:
        """Number of the word of every token; None for special tokens."""
        return self._all()[batch_index].word_ids

    def token_to_sequence(self, batch_or_token_index: int, token_index: int | None = None) -> int:
        """0 or 1: the text of a pair that a token belongs to."""
        encoding, token = self._at(batch_or_token_index, token_index)
        return encoding.token_to_sequence(_from_end(token, len(encoding.ids)))  # type: ignore[return-value]

    def token_to_word(
        self, batch_or_token_index: int, token_index: int | None = None
    ) -> int | None:
        """Number of a token's word; None for special tokens."""
        encoding, token = self._at(batch_or_token_index, token_index)
        return encoding.token_to_word(_from_end(token, len(encoding.ids)))

    def token_to_chars(
        self, batch_or_token_index: int, token_index: int | None = None
    ) -> CharSpan | None:
        """Where a token is in its text; None for special tokens."""
        encoding, token = self._at(batch_or_token_index, token_index)
        span = encoding.token_to_chars(_from_end(token, len(encoding.ids)))
        return None if span is None else CharSpan(*span)

    def word_to_tokens(
        self, batch_or_word_index: int, word_index: int | None = None, sequence_index: int = 0
    ) -> TokenSpan | None:
        """Tokens of a word; None if it has none left."""
        encoding, word = self._at(batch_or_word_index, word_index)
        span = encoding.word_to_tokens(word, sequence_index)
        return None if span is None else TokenSpan(*span)

    def word_to_chars(
        self, batch_or_word_index: int, word_index: int | None = None, sequence_index: int = 0
    ) -> CharSpan:
        """Where a word is in its text."""
        encoding, word = self._at(batch_or_word_index, word_index)
        span = encoding.word_to_chars(word, sequence_index)
        if span is None:
            raise ValueError(f"there is no word {word} in this text")
        return CharSpan(*span)

    def char_to_token(
        self, batch_or_char_index: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        """Number of the token of a character; None for a space and the like."""
        encoding, char = self._at(batch_or_char_index, char_index)
        return encoding.char_to_token(char, sequence_index)

    def char_to_word(
        self, batch_or_char_index: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        """Number of the word of a character; None for a space and the like."""
        encoding, char = self._at(batch_or_char_index, char_index)
        return encoding.char_to_word(char, sequence_index)

    def _all(self) -> list[Encoding]:
        if self._encodings is None:
            raise ValueError(
                "these ids were not tokenized here but padded, so their texts are not known; "
                "call the tokenizer with padding=True instead"
            )
        return self._encodings

    def _at(self, batch_or_index: int, index: int | None) -> tuple[Encoding, int]:
        if index is None:
            return self._all()[0], batch_or_index
        return self._all()[batch_or_index], index


def _from_end(index: int, length: int) -> int:
    return index + length if index < 0 else index


def _array(name: str, column: Any) -> np.ndarray:
    if isinstance(column, np.ndarray):
        return column
    if column and not isinstance(column[0], (list, tuple)):  # one value a row, or one text
        return np.array(column)
    lengths = {len(row) for row in column}
    if len(lengths) > 1:
        raise ValueError(
            f"{name}: texts of {min(lengths)} to {max(lengths)} tokens do not make an array; "
            "pass padding=True (and truncation=True for long texts)"
        )
    array = np.array(column)
    return array if array.size else np.zeros((len(column), max(lengths, default=0)), np.int64)
