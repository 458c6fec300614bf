"""Stored dtypes and files that transformers writes, beside transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import save_file

import npbert
from tests.support.oracles import SIZES, Oracle, largest_difference, make_model, random_batch
from tests.support.stored_weights import DTYPES, IDS, LIN1, WEIGHTS, Tensors, load

TYPES = DTYPES | {"F64": torch.float64}
INTEGERS = ["int16", "int32", "int64", "uint16", "uint32", "uint64"]
TOLERANCE = 1e-5  # of max(1, the largest value)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "names",
    [
        ["F32"],
        ["F16"],
        ["BF16"],
        ["F64"],
        ["F32", "F16", "BF16"],
        ["F64", *["F32"] * 4],
        ["F32", "F64"],
    ],
    ids=str,
)
def test_dtypes(folder: Path, tensors: Tensors, names: list[str]) -> None:
    for number, name in enumerate(tensors):
        tensors[name] = tensors[name].to(TYPES[names[number % len(names)]])
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    expected = Oracle.load(folder).logits(IDS, np.ones_like(IDS))
    assert largest_difference(load(folder)(IDS).logits, expected) < 1e-5


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_are_converted(folder: Path, tensors: Tensors, dtype: str) -> None:
    numbers = torch.arange(96).reshape(12, 8) % 5
    save_file(tensors | {LIN1: numbers.to(getattr(torch, dtype))}, folder / WEIGHTS)
    expected = Oracle.load(folder).logits(IDS, np.ones_like(IDS))
    assert largest_difference(load(folder)(IDS).logits, expected) < 1e-5


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_files(tmp_path: Path, dtype: Any) -> None:
    """Stored float16 and bfloat16 are widened, as transformers does with dtype=float32."""
    auto = transformers.AutoModelForSequenceClassification
    original = make_model(tmp_path / "float32", **SIZES["tiny"])
    auto.from_pretrained(original, dtype=dtype).save_pretrained(tmp_path / "half")
    oracle = Oracle.load(tmp_path / "half")
    model = npbert.AutoModelForSequenceClassification.from_pretrained(tmp_path / "half")
    ids, mask = random_batch(np.random.default_rng(0), 97, [2, 9, 30])
    ours = model(ids, mask).logits
    assert largest_difference(ours, oracle.logits(ids, mask)) < TOLERANCE
    # Half precision changes the result, so the models above did not read the original.
    assert largest_difference(ours, Oracle.load(original).logits(ids, mask)) > TOLERANCE


def test_sharded_files(tmp_path: Path) -> None:
    auto = transformers.AutoModelForSequenceClassification
    original = make_model(tmp_path / "one", **SIZES["wide"])
    auto.from_pretrained(original).save_pretrained(tmp_path / "shards", max_shard_size="1MB")
    assert len(list((tmp_path / "shards").glob("model-*.safetensors"))) > 2
    ids, mask = random_batch(np.random.default_rng(0), 97, [2, 9, 30])
    model = npbert.AutoModelForSequenceClassification.from_pretrained
    expected = model(original)(ids, mask).logits
    np.testing.assert_array_equal(model(tmp_path / "shards")(ids, mask).logits, expected)
