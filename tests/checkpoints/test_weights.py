"""Weights: which files and tensors are read, how, and which are refused."""

from __future__ import annotations

import json
import mmap
import pickle
import shutil
import warnings
import zipfile
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from npbert.checkpoints.safetensors_files import CheckpointError
from npbert.distilbert.activations import Array
from npbert.models.heads import AutoModel, AutoModelForSequenceClassification
from tests.support.oracles import Oracle, largest_difference, make_model

pytestmark = pytest.mark.filterwarnings("error")  # only where a test expects them

Tensors = dict[str, Any]  # torch tensors by name

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PREFIX = "distilbert."
WORDS = PREFIX + "embeddings.word_embeddings.weight"
NORM = PREFIX + "embeddings.LayerNorm.weight"
LIN1 = PREFIX + "transformer.layer.1.ffn.lin1.weight"
IDS = np.array([[1, 2, 3], [4, 0, 10]])
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}

load = AutoModelForSequenceClassification.from_pretrained


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sizes: dict[str, Any] = {"vocab_size": 11, "max_position_embeddings": 5, "dim": 8}
    folder = tmp_path_factory.mktemp("source")
    return make_model(folder, **sizes, hidden_dim=12, n_heads=2, n_layers=2, num_labels=3)


@pytest.fixture(scope="module")
def expected(source: Path) -> Array:
    """transformers' logits of IDS."""
    return Oracle.load(source).logits(IDS, np.ones_like(IDS))


@pytest.fixture(scope="module")
def whole(source: Path) -> bytes:
    """The weights file of `source`."""
    return (source / WEIGHTS).read_bytes()


@pytest.fixture
def tensors(source: Path) -> Tensors:
    """The tensors of `source`, for the test to change."""
    return dict(load_file(source / WEIGHTS))


@pytest.fixture
def folder(source: Path, tmp_path: Path) -> Path:
    """A folder with the config of `source` and no weights."""
    shutil.copy(source / "config.json", tmp_path)
    return tmp_path


def refusal(folder: Path) -> str:
    """The message of the CheckpointError."""
    with pytest.raises(CheckpointError) as refused:
        load(folder)
    assert str(folder) in str(refused.value)
    return str(refused.value)


