"""Weight files: where tensors lie in them, and which files are refused."""

from __future__ import annotations

import json
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
from npbert.models.heads import AutoModel
from tests.support.oracles import largest_difference
from tests.support.stored_weights import IDS, INDEX, WEIGHTS, load, refusal

pytestmark = pytest.mark.filterwarnings("error")  # but for warnings that a test expects


def entry(dtype: Any = "F32", shape: Any = (2,), offsets: Any = (0, 8)) -> dict[str, Any]:
    """Return what a header says about one tensor."""
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def file_of(header: object, data: bytes, length: int = 0) -> bytes:
    """Make a safetensors file, with spaces after its header up to `length` bytes."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text = text.ljust(length)
    return len(text).to_bytes(8, "little") + text + data


# The file begins with the length of its header. These lengths have every remainder by 8, and
# some make the file begin like a pickle (0x80) or like a web page (0x3C is "<", and 0x20 and
# 0x0A are white space).
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
    assert len(load_file(folder / WEIGHTS)) == len(header)  # safetensors can read it
    with pytest.warns(match="not used: odd$") if odd else nullcontext():
        model = load(folder)
    assert model.head.classifier.weight.flags.aligned
    assert largest_difference(model(IDS).logits, expected) < 1e-5


# ----------------------------------------------------------------------------------- damage


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


PLACES = st.integers(0, 2047) | st.integers(0, 8191)  # the header more often than the rest
EDITS = st.tuples(PLACES, st.integers(0, 3), st.binary(max_size=3))


@settings(max_examples=60, deadline=None)
@given(edits=st.lists(EDITS, min_size=1, max_size=3))
def test_any_damage_is_refused_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, source: Path, whole: bytes, edits: list[Any]
) -> None:
    for place, n_removed, new in edits:
        whole = whole[:place] + new + whole[place + n_removed :]
    folder = tmp_path_factory.mktemp("damaged")  # a new one: the last file may still be mapped
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
    assert marker.exists()  # the trap works, so nothing opened it before


def test_no_weights(folder: Path) -> None:
    (folder / "tf_model.h5").touch()
    message = refusal(folder)
    expected = f"{folder}: there is no {WEIGHTS} and no {INDEX}, only config.json, tf_model.h5; cho"
    assert expected in message


# ----------------------------------------------------------------------------------- shards


@pytest.fixture
def shards(source: Path, folder: Path) -> list[Path]:
    """The files of the model of `source`, saved in shards in `folder`."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(source)
    model.save_pretrained(folder, max_shard_size="2KB")
    return sorted(folder.glob("model-*-of-*.safetensors"))


def test_shards(folder: Path, source: Path, expected: Array, shards: list[Path]) -> None:
    assert len(shards) > 2
    assert largest_difference(load(folder)(IDS).logits, expected) < 1e-5
    save_file({"a": torch.ones(1)}, folder / WEIGHTS)  # a single file comes before shards
    assert "missing" in refusal(folder)
    shutil.copy(source / WEIGHTS, folder)
    (folder / INDEX).write_text("not JSON")
    load(folder)


def test_shards_that_are_missing_damaged_or_foreign(folder: Path, shards: list[Path]) -> None:
    first, last = shards[0], shards[-1]
    first.write_bytes(first.read_bytes()[:-1])
    assert f"{first}: {NO_FILE}" in refusal(folder)
    first.unlink()
    assert f"these are missing: {first.name}; copy or download them too" in refusal(folder)
    shutil.copy(last, first)
    assert "stored twice" in refusal(folder)


NO_MAPS = [b"", b"model-1.safetensors", b'{"weight_map": {"\xff": "a"}}', b"[" * 200_000]
NO_MAPS += [b'["weight_map"]', b"null", b'{"metadata": {}}', b'{"weight_map": null}']
NO_MAPS += [b'{"weight_map": ["a"]}', b'{"weight_map": "a"}', b'{"weight_map": {"a": ["b"]}}']


@pytest.mark.parametrize("content", NO_MAPS, ids=lambda content: str(content[:40]))
def test_indexes_without_a_map(folder: Path, content: bytes) -> None:
    (folder / INDEX).write_bytes(content)
    message = refusal(folder)
    expected = "expected JSON with a 'weight_map' from tensor names to file names"
    assert f"{folder / INDEX}: {expected}" in message


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
