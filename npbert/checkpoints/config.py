"""The sizes and settings of a DistilBERT, read from config.json.

Keys that have no influence on inference (dropout rates, settings of training) are ignored. If a key
changes the result in a way that the forward pass does not support, the file is refused.

A file may say things in the ways that transformers lets pass, such as null for false. What a
program sets must be right.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Unpack

from npbert.arguments import PORTED_NAMES, PortedOptions, reject_unknown, without_ported
from npbert.checkpoints.config_keys import (
    MODEL_TYPE,
    OTHER_NAMES,
    ConfigOptions,
    check_values,
    in_strict_form,
    require_distilbert,
)
from npbert.checkpoints.json_files import read_json_object
from npbert.checkpoints.labels import read_labels
from npbert.checkpoints.sources import (
    CONFIG_FILE,
    HUB_OPTIONS,
    HubOptions,
    ModelSource,
    split_hub_options,
)
from npbert.messages import shown, with_noun

_SETTABLE = (
    "id2label",
    "problem_type",
    "output_hidden_states",
    "output_attentions",
    "return_dict",
    "architectures",
)
# What is the same for most models. `to_diff_dict` leaves it out where it is.
_COMMON = (*_SETTABLE, "label2id")


class LoadingOptions(HubOptions, ConfigOptions, PortedOptions, total=False):
    """What the `from_pretrained` of a config or a model takes in addition to the model's name."""