def entry(dtype: Any = "F32", shape: Any = (2,), offsets: Any = (0, 8)) -> dict[str, Any]:
    """What a header says of one tensor."""
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def file_of(header: object, data: bytes, length: int = 0) -> bytes:
    """A safetensors file, its header filled up with spaces to `length`."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text = text.ljust(length)
    return len(text).to_bytes(8, "little") + text + data


# -------------------------------------------------------------------------------------- names


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
    load(folder)  # without a warning
    with pytest.warns(UserWarning, match="bare encoder") as caught:
        AutoModel.from_pretrained(folder)
    assert len(caught) == 1
    assert all(f"{part}.bias" in str(caught[0].message) for part in (*parts, "pre_classifier"))


@pytest.mark.parametrize("prefix", [PREFIX, ""])
def test_without_a_head(folder: Path, tensors: Tensors, prefix: str) -> None:
    encoder = {name: tensors[name] for name in tensors if name.startswith(PREFIX)}
    encoder[prefix + "embeddings.position_ids"] = torch.arange(5)[None]  # of older releases
    save_file(encoder, folder / WEIGHTS)
    message = refusal(folder)
    assert "do not fit (4)" in message
    assert "no sequence classification head: choose one that was fine-tuned" in message
    assert AutoModel.from_pretrained(folder)(IDS).last_hidden_state.shape == (2, 3, 8)
    encoder.pop(WORDS)
    save_file(encoder, folder / WEIGHTS)
    assert "choose one that was fine-tuned" not in refusal(folder)


# ------------------------------------------------------------------------------------ tensors


@pytest.mark.parametrize("names", [["F32"], ["F16"], ["BF16"], ["F32", "F16", "BF16"]], ids=str)
def test_dtypes(folder: Path, tensors: Tensors, names: list[str]) -> None:
    for number, name in enumerate(tensors):
        tensors[name] = tensors[name].to(DTYPES[names[number % len(names)]])
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    expected = Oracle.load(folder).logits(IDS, np.ones_like(IDS))
    assert largest_difference(load(folder)(IDS).logits, expected) < 1e-5


@pytest.mark.parametrize("dtype", ["F16", "BF16"])
def test_widening_is_exact(folder: Path, tensors: Tensors, dtype: str) -> None:
    # Every finite number of 16 bits: subnormal ones and both zeros too.
    every = torch.arange(-(2**15), 2**15).to(torch.int16).view(DTYPES[dtype])
    every = torch.where(every.isfinite(), every, 0).reshape(-1, 8)
    config = json.loads((folder / "config.json").read_text()) | {"vocab_size": len(every)}
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
        assert isinstance(base, mmap.mmap)
        maps.add(id(base))
    assert len(maps) == 1
    model(IDS)
    assert (source / WEIGHTS).read_bytes() == whole


# Lengths of a header: any remainder by 8; and such that the file begins as a pickle (0x80) or
# a web page (0x3C is "<", 0x20 and 0x0A are white space) does.
LENGTHS = [*range(4800, 4808), 0x1480, 0x143C, 0x3C20, 0x3C0A]


@pytest.mark.parametrize("length", LENGTHS, ids=hex)
@pytest.mark.parametrize("odd", [b"", b"x", b"xxx"])
def test_any_place_in_the_file(
    folder: Path, whole: bytes, expected: Array, length: int, odd: bytes
) -> None:
    end = 8 + int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8:end])
    del header["__metadata__"]
    for value in header.values():
        value["data_offsets"] = [offset + len(odd) for offset in value["data_offsets"]]
    header |= {"odd": entry("U8", [len(odd)], [0, len(odd)])} if odd else {}
    content = file_of(header, odd + whole[end:], length)
    assert int.from_bytes(content[:8], "little") == length
    (folder / WEIGHTS).write_bytes(content)
    assert len(load_file(folder / WEIGHTS)) == len(header)  # others can read it
    with pytest.warns(match="not used: odd$") if odd else nullcontext():
        model = load(folder)
    assert model.head.classifier.weight.flags.aligned
    assert largest_difference(model(IDS).logits, expected) < 1e-5


UNFIT = [(torch.ones(shape), f"shape {shape}") for shape in ((8, 12), (96,), (12, 8, 1), (0,), ())]
for dtype, short in {"int64": "I64", "double": "F64", "uint8": "U8", "bool": "BOOL"}.items():
    UNFIT += [(torch.ones(12, 8).to(getattr(torch, dtype)), f"dtype {short}, expected F32, F16")]


@pytest.mark.parametrize(("value", "message"), UNFIT)
def test_an_unfit_tensor(folder: Path, tensors: Tensors, value: Any, message: str) -> None:
    save_file(tensors | {LIN1: value}, folder / WEIGHTS)
    report = refusal(folder)
    assert f"{LIN1.removeprefix(PREFIX)}: {message}" in report
    assert "expected (12, 8) by config.json" in report or message.startswith("dtype")


CHECKED = [NORM, NORM.replace("weight", "bias"), LIN1, "pre_classifier.weight", "classifier.bias"]
CHECKED += [PREFIX + "embeddings.position_embeddings.weight"]


@pytest.mark.parametrize("name", CHECKED)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", DTYPES)
def test_not_finite(folder: Path, tensors: Tensors, name: str, value: float, dtype: str) -> None:
    changed = tensors[name].to(DTYPES[dtype])
    changed.view(-1)[-1] = value
    save_file(tensors | {name: changed}, folder / WEIGHTS)
    short = name.removeprefix(PREFIX)
    assert f"{short}: holds NaN or infinity (1 of {changed.numel()} values)" in refusal(folder)


def test_all_problems_in_one_message(folder: Path, tensors: Tensors) -> None:
    del tensors[WORDS], tensors["classifier.bias"]
    tensors[LIN1] = torch.ones(1, 2)
    tensors[NORM] = tensors[NORM].double()
    tensors["pre_classifier.weight"][0, :2] = torch.tensor([np.nan, np.inf])
    save_file(tensors, folder / WEIGHTS)
    assert sorted(line.strip() for line in refusal(folder).splitlines()[1:]) == [
        "classifier.bias: missing, expected shape (3,)",
        "embeddings.LayerNorm.weight: dtype F64, expected F32, F16, BF16",
        "embeddings.word_embeddings.weight: missing, expected shape (11, 8)",
        "pre_classifier.weight: holds NaN or infinity (2 of 64 values)",
        "transformer.layer.1.ffn.lin1.weight: shape (1, 2), expected (12, 8) by config.json",
    ]


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_bad_word(folder: Path, tensors: Tensors, value: float, dtype: str) -> None:
    words = tensors[WORDS].to(DTYPES[dtype])
    words[7, 3] = value
    save_file(tensors | {WORDS: words}, folder / WEIGHTS)
    model = load(folder)
    assert np.isfinite(model(IDS).logits).all()  # no text has the word
    with np.errstate(invalid="ignore"), pytest.raises(CheckpointError) as refused:
        model([[1, 7]])
    assert "there are NaN or infinite values in embeddings.word_embeddings" in str(refused.value)


def test_large_values_are_finite(folder: Path, tensors: Tensors) -> None:
    for name in ("pre_classifier.bias", "classifier.bias", LIN1):
        tensors[name].fill_(1e30)  # the squares overflow
    tensors["classifier.weight"].fill_(3e38)
    save_file(tensors, folder / WEIGHTS)
    model = load(folder)
    assert (model.head.classifier.bias == np.float32(1e30)).all()
    with np.errstate(all="ignore"), pytest.raises(CheckpointError, match="float32 overflows"):
        model(IDS)


# -------------------------------------------------------------------------------------- files


NO_FILE = "not a whole safetensors file"
DAMAGED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "lfs": (lambda _: b"version https://git-lfs.github.com/spec/v1\n", "LFS pointer.*`git lfs pu"),
    "page": (lambda _: b"<!DOCTYPE html>\n<html></html>" * 9, r"HTML.*download the file itself"),
    "indented page": (lambda _: b"\n  <html>" * 9, r"a web page \(HTML\)"),
    "empty": (lambda _: b"", "file is empty; fetch it again"),
    "one byte more": (lambda whole: whole + b"\0", NO_FILE + ".*something was added. Delete it"),
    "twice": (lambda whole: whole * 2, "something was added"),
    "noise": (lambda _: np.random.default_rng(0).bytes(4096), NO_FILE),
    "zeros": (lambda whole: bytes(len(whole)), NO_FILE),
    "no header": (lambda whole: whole[8:], NO_FILE),
    "huge header": (lambda whole: b"\xff" * 8 + whole[8:], NO_FILE),
    "short header": (lambda whole: b"\1" + bytes(7) + whole[8:], NO_FILE),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_files(folder: Path, whole: bytes, kind: str) -> None:
    damage, message = DAMAGED[kind]
    (folder / WEIGHTS).write_bytes(damage(whole))
    with pytest.raises(CheckpointError, match=f"{folder / WEIGHTS}: .*{message}"):
        AutoModel.from_pretrained(folder)


def test_cut_files(folder: Path, whole: bytes) -> None:
    end_of_header = 8 + int.from_bytes(whole[:8], "little")
    cuts = {1, 7, 8, 9, end_of_header - 1, end_of_header, len(whole) - 4, len(whole) - 1}
    for n_bytes in sorted(cuts | set(range(20, len(whole), 131))):
        (folder / WEIGHTS).write_bytes(whole[:n_bytes])
        message = refusal(folder)
        for part in (NO_FILE, f"its {n_bytes:,} bytes", "cut off"):
            assert part in message


LIES: list[object] = [
    *({"a": entry(), "b": entry(offsets=offsets)} for offsets in ((0, 8), (4, 12), (9, 17))),
    *({"a": entry(offsets=offsets)} for offsets in ((8, 16), (8, 0), (-8, 0), (0, 2**63), (0,))),
    *({"a": entry(shape=shape)} for shape in ((-2,), (-1, -2), (2.0,), "2", None, (2**40,))),
    *({"a": entry(shape=shape, offsets=(0, 0))} for shape in ((2**32, 2**32), (2**63, 0))),
    {"a": entry(shape=(2**40,), offsets=(0, 2**42))},
    *({"a": entry(dtype, shape)} for dtype, shape in (("F4", (16,)), ("F8_E4M3FNUZ", (8,)))),
    *({"a": entry(dtype)} for dtype in ("F128", "f32", "", None, 32)),
    *({"a": value} for value in ([0, 8], {"dtype": "F32"}, None)),
    *({"__metadata__": {"a": 1}, "a": entry()}, {}, [], None, b"", b"\xff" * 9, b'{"a":' * 9999),
]


@pytest.mark.parametrize("header", LIES, ids=lambda header: str(header)[:50])
def test_headers_that_lie(folder: Path, header: object) -> None:
    for n_bytes in (0, 8, 16):
        (folder / WEIGHTS).write_bytes(file_of(header, bytes(n_bytes)))
        refusal(folder)


PLACES = st.integers(0, 2047) | st.integers(0, 8191)  # most of the header; all of the file
EDITS = st.tuples(PLACES, st.integers(0, 3), st.binary(max_size=3))


@settings(max_examples=60, deadline=None)
@given(edits=st.lists(EDITS, min_size=1, max_size=3))
def test_any_damage_is_refused_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, source: Path, whole: bytes, edits: list[Any]
) -> None:
    for place, n_removed, new in edits:
        whole = whole[:place] + new + whole[place + n_removed :]
    folder = tmp_path_factory.mktemp("damaged")  # not the last file's: it may be mapped
    shutil.copy(source / "config.json", folder)
    (folder / WEIGHTS).write_bytes(whole)
    with warnings.catch_warnings(), np.errstate(all="ignore"), suppress(CheckpointError):
        warnings.filterwarnings("ignore", ".*belong to no DistilBERT")
        assert load(folder)(IDS).logits.shape == (2, 3)


@pytest.mark.parametrize("name", ["pytorch_model.bin", WEIGHTS])
@pytest.mark.parametrize("is_zip", [False, True])
def test_pickles_are_never_opened(folder: Path, name: str, is_zip: bool) -> None:
    marker = folder / "marker"
    trap = b"\x80\x02cos\nmkdir\n(V%s\ntR." % bytes(marker)
    (folder / name).write_bytes(trap)
    if is_zip:
        with zipfile.ZipFile(folder / name, "w") as file:
            file.writestr("archive/data.pkl", trap)
    message = refusal(folder)
    for part in (name, "pickle", "never opens", "can run any code", "save_pretrained"):
        assert part in message
    assert not marker.exists()
    pickle.loads(trap)
    assert marker.exists()  # so the trap would have worked


@pytest.fixture
def shards(source: Path, folder: Path) -> list[Path]:
    """The model of `source` in several files, in `folder`."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(source)
    model.save_pretrained(folder, max_shard_size="2KB")
    return sorted(folder.glob("model-*-of-*.safetensors"))


