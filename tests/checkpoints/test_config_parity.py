"""config.json beside transformers: the defaults, other names of the sizes, and the labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import transformers

from npbert.checkpoints.config import DistilBertConfig
from tests.support.configs import KEYS, SIZES, TYPE, read


@pytest.mark.parametrize("key", KEYS)
def test_the_defaults_are_those_of_transformers(key: str) -> None:
    expected = getattr(transformers.DistilBertConfig(), key)
    assert getattr(DistilBertConfig(), key) == expected
    assert getattr(read({}), key) == expected


WRITTEN: list[dict[str, Any]] = [
    {},
    {"dim": 60, "n_heads": 5, "n_layers": 3, "hidden_dim": 77, "vocab_size": 99},
    {"max_position_embeddings": 5},
    {"num_labels": 1, "problem_type": "regression"},
    {"num_labels": 12, "problem_type": "multi_label_classification"},
    {"problem_type": "single_label_classification"},
    {"id2label": {0: "no", 1: "yes", 2: "\N{THINKING FACE}"}},
    {"id2label": {0: "no", 1: "yes"}, "label2id": {"no": 0, "yes": 1}},
    {"activation": "relu"},
    {"activation": "gelu_new", "dropout": 0.5},
    {"pad_token_id": None},
    {"pad_token_id": 3, "tie_word_embeddings": False},
    {"sinusoidal_pos_embds": True},
    {"dtype": "float16", "output_attentions": True},
    {"hidden_size": 24, "num_attention_heads": 4, "num_hidden_layers": 1},
]


@pytest.mark.parametrize("options", WRITTEN, ids=str)
def test_what_transformers_writes(tmp_path: Path, options: dict[str, Any]) -> None:
    expected = transformers.DistilBertConfig(**options)
    expected.save_pretrained(tmp_path)
    config = DistilBertConfig.from_json_file(tmp_path / "config.json")
    assert {key: getattr(config, key) for key in KEYS} == {
        key: getattr(expected, key) for key in KEYS
    }
    assert config.num_labels == expected.num_labels


@pytest.mark.parametrize(
    "values",
    [
        {"num_attention_heads": 2},
        {"hidden_size": 24},
        {"num_hidden_layers": 1},
        {"n_heads": 4, "num_attention_heads": 2},
        {"num_attention_heads": 2, "n_heads": 4},
    ],
    ids=str,
)
def test_other_names_of_the_sizes(values: dict[str, int]) -> None:
    # No shape depends on the number of heads, so nothing else would show that it is wrong.
    expected = transformers.DistilBertConfig.from_dict(TYPE | values)
    config = read(values)
    assert [getattr(config, key) for key in SIZES] == [getattr(expected, key) for key in SIZES]


LABELS: list[tuple[dict[str, Any], list[str]]] = [
    ({"id2label": {"0": "a", "1": "b", "2": "c"}}, ["a", "b", "c"]),
    ({"id2label": {0: "a", 1: "b"}}, ["a", "b"]),
    ({"id2label": {"1": "b", "0": "a"}}, ["a", "b"]),
    ({"id2label": {str(n): f"{n}!" for n in range(12)}}, [f"{n}!" for n in range(12)]),
    ({"id2label": {"0": ""}}, [""]),
    ({"id2label": {"0": "same", "1": "same"}}, ["same", "same"]),
    ({"id2label": {"0": "a", "1": "b"}, "num_labels": 2}, ["a", "b"]),
    ({"id2label": None, "num_labels": 1}, ["LABEL_0"]),
    ({"num_labels": 3}, ["LABEL_0", "LABEL_1", "LABEL_2"]),
    ({"label2id": {"a": 0, "b": 1}}, ["LABEL_0", "LABEL_1"]),
]


@pytest.mark.parametrize(("values", "names"), LABELS, ids=str)
def test_labels(values: dict[str, Any], names: list[str]) -> None:
    config = read(values)
    assert list(config.id2label.items()) == list(enumerate(names))
    assert all(type(number) is int for number in config.id2label)
    assert config.num_labels == len(names)
    assert config.id2label == transformers.DistilBertConfig.from_dict(TYPE | values).id2label
