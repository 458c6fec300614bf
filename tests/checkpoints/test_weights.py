"""Weights: which tensors are used, how they are read, and which are refused."""

from __future__ import annotations

import json
import mmap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import npbert
from npbert.checkpoints.safetensors_files import CheckpointError
from npbert.checkpoints.weights import largest_change
from npbert.distilbert.activations import Array
from npbert.models.heads import AutoModel, AutoModelForSequenceClassification
from tests.support.heads import HEADS
from tests.support.oracles import largest_difference, make_folder, make_model
from tests.support.stored_weights import (
    DTYPES,
    IDS,
    LIN1,
    NORM,
    PREFIX,
    WEIGHTS,
    WORDS,
    Tensors,
    load,
    refusal,
)

pytestmark = pytest.mark.filterwarnings("error")  # but for warnings that a test expects


# ------------------------------------------------------------------------------------ names


@pytest.mark.parametrize("prefix", [PREFIX, ""])
@pytest.mark.parametrize("of_norms", [("weight", "bias"), ("gamma", "beta")])
def test_names(
    folder: Path, tensors: Tensors, expected: Array, prefix: str, of_norms: tuple[str, str]
) -> None:
    for name in list(tensors):
        new = name.replace(PREFIX, prefix)
        for old, kind in zip(("weight", "bias"), of_norms, strict=True):
            new = new.replace(f"orm.{old}", f"orm.{kind}")
        tensors[new] = tensors.pop(name)
    save_file(tensors, folder / WEIGHTS)
    assert largest_difference(load(folder)(IDS).logits, expected) < 1e-5


@pytest.mark.parametrize("other", [WORDS.removeprefix(PREFIX), NORM.replace("weight", "gamma")])
def test_stored_twice(folder: Path, tensors: Tensors, other: str) -> None:
    name = NORM if "gamma" in other else WORDS
    save_file(tensors | {other: tensors[name].clone()}, folder / WEIGHTS)
    message = refusal(folder)
    for part in ("stored twice, as", f" {name}", f" {other}"):
        assert part in message


def test_foreign_tensors_warn(folder: Path, tensors: Tensors) -> None:
    extra = ["pooler.dense.weight", PREFIX + "transformer.layer.2.ffn.lin1.bias"]
    save_file(tensors | {name: torch.ones(2) for name in extra}, folder / WEIGHTS)
    with pytest.warns(UserWarning, match="belong to no DistilBERT") as caught:
        load(folder)
    message = str(caught[0].message)
    assert (len(caught), caught[0].filename) == (1, __file__)
    for part in (str(folder), "pooler.dense.weight", "transformer.layer.2.ffn.lin1.bias"):
        assert part in message
    assert "classifier" not in message


def test_weights_of_heads(folder: Path, tensors: Tensors) -> None:
    parts = ("qa_outputs", "vocab_transform", "vocab_layer_norm", "vocab_projector")
    save_file(tensors | {f"{part}.bias": torch.ones(2) for part in parts}, folder / WEIGHTS)
    for auto_class, leaves, unused in (
        (AutoModel, "the bare encoder leaves the weights of the head", (*parts, "pre_classifier")),
        (AutoModelForSequenceClassification, "the sequence classification head leaves", parts),
    ):
        with pytest.warns(UserWarning, match=leaves) as caught:
            auto_class.from_pretrained(folder)
        assert (len(caught), caught[0].filename) == (1, __file__)
        assert all(f"{part}.bias" in str(caught[0].message) for part in unused)


def test_a_checkpoint_of_another_head_that_fits(folder: Path, tensors: Tensors) -> None:
    save_file(tensors, folder / WEIGHTS)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    for architectures in (["DistilBertForSequenceClassification"], None):
        (folder / "config.json").write_text(json.dumps(config | {"architectures": architectures}))
        with pytest.warns(UserWarning, match="head leaves weights of another head") as caught:
            npbert.AutoModelForTokenClassification.from_pretrained(folder)
        message = str(caught[0].message).replace("bias, pre_classifier.weight", "*")
        assert message == (
            f"{folder}: the token classification head leaves weights of another head unused: "
            "pre_classifier.*"
            + (f". The weights were saved from {architectures[0]}" if architectures else "")
            + "; its numbers mean nothing unless it was trained, too"
        )