def test_shards(folder: Path, source: Path, expected: Array, shards: list[Path]) -> None:
    assert len(shards) > 2
    assert largest_difference(load(folder)(IDS).logits, expected) < 1e-5
    save_file({"a": torch.ones(1)}, folder / WEIGHTS)  # now there is a single file: it wins
    assert "missing" in refusal(folder)
    shutil.copy(source / WEIGHTS, folder)
    (folder / INDEX).write_text("not JSON")
    load(folder)


def test_shards_that_are_missing_damaged_or_foreign(folder: Path, shards: list[Path]) -> None:
    first, last = shards[0], shards[-1]
    first.write_bytes(first.read_bytes()[:-1])
    assert f"{first}: {NO_FILE}" in refusal(folder)
    first.unlink()
    assert f"not there: {first.name}; copy or download them too" in refusal(folder)
    shutil.copy(last, first)
    assert "stored twice" in refusal(folder)


NO_MAPS = [b"", b"model-1.safetensors", b'{"weight_map": {"\xff": "a"}}', b"[" * 200_000]
NO_MAPS += [b'["weight_map"]', b"null", b'{"metadata": {}}', b'{"weight_map": null}']
NO_MAPS += [b'{"weight_map": ["a"]}', b'{"weight_map": "a"}', b'{"weight_map": {"a": ["b"]}}']


