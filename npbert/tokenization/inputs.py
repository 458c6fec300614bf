"""What callers give a tokenizer → plain lists whose items have been checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from npbert.arguments import ArrowColumn, Sized, T_co, as_list, check_text

Text = str | Sequence[str]  # a text, or its words
Input = Text | tuple[Text, Text]  # or a pair of either


class Several(Sized[T_co], Protocol[T_co]):
    """Several values, such as texts, but not the characters of one text.

    To type checkers, a str is several str too. It does not fit here, because only a str may be
    searched for in it.
    """

    def __contains__(self, value: object, /) -> bool: ...


Words = Several[str]
# Several texts or pairs of texts. A pair is a tuple or a list; a str is a sequence of str too.
Texts = Several[Sequence[str]] | ArrowColumn
SeveralWords = Several[Words | Sequence[Words]]
AnyTexts = str | Several[Sequence[str | Sequence[str]]] | ArrowColumn

_Check = Callable[[object, str], Text]


def read_inputs(
    text: object, text_pair: object, is_split_into_words: bool
) -> tuple[list[Input], bool]:
    """Read the texts of a call.

    Parameters
    ----------
    text, text_pair : object
        As the call has them.
    is_split_into_words : bool
        Whether a text is a list of words.

    Returns
    -------
    inputs : list
        Texts, words or pairs of them.
    is_batch : bool
        Whether the call has several texts, and not one.

    Raises
    ------
    TypeError
        If a text is not a str, or is not a list of words where it should be one.
    ValueError
        If a text cannot be encoded, or `text` and `text_pair` have different lengths.
    """
    check: _Check = check_words if is_split_into_words else check_text
    items = as_list(text)
    is_batch = items is not None
    if is_split_into_words:
        if items is None:
            raise TypeError(f"text is a {type(text).__name__}, expected a list of words")
        is_batch = any(as_list(item) is not None for item in items[:1])
    if not is_batch:
        first = check(text, "text")
        # In transformers too, an empty second text of a single text means that there is none.
        return [(first, check(text_pair, "text_pair")) if text_pair else first], False
    assert items is not None
    if text_pair is None:
        return [_check_item(item, number, check) for number, item in enumerate(items)], True
    pairs = as_list(text_pair)
    if pairs is None or len(pairs) != len(items):
        got = f"a {type(text_pair).__name__}" if pairs is None else f"a list of {len(pairs)}"
        raise ValueError(f"text_pair is {got}, expected a list of {len(items)}, one for each text")
    firsts = (check(item, f"text {number}") for number, item in enumerate(items))
    seconds = (check(item, f"text_pair {number}") for number, item in enumerate(pairs))
    return list(zip(firsts, seconds, strict=True)), True


def _check_item(item: object, number: int, check: _Check) -> Input:
    """Return a text, or a pair of texts that a list or a tuple holds."""
    if (
        isinstance(item, (list, tuple))
        and len(item) == 2
        and (check is check_text or all(as_list(words) is not None for words in item))
    ):
        return check(item[0], f"text {number}"), check(item[1], f"second text {number}")
    return check(item, f"text {number}")


def check_words(value: object, where: str) -> list[str]:
    """Return the words of a text as a list, or raise a TypeError that begins with `where`."""
    words = as_list(value)
    if words is None:
        raise TypeError(f"{where} is a {type(value).__name__}, expected a list of words")
    return [check_text(word, f"{where}, word {number}") for number, word in enumerate(words)]


def read_columns(encoded_inputs: object, main: str = "input_ids") -> dict[str, Any]:
    """Return columns of plain lists, from a dict of columns or from a list of dicts of one row.

    Raises
    ------
    ValueError
        If there is no column `main`, which has the ids.
    """
    columns = encoded_inputs
    if isinstance(columns, (list, tuple)) and columns:
        columns = {name: [item[name] for item in columns] for name in columns[0]}
    if not isinstance(columns, Mapping) or main not in columns:
        raise ValueError(f"there are no {main} to pad; expected a dict, or a list of dicts")
    return {
        name: as_plain_ids(list(column) if isinstance(column, (list, tuple)) else column)
        for name, column in columns.items()
    }


def require_ids(ids: Iterable[object]) -> None:
    """Raise a ValueError if one of `ids` is not an integer that could be a token's id."""
    for number in ids:
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 2**32:
            raise ValueError(f"{number!r} is not a token id, expected an integer from 0")


def as_plain_ids(ids: Any) -> Any:
    """Return ids as Python's own ints and lists; of a BatchEncoding these are its `input_ids`.

    Arrays, tensors and columns are recognized by their method `tolist`, so that no package has to
    be imported for them.
    """
    if isinstance(ids, Mapping):
        ids = ids["input_ids"]
    if isinstance(ids, (list, tuple)):
        return [as_plain_ids(item) for item in ids]
    if hasattr(ids, "to_pylist"):  # pyarrow
        return ids.to_pylist()
    if hasattr(ids, "tolist"):
        plain = ids.tolist()
        # The items of a column may be arrays, and those of an array are plain already.
        is_nested = isinstance(plain, list) and plain and not isinstance(plain[0], int)
        return as_plain_ids(plain) if is_nested and getattr(ids, "ndim", 1) == 1 else plain
    return ids


def are_arrays(encoded_inputs: Any, main: str) -> bool:
    """Tell whether the rows that `read_columns` read are arrays or tensors, and not lists."""
    if isinstance(encoded_inputs, Mapping):
        rows = encoded_inputs[main]
        return hasattr(rows, "ndim") or any(hasattr(row, "ndim") for row in rows[:1])
    return any(hasattr(row[main], "ndim") for row in encoded_inputs[:1])
