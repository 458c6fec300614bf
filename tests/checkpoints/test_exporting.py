"""The files of a model in a folder of their own: one file of weights, as they are or halved."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from npbert.checkpoints.exporting import export_model, is_model_file, write_weights
from npbert.checkpoints.safetensors_files import ITEM_SIZES, CheckpointError, stored_tensors
from tests.support.stored_weights import WEIGHTS, Tensors


def halved(tmp_path: Path, **tensors: torch.Tensor) -> tuple[Tensors, list[str]]:
    """Write tensors in half, and return what is in the new file, and which tensors are faint."""
    save_file(tensors, tmp_path / "before")
    (tmp_path / "after").unlink(missing_ok=True)
    faint = write_weights([tmp_path / "before"], tmp_path / "after", half=True)
    return load_file(tmp_path / "after"), faint


# A float16 has ten binary digits behind the point of 1.xxx, exponents from -14 to 15, and below
# 2**-14 steps of 2**-24. The float32 in the middle of two goes to the one with an even last digit.
ROUNDED = {
    1.0: 0x3C00,
    1 + 2**-10: 0x3C01,
    1 + 2**-11: 0x3C00,  # in the middle
    1 + 3 * 2**-11: 0x3C02,  # in the middle
    -0.1: 0xAE66,  # -1.6 · 2**-4, and 0.6 · 2**10 = 614.4: 0x266
    65504.0: 0x7BFF,
    65519.0: 0x7BFF,
    2.0**-14: 0x0400,
    2.0**-24: 0x0001,
    2.0**-25: 0x0000,  # in the middle of 0 and the smallest one
    3.0 * 2**-25: 0x0002,
    0.0: 0x0000,
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_float16_is_the_nearest_one(tmp_path: Path, dtype: torch.dtype) -> None:
    after, faint = halved(tmp_path, w=torch.tensor(list(ROUNDED), dtype=dtype))
    assert after["w"].dtype == torch.float16
    bits = after["w"].view(torch.int16).numpy().view(np.uint16)
    assert bits.tolist() == list(ROUNDED.values())
    assert faint == []


def test_bfloat16_becomes_float16_and_nothing_else_does(tmp_path: Path) -> None:
    tensors = {
        "b": torch.tensor([1.5, -3.0], dtype=torch.bfloat16),
        "h": torch.tensor([[0.1]], dtype=torch.float16),
        "ids": torch.arange(3),
        "byte": torch.tensor([7], dtype=torch.uint8),  # so that the others are not aligned
        "none": torch.zeros((0, 4)),
    }
    after, _ = halved(tmp_path, **tensors)
    assert after["b"].dtype == torch.float16
    assert after["b"].tolist() == [1.5, -3]
    assert after["none"].shape == (0, 4)
    for name in ("h", "ids", "byte"):
        assert after[name].dtype == tensors[name].dtype
        assert torch.equal(after[name], tensors[name])


@pytest.mark.parametrize(
    ("dtype", "value"), [("float32", 65520.0), ("bfloat16", -1e30), ("float64", 1e300)]
)
def test_weights_that_are_too_large_are_refused(tmp_path: Path, dtype: str, value: float) -> None:
    large = torch.tensor([1.0, value, value / 1.0005], dtype=getattr(torch, dtype))
    with pytest.raises(CheckpointError) as refused:
        halved(tmp_path, fine=torch.ones(2), large=large)
    message = str(refused.value)
    assert "too large for float16, which ends at 65504: large: " in message
    assert f"the largest is {abs(float(large[1])):.6g}; keep the types" in message
    n_too_large = 1 if value == 65520 else 2
    assert f"large: {n_too_large} value{'s' if n_too_large > 1 else ''}, the" in message


def test_infinity_and_nan_of_the_source_are_not_taken_for_overflow(tmp_path: Path) -> None:
    """The word embeddings are not searched for them; a text that uses one gets an error."""
    after, _ = halved(tmp_path, w=torch.tensor([float("inf"), float("nan"), 1.0]))
    assert after["w"].isinf().tolist() == [True, False, False]
    assert after["w"].isnan().tolist() == [False, True, False]


def test_tensors_of_tiny_values_are_named(tmp_path: Path) -> None:
    tiny = {
        "all_tiny": torch.tensor([2.0**-15, 1e-7]),
        "one_is_not": torch.tensor([2.0**-14, 1e-7]),
        "zeros": torch.zeros(3),
    }
    assert halved(tmp_path, **tiny)[1] == ["all_tiny"]


def test_shards_become_one_file_with_the_same_bytes(tmp_path: Path) -> None:
    first = {"z": torch.tensor([1, 2, 3], dtype=torch.uint8), "b": torch.randn(3, 5)}
    second = {"a": torch.randn(7).to(torch.bfloat16), "n": torch.arange(4)}
    save_file(first, tmp_path / "1")
    save_file(second, tmp_path / "2")
    assert write_weights([tmp_path / "1", tmp_path / "2"], tmp_path / "one", half=False) == []
    after = load_file(tmp_path / "one")
    assert after.keys() == {*first, *second}
    for name, tensor in (first | second).items():
        assert after[name].dtype == tensor.dtype
        assert torch.equal(after[name], tensor)
    with safe_open(tmp_path / "one", "pt") as file:
        assert file.metadata() == {"format": "pt"}


@pytest.mark.parametrize("name", ["a", "ab"])  # one more letter in the header
def test_every_value_lies_at_a_multiple_of_its_size(tmp_path: Path, name: str) -> None:
    save_file({name: torch.zeros(3, dtype=torch.uint8)}, tmp_path / "1")
    save_file({"long": torch.arange(2), "float": torch.ones(3)}, tmp_path / "2")
    write_weights([tmp_path / "1", tmp_path / "2"], tmp_path / "one", half=False)
    tensors = {tensor.stored_name: tensor for tensor in stored_tensors(tmp_path / "one")}
    assert len(tensors) == 3
    assert all(each.offset % ITEM_SIZES[each.dtype] == 0 for each in tensors.values())
    assert tensors["long"].offset % 8 == 0


@pytest.fixture
def model(source: Path, tmp_path: Path) -> Path:
    """A model in a subfolder of a folder with a license, and other files."""
    inside = tmp_path / "model" / "inside"
    shutil.copytree(source, inside)
    for name in ("tokenizer_config.json", "vocab.txt", "optimizer.pt", "pytorch_model.bin"):
        (inside / name).write_text(name)
    (inside / "README.md").write_text("of the subfolder")
    for name in ("README.md", "LICENSE", "notice.txt", "LICENSES-of-others.txt", "merges.txt"):
        (inside.parent / name).write_text(name)
    (inside.parent / "vocab.txt").write_text("of another model")
    return inside


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def test_the_files_of_the_model_and_no_others(model: Path, target: Path) -> None:
    export_model(model, model.parent, target)
    names = {path.name for path in target.iterdir()}
    assert names == {
        *("config.json", WEIGHTS, "tokenizer_config.json", "vocab.txt"),
        *("README.md", "LICENSE", "notice.txt"),
    }
    assert all(map(is_model_file, names))
    assert (target / "README.md").read_text(encoding="utf-8") == "of the subfolder"
    for name in names - {WEIGHTS, "LICENSE", "notice.txt"}:
        assert (target / name).read_bytes() == (model / name).read_bytes()


@pytest.mark.parametrize("name", ["optimizer.pt", "LICENSES-of-others.txt", "model.py", "readme"])
def test_other_names(name: str) -> None:
    assert not is_model_file(name)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [({}, {"dtype": "float32"}), *(({key: "float16"},) * 2 for key in ("dtype", "torch_dtype"))],
    ids=str,
)
def test_half_keeps_the_type_of_the_computation(
    model: Path, target: Path, values: dict[str, Any], dtype: dict[str, Any]
) -> None:
    """transformers computes in the type of the weights if the config does not say otherwise."""
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    config = {key: value for key, value in config.items() if key != "dtype"} | values
    (model / "config.json").write_text(json.dumps(config))
    export_model(model, model, target, half=True)
    assert json.loads((target / "config.json").read_text(encoding="utf-8")) == config | dtype
