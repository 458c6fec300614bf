"""The settings of a tokenizer: what tokenizer_config.json says, and the class that it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from npbert.checkpoints.hub import CONFIG_FILE
from npbert.checkpoints.json_files import read_json_object

SETTINGS_FILE: Final = "tokenizer_config.json"

# The contents of tokenizer_config.json, which can hold any JSON. The keys that npbert reads are
# those of `TokenizerSettings`, and names that older releases of transformers wrote.
Settings = dict[str, Any]

_BERT_MODELS: Final = (
    *("Bert", "DistilBert", "Electra", "MobileBert", "ConvBert", "LayoutLM", "SqueezeBert"),
    *("Lxmert", "DPRContextEncoder", "DPRQuestionEncoder", "DPRReader", "RetriBert"),
)
# The classes whose vocab.txt has the word pieces of BERT's tokenizer, without the "Fast" at the end
# of some names. In transformers all of them are BertTokenizer, or were until release 5 left them
# out.
_BERT_CLASSES: Final = frozenset(f"{model}Tokenizer" for model in _BERT_MODELS)
# The values of `model_type` for which transformers takes one of these classes if none is named.
_BERT_MODEL_TYPES: Final = frozenset(model.lower() for model in _BERT_MODELS)


class TokenizerClass(NamedTuple):
    """The class of a tokenizer in transformers, and where a model's folder names it.

    Attributes
    ----------
    name : str or None
        The name of the class. None means that no file names one.
    is_bert : bool
        Whether the class is one of those of BERT, so that vocab.txt holds word pieces.
    source : str
        The file, the key and the value that decide it, for error messages.
    """

    name: str | None
    is_bert: bool
    source: str


def read_json(path: Path) -> dict[str, Any]:
    """Read a file as `read_json_object` does; without the file, the object is empty."""
    return read_json_object(path) if path.exists() else {}


def read_settings(folder: Path, changes: Mapping[str, object]) -> Settings:
    """Read tokenizer_config.json.

    Parameters
    ----------
    folder : Path
        The folder of the tokenizer, which need not have this file.
    changes : mapping
        Settings that take the place of those in the file.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If the file is not JSON, or a setting has a value of the wrong type.
    """
    path = folder / SETTINGS_FILE
    of_file = read_json(path)
    _check_types(of_file, f"{path}: ")
    _check_types(changes, "")
    return {**of_file, **changes}


def read_class(folder: Path, settings: Settings) -> TokenizerClass:
    """Find out which class of transformers a tokenizer belongs to.

    Parameters
    ----------
    folder : Path
    settings : dict
        As from `read_settings`. What it names comes before what config.json names.

    Returns
    -------
    TokenizerClass
    """
    config = read_json(folder / CONFIG_FILE)
    places = ((SETTINGS_FILE, settings), (CONFIG_FILE, config))
    for file, values in places:
        code = values.get("auto_map")
        code = code.get("AutoTokenizer") if isinstance(code, dict) else code
        if code:
            return TokenizerClass(None, False, f"auto_map of {file} is {code!r}")
    for file, values in places:
        name = values.get("tokenizer_class")
        if name is not None:
            is_bert = str(name).removesuffix("Fast") in _BERT_CLASSES
            return TokenizerClass(str(name), is_bert, f"tokenizer_class of {file} is {name!r}")
    model_type = config.get("model_type")
    is_bert = model_type is None or model_type in _BERT_MODEL_TYPES
    return TokenizerClass(None, is_bert, f"model_type of {CONFIG_FILE} is {model_type!r}")


# ------------------------------------------------------------------------------------- types


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_limit(value: object) -> bool:
    # transformers writes 1e30 where there is no limit.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_collection(value: object) -> bool:
    return isinstance(value, (list, tuple, dict))


def _is_names(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value)


_TYPES: Final[Mapping[str, tuple[Callable[[object], bool], str]]] = {
    **dict.fromkeys(
        ("do_lower_case", "tokenize_chinese_chars", "split_special_tokens", "rebuild"),
        (_is_bool, "true or false"),
    ),
    **dict.fromkeys(
        ("strip_accents", "clean_up_tokenization_spaces"), (_is_bool, "true, false or null")
    ),
    **dict.fromkeys(("model_max_length", "max_len"), (_is_limit, "a number of tokens")),
    "model_input_names": (_is_names, "a list of names"),
    "added_tokens_decoder": (_is_object, "an object of ids and tokens"),
    **dict.fromkeys(
        ("extra_special_tokens", "additional_special_tokens"),
        (_is_collection, "a list of tokens, or an object of names and tokens"),
    ),
}
# Without a value, these settings have a default.
_NEVER_NULL: Final = ("do_lower_case", "tokenize_chinese_chars")


def _check_types(settings: Mapping[str, object], where: str) -> None:
    for name, (is_right, expected) in _TYPES.items():
        value = settings.get(name)
        if name in settings and not (
            is_right(value) or (value is None and name not in _NEVER_NULL)
        ):
            raise ValueError(f"{where}{name} is {value!r}, expected {expected}")
