"""config.json: what is read, what it defaults to, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npbert.checkpoints.config import PROBLEM_TYPES, DistilBertConfig
from tests.support.configs import KEYS, SIZES, TYPE, read

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
    {"quantization_config": None},
    {"num_labels": None, "id2label": None, "label2id": None},
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


NO_SIZES: list[Any] = [0, -1, 1.5, 8.0, True, False, "8", None, [8], {}, float("nan")]
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"model_type": "bert"}, r"model_type is 'bert', expected 'distilbert'.*choose a DistilBERT"),
    ({"model_type": "DistilBERT"}, "model_type is 'DistilBERT'"),
    ({"model_type": None}, "model_type is None"),
    ({"activation": "swish"}, "activation is 'swish', expected one of: gelu, gelu_new, relu"),
    ({"activation": "GELU"}, "activation is 'GELU'"),
    ({"activation": None}, "activation is None"),
    ({"activation": ["gelu"]}, r"activation is \['gelu'\]"),
    ({"activation": {"name": "gelu"}}, r"activation is \{'name': 'gelu'\}"),
    ({"dim": 30, "n_heads": 4}, "dim is 30, .*n_heads = 4"),
    ({"n_heads": 5}, "dim is 768, .*n_heads = 5"),
    ({"dim": 8, "n_heads": 16}, "dim is 8, .*n_heads = 16"),
    ({"pad_token_id": -1}, "pad_token_id is -1, expected an id from 0 to .*30521"),
    ({"pad_token_id": 10, "vocab_size": 10}, "pad_token_id is 10"),
    ({"pad_token_id": "0"}, "pad_token_id is '0'"),
    ({"pad_token_id": True}, "pad_token_id is True"),
    ({"problem_type": "ranking"}, "problem_type is 'ranking', .*" + ", ".join(PROBLEM_TYPES)),
    ({"problem_type": ["regression"]}, r"problem_type is \['regression'\]"),
    ({"problem_type": ""}, "problem_type is ''"),
    ({"tie_word_embeddings": "no"}, "tie_word_embeddings is 'no', expected true or false"),
    ({"tie_word_embeddings": 1}, "tie_word_embeddings is 1"),
    ({"tie_word_embeddings": None}, "tie_word_embeddings is None"),
    ({"id2label": {"0": "a", "2": "c"}}, r"id2label has the keys \[0, 2\]"),
    ({"id2label": {"1": "a", "2": "b"}}, r"id2label has the keys \[1, 2\]"),
    ({"id2label": {"-1": "a", "0": "b"}}, r"id2label has the keys \[-1, 0\]"),
    ({"id2label": {"0": "a", "00": "b"}}, "id2label has the keys .*00"),
    ({"id2label": {"a": 0, "b": 1}}, r"id2label has the keys \['a', 'b'\], expected numbers"),
    ({"id2label": {"0.0": "a"}}, r"id2label has the keys \['0\.0'\]"),
    ({"id2label": {None: "a"}}, r"id2label has the keys \[None\]"),
    ({"id2label": {}}, r"id2label has the keys \[\]"),
    ({"id2label": ["a", "b"]}, r"id2label is \['a', 'b'\], expected an object"),
    ({"id2label": "ab"}, "id2label is 'ab'"),
    ({"id2label": 2}, "id2label is 2"),
    ({"id2label": {"0": "a", "1": 7}}, r"id2label\[1\] is 7, expected a string"),
    ({"id2label": {"0": None}}, r"id2label\[0\] is None"),
    ({"id2label": {"0": ["a"]}}, r"id2label\[0\] is \['a'\]"),
    ({"num_labels": 3, "id2label": {"0": "a"}}, "num_labels is 3, but id2label names 1 label"),
    ({"n_layers": 1001}, "n_layers is 1001, expected an integer from 1 to 1000"),
    ({"num_labels": 0}, "num_labels is 0, expected a positive integer"),
    ({"num_labels": "2"}, "num_labels is '2'"),
    ({"num_labels": 2.0}, r"num_labels is 2\.0"),
    ({"num_labels": True}, "num_labels is True"),
    ({"quantization_config": {"bits": 8}}, r"quantization_config is \{'bits': 8\}, .*choose"),
    ({"pruned_heads": {"0": [1, 2]}}, r"pruned_heads is \{'0': \[1, 2\]\}"),
]


@pytest.mark.parametrize("key", SIZES)
@pytest.mark.parametrize("value", NO_SIZES, ids=repr)
def test_refused_sizes(key: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{key} is ") as refused:
        read({key: value})
    assert f"is {value!r}, expected an integer from 1 to" in str(refused.value)


@pytest.mark.parametrize(("values", "message"), REFUSED, ids=lambda value: str(value)[:40])
def test_refusals_name_the_key_and_the_value(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(values)


def test_refusals_of_a_file_name_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps(TYPE | {"n_heads": 5}).encode())
    with pytest.raises(ValueError, match="dim is 768") as refused:
        DistilBertConfig.from_json_file(path)
    assert str(refused.value).startswith(f"{path}: ")


@pytest.mark.parametrize("values", [{}, {"architectures": ["DistilBertModel"], "dim": 8}], ids=str)
def test_without_model_type(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"model_type is missing, expected 'distilbert'"):
        DistilBertConfig.from_dict(values)


@pytest.mark.parametrize(
    ("values", "message"),
    [({"dim": 0}, "dim is 0"), ({"id2label": {1: "a"}}, "id2label"), ({"activation": "x"}, "'x'")],
    ids=str,
)
def test_the_constructor_checks_too(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DistilBertConfig(**values)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 1000) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from("012ab") | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(values=st.dictionaries(st.sampled_from([*KEYS, "num_labels", "pruned_heads"]), JSON))
def test_any_value_is_honoured_or_refused(values: dict[str, Any]) -> None:
    try:
        config = read(values)
    except ValueError as error:
        assert any(key in str(error) for key in values)  # noqa: PT017 (or it is honoured)
    else:
        for key in values.keys() & set(KEYS) - {"id2label"}:
            assert getattr(config, key) == values[key]


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
    ("id2label", {0: "a"}, ValueError, "num_labels is 2, but id2label names 1 labels"),
    ("id2label", {0: "a", 1: 7}, ValueError, "expected a string"),
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
