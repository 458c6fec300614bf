"""The settings of a tokenizer: what tokenizer_config.json says, and the class that it names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from npbert.checkpoints.sources import CONFIG_FILE
from npbert.messages import shown
from npbert.tokenization import schema
from npbert.tokenization.schema import check_values, read_checked

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
    of_file = read_checked(folder / SETTINGS_FILE, schema.SETTINGS)
    check_values(changes, schema.SETTINGS, where="")
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

    Raises
    ------
    ValueError
        If config.json is not JSON, or does not have names where they are expected.
    """
    config = read_checked(folder / CONFIG_FILE, schema.CONFIG)
    places = ((SETTINGS_FILE, settings), (CONFIG_FILE, config))
    for file, values in places:
        code = values.get("auto_map")
        code = code.get("AutoTokenizer") if isinstance(code, dict) else code
        if code:
            return TokenizerClass(None, False, f"auto_map of {file} is {shown(code)}")
    for file, values in places:
        name = values.get("tokenizer_class")
        if name is not None:
            is_bert = name.removesuffix("Fast") in _BERT_CLASSES
            return TokenizerClass(name, is_bert, f"tokenizer_class of {file} is {shown(name)}")
    model_type = config.get("model_type")
    is_bert = model_type is None or model_type in _BERT_MODEL_TYPES
    return TokenizerClass(None, is_bert, f"model_type of {CONFIG_FILE} is {shown(model_type)}")
