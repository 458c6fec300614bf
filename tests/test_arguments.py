"""Arguments: columns and lists of texts, and the keywords of ported code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

import npbert
from npbert.pipelines import TextClassificationPipeline
from tests.support.pipelines import TEXTS, assert_same_labels


@pytest.fixture(scope="module")
def ours() -> TextClassificationPipeline:
    made: TextClassificationPipeline = npbert.pipeline("sentiment-analysis", "mini")
    return made


def test_columns_count_as_lists(ours: TextClassificationPipeline) -> None:
    expected = ours(TEXTS)
    assert ours(tuple(TEXTS)) == expected
    assert ours(np.array(TEXTS)) == expected
    assert ours(np.array(TEXTS, dtype=object)) == expected


DATA_SET = datasets.Dataset.from_dict({"review": TEXTS})
COLUMNS = {
    "Series": pd.Series(TEXTS, index=[4, 4, 2, 1, 0]),
    "Series of objects": pd.Series(TEXTS, dtype=object),
    "Series of categories": pd.Series(TEXTS, dtype="category"),
    "Index": pd.Index(TEXTS),
    "Arrow array": pa.array(TEXTS, pa.large_string()),
    "Arrow chunks": pa.chunked_array([TEXTS[:2], TEXTS[2:]]),
    "Arrow dictionary": pa.array(TEXTS).dictionary_encode(),
    "column of a data set": DATA_SET["review"],
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_of_libraries_count_as_lists(ours: TextClassificationPipeline, name: str) -> None:
    assert ours(COLUMNS[name]) == ours(TEXTS)


def test_a_column_of_a_streamed_data_set_is_a_stream(ours: TextClassificationPipeline) -> None:
    results = ours(DATA_SET.to_iterable_dataset()["review"])
    assert isinstance(results, Iterator)
    assert_same_labels(list(results), ours(TEXTS))


@pytest.mark.parametrize(
    "column", [pd.Series(["a", None]), pa.array(["a", None])], ids=["Series", "Arrow"]
)
def test_a_null_in_a_column_is_named(ours: TextClassificationPipeline, column: Any) -> None:
    with pytest.raises(TypeError, match=r"text 1 \(counted from 0\) is (nan|None)"):
        ours(column)


def test_harmless_keywords_of_ported_code() -> None:
    harmless: dict[str, Any] = {
        "device": -1,
        "torch_dtype": "auto",
        "num_workers": 4,
        "framework": "pt",
        "trust_remote_code": False,
    }
    classifier = npbert.pipeline("text-classification", "mini", batch_size=8, **harmless)
    assert classifier("film", device="cpu", dtype="float32") == classifier("film")
    of_torch = {"device": torch.device("cpu"), "dtype": torch.float32}
    assert classifier("film", **of_torch) == classifier("film")


CPU = ["cpu", "cpu:0", "cpu:1", torch.device("cpu"), torch.device("cpu", 0), -1, None]
HARMLESS: list[tuple[str, Any]] = [
    *(("device", value) for value in CPU),
    *(("device_map", value) for value in CPU),
    *(("device_map", {"": value}) for value in CPU),
    ("device_map", {"distilbert": "cpu", "classifier": torch.device("cpu")}),
    *(("device_map", name) for name in ("auto", "balanced", "balanced_low_0", "sequential")),
    *(("dtype", value) for value in ("float32", "float", "auto", torch.float32, torch.float)),
    ("torch_dtype", torch.float32),
    ("attn_implementation", "eager"),
    ("use_safetensors", True),
    ("force_download", False),
    ("resume_download", True),
    ("mirror", "anywhere"),
    ("_fast_init", False),
    ("from_tf", True),
    ("offload_folder", "anywhere"),
    ("max_memory", {0: "1GB"}),
    ("weights_only", True),
    *(("from_slow", value) for value in (True, False)),
    ("do_basic_tokenize", True),
    ("never_split", None),
    ("never_split", []),
    *(("tokenizer_type", value) for value in ("distilbert", "bert", None)),
    ("disable_mmap", True),
    ("quantization_config", None),
    ("load_in_8bit", False),
]


@pytest.mark.parametrize(("name", "value"), HARMLESS, ids=str)
def test_values_that_change_nothing(name: str, value: Any) -> None:
    options: dict[str, Any] = {name: value}
    assert npbert.AutoConfig.from_pretrained("mini", **options).num_labels == 2
    assert npbert.AutoTokenizer.from_pretrained("mini", **options).is_fast


CPU_ONLY = "npbert computes on the CPU only; leave the argument out"
FLOAT32_ONLY = "npbert computes in float32 only, whatever type the file has; leave"
UNQUANTIZED = "npbert computes with whole float weights only"
REFUSED: list[tuple[str, Any, str]] = [
    *(
        ("device", value, CPU_ONLY)
        for value in (0, "cuda", "cuda:0", "mps", "CPU", "cpu:", "cpu:x")
    ),
    *(("device", value, CPU_ONLY) for value in (True, False, -1.0, torch.device("meta"), ["cpu"])),
    *(("device_map", value, CPU_ONLY) for value in (0, {"": 0}, {"": "disk"}, {}, "cuda")),
    ("device_map", {"distilbert": "cpu", "classifier": "cuda"}, CPU_ONLY),
    *(
        ("dtype", value, FLOAT32_ONLY)
        for value in ("float16", torch.bfloat16, "float64", np.float32)
    ),
    ("torch_dtype", "bfloat16", FLOAT32_ONLY),
    ("framework", "tf", "npbert needs no framework, and gives NumPy arrays"),
    ("attn_implementation", "flash_attention_2", "one attention of its own, with the numbers of"),
    ("use_safetensors", False, "npbert reads safetensors alone, and never opens a pickle, because"),
    ("force_download", True, "to fetch it again, delete the model's folder in the cache"),
    ("proxies", {"https": "x"}, "set the environment variables HTTP_PROXY and HTTPS_PROXY"),
    ("output_loading_info", True, "from_pretrained returns the model alone; a tensor that is miss"),
    ("ignore_mismatched_sizes", True, "it puts random weights in the place of those that do not"),
    ("quantization_config", {"bits": 4}, UNQUANTIZED),
    ("load_in_8bit", True, UNQUANTIZED),
    ("load_in_4bit", True, UNQUANTIZED),
    ("gguf_file", "x.gguf", "npbert reads safetensors alone"),
    ("state_dict", {}, "npbert reads the weights from the model's folder alone"),
    ("key_mapping", {"a": "b"}, "under the names that transformers gives them; rename them"),
    ("do_basic_tokenize", False, "a tokenizer of BERT splits a text into words before it splits"),
    ("never_split", ["film"], r"name such words with extra_special_tokens=\[…\]"),
    (
        "tokenizer_type",
        "gpt2",
        "npbert reads the tokenizers of BERT, and those that a token",
    ),
    ("use_kernels", True, "npbert takes no compiled code from a hub"),
]


@pytest.mark.parametrize(("name", "value", "reason"), REFUSED, ids=str)
def test_each_refusal_has_a_reason_of_its_own(name: str, value: Any, reason: str) -> None:
    options: dict[str, Any] = {name: value}
    for load in (npbert.AutoModel.from_pretrained, npbert.AutoTokenizer.from_pretrained):
        with pytest.raises(ValueError, match=f"^{name} is .*, expected one of .*: .*{reason}"):
            load("mini", **options)


RENAMED: list[tuple[str, str, str]] = [
    ("text-classification", "return_all_scores", "top_k=None"),
    ("text-classification", "use_auth_token", "token=…"),
    ("text-classification", "pad_to_max_length", 'padding="max_length"'),
    ("token-classification", "grouped_entities", 'aggregation_strategy="simple"'),
    ("token-classification", "ignore_subwords", 'aggregation_strategy="first"'),
    ("token-classification", "is_pretokenized", "is_split_into_words=…"),
    ("zero-shot-classification", "multi_class", "multi_label=…"),
    ("fill-mask", "truncation_strategy", "truncation=…"),
]


@pytest.mark.parametrize(("task", "name", "present"), RENAMED)
def test_keywords_of_older_releases(task: str, name: str, present: str) -> None:
    options: dict[str, Any] = {name: True}
    with pytest.raises(TypeError, match=f"'{name}'; its present form is {present}$"):
        npbert.pipeline(task, "mini", **options)


@pytest.mark.parametrize("load", [npbert.AutoModel, npbert.AutoConfig, npbert.AutoTokenizer])
def test_older_keywords_of_loading(load: Any) -> None:
    with pytest.raises(TypeError, match=r"'use_auth_token'; its present form is token=…$"):
        load.from_pretrained("mini", use_auth_token="x")
    with pytest.raises(TypeError, match="'qqq'; expected one of: ") as refused:
        load.from_pretrained("mini", qqq=1)
    for name in ("device", "_fast_init", "load_in_8bit", "torch_dtype"):
        assert f" {name}," not in str(refused.value)  # what changes nothing is not offered


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("do_lowercase", "did you mean 'do_lower_case'?"),
        ("devise", "did you mean 'device'?"),
        ("vocab_file", "expected one of: "),
        ("user_agent", "expected one of: "),
        ("tokenizer_class", "expected one of: "),
    ],
)
def test_only_keywords_that_are_alike_are_suggested(name: str, hint: str) -> None:
    options: dict[str, Any] = {name: "x"}
    with pytest.raises(TypeError, match=f"unknown keyword argument '{name}'; {re.escape(hint)}"):
        npbert.AutoTokenizer.from_pretrained("mini", **options)


@pytest.mark.parametrize("name", ["long_texts", "checked_options", "options_class", "_fast_inits"])
def test_internal_names_are_no_keywords(ours: TextClassificationPipeline, name: str) -> None:
    options: dict[str, Any] = {name: ("anything",)}
    constructor: Any = TextClassificationPipeline
    calls: list[Callable[[], Any]] = [
        lambda: ours("film", **options),
        lambda: npbert.pipeline("text-classification", "mini", **options),
        lambda: npbert.classify("film", "mini", **options),
        lambda: constructor(ours.model, ours.tokenizer, **options),
    ]
    for call in calls:
        with pytest.raises(TypeError, match=f"unknown keyword argument '{name}'; ") as refused:
            call()
        hint = str(refused.value).partition(";")[2]
        assert "long_texts" not in hint
        assert "checked_options" not in hint
