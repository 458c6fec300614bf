"""Parts of a tokenizer.json that can take all memory or all time, which no tokenizer needs.

The tokenizers library does what a file says. A few rules that each replace a letter by a hundred
make a terabyte of a word, and the process ends without an exception. Some regular expressions take
a time that doubles with every letter. So the rules that can do this are accepted only in the forms
that tokenizers in use have.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import tokenizers
from tokenizers import models

from npbert.messages import shown

_MOST_GROWTH: Final = 16  # of a text by all replacements together
_MOST_PREPENDED: Final = 16  # characters
_LONGEST_WORD: Final = 1000  # characters; the time for a word can grow with the cube of its length
_NESTED: Final = ("normalizers", "pretokenizers", "decoders", "processors")
# The regular expressions of tokenizers in use: runs of blanks as sentencepiece has them, and the
# words of GPT-2 and of its successors.
_KNOWN_EXPRESSIONS: Final = frozenset(
    (
        " {2,}",
        r"\s+",
        r"\d",
        r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    )
)


def refuse_costly_parts(backend: tokenizers.Tokenizer, path: Path) -> None:
    """Raise a ValueError if a part of a tokenizer could take all memory or all time.

    Parameters
    ----------
    backend : tokenizers.Tokenizer
    path : Path
        The tokenizer.json, for the error message.
    """
    growth = 1.0
    for kind in ("normalizer", "pre_tokenizer", "decoder"):
        for part in parts_of(getattr(backend, kind)):
            where = f"{path}: the {kind} has a {part['type']}"
            _refuse_unknown_expression(part, where)
            if kind == "normalizer" and part["type"] == "Replace":
                growth *= max(_growth_of(part), 1)
            prepended = part.get("prepend", "")
            if len(prepended) > _MOST_PREPENDED:
                raise ValueError(
                    f"{where} of {len(prepended):,} characters, expected at most {_MOST_PREPENDED}"
                )
    if growth > _MOST_GROWTH:
        raise ValueError(
            f"{path}: its replacements can make a text {growth:,.0f} times as long, expected at "
            f"most {_MOST_GROWTH} times; choose another tokenizer"
        )
    model = backend.model
    if isinstance(model, models.WordPiece) and model.max_input_chars_per_word > _LONGEST_WORD:
        raise ValueError(
            f"{path}: max_input_chars_per_word is {model.max_input_chars_per_word:,}, expected at "
            f"most {_LONGEST_WORD:,}; BERT has 100"
        )


def parts_of(part: Any) -> Iterator[Mapping[str, Any]]:
    """Yield what tokenizer.json says of a part, and of the parts in it."""
    waiting = [] if part is None else [json.loads(part.__getstate__())]
    while waiting:
        state = waiting.pop()
        yield state
        for name in _NESTED:
            waiting += state.get(name, ())


def _refuse_unknown_expression(part: Mapping[str, Any], where: str) -> None:
    pattern = part.get("pattern")
    expression = pattern.get("Regex") if isinstance(pattern, Mapping) else None
    if expression is not None and expression not in _KNOWN_EXPRESSIONS:
        raise ValueError(
            f"{where} with the regular expression {shown(expression)}, which npbert does not know: "
            "some expressions take for ever; choose another tokenizer"
        )


def _growth_of(replacement: Mapping[str, Any]) -> float:
    """Return how many times as long a replacement can make a text."""
    pattern = replacement["pattern"].get("String")
    length = len(pattern) if pattern is not None else 1
    return len(replacement["content"]) / length if length else float("inf")
