"""What callers give a tokenizer → plain lists, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from npbert.arguments import as_list, check_text
from npbert.tokenization.vocabulary import plain_ids


def inputs_of(text: Any, text_pair: Any, is_split_into_words: bool) -> tuple[list[Any], bool]:
    """Texts, words or pairs, every one checked, and whether they are a batch."""
    check = _check_words if is_split_into_words else check_text
    items = as_list(text)
    is_batch = items is not None
    if is_split_into_words:
        if items is None:
            raise TypeError(f"text is a {type(text).__name__}, expected a list of words")
        is_batch = any(as_list(item) is not None for item in items[:1])
    if not is_batch:
        first = check(text, "text")
        # transformers takes an empty second text for none at all, but only of a single text.
        return [(first, check(text_pair, "text_pair")) if text_pair else first], False
    assert items is not None
    if text_pair is None:
        return [_check_item(item, number, check) for number, item in enumerate(items)], True
    pairs = as_list(text_pair)
    if pairs is None or len(pairs) != len(items):
        got = type(text_pair).__name__ if pairs is None else f"{len(pairs)} texts"
        raise ValueError(f"text_pair is {got}, expected a list of {len(items)}, one for each text")
    firsts = (check(item, f"text {number}") for number, item in enumerate(items))
    seconds = (check(item, f"text_pair {number}") for number, item in enumerate(pairs))
    return list(zip(firsts, seconds, strict=True)), True


def _check_item(item: Any, number: int, check: Callable[[Any, str], Any]) -> Any:
    """A text, or a pair of texts in a list or tuple."""
    is_pair = isinstance(item, (list, tuple)) and len(item) == 2
    if is_pair and (check is check_text or all(as_list(words) is not None for words in item)):
        return check(item[0], f"text {number}"), check(item[1], f"second text {number}")
    return check(item, f"text {number}")


def _check_words(value: Any, where: str) -> list[str]:
    words = as_list(value)
    if words is None:
        raise TypeError(f"{where} is a {type(value).__name__}, expected a list of words")
    return [check_text(word, f"{where}, word {number}") for number, word in enumerate(words)]


def columns_of(encoded_inputs: Any) -> dict[str, Any]:
    """Columns of plain lists, from a dict of columns or a list of dicts."""
    if isinstance(encoded_inputs, (list, tuple)) and encoded_inputs:
        names = encoded_inputs[0]
        encoded_inputs = {name: [item[name] for item in encoded_inputs] for name in names}
    if not isinstance(encoded_inputs, Mapping) or "input_ids" not in encoded_inputs:
        raise ValueError("there are no input_ids to pad; expected a dict, or a list of dicts")
    return {
        name: plain_ids(list(column) if isinstance(column, (list, tuple)) else column)
        for name, column in encoded_inputs.items()
    }


def padded(row: list[int], width: int, value: int, side: str) -> list[int]:
    """`row` with `value` on one side up to `width`."""
    fill = [value] * (width - len(row))
    return row + fill if side == "right" else fill + row


def rounded_up(width: int, multiple_of: int | None) -> int:
    """The next multiple from `width` on."""
    return width if multiple_of is None else -(-width // multiple_of) * multiple_of
