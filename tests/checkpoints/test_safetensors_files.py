"""Weight files: where tensors lie in them, and which files are refused."""

from __future__ import annotations

import json
import pickle
import re
import shutil
import time
import warnings
import zipfile
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from npbert.checkpoints.safetensors_files import CheckpointError
from npbert.distilbert.activations import Array
from npbert.models.heads import AutoModel
from tests.support.oracles import largest_difference
from tests.support.stored_weights import IDS, NO_FILE, WEIGHTS, Tensors, load, refusal

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


DAMAGED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "lfs": (lambda _: b"version https://git-lfs.github.com/spec/v1\n", "LFS pointer.*`git lfs pu"),
    "page": (lambda _: b"<!DOCTYPE html>\n<html></html>" * 9, r"HTML.*download the file itself"),
    "indented page": (lambda _: b"\n  <html>" * 9, r"a web page \(HTML\)"),
    "empty": (lambda _: b"", "file is empty; fetch it again"),
    "one byte more": (
        lambda whole: whole + b"\0",
        NO_FILE + ": after its last tensor, 1 byte was added. Delete it",
    ),
    "twice": (lambda whole: whole * 2, "bytes were added"),
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
        for part in (NO_FILE, "was cut off", "Delete it and fetch it again"):
            assert part in message
        assert f"{n_bytes:,} " in message or f"only {n_bytes - end_of_header:,} after" in message


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


FINE = {"a": entry()}
WHAT_IS_WRONG: list[tuple[object, int, str]] = [
    (b"{'a': 1}", 8, r"its header is not JSON \(Expecting property name"),
    (b'{"a":', 8, r"its header is not JSON \(Expecting value"),
    (b"", 8, r"its header is not JSON"),
    (b'{"a":' * 9999, 8, r"its header is not JSON \(maximum recursion"),
    (b'{"a\xff": 1}', 8, "its header is not UTF-8 at byte 11"),
    ([1], 8, "its header is a list, expected an object of tensors"),
    ({"a": [0, 8]}, 8, r"of the tensor 'a' \[0, 8\], expected an object with dtype, shape and"),
    ({"a": {"dtype": "F32"}}, 8, "expected an object with dtype, shape and data_offsets"),
    ({"a": entry("F128")}, 8, "tensor 'a' the dtype 'F128', which is not known, expected one of"),
    ({"a": entry(None)}, 8, "the dtype None, which is not known"),
    ({"a": entry(shape=(-2,))}, 8, r"the shape \[-2\], expected a list of sizes"),
    ({"a": entry(shape="2")}, 8, "the shape '2', expected a list of sizes"),
    ({"a": entry(offsets=(8, 0))}, 8, r"the data_offsets \[8, 0\], expected the numbers of two"),
    ({"a": entry(offsets=(0,))}, 8, r"the data_offsets \[0\], expected the numbers of two bytes"),
    ({"a": entry(shape=(3,))}, 8, r"\[3\] and the dtype F32, which take 12 bytes, .* room for 8"),
    (FINE | {"b": entry(offsets=(4, 12))}, 12, "the tensors 'a' and 'b' overlap. Save the model"),
    (FINE | {"b": entry()}, 8, "the tensors 'a' and 'b' overlap"),
    (FINE | {"b": entry(offsets=(9, 17))}, 17, "no tensor has the 1 byte before the tensor 'b'"),
    ({"a": entry(offsets=(8, 16))}, 16, "no tensor has the 8 bytes before the tensor 'a'"),
    (
        FINE,
        7,
        "its tensors take 8 bytes, but the file has only 7 after the header, so it was cut off",
    ),
    (FINE, 10, "after its last tensor, 2 bytes were added. Delete it and fetch"),
    ({"__metadata__": {"a": 1}, **FINE}, 8, "invalid type: integer `1`, expected a string"),
]


@pytest.mark.parametrize(("header", "n_bytes", "message"), WHAT_IS_WRONG, ids=lambda x: str(x)[:40])
def test_what_is_wrong_is_said(folder: Path, header: object, n_bytes: int, message: str) -> None:
    (folder / WEIGHTS).write_bytes(file_of(header, bytes(n_bytes)))
    with pytest.raises(SafetensorError):
        load_file(folder / WEIGHTS)
    report = refusal(folder)
    assert report.startswith(f"{folder / WEIGHTS}: {NO_FILE}: ")
    assert re.search(message, report)


def test_lengths_of_headers_that_lie(folder: Path, whole: bytes) -> None:
    (folder / WEIGHTS).write_bytes((100_000_001).to_bytes(8, "little") + whole[8:])
    assert "say that the header has 100,000,001 bytes, expected at most 100,000,000" in refusal(
        folder
    )
    (folder / WEIGHTS).write_bytes((len(whole)).to_bytes(8, "little") + whole[8:])
    ends = f"its header ends at byte {len(whole) + 8:,}, but the file has {len(whole):,} bytes"
    assert ends in refusal(folder)


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


def test_a_huge_header(folder: Path, whole: bytes) -> None:
    end = 8 + int.from_bytes(whole[:8], "little")
    (folder / WEIGHTS).write_bytes(file_of(whole[8:end], whole[end:], 8 << 20))
    load(folder)
    (folder / WEIGHTS).write_bytes(file_of(whole[8:end], whole[end:], (8 << 20) + 1))
    assert "has a header of 8,388,609 bytes, expected at most 8,388,608" in refusal(folder)


def test_very_many_unused_tensors(folder: Path, tensors: Tensors) -> None:
    tensors |= {f"some.module.{n}.weight": torch.zeros(1) for n in range(60_000)}
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    start = time.process_time()
    with pytest.warns(UserWarning, match="belong to no DistilBERT .* and 59990 more"):
        load(folder)
    assert time.process_time() - start < 2


def test_very_many_unknown_types(folder: Path) -> None:
    entries = {f"t{n}": entry("F4", (2,), (n, n + 1)) for n in range(1000)}
    (folder / WEIGHTS).write_bytes(file_of(entries, b"\0" * 1000))
    assert len(refusal(folder)) < 2000
