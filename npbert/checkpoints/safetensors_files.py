"""The safetensors files of a model's folder, and the tensors that they hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open

WEIGHTS_FILE: Final = "model.safetensors"
INDEX_FILE: Final = "model.safetensors.index.json"

FLOATS: Final = ("F32", "F16", "BF16")  # the types that a weight can have
ITEM_SIZES: Final = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 8),
}
_PICKLES: Final = ("pytorch_model.bin", "pytorch_model.bin.index.json")


class CheckpointError(ValueError):
    """The files of a checkpoint are damaged, or do not fit the config or the head."""


class StoredTensor(NamedTuple):
    """What a file says about one tensor, and where the values of the tensor are."""

    stored_name: str
    path: Path
    dtype: str
    shape: tuple[int, ...]
    offset: int  # bytes from the beginning of the file


def weight_files(folder: Path) -> list[Path]:
    """List the safetensors files of a model's folder.

    Raises
    ------
    CheckpointError
        If there is no such file, if the index is damaged, or if a file that it names is missing.
    """
    if (folder / WEIGHTS_FILE).is_file():
        return [folder / WEIGHTS_FILE]
    index = folder / INDEX_FILE
    if not index.is_file():
        raise CheckpointError(_no_weights(folder))
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            f"{index}: expected JSON with a 'weight_map' from tensor names to file names "
            f"({error!r})"
        ) from error
    outside = [name for name in names if not _is_file_name(name)]
    if outside:
        raise CheckpointError(f"{index}: {outside[0]!r} is not the name of a file beside it")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise CheckpointError(
            f"{folder}: {INDEX_FILE} names {len(names)} files, of which these are missing: "
            + ", ".join(missing)
            + "; copy or download them too"
        )
    return [folder / name for name in names]


def _is_file_name(name: object) -> bool:
    return isinstance(name, str) and name not in ("", "..") and Path(name).name == name


def stored_tensors(folder: Path) -> list[StoredTensor]:
    """List the tensors in the files of a model's folder, without reading their values.

    Raises
    ------
    CheckpointError
        If a file is missing, is not a safetensors file, or has a tensor of an unknown dtype.
    """
    return [tensor for path in weight_files(folder) for tensor in _layout(path)]


def _no_weights(folder: Path) -> str:
    found = sorted(p.name for p in folder.iterdir() if p.is_file()) if folder.is_dir() else []
    pickles = [name for name in _PICKLES if name in found]
    if pickles:
        return (
            f"{folder}: the weights are a pickle ({pickles[0]}), which npbert never opens because "
            f"a pickle can run any code; expected {WEIGHTS_FILE}. Where transformers is "
            "installed, convert them: AutoModelForSequenceClassification.from_pretrained(folder)"
            ".save_pretrained(new_folder)"
        )
    return (
        f"{folder}: there is no {WEIGHTS_FILE} and no {INDEX_FILE}, only "
        f"{', '.join(found[:10]) or 'nothing'}; choose a folder or model with safetensors weights"
    )


def _layout(path: Path) -> Iterator[StoredTensor]:
    """Yield the tensors of one file, in the order of their values in the file."""
    size_bytes = path.stat().st_size
    try:
        with safe_open(path, framework="np") as file:
            slices = [(name, file.get_slice(name)) for name in file.offset_keys()]
            layout = [(name, s.get_dtype(), tuple(s.get_shape())) for name, s in slices]
    except SafetensorError as error:
        raise CheckpointError(f"{path}: {_what_it_is_instead(path, error)}") from error
    unknown = [f"{name} ({dtype})" for name, dtype, _ in layout if dtype not in ITEM_SIZES]
    if unknown:
        raise CheckpointError(
            f"{path}: dtype not known: {', '.join(unknown)}; expected {', '.join(FLOATS)}"
        )
    # The format leaves no holes between tensors, and the last tensor ends where the file ends. So
    # the sizes of the tensors say where each one begins, and no header has to be parsed here.
    sizes = [int(np.prod(shape)) * ITEM_SIZES[dtype] for _, dtype, shape in layout]
    offset = size_bytes - sum(sizes)
    for (name, dtype, shape), n_bytes in zip(layout, sizes, strict=True):
        yield StoredTensor(name, path, dtype, shape, offset)
        offset += n_bytes


def _what_it_is_instead(path: Path, error: SafetensorError) -> str:
    """Return what a file that is not a safetensors file seems to be, and what to do."""
    with path.open("rb") as file:
        start = file.read(64)
    if not start:
        return "the file is empty; fetch it again"
    is_safetensors = start[8:9] in (b"{", b"")  # eight bytes with the header's length come first
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
    return (
        f"not a whole safetensors file ({error}); its {path.stat().st_size:,} bytes do not match "
        "its own header, so it was cut off or something was added. Delete it and fetch it again"
    )
