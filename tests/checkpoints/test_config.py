"""config.json: what is read, what it defaults to, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from npbert.checkpoints.config import DistilBertConfig
from npbert.checkpoints.config_keys import PROBLEM_TYPES
from tests.support.configs import KEYS, TYPE, read

# The file of distilbert-base-uncased-finetuned-sst-2-english.
SST2 = """{
  "activation": "gelu",
  "architectures": ["DistilBertForSequenceClassification"],
  "attention_dropout": 0.1,
  "dim": 768,
  "dropout": 0.1,
  "finetuning_task": "sst-2",
  "hidden_dim": 3072,
  "id2label": {"0": "NEGATIVE", "1": "POSITIVE"},
  "initializer_range": 0.02,
  "label2id": {"NEGATIVE": 0, "POSITIVE": 1},
  "max_position_embeddings": 512,
  "model_type": "distilbert",
  "n_heads": 12,
  "n_layers": 6,
  "output_past": true,
  "pad_token_id": 0,
  "qa_dropout": 0.1,
  "seq_classif_dropout": 0.2,
  "sinusoidal_pos_embds": false,
  "tie_weights_": true,
  "vocab_size": 30522
}
"""


def write(folder: Path, content: bytes) -> Path:
    path = folder / "config.json"
    path.write_bytes(content)
    return path


# ---------------------------------------------------------------------------------- reading


def test_the_sst2_model(tmp_path: Path) -> None:
    config = DistilBertConfig.from_json_file(write(tmp_path, SST2.encode()))
    assert config == DistilBertConfig(
        id2label={0: "NEGATIVE", 1: "POSITIVE"},
        architectures=["DistilBertForSequenceClassification"],
    )
    assert config.num_labels == 2
    assert config.label2id == {"NEGATIVE": 0, "POSITIVE": 1}
    assert config.head_dim == 64


@pytest.mark.parametrize("as_str", [False, True])
def test_a_file_with_all_keys(tmp_path: Path, as_str: bool) -> None:
    values: dict[str, Any] = {
        "vocab_size": 9,
        "max_position_embeddings": 4,
        "n_layers": 1,
        "n_heads": 2,
        "dim": 6,
        "hidden_dim": 5,
        "activation": "relu",
        "pad_token_id": 8,
        "id2label": {"0": "a"},
        "problem_type": "regression",
        "tie_word_embeddings": False,
        "output_hidden_states": True,
        "output_attentions": True,
        "return_dict": False,
        "architectures": ["DistilBertModel"],
    }
    assert list(values) == KEYS
    path = write(tmp_path, json.dumps(TYPE | values).encode())
    config = DistilBertConfig.from_json_file(str(path) if as_str else path)
    assert config == read(values)
    assert config == DistilBertConfig(**(values | {"id2label": {0: "a"}}))
    assert config.head_dim == 3


UNKNOWN: list[dict[str, Any]] = [
    {"a_key_of_tomorrow": [1, {"b": None}]},
    {"dropout": 0.9, "torch_dtype": "float16"},
    {"_name_or_path": "somewhere", "transformers_version": "4.0.0", "tie_weights_": True},
    {"sinusoidal_pos_embds": True},
    {"pruned_heads": {}},
    {"pruned_heads": {"0": [], "1": []}},
    {"quantization_config": None},
    {"quantization_config": {"quant_method": "bitsandbytes"}},
    {"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": False}},
    {"is_causal": False, "per_layer_config": {}},
    {"num_labels": None, "id2label": None, "label2id": None},
    {"output_attentions": None, "output_hidden_states": None},
    *({"problem_type": word} for word in ("ranking", "", "None", "Regression")),
]


@pytest.mark.parametrize("values", UNKNOWN, ids=str)
def test_keys_without_influence_are_ignored(values: dict[str, Any]) -> None:
    assert read(values) == DistilBertConfig()


def test_reading_leaves_the_values_as_they_are() -> None:
    values = TYPE | {"id2label": {"1": "b", "0": "a"}, "num_labels": 2}
    before = json.dumps(values)
    config = DistilBertConfig.from_dict(values)
    config.id2label[0] = "changed"
    assert json.dumps(values) == before


# --------------------------------------------------------------------------------- refusals


def test_refusals_of_a_file_name_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps(TYPE | {"n_heads": 5}).encode())
    with pytest.raises(ValueError, match="dim is 768") as refused:
        DistilBertConfig.from_json_file(path)
    assert str(refused.value).startswith(f"{path}: ")


def test_the_first_releases_wrote_no_model_type() -> None:
    values = {key: value for key, value in json.loads(SST2).items() if key != "model_type"}
    assert DistilBertConfig.from_dict(values) == DistilBertConfig.from_dict(json.loads(SST2))


def test_a_value_in_place_of_one_in_the_file_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    write(tmp_path, SST2.encode())
    with pytest.raises(ValueError, match=r"^problem_type is 'ranking', expected null or one of"):
        DistilBertConfig.from_pretrained(tmp_path, problem_type="ranking")


def test_labels_in_place_of_those_in_the_file_mend_them(tmp_path: Path) -> None:
    load = DistilBertConfig.from_pretrained
    labels = {"id2label": {"0": "a", "1": "b"}, "num_labels": 3}
    path = write(tmp_path, json.dumps(TYPE | labels).encode())
    with pytest.raises(
        ValueError, match=r"leave out the one that is wrong \(from_pretrained takes"
    ):
        load(tmp_path)
    assert load(tmp_path, num_labels=2).id2label == {0: "a", 1: "b"}
    assert load(tmp_path, num_labels=1).id2label == {0: "LABEL_0"}
    assert load(tmp_path, id2label={0: "x", 1: "y", 2: "z"}).num_labels == 3
    path.write_text(json.dumps(TYPE | {"id2label": {"1": "a", "2": "b"}}))
    assert load(tmp_path, id2label={0: "a", 1: "b"}).id2label == {0: "a", 1: "b"}


@pytest.mark.parametrize("values", [{}, {"architectures": ["DistilBertModel"], "dim": 8}], ids=str)
def test_without_model_type(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"model_type is missing, expected 'distilbert'"):
        DistilBertConfig.from_dict(values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"dim": 0}, "dim is 0"),
        (
            {"id2label": {1: "a"}},
            r"id2label has the keys \[1\], expected the numbers of the output",
        ),
        ({"id2label": {}}, r"id2label has the keys \[\], expected the numbers of the output"),
        ({"id2label": ["a"]}, r"id2label has the keys \['a'\], expected the numbers of the output"),
        ({"activation": "x"}, "activation is 'x'"),
        # What a file may say, but a program may not.
        ({"problem_type": "ranking"}, "problem_type is 'ranking', .*" + ", ".join(PROBLEM_TYPES)),
        ({"output_attentions": None}, "output_attentions is None, expected true or false"),
        ({"return_dict": None}, "return_dict is None, expected true or false"),
        ({"output_hidden_states": None}, "output_hidden_states is None, expected true, false"),
        ({"architectures": "DistilBertModel"}, "architectures is 'DistilBertModel', expected a"),
    ],
    ids=str,
)
def test_the_constructor_checks_too(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DistilBertConfig(**values)


# ------------------------------------------------------------------------------------ files


NO_CONFIGS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not a JSON file"),
    "blank": (b"\n\n", "not a JSON file"),
    "text": (b"model_type: distilbert\n", "not a JSON file"),
    "cut": (SST2.encode()[:100], "not a JSON file"),
    "twice": (SST2.encode() * 2, "not a JSON file"),
    "page": (b"<!DOCTYPE html><html></html>", "not a JSON file"),
    "latin-1": (SST2.replace("NEGATIVE", "N\u00c9GATIF").encode("latin-1"), "not a JSON file"),
    "utf-16": (SST2.encode("utf-16"), "not a JSON file"),
    "zeros": (bytes(64), "not a JSON file"),
    "deep": (b"[" * 200_000, "not a JSON file"),
    "long-number": (b'{"dim": ' + b"9" * 5000 + b"}", "not a JSON file"),
    "list": (b'[{"model_type": "distilbert"}]', "holds a list, expected a JSON object"),
    "string": (b'"distilbert"', "holds a str, expected a JSON object"),
    "null": (b"null", "holds a NoneType, expected a JSON object"),
    "empty-object": (b"{}", "model_type is missing"),
    "nan": (b'{"model_type": "distilbert", "dim": NaN}', "dim is nan"),
}


@pytest.mark.parametrize("name", NO_CONFIGS)
def test_files_that_are_no_config(tmp_path: Path, name: str) -> None:
    content, message = NO_CONFIGS[name]
    path = write(tmp_path, content)
    with pytest.raises(ValueError, match=message) as refused:
        DistilBertConfig.from_json_file(path)
    assert str(path) in str(refused.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no-such-file"):
        DistilBertConfig.from_json_file(tmp_path / "no-such-file.json")
    with pytest.raises(OSError, match=tmp_path.name):
        DistilBertConfig.from_json_file(tmp_path)


# ------------------------------------------------------------------------------- the object


SET: list[tuple[str, Any]] = [
    ("id2label", {0: "no", 1: "yes"}),
    ("output_hidden_states", [0, -1]),
    ("problem_type", "regression"),
    ("output_hidden_states", True),
    ("output_attentions", True),
    ("return_dict", False),
    ("architectures", ["DistilBertModel"]),
]


@pytest.mark.parametrize(("key", "value"), SET)
def test_values_that_can_be_set(key: str, value: Any) -> None:
    config = DistilBertConfig()
    setattr(config, key, value)
    assert config == DistilBertConfig(**{key: value})
    assert config != DistilBertConfig()


UNSET: list[tuple[str, Any, type[Exception], str]] = [
    *((key, 1, AttributeError, f"{key} belongs to the weights") for key in KEYS[:7]),
    ("num_labels", 2, AttributeError, "num_labels belongs to the weights"),
    ("something_new", 1, AttributeError, "known, so it cannot be set; these can be set: id2label"),
    ("id2label", {0: "a"}, ValueError, "num_labels is 2, but id2label names 1 label; name each"),
    ("id2label", {0: "LABEL_0"}, ValueError, "num_labels is 2, but id2label names 1 label"),
    ("id2label", {0: "a", 1: None}, ValueError, "expected a string or a number"),
    ("label2id", {"a": 0, "b": 1}, ValueError, "expected the reverse of id2label, .* label2id fol"),
    ("problem_type", "guessing", ValueError, "problem_type is 'guessing'"),
    ("return_dict", 1, ValueError, "expected true or false"),
]


@pytest.mark.parametrize(("key", "value", "error", "message"), UNSET)
def test_values_that_cannot_be_set(
    key: str, value: Any, error: type[Exception], message: str
) -> None:
    config = DistilBertConfig()
    with pytest.raises(error, match=message):
        setattr(config, key, value)
    assert config == DistilBertConfig()


def test_label2id_follows_and_can_be_said_again() -> None:
    config = DistilBertConfig()
    config.update({"id2label": {0: "no", 1: "yes"}, "label2id": {"no": 0, "yes": 1}})
    assert config.label2id == {"no": 0, "yes": 1}


def test_update_refuses_what_cannot_be_set() -> None:
    with pytest.raises(AttributeError, match="dim belongs to the weights"):
        DistilBertConfig().update({"problem_type": "regression", "dim": 8})


def test_the_name_that_the_config_was_loaded_by(tmp_path: Path) -> None:
    path = write(tmp_path, SST2.encode())
    for name in (tmp_path, str(tmp_path), path):  # a folder, or the file itself
        config = DistilBertConfig.from_pretrained(name)
        assert config.name_or_path == str(name)
        assert config == DistilBertConfig.from_json_file(path)
    config.name_or_path = tmp_path
    assert config.name_or_path == str(tmp_path)
    assert DistilBertConfig().name_or_path == ""
    assert "name_or_path" not in config.to_dict()


def test_label2id_of_numbers_has_text_as_in_json() -> None:
    config = read({"id2label": {"0": 1, "1": "x", "2": 0.5}})
    assert config.label2id == {"1": 0, "x": 1, "0.5": 2}
    assert DistilBertConfig.from_dict(json.loads(config.to_json_string())) == config
