"""A model's files in a folder of their own, with all weights in one file."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from npbert.checkpoints.json_files import read_json_object
from npbert.checkpoints.mapped_files import MappedFiles
from npbert.checkpoints.safetensors_files import (
    ITEM_SIZES,
    CheckpointError,
    StoredTensor,
    stored_tensors,
)
from npbert.checkpoints.sources import CONFIG_FILE, MODEL_FILES
from npbert.checkpoints.weight_files import WEIGHTS_FILE, weight_files
from npbert.checkpoints.weights import as_float32
from npbert.messages import as_name, enumerate_names, with_noun

_HALF: Final = "F16"
_HALVED: Final = ("F32", "F64", "BF16")  # the types of which float16 weights are made
_LARGEST_HALF: Final = 65504
_SMALLEST_NORMAL_HALF: Final = 2.0**-14  # below, float16 has fewer than 11 binary digits
_DOCUMENT: Final = re.compile(r"README\.md|(LICEN[CS]E|NOTICE|COPYING)([.-].*)?", re.IGNORECASE)


def is_model_file(name: str) -> bool:
    """Tell whether `export_model` may write a file of this name."""
    return name in (*MODEL_FILES, WEIGHTS_FILE) or _DOCUMENT.fullmatch(name) is not None


def export_model(
    folder: Path, whole: Path, target: Path, *, variant: str | None = None, half: bool = False
) -> list[str]:
    """Write the files of a model into a folder of their own.

    Parameters
    ----------
    folder : Path
        The folder with the files of the model.
    whole : Path
        The folder of which `folder` may be a subfolder. README.md and the license may be in it.
    target : Path
        An empty folder.
    variant : str, optional
        As in `weight_files`.
    half : bool
        Whether weights of float32, float64 and bfloat16 become float16. The others stay as they
        are.

    Returns
    -------
    list of str
        The names of the tensors that lose digits in float16 because all their values are smaller
        than 6.1e-5.

    Raises
    ------
    CheckpointError
        If a weight is too large for float16.
    OSError
        If a file cannot be read or written.

    Notes
    -----
    Every file but the weights, and but for one key of the config, is a copy. transformers computes
    in the type that the key ``dtype`` of config.json names. Without the key, it computes in the
    type of the weights, so the key is added where the weights become float16.
    """
    copies = {
        path.name: path
        for place in (whole, folder)  # a file of the subfolder is the one that counts
        for path in sorted(place.iterdir())
        if path.is_file()
        and (_DOCUMENT.fullmatch(path.name) or (place == folder and path.name in MODEL_FILES))
    }
    if half:
        config = read_json_object(copies.pop(CONFIG_FILE))
        if not {"dtype", "torch_dtype"} & config.keys():
            config["dtype"] = "float32"
        (target / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    for name, path in copies.items():
        shutil.copyfile(path, target / name)
    return write_weights(weight_files(folder, variant), target / WEIGHTS_FILE, half=half)


def write_weights(files: Iterable[Path], target: Path, *, half: bool) -> list[str]:
    """Write the tensors of several safetensors files into one, under the same names.

    Parameters
    ----------
    files : iterable of Path
    target : Path
        The new file.
    half : bool
        As in `export_model`.

    Returns
    -------
    list of str
        As in `export_model`.

    Raises
    ------
    CheckpointError
        If a weight is too large for float16; the message names the tensors. Or if a file changes
        while it is read.
    """
    files = list(files)
    mapped = MappedFiles(files)
    tensors = [tensor for path in files for tensor in stored_tensors(path)]
    mapped.require_in_place()  # or else the layout would be that of another file
    dtypes = [_HALF if half and tensor.dtype in _HALVED else tensor.dtype for tensor in tensors]
    # Every value lies at a multiple of its size if the larger types come first.
    order = sorted(zip(tensors, dtypes, strict=True), key=lambda each: -ITEM_SIZES[each[1]])
    too_large, too_small = [], []
    with target.open("xb") as file:
        file.write(_header(order))
        for tensor, dtype in order:
            stored = mapped.stored_bytes(tensor)
            if dtype == tensor.dtype:
                file.write(stored.data)
                continue
            is_double = tensor.dtype == "F64"  # such a value may be beyond float32
            values = stored.view("<f8") if is_double else as_float32(stored, tensor.dtype)
            halves = _to_half(values)
            file.write(halves.values.data)
            if halves.n_too_large:
                too_large.append(
                    f"{as_name(tensor.stored_name)}: {with_noun(halves.n_too_large, 'value')}, "
                    f"the largest is {halves.largest:.6g}"
                )
            elif 0 < halves.largest < _SMALLEST_NORMAL_HALF:
                too_small.append(tensor.stored_name)
        mapped.require_unchanged()
        file.flush()
        os.fsync(file.fileno())
    if too_large:
        raise CheckpointError(
            f"some weights are too large for float16, which ends at {_LARGEST_HALF}: "
            f"{enumerate_names(too_large)}; keep the types of the weights"
        )
    return too_small


def _header(tensors: Iterable[tuple[StoredTensor, str]]) -> bytes:
    """Return the beginning of a safetensors file: the size of a JSON object, and the object.

    The format is described at https://github.com/huggingface/safetensors#format.
    """
    described: dict[str, object] = {"__metadata__": {"format": "pt"}}  # transformers asks for it
    offset = 0
    for tensor, dtype in tensors:
        end = offset + math.prod(tensor.shape) * ITEM_SIZES[dtype]
        described[tensor.stored_name] = {
            "dtype": dtype,
            "shape": tensor.shape,
            "data_offsets": [offset, end],
        }
        offset = end
    content = json.dumps(described, separators=(",", ":")).encode()
    content += b" " * (-len(content) % 8)
    return len(content).to_bytes(8, "little") + content


class _Halves(NamedTuple):
    """The values of a tensor in float16, and what became of them."""

    values: NDArray[np.float16]
    largest: float  # of the absolute values before
    n_too_large: int


def _to_half(values: NDArray[np.floating]) -> _Halves:
    """Round to the nearest float16; NaN and infinity stay as they are."""
    with np.errstate(over="ignore"):
        halves = values.astype("<f2")  # in the order of bytes of the file
    is_finite = np.isfinite(values)
    largest = np.abs(values).max(initial=0, where=is_finite)
    n_too_large = np.count_nonzero(np.isinf(halves) & is_finite)
    return _Halves(halves, float(largest), int(n_too_large))