@pytest.mark.parametrize("content", NO_MAPS, ids=lambda content: str(content[:40]))
def test_indexes_without_a_map(folder: Path, content: bytes) -> None:
    (folder / INDEX).write_bytes(content)
    message = refusal(folder)
    assert f"{folder / INDEX}: expected JSON with a 'weight_map' from tensor to file" in message


@pytest.mark.parametrize("name", ["../x", "x/y", "/x", ".", "..", "../..", "", 1, None])
def test_indexes_with_names_of_no_file_beside_it(folder: Path, name: object) -> None:
    (folder / INDEX).write_text(json.dumps({"weight_map": {"a": name}}))
    message = refusal(folder)
    assert f"{folder / INDEX}: " in message
    assert f"{name!r} is not the name of a file beside it" in message or type(name) is not str


def test_indexes_of_no_weights(folder: Path) -> None:
    for names, message in (({}, "missing, expected"), ({"a": INDEX}, NO_FILE)):
        (folder / INDEX).write_text(json.dumps({"weight_map": names}))
        assert message in refusal(folder)


def test_no_weights(folder: Path) -> None:
    (folder / "tf_model.h5").touch()
    message = refusal(folder)
    assert f"{folder}: no {WEIGHTS} and no {INDEX}, only config.json, tf_model.h5; cho" in message
