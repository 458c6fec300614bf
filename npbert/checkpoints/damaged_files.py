"""What is wrong with a file that the safetensors library refuses, in words that say what to do."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from npbert.messages import with_noun

LENGTH_BYTES: Final = 8  # a file begins with the length of its header
_LONGEST_HEADER: Final = 100_000_000  # that the library accepts
_FETCH_AGAIN: Final = "Delete it and fetch it again"
_SAVE_AGAIN: Final = "Save the model again, with save_pretrained or safetensors.torch.save_file"


def describe_damage(path: Path, error: Exception, item_sizes: Mapping[str, int]) -> str:
    """Return what a refused file seems to be, or what is wrong with it, and what to do.

    Parameters
    ----------
    path : Path
    error : Exception
        The error of the library, which is quoted if nothing more is found.
    item_sizes : mapping
        The dtypes of the format, and the number of bytes of one value of each.
    """
    with path.open("rb") as file:
        start = file.read(64)
    return (
        _another_kind_of_file(start)
        or f"not a valid safetensors file: {_what_is_wrong(path, error, item_sizes)}"
    )


def _another_kind_of_file(start: bytes) -> str | None:
    if not start:
        return "the file is empty; fetch it again"
    is_safetensors = start[LENGTH_BYTES : LENGTH_BYTES + 1] in (b"{", b"")
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the weights; run `git lfs pull` in the folder"
    if start.lstrip()[:1] == b"<" and not is_safetensors:
        return (
            "a web page (HTML), not the weights; download the file itself (on the hub its "
            "address has /resolve/, not /blob/)"
        )
    if start.startswith((b"PK\x03\x04", b"\x80")) and not is_safetensors:
        return (
            "a PyTorch pickle under another name, which npbert never opens because a pickle "
            "can run any code; save it with transformers' save_pretrained, as safetensors"
        )
    return None


def _what_is_wrong(path: Path, error: Exception, item_sizes: Mapping[str, int]) -> str:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        if size < LENGTH_BYTES:
            return (
                f"it was cut off after {with_noun(size, 'byte')}, inside its header. {_FETCH_AGAIN}"
            )
        if length > _LONGEST_HEADER:
            return (
                f"its first 8 bytes say that the header has "
                f"{with_noun(length, 'byte')}, expected at most {_LONGEST_HEADER:,}. {_FETCH_AGAIN}"
            )
        end_of_header = LENGTH_BYTES + length
        if end_of_header > size:
            return (
                f"its header ends at byte {end_of_header:,}, but the file has "
                f"{with_noun(size, 'byte')}, so it was cut off. {_FETCH_AGAIN}"
            )
        header = file.read(length)
    try:
        entries = json.loads(header.decode())
    except UnicodeDecodeError as of_utf8:
        return f"its header is not UTF-8 at byte {LENGTH_BYTES + of_utf8.start}. {_FETCH_AGAIN}"
    except (ValueError, RecursionError) as of_json:
        return f"its header is not JSON ({of_json}). {_FETCH_AGAIN}"
    if not isinstance(entries, dict):
        kind = type(entries).__name__
        return f"its header is a {kind}, expected an object of tensors. {_FETCH_AGAIN}"
    entries.pop("__metadata__", None)
    for name, entry in entries.items():
        problem = _problem_of_entry(entry, item_sizes)
        if problem:
            return f"its header says of the tensor {name!r} {problem}. {_SAVE_AGAIN}"
    return _problem_of_places(entries, size - end_of_header) or f"{error}. {_FETCH_AGAIN}"


def _problem_of_entry(entry: object, item_sizes: Mapping[str, int]) -> str | None:
    """Return what is wrong with that which a header says about one tensor by itself."""
    if not isinstance(entry, dict) or not {"dtype", "shape", "data_offsets"} <= entry.keys():
        return f"{entry!r:.80}, expected an object with dtype, shape and data_offsets"
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if dtype not in list(item_sizes):
        return f"the dtype {dtype!r}, which is not known, expected one of: {', '.join(item_sizes)}"
    if not _are_sizes(shape):
        return f"the shape {shape!r:.80}, expected a list of sizes"
    if not _are_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        return f"the data_offsets {offsets!r:.80}, expected the numbers of two bytes in order"
    n_bytes = math.prod(shape) * item_sizes[dtype]
    if n_bytes != offsets[1] - offsets[0]:
        return (
            f"the shape {shape!r} and the dtype {dtype}, which take "
            f"{with_noun(n_bytes, 'byte')}, but its data_offsets {offsets!r} have "
            f"room for {offsets[1] - offsets[0]:,}"
        )
    return None


def _are_sizes(value: object) -> bool:
    return isinstance(value, list) and all(type(size) is int and size >= 0 for size in value)


def _problem_of_places(entries: dict[str, dict[str, list[int]]], n_bytes: int) -> str | None:
    """Return what is wrong with the places of the tensors among the bytes after the header."""
    end, last = 0, ""
    for (start, stop), name in sorted((entry["data_offsets"], n) for n, entry in entries.items()):
        if start < end:
            return f"the tensors {last!r} and {name!r} overlap. {_SAVE_AGAIN}"
        if start > end:
            hole = f"no tensor has the {with_noun(start - end, 'byte')} before the tensor {name!r}"
            return f"{hole}. {_SAVE_AGAIN}"
        end, last = stop, name
    if end > n_bytes:
        return (
            f"its tensors take {with_noun(end, 'byte')}, but the file has only {n_bytes:,} after "
            f"the header, so it was cut off. {_FETCH_AGAIN}"
        )
    if end < n_bytes:
        return (
            f"after its last tensor, {with_noun(n_bytes - end, 'byte was', 'bytes were')} added. "
            f"{_FETCH_AGAIN}"
        )
    return None
