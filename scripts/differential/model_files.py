"""Random config.json and weights, in the forms that releases and programs have written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from differential.chance import Chance

Tensors = dict[str, NDArray[np.float32]]

HEADS: Final = {
    "DistilBertForSequenceClassification": 8,
    "DistilBertForTokenClassification": 5,
    "DistilBertForMaskedLM": 4,
    "DistilBertForQuestionAnswering": 4,
    "DistilBertModel": 3,
    "DistilBertForMultipleChoice": 1,
}
ACTIVATIONS: Final = (
    *("gelu", "gelu", "gelu", "gelu_new", "relu", "silu", "gelu_10", "gelu_fast", "quick_gelu"),
    *("gelu_python", "gelu_pytorch_tanh", "gelu_accurate", "mish", "hardswish", "leaky_relu"),
    *("linear", "relu2", "relu6", "sigmoid", "tanh", "laplace", "sqrtsoftplus", "swish"),
    "gelu_python_tanh",
)
_DTYPES: Final = (torch.float32, torch.float32, torch.float16, torch.bfloat16, torch.float64)
_OTHER_NAMES: Final = {
    "dim": "hidden_size",
    "n_heads": "num_attention_heads",
    "n_layers": "num_hidden_layers",
}
# What config.json may have besides, without an influence on inference.
_WITHOUT_EFFECT: Final[dict[str, list[Any]]] = {
    "dropout": [0.0, 0.1],
    "attention_dropout": [0.0, 0.1],
    "qa_dropout": [0.1],
    "seq_classif_dropout": [0, 0.2],
    "initializer_range": [0.02],
    "sinusoidal_pos_embds": [True, False],
    "tie_weights_": [True],
    "torch_dtype": ["float32", "float16"],
    "dtype": ["float32"],
    "transformers_version": ["4.10.0", "5.23.0"],
    "finetuning_task": ["sst-2"],
    "output_past": [True],
    "is_decoder": [False],
    "chunk_size_feed_forward": [0],
}
_ENTITIES: Final = ("PER", "LOC", "ORG", "MISC", "B-", "a-b", "", "É")


def draw_config(chance: Chance, head: str, vocab_size: int) -> dict[str, Any]:
    """Draw the values of a config.json."""
    n_heads = chance.choice([1, 1, 2, 2, 3, 4, 5])
    config: dict[str, Any] = {
        "model_type": "distilbert",
        "architectures": [head],
        "vocab_size": vocab_size,
        "n_heads": n_heads,
        "dim": n_heads * chance.choice([1, 2, 3, 4, 8, 8, 12]),
        "n_layers": chance.choice([1, 1, 2, 2, 3]),
        "hidden_dim": chance.choice([1, 7, 16, 32, 33]),
        "activation": chance.choice(ACTIVATIONS),
        "max_position_embeddings": chance.choice([8, 16, 32, 48, 64, 128, 512]),
    }
    if config["dim"] < 4:  # a layer norm of two numbers leaves only their signs
        config["dim"] = 4 * n_heads
    # Almost a step: of few numbers it leaves ones and zeros alone, whose variance is rounding, and
    # the head for masked words divides by its root.
    if config["activation"] == "laplace" and head.endswith("MaskedLM"):
        config["dim"] = 12 * n_heads
    if chance.happens(0.2):
        for name in chance.sample(list(_OTHER_NAMES), 2):
            config[_OTHER_NAMES[name]] = config.pop(name)
    if chance.happens(0.3):
        config["pad_token_id"] = chance.choice([0, 1, None, -1, vocab_size - 1])
    if chance.happens(0.3):
        config["tie_word_embeddings"] = chance.happens(0.5)
    if chance.happens(0.1):
        config["output_hidden_states"] = chance.choice([True, False, None])
    config |= chance.options(_WITHOUT_EFFECT, 0.15)
    if head.endswith("Classification"):
        config |= _draw_labels(chance, head)
    if head.endswith("SequenceClassification"):
        config |= _draw_problem(chance, config)
    return config


def _draw_labels(chance: Chance, head: str) -> dict[str, Any]:
    n_labels = chance.choice([1, 2, 2, 3, 3, 4, 5, 9])
    if chance.happens(0.25):
        return {} if n_labels == 2 else {"num_labels": n_labels}
    if "Token" in head:
        labels = ["O", *(chance.choice("BI") + "-" + each for each in _ENTITIES), *_ENTITIES]
    elif chance.happens(0.4):
        labels = ["contradiction", "neutral", "ENTAILMENT", "entailed", "other", *"abcdef"]
    else:
        labels = ["NEGATIVE", "POSITIVE", "1 star", "é", "", "\x1b[1m", "東京", "a\nb", "LABEL_0"]
    chance.shuffle(labels)
    names: list[Any] = labels[:n_labels]
    if chance.happens(0.03):
        names = list(range(n_labels))
    elif chance.happens(0.05):
        names[-1] = names[0]  # two labels of one name
    values: dict[str, Any] = {"id2label": {str(n): label for n, label in enumerate(names)}}
    if chance.happens(0.8):
        values["label2id"] = {str(label): n for n, label in enumerate(names)}
    if chance.happens(0.2):
        values["num_labels"] = n_labels
    return values


def _draw_problem(chance: Chance, config: dict[str, Any]) -> dict[str, Any]:
    n_labels = len(config.get("id2label", ())) or config.get("num_labels", 2)
    problems = [None, "regression", "multi_label_classification", "something else"]
    if n_labels > 1:  # transformers refuses it for one label
        problems.append("single_label_classification")
    return {"problem_type": chance.choice(problems)} if chance.happens(0.4) else {}


class _Weights:
    """Random tensors by their names."""

    def __init__(self, seed: int, dim: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._dim = dim
        self.tensors: Tensors = {}

    def add(self, name: str, *shape: int, spread: float = 1.0, centre: float = 0.0) -> None:
        numbers = centre + spread * self._rng.normal(size=shape)
        self.tensors[name] = numbers.astype(np.float32)

    def add_linear(self, name: str, n_out: int, n_in: int, spread: float = 1.0) -> None:
        self.add(f"{name}.weight", n_out, n_in, spread=spread / n_in**0.5)
        self.add(f"{name}.bias", n_out, spread=0.2)

    def add_norm(self, name: str) -> None:
        self.add(f"{name}.weight", self._dim, spread=0.2, centre=1)
        self.add(f"{name}.bias", self._dim, spread=0.2)

    def add_layer(self, name: str, hidden_dim: int) -> None:
        for part in ("q_lin", "k_lin", "v_lin", "out_lin"):
            self.add_linear(f"{name}.attention.{part}", self._dim, self._dim)
        self.add_linear(f"{name}.ffn.lin1", hidden_dim, self._dim)
        self.add_linear(f"{name}.ffn.lin2", self._dim, hidden_dim)
        self.add_norm(f"{name}.sa_layer_norm")
        self.add_norm(f"{name}.output_layer_norm")


def draw_tensors(seed: int, config: dict[str, Any], head: str) -> Tensors:
    """Draw the weights that a model has, under the names of transformers."""
    sizes = {_OTHER_NAMES.get(name, name): value for name, value in config.items()}
    dim, vocab = sizes["hidden_size"], sizes["vocab_size"]
    n_labels = len(config.get("id2label", ())) or config.get("num_labels", 2)
    weights = _Weights(seed, dim)
    embeddings = "distilbert.embeddings"
    weights.add(f"{embeddings}.word_embeddings.weight", vocab, dim)
    n_positions = sizes["max_position_embeddings"]
    weights.add(f"{embeddings}.position_embeddings.weight", n_positions, dim, spread=0.5)
    weights.add_norm(f"{embeddings}.LayerNorm")
    for number in range(sizes["num_hidden_layers"]):
        weights.add_layer(f"distilbert.transformer.layer.{number}", sizes["hidden_dim"])
    if head.endswith(("SequenceClassification", "MultipleChoice")):
        weights.add_linear("pre_classifier", dim, dim)
    if head.endswith("Classification"):
        weights.add_linear("classifier", n_labels, dim, spread=3.0)
    elif head.endswith("MultipleChoice"):
        weights.add_linear("classifier", 1, dim)
    elif head.endswith("QuestionAnswering"):
        weights.add_linear("qa_outputs", 2, dim, spread=2.0)
    elif head.endswith("MaskedLM"):
        weights.add_linear("vocab_transform", dim, dim)
        weights.add_norm("vocab_layer_norm")
        weights.add_linear("vocab_projector", vocab, dim, spread=2.0)
    return weights.tensors


def write_model(chance: Chance, folder: Path, config: dict[str, Any], tensors: Tensors) -> None:
    """Write config.json and the weights: in a random type, under names of some release, in shards.

    Parameters
    ----------
    chance : Chance
    folder : Path
    config : dict
    tensors : dict
        As `draw_tensors` returns them.
    """
    (folder / "config.json").write_text(json.dumps(config, ensure_ascii=chance.happens(0.5)))
    is_tied = "vocab_projector.weight" in tensors and config.get("tie_word_embeddings", True)
    if is_tied and chance.happens(0.7):
        tensors.pop("vocab_projector.weight")
    dtype = chance.choice(_DTYPES)
    stored = {
        name: torch.from_numpy(array).to(chance.choice(_DTYPES) if chance.happens(0.02) else dtype)
        for name, array in _renamed(chance, tensors).items()
    }
    if chance.happens(0.1):
        prefix = "distilbert." if any(name.startswith("distilbert.") for name in stored) else ""
        n_positions = config["max_position_embeddings"]
        stored[f"{prefix}embeddings.position_ids"] = torch.arange(n_positions)[None]
    metadata = {"format": "pt"}
    if chance.happens(0.75):
        save_file(stored, folder / "model.safetensors", metadata)
        return
    names = chance.sample(sorted(stored), len(stored))
    n_shards = chance.randint(1, 3)
    index: dict[str, str] = {}
    for number in range(n_shards):
        file = f"model-{number + 1:05}-of-{n_shards:05}.safetensors"
        of_shard = names[number::n_shards]
        save_file({name: stored[name] for name in of_shard}, folder / file, metadata)
        index |= dict.fromkeys(of_shard, file)
    contents = {"metadata": {"total_size": 0}, "weight_map": index}
    (folder / "model.safetensors.index.json").write_text(json.dumps(contents))


def _renamed(chance: Chance, tensors: Tensors) -> Tensors:
    """Return the tensors under the names of an old release, or of the bare encoder."""
    if chance.happens(0.1):
        tensors = {
            name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
                "LayerNorm.bias", "LayerNorm.beta"
            ): array
            for name, array in tensors.items()
        }
    has_head = any(not name.startswith("distilbert.") for name in tensors)
    if not has_head and chance.happens(0.7):
        tensors = {name.removeprefix("distilbert."): array for name, array in tensors.items()}
    return tensors
