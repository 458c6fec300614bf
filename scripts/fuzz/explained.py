"""Differences from other libraries that are meant; docs/differences.md says why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from fuzz.mutants import Mutant
from npbert.tokenization.schema import SPECIAL_TOKENS

_UNREAD: Final = (
    *("attention_dropout", "dropout", "qa_dropout", "seq_classif_dropout", "initializer_range"),
    *("torch_dtype", "dtype"),
)
_LISTS: Final = ("additional_special_tokens", "extra_special_tokens")
_WRAPPERS: Final = (b'"module.', b'"_orig_mod.', b"a.distilbert.")


def reason(mutant: Mutant, path: Path, answer: Any, difference: str) -> str | None:
    """Return why an answer differs from that of another library, or None if nobody knows."""
    rules = _OF_TABLES if mutant.is_table else _OF_MODELS
    return next((name for name, fits in rules.items() if fits(path, answer, difference)), None)


Rule = Callable[[Path, Any, str], bool]


def _any_file_has(*marks: bytes) -> Rule:
    def fits(folder: Path, _answer: Any, _difference: str) -> bool:
        contents = [path.read_bytes() for path in folder.iterdir() if path.is_file()]
        return any(mark in content for content in contents for mark in marks)

    return fits


def _says(*marks: str) -> Rule:
    return lambda _path, _answer, difference: any(mark in difference for mark in marks)


def _warned(mark: str) -> Rule:
    return lambda _path, answer, _difference: any(mark in words for words in answer.warnings)


def _config(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "config.json").read_bytes())
    return found


def _has_no_metadata(folder: Path, _answer: Any, _difference: str) -> bool:
    """Tell whether an index of shards lacks the object to which transformers adds something."""
    index = folder / "model.safetensors.index.json"
    return index.exists() and not isinstance(json.loads(index.read_bytes()).get("metadata"), dict)


def _has_odd_dtype(folder: Path, _answer: Any, _difference: str) -> bool:
    """Tell whether config.json has something else than a name for the type of the weights."""
    config = _config(folder)
    return any(not isinstance(config.get(key), str | None) for key in ("torch_dtype", "dtype"))


def _names_other_tokens(folder: Path, _answer: Any, _difference: str) -> bool:
    """Tell whether special_tokens_map.json has other keys than those of BERT's tokens."""
    path = folder / "special_tokens_map.json"
    return path.exists() and bool({*json.loads(path.read_bytes())} - {*SPECIAL_TOKENS, *_LISTS})


_OF_MODELS: Final[dict[str, Rule]] = {
    "a type of the weights in config.json, which npbert does not read": _has_odd_dtype,
    "special tokens that BERT does not have, which npbert does not read": _names_other_tokens,
    "an index without metadata, which npbert does not read": _has_no_metadata,
    "names that a wrapper left": _any_file_has(*_WRAPPERS),
    "an added_tokens_decoder that is null": _any_file_has(b'"added_tokens_decoder": null'),
    "no model_type, by which transformers chooses a class": _says("Should have a `model_type`"),
    "older names of LayerNorm": _any_file_has(b".gamma"),
    "no names of labels": lambda folder, _answer, _difference: not _config(folder).get("id2label"),
    "parts of tokenizer.json that are not BERT's": _warned("is not what transformers 5 makes of"),
    "a key that npbert does not read": _says(
        *(
            f"field '{key}'"
            for key in ("attention_dropout", "dropout", "qa_dropout", "torch_dtype")
        ),
        *(f"field '{key}'" for key in ("seq_classif_dropout", "initializer_range", "dtype")),
        "dropout probability has to be between",
        *("field 'sinusoidal_pos_embds'", "module 'torch' has no attribute"),
    ),
}
_OF_TABLES: Final[dict[str, Rule]] = {}
