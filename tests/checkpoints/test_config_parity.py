"""config.json beside transformers: the defaults, other names of the sizes, and what loads."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

import npbert
from npbert.checkpoints.config import DistilBertConfig
from tests.support.configs import KEYS, SIZES, TYPE, read
from tests.support.oracles import Oracle
from tests.support.stored_weights import IDS


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


@pytest.mark.parametrize("options", WRITTEN, ids=str)
def test_the_text_of_a_config(options: dict[str, Any]) -> None:
    theirs = transformers.DistilBertConfig(**options)
    ours = DistilBertConfig.from_dict(theirs.to_dict())
    for use_diff in (True, False):
        expected = json.loads(theirs.to_json_string(use_diff))
        text = ours.to_json_string(use_diff)
        values = json.loads(text)
        if "label2id" in expected:  # npbert always has it
            expected["label2id"] = expected["label2id"] or ours.label2id
        # npbert has no settings of training, which are in `expected` too.
        assert values == {key: expected[key] for key in expected if key in ours.to_dict()}
        assert text.startswith('{\n  "activation": ')
        assert text.endswith("\n}\n")
    assert ours.to_diff_dict().keys() == json.loads(ours.to_json_string()).keys()
    assert ours.use_return_dict == theirs.use_return_dict
    assert ours.is_encoder_decoder == theirs.is_encoder_decoder


QUANTIZED: list[dict[str, Any]] = [
    {"quant_method": "bitsandbytes", "load_in_8bit": False, "load_in_4bit": False},
    {"quant_method": "bitsandbytes"},
]
LOADED: list[dict[str, Any]] = [
    *({"quantization_config": value} for value in QUANTIZED),
    {"pad_token_id": -1},
    {"pad_token_id": -11},
    {"architectures": "DistilBertForSequenceClassification"},
    {"output_attentions": None, "output_hidden_states": None},
    {"problem_type": "ranking"},
    {"num_labels": 3, "id2label": {"0": "LABEL_0", "1": "LABEL_1"}},
    {"id2label": {"0": 0, "1": 1, "2": 2.5}},
    {"is_decoder": True, "chunk_size_feed_forward": 0},
]


@pytest.mark.parametrize("values", LOADED, ids=str)
def test_what_transformers_loads(folder: Path, source: Path, values: dict[str, Any]) -> None:
    shutil.copy(source / "model.safetensors", folder)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values))
    ours = npbert.AutoModelForSequenceClassification.from_pretrained(folder)
    expected = Oracle.load(folder)
    np.testing.assert_allclose(ours(IDS).logits, expected.logits(IDS, np.ones_like(IDS)), atol=1e-5)
    assert ours.config.id2label == expected.model.config.id2label
    assert ours.config.name_or_path == ours.name_or_path == expected.model.name_or_path


def test_return_dict_null_means_false(folder: Path, source: Path) -> None:
    shutil.copy(source / "model.safetensors", folder)
    path = folder / "config.json"
    path.write_text(
        json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"return_dict": None})
    )
    ours = npbert.AutoModelForSequenceClassification.from_pretrained(folder)(IDS)
    theirs = Oracle.load(folder).model(torch.tensor(IDS))
    assert type(ours) is type(theirs) is tuple
    np.testing.assert_allclose(ours[0], theirs[0].detach(), atol=1e-5)
