"""The keys of a config.json, and what each of them may hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from npbert.checkpoints.labels import check_labels, is_int, read_labels
from npbert.distilbert.more_activations import ACTIVATIONS, LEARNED_ACTIVATIONS
from npbert.messages import shown

MODEL_TYPE = "distilbert"
PROBLEM_TYPES = ("regression", "single_label_classification", "multi_label_classification")

_SIZES = ("vocab_size", "max_position_embeddings", "n_layers", "n_heads", "dim", "hidden_dim")
_SWITCHES = ("tie_word_embeddings", "output_attentions", "return_dict")
_MOST_LAYERS = 1000
_LARGEST_SIZE = 2**31 - 1
# transformers also reads the names on the left, and prefers them where a file has both names.
OTHER_NAMES = {
    "hidden_size": "dim",
    "num_attention_heads": "n_heads",
    "num_hidden_layers": "n_layers",
}
# These keys give the weights another meaning, so that they cannot be used as they are.
_UNSUPPORTED = {
    "quantization_config": (
        "npbert computes only with whole float weights; choose the model from which this one was "
        "made"
    ),
    "pruned_heads": (
        "npbert computes only with all heads; choose the model from which this one was made"
    ),
    "is_causal": (
        "npbert lets each token look at the tokens on both sides; choose a model that does so"
    ),
    "per_layer_config": "npbert gives all layers the same sizes; choose a model with such layers",
}
# A file without model_type is the config of a DistilBERT if it has these sizes under these names.
_TELLING_SIZES = ("dim", "hidden_dim", "n_heads", "n_layers")


class ConfigOptions(TypedDict, total=False):
    """Values in place of those in a config.json; see `DistilBertConfig` for their meaning.

    The first half are the values. The second half are other names of some values, and settings of
    training. The settings of training change nothing here.
    """

    vocab_size: int
    max_position_embeddings: int
    n_layers: int
    n_heads: int
    dim: int
    hidden_dim: int
    activation: str
    pad_token_id: int | None
    id2label: dict[int, str]
    problem_type: str | None
    tie_word_embeddings: bool
    output_hidden_states: bool | int | list[int]
    output_attentions: bool
    return_dict: bool
    architectures: list[str] | None

    hidden_size: int
    num_attention_heads: int
    num_hidden_layers: int
    num_labels: int
    label2id: dict[str, int]
    dropout: float
    attention_dropout: float
    qa_dropout: float
    seq_classif_dropout: float
    initializer_range: float
    sinusoidal_pos_embds: bool


def require_distilbert(values: Mapping[str, Any]) -> None:
    """Raise a ValueError if the values of a file are not those of a DistilBERT as npbert has it."""
    if "model_type" not in values and not all(size in values for size in _TELLING_SIZES):
        raise ValueError("model_type is missing, expected 'distilbert'; is this a model's config?")
    if values.get("model_type", MODEL_TYPE) != MODEL_TYPE:
        raise ValueError(
            f"model_type is {shown(values['model_type'])}, expected 'distilbert', the only "
            "architecture that npbert computes; choose a DistilBERT model"
        )
    for key, reason in _UNSUPPORTED.items():
        if values.get(key) and not _has_no_effect(key, values[key]):
            raise ValueError(f"{key} is {shown(values[key])}, but {reason}")


def in_strict_form(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a file with the names and the types that the constructor takes."""
    values = values | {
        name: values[other] for other, name in OTHER_NAMES.items() if other in values
    }
    for switch in ("output_hidden_states", "output_attentions", "return_dict"):
        if switch in values and values[switch] is None:
            values[switch] = False
    if isinstance(values.get("architectures"), str):
        values["architectures"] = [values["architectures"]]
    problem_type = values.get("problem_type")
    if isinstance(problem_type, str) and problem_type not in PROBLEM_TYPES:
        values["problem_type"] = None  # a word of some other program; transformers passes over it
    values["id2label"] = read_labels(values.get("id2label"), values.get("num_labels"))
    return values


def check_values(values: Mapping[str, Any]) -> None:
    """Check the values of a `DistilBertConfig`, by their names.

    Raises
    ------
    ValueError
        If a value cannot be honoured; the message names the key and the value.
    """
    _check_sizes(values)
    activation = values["activation"]
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        is_learned = activation in LEARNED_ACTIVATIONS
        reason = ", which has learned weights of its own" if is_learned else ""
        known = ", ".join(sorted(ACTIVATIONS))
        raise ValueError(f"activation is {shown(activation)}{reason}, expected one of: {known}")
    if values["problem_type"] not in (None, *PROBLEM_TYPES):
        raise ValueError(
            f"problem_type is {shown(values['problem_type'])}, expected null or one of: "
            + ", ".join(PROBLEM_TYPES)
        )
    names = values["architectures"]
    if names is not None and not (
        isinstance(names, list) and all(isinstance(name, str) for name in names)
    ):
        raise ValueError(f"architectures is {shown(names)}, expected a list of names")
    for key in _SWITCHES:
        if not isinstance(values[key], bool):
            raise ValueError(f"{key} is {shown(values[key])}, expected true or false")
    layers = values["output_hidden_states"]
    if not all(isinstance(n, int) for n in (layers if isinstance(layers, list) else [layers])):
        raise ValueError(
            f"output_hidden_states is {shown(layers)}, expected true, false, the number of a "
            "hidden state, or a list of such numbers"
        )
    check_labels(values["id2label"])


def _check_sizes(values: Mapping[str, Any]) -> None:
    for key in _SIZES:
        most = _MOST_LAYERS if key == "n_layers" else _LARGEST_SIZE
        if not is_int(values[key]) or not 1 <= values[key] <= most:
            raise ValueError(f"{key} is {shown(values[key])}, expected an integer from 1 to {most}")
    if values["dim"] % values["n_heads"]:
        raise ValueError(
            f"dim is {values['dim']}, which n_heads = {values['n_heads']} does not divide; "
            "every head needs the same number of dimensions"
        )
    # Counted from the end, as an index of a list is. Nothing here uses it, and -1 is common.
    number, vocab_size = values["pad_token_id"], values["vocab_size"]
    if number is not None and not (is_int(number) and -vocab_size <= number < vocab_size):
        raise ValueError(
            f"pad_token_id is {shown(number)}, expected an id from 0 to "
            f"vocab_size - 1 = {vocab_size - 1}, or null"
        )


def _has_no_effect(key: str, value: Any) -> bool:
    """Tell whether the value of a key from `_UNSUPPORTED` changes no weight all the same."""
    if not isinstance(value, dict):
        return False
    if key == "quantization_config":  # bitsandbytes leaves this behind where it quantizes nothing
        return value.get("quant_method") == "bitsandbytes" and not (
            value.get("load_in_8bit") or value.get("load_in_4bit")
        )
    return key == "pruned_heads" and not any(value.values())
