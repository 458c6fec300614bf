"""From safetensors files to checked parameters, which are mapped from the files without a copy."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from npbert.checkpoints.config import DistilBertConfig
from npbert.checkpoints.parameters import HEAD_KINDS, WORD_EMBEDDINGS, HeadKind, HeadT, load_encoder
from npbert.checkpoints.safetensors_files import (
    FLOATS,
    ITEM_SIZES,
    CheckpointError,
    StoredTensor,
    stored_tensors,
)
from npbert.distilbert.activations import Array
from npbert.distilbert.model import Encoder

_OLD_NAMES: Final = {"gamma": "weight", "beta": "bias"}  # of LayerNorm, from TensorFlow
_BUFFERS: Final = ("embeddings.position_ids",)  # not a weight, but older releases saved it


def load_parameters(
    folder: Path, config: DistilBertConfig, head_kind: HeadKind[HeadT]
) -> tuple[Encoder, HeadT]:
    """Read the weights of a model folder, and check them against its config.

    Parameters
    ----------
    folder : Path
        Holds model.safetensors, or shards and model.safetensors.index.json.
    config : DistilBertConfig
        Says which tensors there must be, and their shapes.
    head_kind : HeadKind
        The kind of head to load.

    Returns
    -------
    encoder : Encoder
    head
        The parameters of the head, or None for the bare encoder.

    Raises
    ------
    CheckpointError
        If a file is missing or damaged; or if tensors are missing, are stored twice, have the
        wrong shape or dtype, or hold NaN or infinity. One message names all of these tensors.

    Warns
    -----
    UserWarning
        If there are tensors that nothing uses. The warning names them. It names the tensors of
        heads only when the bare encoder is loaded.

    Notes
    -----
    Tensors of float32 are views of the mapped file, so the page cache holds them once for all
    processes. Tensors of float16 and bfloat16 are widened to float32.
    """
    checkpoint = _Checkpoint(folder)
    encoder = load_encoder(checkpoint.take, config)
    head = head_kind.load(checkpoint.take, config)
    if checkpoint.problems:
        raise CheckpointError(_report(folder, checkpoint.problems, head_kind))
    _warn_of_unused(folder, checkpoint.unused(), head_kind)
    return encoder, head


def find_non_finite(parameters: object) -> list[str]:
    """List the names of the arrays that hold NaN or infinity.

    Parameters
    ----------
    parameters : dataclass
        Its fields are arrays, dataclasses of the same kind, or tuples of these.

    Returns
    -------
    list of str
        Names such as ``layers.0.ffn.lin1.weight``.
    """
    return [name for name, array in named_arrays(parameters) if not np.isfinite(array).all()]


class _Checkpoint:
    """The tensors of a folder by name, and a list of all that is wrong with them."""

    def __init__(self, folder: Path) -> None:
        self.problems: list[str] = []
        self._mapped: dict[Path, NDArray[np.uint8]] = {}
        self._taken: dict[str, Array] = {}
        self._tensors: dict[str, StoredTensor] = {}
        for tensor in stored_tensors(folder):
            name = _canonical(tensor.stored_name)
            if name in self._tensors:
                places = [
                    f"{twin.stored_name} in {twin.path.name}"
                    for twin in (self._tensors[name], tensor)
                ]
                self.problems.append(f"{name}: stored twice, as {places[0]} and as {places[1]}")
            self._tensors[name] = tensor

    def take(self, name: str, shape: tuple[int, ...], twin: str | None = None, /) -> Array:
        """Return a tensor as float32.

        If the tensor does not fit, add a line to `problems`, and return an array of one zero.
        """
        if name not in self._tensors and twin in self._tensors:
            name = twin
        if name not in self._taken:
            self._taken[name] = self._fitting(name, shape)
        return self._taken[name]

    def _fitting(self, name: str, shape: tuple[int, ...]) -> Array:
        tensor = self._tensors.get(name)
        if tensor is None:
            problem = f"missing, expected shape {shape}"
        elif tensor.dtype not in FLOATS:
            problem = f"dtype {tensor.dtype}, expected " + ", ".join(FLOATS)
        elif tensor.shape != shape:
            problem = f"shape {tensor.shape}, expected {shape} as config.json says"
        else:
            array = self._read(tensor)
            # The word embeddings are not searched for such values. They are a third of the file,
            # and few of their rows are ever used. A bad row reaches the output of every text that
            # uses it, and is found there.
            if name == WORD_EMBEDDINGS or _is_finite(array):
                return array
            problem = f"holds NaN or infinity ({_count_non_finite(array)} of {array.size} values)"
        self.problems.append(f"{name}: {problem}")
        return np.zeros(1, np.float32)

    def unused(self) -> list[str]:
        """List the names of the tensors that were never taken."""
        return [name for name in self._tensors if name not in {*self._taken, *_BUFFERS}]

    def _read(self, tensor: StoredTensor) -> Array:
        if tensor.path not in self._mapped:
            mapped = np.memmap(tensor.path, dtype=np.uint8, mode="r")
            # A plain array over the same memory: numpy handles it faster than its subclass.
            self._mapped[tensor.path] = mapped.view(np.ndarray)
        size_bytes = int(np.prod(tensor.shape)) * ITEM_SIZES[tensor.dtype]
        raw = self._mapped[tensor.path][tensor.offset : tensor.offset + size_bytes]
        if tensor.dtype == "F32":
            values = np.require(raw.view("<f4"), np.float32, "A")  # copies if unaligned
        elif tensor.dtype == "F16":
            values = raw.view("<f2").astype(np.float32)
        else:  # BF16 is the upper half of a float32
            values = (raw.view("<u2").astype(np.uint32) << 16).view(np.float32)
        return values.reshape(tensor.shape)


# ----------------------------------------------------------------------------------- names


def _canonical(name: str) -> str:
    """Return a stored name without its prefix, and with the present names of LayerNorm."""
    name = name.removeprefix("distilbert.")
    stem, _, kind = name.rpartition(".")
    if kind in _OLD_NAMES and stem.lower().endswith(("layernorm", "layer_norm")):
        return f"{stem}.{_OLD_NAMES[kind]}"
    return name


def _report(folder: Path, problems: list[str], head_kind: HeadKind[HeadT]) -> str:
    """Return one message with all problems, and with their cause if the head is missing."""
    lines = [f"{folder}: tensors that do not fit ({len(problems)}):", *problems]
    if head_kind.parts and all(
        problem.split(".")[0] in head_kind.parts and "missing" in problem for problem in problems
    ):
        lines.append(
            f"This checkpoint has no {head_kind.name} head: choose one that was fine-tuned for it"
        )
    return "\n  ".join(lines)


def _warn_of_unused(folder: Path, unused: Iterable[str], head_kind: HeadKind[HeadT]) -> None:
    head_parts = {part for kind in HEAD_KINDS for part in kind.parts}
    of_heads = [name for name in unused if name.split(".")[0] in head_parts]
    foreign = [name for name in unused if name not in of_heads]
    if foreign:
        warnings.warn(
            f"{folder}: tensors that belong to no DistilBERT are not used: {', '.join(foreign)}",
            stacklevel=4,
        )
    if of_heads and not head_kind.parts:
        warnings.warn(
            f"{folder}: the bare encoder leaves the weights of the head unused: "
            + ", ".join(of_heads),
            stacklevel=4,
        )


# ------------------------------------------------------------------------------ finiteness


def _is_finite(array: Array) -> bool:
    """Tell whether all values are finite, in one pass at the speed of memory.

    If a value is not finite, the sum of the squares is not finite either. The sum takes 20 ms for
    67 million values, a quarter of the time of isfinite. It can also overflow, so if it is not
    finite, each value is looked at.
    """
    flat = array.reshape(-1)
    with np.errstate(over="ignore"):
        return bool(np.isfinite(np.dot(flat, flat))) or not _count_non_finite(array)


def _count_non_finite(array: Array) -> int:
    return int(array.size - np.count_nonzero(np.isfinite(array)))


def named_arrays(value: object, name: str = "") -> Iterator[tuple[str, Array]]:
    """Yield the arrays of parameters, with names such as ``layers.0.ffn.lin1.weight``."""
    if isinstance(value, np.ndarray):
        yield name, value
    elif is_dataclass(value):
        for part in fields(value):
            yield from named_arrays(getattr(value, part.name), f"{name}.{part.name}".lstrip("."))
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from named_arrays(item, f"{name}.{number}")
