"""What the keys of a tokenizer's small JSON files may hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from tokenizers import AddedToken

from npbert.checkpoints.json_files import read_json_object
from npbert.messages import shown

# Raises a ValueError if a value is not what it should be. The str names the value in the message.
Check = Callable[[str, object], None]
Schema = Mapping[str, Check]

# The attributes in the order of transformers, with the text of each token that BERT has.
SPECIAL_TOKENS: Final = {
    "bos_token": None,
    "eos_token": None,
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
TOKEN_FLAGS: Final = ("single_word", "lstrip", "rstrip", "normalized", "special")


def read_checked(path: Path, schema: Schema) -> dict[str, Any]:
    """Read a JSON object, and check its keys; without the file, the object is empty.

    Parameters
    ----------
    path : Path
    schema : mapping of str to callable
        The check of each key. Other keys may hold anything.

    Raises
    ------
    ValueError
        If the file is not a JSON object, or the value of a key is of the wrong type. The message
        names the file, the key and the value.
    """
    values = read_json_object(path) if path.exists() else {}
    check_values(values, schema, f"{path}: ")
    return values


def check_values(values: Mapping[str, object], schema: Schema, where: str) -> None:
    """Raise a ValueError if the value of a key is of the wrong type.

    Parameters
    ----------
    values : mapping
    schema : mapping of str to callable
        As in `read_checked`.
    where : str
        The words before the name of the key in the error message.
    """
    for name, value in values.items():
        if name in schema:
            schema[name](f"{where}{name}", value)
        elif name.endswith("_token") and (
            isinstance(value, str) or (isinstance(value, Mapping) and "content" in value)
        ):
            _check_token(f"{where}{name}", value)


def read_token_id(where: str, value: object) -> int:
    """Return the id of a token; JSON can have it as an integer, as 7.0, or as a text.

    Raises
    ------
    ValueError
        If it is something else, or negative.
    """
    number = value
    if isinstance(value, str):
        try:
            number = int(value)
        except ValueError:
            number = None
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        _refuse(where, value, "a token id, which is an integer from 0")
    return number


def check_token_text(where: str, text: str) -> None:
    """Raise a ValueError for half of a surrogate pair, which JSON can have and no token can."""
    try:
        text.encode()
    except UnicodeEncodeError:
        _refuse(where, text, "a text without halves of surrogate pairs")


def _refuse(where: str, value: object, expected: str) -> NoReturn:
    raise ValueError(f"{where} is {shown(value)}, expected {expected}")


# ---------------------------------------------------------------------------------- checks


def _only(is_right: Callable[[object], bool], expected: str) -> Check:
    """Make the check of a plain value."""

    def check(where: str, value: object) -> None:
        if not is_right(value):
            _refuse(where, value, expected)

    return check


def _or_null(check: Check) -> Check:
    """Make a check that null passes, too."""
    return lambda where, value: None if value is None else check(where, value)


def _is_limit(value: object) -> bool:
    # transformers writes 1e30 where there is no limit.
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    return value >= 0 and (value == math.inf or value == int(value))


def _is_names(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value)


def _check_token(where: str, value: object) -> None:
    if isinstance(value, AddedToken):
        return
    text = value.get("content") if isinstance(value, Mapping) else value
    if not isinstance(text, str):
        _refuse(where, value, "a token: its text, or an object with its content and its flags")
    check_token_text(where, text)
    for flag in TOKEN_FLAGS:
        if isinstance(value, Mapping) and flag in value:
            _FLAG(f"{where}.{flag}", value[flag])


def _check_tokens(where: str, value: object) -> None:
    if not isinstance(value, (list, tuple)):
        _refuse(where, value, "a list of tokens")
    for number, token in enumerate(value):
        _check_token(f"{where}[{number}]", token)


def _check_named_tokens(where: str, value: object) -> None:
    if not isinstance(value, Mapping):
        _refuse(where, value, "an object of names and tokens")
    for name, token in value.items():
        _check_token(f"{where}[{shown(name)}]", token)


def _check_collection(where: str, value: object) -> None:
    if not isinstance(value, (list, tuple, Mapping)):
        _refuse(where, value, "a list of tokens, or an object of names and tokens")
    (_check_named_tokens if isinstance(value, Mapping) else _check_tokens)(where, value)


def _check_numbered_tokens(where: str, value: object) -> None:
    if not isinstance(value, Mapping):
        _refuse(where, value, "an object of ids and tokens")
    for number, token in value.items():
        read_token_id(f"{where}: a key", number)
        _check_token(f"{where}[{shown(number)}]", token)


_FLAG: Final = _only(lambda value: isinstance(value, bool), "true or false")
_OPTIONAL_FLAG: Final = _only(
    lambda value: value is None or isinstance(value, bool), "true, false or null"
)
_NAME: Final = _or_null(_only(lambda value: isinstance(value, str), "a name"))
_SIDE: Final = _only(lambda value: value in ("right", "left"), "one of: 'right', 'left'")

# The keys of tokenizer_config.json; their values can also be given to `from_pretrained`.
SETTINGS: Final[Schema] = {
    **dict.fromkeys(SPECIAL_TOKENS, _or_null(_check_token)),
    **dict.fromkeys(("do_lower_case", "tokenize_chinese_chars"), _FLAG),
    **dict.fromkeys(("split_special_tokens", "rebuild"), _or_null(_FLAG)),
    **dict.fromkeys(("strip_accents", "clean_up_tokenization_spaces"), _OPTIONAL_FLAG),
    **dict.fromkeys(
        ("model_max_length", "max_len"), _or_null(_only(_is_limit, "a whole number of tokens"))
    ),
    "model_input_names": _or_null(_only(_is_names, "a list of names")),
    **dict.fromkeys(("padding_side", "truncation_side"), _SIDE),
    "tokenizer_class": _NAME,
    "added_tokens_decoder": _or_null(_check_numbered_tokens),
    "model_specific_special_tokens": _or_null(_check_named_tokens),
    **dict.fromkeys(
        ("extra_special_tokens", "additional_special_tokens"), _or_null(_check_collection)
    ),
}
# The keys of special_tokens_map.json, which can hold any setting.
SPECIAL_TOKENS_MAP: Final[Schema] = {
    **SETTINGS,
    "additional_special_tokens": _or_null(_check_tokens),
}
# The keys of config.json that tell the class of the tokenizer.
CONFIG: Final[Schema] = {"tokenizer_class": _NAME, "model_type": _NAME}