@pytest.mark.parametrize("prefix", [PREFIX, ""])
def test_without_a_head(folder: Path, tensors: Tensors, prefix: str) -> None:
    encoder = {name: tensors[name] for name in tensors if name.startswith(PREFIX)}
    encoder[prefix + "embeddings.position_ids"] = torch.arange(5)[None]  # older releases saved it
    save_file(encoder, folder / WEIGHTS)
    message = refusal(folder)
    assert "do not fit (4)" in message
    assert "no sequence classification head: choose one that was fine-tuned" in message
    assert AutoModel.from_pretrained(folder)(IDS).last_hidden_state.shape == (2, 3, 8)
    encoder.pop(WORDS)
    save_file(encoder, folder / WEIGHTS)
    assert "choose one that was fine-tuned" not in refusal(folder)


@pytest.mark.parametrize("head", HEADS[1:])
def test_a_checkpoint_without_the_head_is_refused(tmp_path: Path, head: str) -> None:
    folder = make_model(tmp_path, head="Model", dim=24, n_heads=2, n_layers=1)
    with pytest.raises(npbert.CheckpointError, match="choose one that was fine-tuned for it"):
        getattr(npbert, f"AutoModel{head}").from_pretrained(folder)


# ---------------------------------------------------------------------------------- tensors


@pytest.mark.parametrize("dtype", ["F16", "BF16"])
def test_widening_is_exact(folder: Path, tensors: Tensors, dtype: str) -> None:
    # Every finite number of 16 bits, with the subnormal ones and both zeros.
    every = torch.arange(-(2**15), 2**15).to(torch.int16).view(DTYPES[dtype])
    every = torch.where(every.isfinite(), every, 0).reshape(-1, 8)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8")) | {
        "vocab_size": len(every)
    }
    (folder / "config.json").write_text(json.dumps(config))
    save_file(tensors | {WORDS: every}, folder / WEIGHTS)
    words = load(folder).encoder.embeddings.word_embeddings
    assert words.dtype == np.float32
    np.testing.assert_array_equal(words.view(np.int32), every.float().numpy().view(np.int32))


def test_float32_is_mapped_and_read_only(source: Path, whole: bytes) -> None:
    model = load(source)
    embeddings, layer = model.encoder.embeddings, model.encoder.layers[1]
    arrays = [embeddings.word_embeddings, embeddings.layer_norm.bias, layer.attention.q_lin.weight]
    maps = set()
    for array in (*arrays, layer.ffn.lin1.weight, model.head.classifier.bias):
        assert type(array) is np.ndarray
        assert array.flags.aligned
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
        base: Any = array
        while isinstance(base, np.ndarray):
            base = base.base
        assert isinstance(base, memoryview)
        assert isinstance(base.obj, mmap.mmap)
        maps.add(id(base.obj))
    assert len(maps) == 1
    model(IDS)
    assert (source / WEIGHTS).read_bytes() == whole


def test_weights_are_used_as_they_lie_in_the_file(tmp_path: Path) -> None:
    """Neither loading nor a forward pass copies or changes a float32 weight."""
    folder = make_model(tmp_path, dim=32, n_heads=2, n_layers=1)
    model = npbert.DistilBertForSequenceClassification.from_pretrained(folder)
    weight = model.encoder.layers[0].ffn.lin1.weight
    assert not weight.flags.owndata
    assert not weight.flags.writeable
    model(np.array([[1, 2, 3]]))


def test_a_config_that_does_not_fit_the_weights(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, dim=24)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"dim": 26}))
    with pytest.raises(npbert.CheckpointError, match=r"expected .*26"):
        npbert.classify("film", folder)


UNFIT = [(torch.ones(shape), f"shape {shape}") for shape in ((8, 12), (96,), (12, 8, 1), (0,), ())]
for dtype, short in {
    "int8": "I8",
    "float8_e4m3fn": "F8_E4M3",
    "uint8": "U8",
    "bool": "BOOL",
}.items():
    UNFIT += [
        (torch.ones(12, 8).to(getattr(torch, dtype)), f"dtype {short}, expected one of: F32, F16")
    ]


@pytest.mark.parametrize(("value", "message"), UNFIT)
def test_an_unfit_tensor(folder: Path, tensors: Tensors, value: Any, message: str) -> None:
    save_file(tensors | {LIN1: value}, folder / WEIGHTS)
    report = refusal(folder)
    assert f"  {LIN1}: {message}" in report
    quantized = "Weights of 8 bits are quantized: choose the model from which this one was made"
    assert report.endswith(f"\n  {quantized}") == any(
        dtype in message for dtype in ("I8", "F8", "U8")
    )
    assert "expected (12, 8) by the config" in report or message.startswith("dtype")


