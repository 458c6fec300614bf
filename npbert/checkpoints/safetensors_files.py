"""What a safetensors file says about the tensors that it holds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from npbert.checkpoints.damaged_files import LENGTH_BYTES, describe_damage
from npbert.checkpoints.links import describe_link, leads_outside
from npbert.messages import enumerate_names

_MOST_BYTES_OF_HEADER: Final = 8 << 20  # 1,000 layers take two million
ITEM_SIZES: Final = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 8),
}


class CheckpointError(ValueError):
    """The files of a checkpoint are damaged, or do not fit the config or the head."""


class StoredTensor(NamedTuple):
    """What a file says about one tensor, and where the values of the tensor are."""

    stored_name: str
    path: Path
    dtype: str
    shape: tuple[int, ...]
    offset: int  # bytes from the beginning of the file


class MappedFiles:
    """Files that are mapped into memory, each when one of its tensors is first read."""

    def __init__(self) -> None:
        self._mapped: dict[Path, NDArray[np.uint8]] = {}

    def stored_bytes(self, tensor: StoredTensor) -> NDArray[np.uint8]:
        """Return the bytes of a tensor's values, which are not copied."""
        if tensor.path not in self._mapped:
            mapped = np.memmap(tensor.path, dtype=np.uint8, mode="r")
            # A plain array over the same memory: numpy handles it faster than its subclass.
            self._mapped[tensor.path] = mapped.view(np.ndarray)
        size_bytes = math.prod(tensor.shape) * ITEM_SIZES[tensor.dtype]
        return self._mapped[tensor.path][tensor.offset : tensor.offset + size_bytes]


def stored_tensors(path: Path) -> Iterator[StoredTensor]:
    """Yield the tensors of a file, in the order of their values, which are not read.

    Raises
    ------
    CheckpointError
        If it is not a safetensors file, is a link out of its folder, has a huge header, or has a
        tensor of an unknown dtype.
    """
    if leads_outside(path):
        raise CheckpointError(describe_link(path))
    size_bytes = path.stat().st_size
    with path.open("rb") as file:  # if it may not be read, this error says so; the library's not
        header_bytes = int.from_bytes(file.read(LENGTH_BYTES), "little")
    if _MOST_BYTES_OF_HEADER < header_bytes <= size_bytes - LENGTH_BYTES:
        raise CheckpointError(
            f"{path} has a header of {header_bytes:,} bytes, expected at most "
            f"{_MOST_BYTES_OF_HEADER:,}; a DistilBERT has a few hundred tensors. Save the model "
            "again, with save_pretrained"
        )
    try:
        with safe_open(path, framework="np") as file:
            slices = [(name, file.get_slice(name)) for name in file.offset_keys()]
            layout = [(name, s.get_dtype(), tuple(s.get_shape())) for name, s in slices]
    except SafetensorError as error:
        raise CheckpointError(f"{path}: {describe_damage(path, error, ITEM_SIZES)}") from error
    unknown = [f"{name} ({dtype})" for name, dtype, _ in layout if dtype not in ITEM_SIZES]
    if unknown:
        raise CheckpointError(
            f"{path}: dtype not known: {enumerate_names(unknown)}; expected one of: "
            + ", ".join(ITEM_SIZES)
        )
    # The format leaves no holes between tensors, and the last tensor ends where the file ends. So
    # the sizes of the tensors say where each one begins, and no header has to be parsed here.
    sizes = [math.prod(shape) * ITEM_SIZES[dtype] for _, dtype, shape in layout]
    offset = size_bytes - sum(sizes)
    for (name, dtype, shape), n_bytes in zip(layout, sizes, strict=True):
        yield StoredTensor(name, path, dtype, shape, offset)
        offset += n_bytes