@dataclass
class DistilBertConfig:
    """The sizes and settings of a DistilBERT, under the names of its config.json.

    The defaults are those of transformers, so a key that config.json leaves out has the same value
    here as in transformers.

    Parameters
    ----------
    vocab_size, max_position_embeddings, n_layers, n_heads, dim, hidden_dim : int
        The sizes, all positive. `dim` is a multiple of `n_heads`.
    activation : str
        The function between the two feed-forward layers, such as "gelu", "gelu_new" or "relu". All
        names of transformers exist, except for "prelu" and "xielu".
    pad_token_id : int or None
        The token id that stands for padding. Some files say -1 if there is none.
    id2label : dict of int to str
        The name of the label of each output column; the keys are 0 to `num_labels` - 1. In some
        files the names are numbers. They are kept, although type checkers do not know of them.
    problem_type : str or None
        "regression", "single_label_classification", "multi_label_classification" or None.
    tie_word_embeddings : bool
        Whether the word embeddings also serve as the weight of the projector, in the head for
        masked language modelling, if the checkpoint does not have this weight.
    output_hidden_states : bool, int or list of int
        Which hidden states a model's call returns, unless its arguments say otherwise: all, none,
        or those with these numbers.
    output_attentions, return_dict : bool
        What else a model's call returns, unless its arguments say otherwise.
    architectures : list of str or None
        The class names of the models from which the weights were saved.

    Raises
    ------
    ValueError
        If a value cannot be honoured; the message names the key and the value.

    Notes
    -----
    Values that do not depend on the weights can also be set later: ``config.id2label = {…}``.
    Setting any other value raises an AttributeError.
    """

    vocab_size: int = 30522
    max_position_embeddings: int = 512
    n_layers: int = 6
    n_heads: int = 12
    dim: int = 768
    hidden_dim: int = 3072
    activation: str = "gelu"
    pad_token_id: int | None = 0
    id2label: dict[int, str] = field(default_factory=lambda: {0: "LABEL_0", 1: "LABEL_1"})
    problem_type: str | None = None
    tie_word_embeddings: bool = True
    output_hidden_states: bool | int | list[int] = False
    output_attentions: bool = False
    return_dict: bool = True
    architectures: list[str] | None = None

    def __post_init__(self) -> None:
        check_values(self.__dict__)
        self.__dict__["_is_checked"] = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self.__dict__.get("_is_checked") and name != "name_or_path":
            if name == "label2id":
                self._require_reverse(value)
                return
            if name not in _SETTABLE:
                raise AttributeError(
                    f"{name} belongs to the weights, or is not known, so it cannot be set; these "
                    f"can be set: {', '.join(_SETTABLE)}"
                )
            if name == "id2label":
                value = self._labels_of_as_many(value)
            replace(self, **{name: value})  # refuses what cannot be honoured
        object.__setattr__(self, name, value)

    def _labels_of_as_many(self, id2label: Any) -> dict[int, str]:
        labels = read_labels(id2label, None if id2label else self.num_labels)
        if len(labels) != self.num_labels:
            raise ValueError(
                f"num_labels is {self.num_labels}, but id2label names "
                f"{with_noun(len(labels), 'label')}; name each output column of the model"
            )
        return labels

    @property
    def model_type(self) -> str:
        """The name of the architecture, "distilbert"."""
        return MODEL_TYPE

    @property
    def num_labels(self) -> int:
        """The number of labels, which are the output columns of a classification head."""
        return len(self.id2label)

    @property
    def label2id(self) -> dict[str, int]:
        """The number of the output column of every label; the labels are text, as in JSON."""
        return {str(label): number for number, label in self.id2label.items()}

    def _require_reverse(self, label2id: Any) -> None:
        if label2id != self.label2id:
            raise ValueError(
                f"label2id is {shown(label2id)}, expected the reverse of id2label, "
                f"{shown(self.label2id)}; change id2label, and label2id follows"
            )

    @property
    def name_or_path(self) -> str:
        """What the model was loaded by: a folder, a bundled name or a hub id; else empty."""
        return str(self.__dict__.get("_name_or_path", ""))

    @name_or_path.setter
    def name_or_path(self, value: object) -> None:
        self.__dict__["_name_or_path"] = str(value)

    @property
    def is_encoder_decoder(self) -> bool:
        """Always False: DistilBERT is an encoder alone."""
        return False

    @property
    def use_return_dict(self) -> bool:
        """`return_dict` under its name in releases before 5."""
        return self.return_dict

    @property
    def hidden_size(self) -> int:
        """`dim` under the name of other architectures."""
        return self.dim

    @property
    def num_attention_heads(self) -> int:
        """`n_heads` under the name of other architectures."""
        return self.n_heads

    @property
    def num_hidden_layers(self) -> int:
        """`n_layers` under the name of other architectures."""
        return self.n_layers

    @property
    def head_dim(self) -> int:
        """The number of dimensions of one attention head."""
        return self.dim // self.n_heads

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        **options: Unpack[LoadingOptions],
    ) -> DistilBertConfig:
        """Read the config of a model, without its weights.

        Parameters
        ----------
        pretrained_model_name_or_path : str or Path
            A folder, a bundled name ("mini"), a hub id, or a config.json file.
        **options
            `revision`, `subfolder`, `variant`, `cache_dir`, `local_files_only`, `token` and
            `disable_mmap` (see `HubOptions`); values in place of those in config.json (see
            `ConfigOptions`); and keywords of ported code that change nothing here (see
            `PortedOptions`).

        Returns
        -------
        DistilBertConfig

        Raises
        ------
        OSError
            If the model cannot be found or fetched.
        TypeError
            If a keyword is unknown.
        ValueError
            If the model's name or its config cannot be honoured.
        """
        of_hub, others = split_hub_options(options)
        changes = config_changes(f"{cls.__name__}.from_pretrained()", others)
        path = Path(pretrained_model_name_or_path)
        if not path.is_file():
            source = ModelSource(pretrained_model_name_or_path, **of_hub)
            path = source.resolve(weights=False) / CONFIG_FILE
        config = cls.from_json_file(path, changes)
        config.name_or_path = str(pretrained_model_name_or_path)
        return config

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> DistilBertConfig:
        """Read the parsed contents of a config.json.

        Parameters
        ----------
        values : dict
            Keys and values as in the file; unknown keys are ignored.

        Returns
        -------
        DistilBertConfig

        Raises
        ------
        ValueError
            If `model_type` is not "distilbert", or a value cannot be honoured.
        """
        require_distilbert(values)
        values = in_strict_form(values)
        return cls(**{name: values[name] for name in cls.__dataclass_fields__ if name in values})

    def to_dict(self) -> dict[str, Any]:
        """Return all values as in a config.json, but with the keys of `id2label` as int."""
        return {"model_type": MODEL_TYPE, **asdict(self), "label2id": self.label2id}

    def to_diff_dict(self) -> dict[str, Any]:
        """Return the values of `to_dict`, without those that most models share."""
        usual = DistilBertConfig().to_dict()
        return {
            key: value
            for key, value in self.to_dict().items()
            if key not in _COMMON or value != usual[key]
        }

    def to_json_string(self, use_diff: bool = True) -> str:
        """Return the values as the text of a config.json.

        Parameters
        ----------
        use_diff : bool
            Whether to leave out what most models share; see `to_diff_dict`.

        Returns
        -------
        str
        """
        values = self.to_diff_dict() if use_diff else self.to_dict()
        return json.dumps(values, indent=2, sort_keys=True) + "\n"

    def update(self, config_dict: Mapping[str, Any]) -> None:
        """Set several values.

        Parameters
        ----------
        config_dict : mapping
            The names of the values, and the values. Only those that can be set one by one are
            allowed; see the notes of the class.

        Raises
        ------
        AttributeError
            If a value belongs to the weights, or is not known.
        ValueError
            If a value cannot be honoured.
        """
        for name, value in config_dict.items():
            setattr(self, name, value)

    @classmethod
    def from_json_file(
        cls, path: str | Path, changes: Mapping[str, Any] | None = None
    ) -> DistilBertConfig:
        """Read a config.json file.

        Parameters
        ----------
        path : str or Path
            The file.
        changes : dict, optional
            Values in place of those in the file; the keys are names from `CHANGEABLE`.

        Returns
        -------
        DistilBertConfig

        Raises
        ------
        ValueError
            If the file is not JSON, or holds a value that cannot be honoured.
        OSError
            If the file cannot be read.
        """
        values = read_json_object(path)
        changes = changes or {}
        if "id2label" in changes or "num_labels" in changes:
            values.pop("num_labels", None)  # so that the caller can mend what the file says
        if "id2label" in changes:
            values.pop("id2label", None)
        try:
            config = cls.from_dict(values)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        return config._changed(changes)

    def _changed(self, changes: Mapping[str, Any]) -> DistilBertConfig:
        fields = {OTHER_NAMES.get(name, name): value for name, value in changes.items()}
        num_labels, label2id = fields.pop("num_labels", None), fields.pop("label2id", None)
        if "id2label" in fields or num_labels is not None:
            names = self.id2label if num_labels in (None, self.num_labels) else None
            fields["id2label"] = read_labels(fields.get("id2label", names), num_labels)
        config = replace(self, **fields)
        if label2id is not None:
            config._require_reverse(label2id)
        return config


def config_changes(function: str, keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments that stand in place of values in config.json.

    Parameters
    ----------
    function : str
        What error messages call the function that was called.
    keywords : mapping
        The keyword arguments of this function, without those of `HubOptions`.

    Returns
    -------
    dict
        The keyword arguments whose names are in `CHANGEABLE`.

    Raises
    ------
    TypeError
        If a keyword is unknown.
    ValueError
        If a keyword of ported code has a value that cannot be honoured.
    """
    changes = {
        name: value for name, value in without_ported(keywords).items() if name not in TRAINING_ONLY
    }
    known = (*HUB_OPTIONS, "config", *CHANGEABLE, *TRAINING_ONLY, *PORTED_NAMES)
    reject_unknown(function, changes.keys() - {*CHANGEABLE}, known)
    return changes


AutoConfig = DistilBertConfig
# Keywords of `from_pretrained` that stand in place of values in config.json.
CHANGEABLE = (*DistilBertConfig.__dataclass_fields__, *OTHER_NAMES, "num_labels", "label2id")
# The other keywords have no influence on inference.
TRAINING_ONLY = tuple(name for name in ConfigOptions.__annotations__ if name not in CHANGEABLE)