CHECKED = [NORM, NORM.replace("weight", "bias"), LIN1, "pre_classifier.weight", "classifier.bias"]
CHECKED += [PREFIX + "embeddings.position_embeddings.weight"]


@pytest.mark.parametrize("name", CHECKED)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", DTYPES)
def test_not_finite(folder: Path, tensors: Tensors, name: str, value: float, dtype: str) -> None:
    changed = tensors[name].to(DTYPES[dtype])
    changed.view(-1)[-1] = value
    save_file(tensors | {name: changed}, folder / WEIGHTS)
    assert f"  {name}: holds NaN or infinity (1 of {changed.numel()} values)" in refusal(folder)


@pytest.mark.parametrize("value", [1e39, -1e300, np.inf, np.nan])
def test_float64_beyond_float32(folder: Path, tensors: Tensors, value: float) -> None:
    changed = tensors[LIN1].double()
    changed[0, 0] = value
    save_file(tensors | {LIN1: changed}, folder / WEIGHTS)
    assert f"{LIN1}: holds NaN, infinity or values beyond float32 (1 of 96 values)" in refusal(
        folder
    )
    words = tensors[WORDS].double()
    words[7, 3] = value
    save_file(tensors | {WORDS: words}, folder / WEIGHTS)
    with np.errstate(invalid="ignore"), pytest.raises(CheckpointError, match="word_embeddings"):
        load(folder)([[1, 7]])


def test_all_problems_in_one_message(folder: Path, tensors: Tensors) -> None:
    del tensors[WORDS], tensors["classifier.bias"]
    tensors[LIN1] = torch.ones(1, 2)
    tensors[NORM] = tensors[NORM].bool()
    tensors["pre_classifier.weight"][0, :2] = torch.tensor([np.nan, np.inf])
    save_file(tensors, folder / WEIGHTS)
    assert sorted(line.strip() for line in refusal(folder).splitlines()[1:]) == [
        "classifier.bias: missing, expected shape (3,)",
        "distilbert.embeddings.LayerNorm.weight: dtype BOOL, expected one of: F32, F16, BF16, F64, "
        "I16, I32, I64, U16, U32, U64",
        "distilbert.embeddings.word_embeddings.weight: missing, expected shape (11, 8)",
        "distilbert.transformer.layer.1.ffn.lin1.weight: shape (1, 2), expected (12, 8) by "
        "the config",
        "pre_classifier.weight: holds NaN or infinity (2 of 64 values)",
    ]


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_bad_word(folder: Path, tensors: Tensors, value: float, dtype: str) -> None:
    words = tensors[WORDS].to(DTYPES[dtype])
    words[7, 3] = value
    save_file(tensors | {WORDS: words}, folder / WEIGHTS)
    model = load(folder)
    assert np.isfinite(model(IDS).logits).all()  # neither text has the bad word
    with np.errstate(invalid="ignore"), pytest.raises(CheckpointError) as refused:
        model([[1, 7]])
    assert "there are NaN or infinite values in embeddings.word_embeddings" in str(refused.value)


def test_large_values_are_finite(folder: Path, tensors: Tensors) -> None:
    for name in ("pre_classifier.bias", "classifier.bias", LIN1):
        tensors[name].fill_(1e30)  # the squares of these overflow
    tensors["classifier.weight"].fill_(3e38)
    save_file(tensors, folder / WEIGHTS)
    model = load(folder)
    assert (model.head.classifier.bias == np.float32(1e30)).all()
    with np.errstate(all="ignore"), pytest.raises(CheckpointError, match="float32 overflows"):
        model(IDS)


def test_the_largest_change(source: Path, folder: Path, tensors: Tensors) -> None:
    tensors[LIN1][0, 0] += 0.5
    tensors["classifier.bias"][1] -= 0.75
    save_file(tensors, folder / WEIGHTS)
    before, after = ((model.encoder, model.head) for model in map(load, (source, folder)))
    assert largest_change(before, before) == 0
    assert largest_change(before, after) == pytest.approx(0.75, abs=1e-6)
    assert largest_change(before[0], after[0]) == pytest.approx(0.5, abs=1e-6)
