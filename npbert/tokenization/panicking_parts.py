"""Parts of a tokenizer.json over which the tokenizers library panics, as its language calls it.

A panic writes a trace to standard error before Python knows of it. So these parts are refused
before the library comes to the place in which it would panic.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import tokenizers

from npbert.messages import shown
from npbert.tokenization.costly_parts import parts_of

_ESCAPED_LETTER: Final = re.compile(rb"\\u00([4-7][0-9A-Fa-f])")
_MERGES: Final = re.compile(rb'"merges"\s*:')
_PRECOMPILED: Final = re.compile(rb'"type"\s*:\s*"Precompiled"')


def refuse_unreadable_parts(content: bytes, path: Path) -> None:
    """Raise a ValueError if the library could panic while it reads a tokenizer.json.

    It does so over a normalizer of sentencepiece whose table is damaged, over a merge of a BPE
    model that is shorter than the prefix which the model takes off, and over one that makes a
    longer piece than those of the vocabulary.

    Parameters
    ----------
    content : bytes
        The content of the file.
    path : Path
        The file, for the error message.
    """
    if b"\\u00" in content:
        content = _ESCAPED_LETTER.sub(lambda found: bytes([int(found[1], 16)]), content)
    if _PRECOMPILED.search(content):
        raise ValueError(
            f"{path}: the normalizer has a Precompiled, which only tokenizers of sentencepiece "
            "have, and none of a DistilBERT; choose another tokenizer"
        )
    fault = _fault_of_merges(content) if _MERGES.search(content) else None
    if fault is not None:
        raise ValueError(f"{path}: the model has a merge {fault}; choose another tokenizer")


def _fault_of_merges(content: bytes) -> str | None:
    """Say what is wrong with a merge of a BPE model, if the library would panic over one."""
    try:
        model = json.loads(content)["model"]
        vocab, prefix = model["vocab"], model.get("continuing_subword_prefix") or ""
        for merge in model.get("merges", ()):
            first, second = merge.split(" ") if isinstance(merge, str) else merge
            if not second.startswith(prefix):
                return f"with {shown(second)}, expected a second part that begins with {prefix!r}"
            merged = first + second.removeprefix(prefix)
            if merged not in vocab:
                return f"to {shown(merged)}, which is not in its vocabulary"
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        pass  # the library says what is wrong with the file
    return None


def refuse_panicking_parts(backend: tokenizers.Tokenizer, path: Path) -> None:
    """Raise a ValueError if the library would panic over some text.

    Parameters
    ----------
    backend : tokenizers.Tokenizer
    path : Path
        The tokenizer.json, for the error message.
    """
    for part in parts_of(backend.post_processor):
        for form in ("single", "pair"):
            tokens = [piece.get("SpecialToken", {}).get("id") for piece in part.get(form, ())]
            unknown = {*tokens} - {None, *part.get("special_tokens", ())}
            if unknown:
                raise ValueError(
                    f"{path}: the template of the post_processor has {shown(min(unknown))} for a "
                    f"{form}, which is not among its special_tokens; choose another tokenizer"
                )
        if any(piece.get("Sequence", {}).get("id") == "B" for piece in part.get("single", ())):
            raise ValueError(
                f"{path}: the template of the post_processor has a second text for a single; "
                "choose another tokenizer"
            )
    for part in parts_of(backend.decoder):
        if part["type"] == "Strip" and part["stop"]:
            raise ValueError(
                f"{path}: the decoder has a Strip that takes {part['stop']:,} characters from the "
                "end, expected 0, because shorter tokens end the tokenizers library; choose "
                "another tokenizer"
            )
