"""From safetensors files to checked parameters, which are mapped from the files without a copy."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from npbert.checkpoints.config import DistilBertConfig
from npbert.checkpoints.mapped_files import MappedFiles
from npbert.checkpoints.parameters import HEAD_KINDS, WORD_EMBEDDINGS, HeadKind, HeadT, load_encoder
from npbert.checkpoints.safetensors_files import (
    ITEM_SIZES,
    CheckpointError,
    StoredTensor,
    stored_tensors,
)
from npbert.checkpoints.tensor_names import (
    BASE_PREFIX,
    canonical,
    encoder_prefix,
    is_of_encoder,
    name_cause,
)
from npbert.checkpoints.weight_files import (
    ADAPTER_CONFIG,
    MERGE_ADAPTER,
    weight_files,
)
from npbert.distilbert.activations import Array
from npbert.distilbert.model import Encoder
from npbert.messages import as_name, enumerate_names, with_noun

_BUFFERS: Final = ("embeddings.position_ids",)  # not a weight, but older releases saved it
# The types that a weight can have, and the names that NumPy has for them; NumPy has none for BF16.
# Integers of 8 bits are not here: they are what quantized weights are stored as, and have no
# meaning without their scales.
_DTYPES: Final = {
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "F64": "<f8",
    **{f"I{bits}": f"<i{bits // 8}" for bits in (16, 32, 64)},
    **{f"U{bits}": f"<u{bits // 8}" for bits in (16, 32, 64)},
}
_MOST_PROBLEMS: Final = 10  # that one message describes


def load_parameters(
    folder: Path,
    config: DistilBertConfig,
    head_kind: HeadKind[HeadT],
    variant: str | None = None,
    *,
    disable_mmap: bool,
) -> tuple[Encoder, HeadT, MappedFiles]:
    """Read the weights of a model folder, and check them against its config.

    Parameters
    ----------
    folder : Path
        Holds model.safetensors, or shards and model.safetensors.index.json.
    config : DistilBertConfig
        Says which tensors there must be, and their shapes.
    head_kind : HeadKind
        The kind of head to load.
    variant : str, optional
        The word in the names of the files, such as "fp16" in model.fp16.safetensors.
    disable_mmap : bool
        Whether every tensor is read into memory of its own, and nothing is mapped.

    Returns
    -------
    encoder : Encoder
    head
        The parameters of the head, or None for the bare encoder.
    files : MappedFiles
        The files that must not change while the parameters are in use.

    Raises
    ------
    CheckpointError
        If a file is missing or damaged, or changes while it is read; or if tensors are
        missing, are stored twice, have the wrong shape or dtype, or hold NaN or infinity. One
        message names these tensors, and says what the names in the file tell about their cause.

    Warns
    -----
    UserWarning
        If there are tensors that nothing uses, of a head or foreign ones. The warning names them.
        Or if there is an adapter beside the weights.

    Notes
    -----
    Tensors of float32 are views of the mapped file, so the page cache holds them once for all
    processes. Tensors of float16, bfloat16 and float64, and of integers of 16 bits or more, are
    converted to float32.
    """
    checkpoint = _Checkpoint(folder, variant, disable_mmap)
    encoder = load_encoder(checkpoint.take, config)
    head = head_kind.load(checkpoint.take, config)
    checkpoint.files.require_unchanged()
    checkpoint.files.release_unused()
    if checkpoint.problems:
        raise CheckpointError(_report(folder, checkpoint, head_kind, config))
    _warn_of_unused(folder, checkpoint.unused(), head_kind, config)
    if (folder / ADAPTER_CONFIG).exists():
        warnings.warn(
            f"{folder}: beside the weights there is an adapter of PEFT ({ADAPTER_CONFIG}), which "
            f"npbert does not apply. {MERGE_ADAPTER}",
            stacklevel=4,
        )
    return encoder, head, checkpoint.files


def as_float32(stored: NDArray[np.uint8], dtype: str) -> Array:
    """Return the values of a tensor.

    Parameters
    ----------
    stored : uint8 array
        The bytes of the values.
    dtype : str
        The type that the file says, such as "BF16".

    Returns
    -------
    float32 array (values,)
        It is a view of the bytes if they are float32. A float64 that is too large is infinite.
    """
    values = stored.view(_DTYPES[dtype])
    if dtype == "F32":
        return np.require(values, np.float32, "A")  # copies if unaligned
    if dtype == "BF16":  # the upper half of a float32
        return (values.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


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


def largest_change(before: object, after: object) -> float:
    """Return the largest difference between a number of some parameters and of some others.

    Parameters
    ----------
    before, after : dataclass
        Parameters of the same shapes, as in `find_non_finite`.
    """
    pairs = zip(named_arrays(before), named_arrays(after), strict=True)
    return max(float(np.abs(old - new).max(initial=0)) for (_, old), (_, new) in pairs)


class _Problem(NamedTuple):
    """What is wrong with one tensor."""

    name: str  # the canonical one
    shown_name: str  # the one in the file
    description: str
    tensor: StoredTensor | None = None  # None if it is missing


class _Checkpoint:
    """The tensors of a folder by name, and a list of all that is wrong with them."""

    def __init__(self, folder: Path, variant: str | None, disable_mmap: bool) -> None:
        paths = weight_files(folder, variant)
        self.problems: list[_Problem] = []
        self.files = MappedFiles(paths, disable_mmap=disable_mmap)
        self._taken: dict[str, Array] = {}
        self._tensors: dict[str, StoredTensor] = {}
        for path in paths:
            for tensor in stored_tensors(path):
                self._add(tensor)
        self.files.require_in_place()  # or else the layout would be that of another file
        self._encoder_prefix = encoder_prefix(self.stored_names)

    def _add(self, tensor: StoredTensor) -> None:
        name = canonical(tensor.stored_name)
        if name in self._tensors:
            places = [
                f"{as_name(twin.stored_name)} in {twin.path.name}"
                for twin in (self._tensors[name], tensor)
            ]
            description = f"stored twice, as {places[0]} and as {places[1]}"
            self.problems.append(_Problem(name, name, description, tensor))
        self._tensors[name] = tensor

    @property
    def stored_names(self) -> list[str]:
        return [tensor.stored_name for tensor in self._tensors.values()]

    def take(self, name: str, shape: tuple[int, ...], twin: str | None = None, /) -> Array:
        """Return a tensor as float32.

        If the tensor does not fit, add it to `problems`, and return an array of one zero.
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
        elif tensor.dtype not in _DTYPES:
            problem = f"dtype {tensor.dtype}, expected one of: {', '.join(_DTYPES)}"
        elif tensor.shape != shape:
            problem = f"shape {tensor.shape}, expected {shape} by the config"
        else:
            array = self._read(tensor)
            # The word embeddings are not searched for such values. They are a third of the file,
            # and few of their rows are ever used. A bad row reaches the output of every text that
            # uses it, and is found there.
            if name == WORD_EMBEDDINGS or _is_finite(array):
                return array
            beyond = tensor.dtype == "F64"
            bad = "NaN, infinity or values beyond float32" if beyond else "NaN or infinity"
            problem = (
                f"holds {bad} ({_count_non_finite(array)} of {with_noun(array.size, 'value')})"
            )
        shown_name = tensor.stored_name if tensor else self._name_if_it_were_there(name)
        self.problems.append(_Problem(name, shown_name, problem, tensor))
        return np.zeros(1, np.float32)

    def _name_if_it_were_there(self, name: str) -> str:
        prefix = self._encoder_prefix
        return (prefix if is_of_encoder(name) else prefix.removesuffix(BASE_PREFIX)) + name

    def unused(self) -> dict[str, str]:
        """Return the tensors that were never taken: canonical names, and names in the file."""
        return {
            name: tensor.stored_name
            for name, tensor in self._tensors.items()
            if name not in self._taken and name not in _BUFFERS
        }

    def _read(self, tensor: StoredTensor) -> Array:
        return as_float32(self.files.stored_bytes(tensor), tensor.dtype).reshape(tensor.shape)


# ---------------------------------------------------------------------------------- reports


def _report(
    folder: Path, checkpoint: _Checkpoint, head_kind: HeadKind[HeadT], config: DistilBertConfig
) -> str:
    """Return one message with the problems, and with their cause if it can be seen."""
    problems = checkpoint.problems
    lines = [
        f"{folder}: tensors that do not fit ({len(problems)}):",
        *(f"{as_name(each.shown_name)}: {each.description}" for each in problems[:_MOST_PROBLEMS]),
    ]
    if len(problems) > _MOST_PROBLEMS:
        lines.append(f"and {len(problems) - _MOST_PROBLEMS} more")
    cause = _cause(checkpoint, head_kind, config)
    if cause is not None:
        lines.append(cause)
    return "\n  ".join(lines)


def _cause(
    checkpoint: _Checkpoint, head_kind: HeadKind[HeadT], config: DistilBertConfig
) -> str | None:
    problems = checkpoint.problems
    missing = [each.name for each in problems if each.tensor is None]
    cause = name_cause(checkpoint.stored_names, missing)
    if cause is not None:
        return cause
    if len(missing) == len(problems) and all(
        name.split(".")[0] in head_kind.parts for name in missing
    ):
        return (
            f"This checkpoint has no {head_kind.name} head: choose one that was fine-tuned for it"
        )
    tensors = [each.tensor for each in problems if each.tensor is not None]
    if any(ITEM_SIZES[tensor.dtype] == 1 and tensor.dtype != "BOOL" for tensor in tensors):
        return "Weights of 8 bits are quantized: choose the model from which this one was made"
    if any(_has_fewer_heads(tensor, config) for tensor in tensors):
        return (
            "Some attention heads were pruned, and npbert needs all of them: choose the model from "
            "which this one was made"
        )
    return None


def _has_fewer_heads(tensor: StoredTensor, config: DistilBertConfig) -> bool:
    n_rows, *n_columns = tensor.shape or (0,)
    return (
        tensor.stored_name.endswith(".attention.q_lin.weight")
        and n_columns == [config.dim]
        and n_rows < config.dim
        and n_rows % config.head_dim == 0
    )


def _warn_of_unused(
    folder: Path, unused: Mapping[str, str], head_kind: HeadKind[HeadT], config: DistilBertConfig
) -> None:
    head_parts = {part for kind in HEAD_KINDS for part in kind.parts}
    of_heads: list[str] = []
    foreign: list[str] = []
    for name, stored in unused.items():
        (of_heads if name.split(".")[0] in head_parts else foreign).append(stored)
    if foreign:
        cause = name_cause(foreign, ())
        warnings.warn(
            f"{folder}: tensors that belong to no DistilBERT are not used: "
            + enumerate_names(foreign)
            + (f". {cause}" if cause else ""),
            stacklevel=4,
        )
    if of_heads and not head_kind.parts:
        warnings.warn(
            f"{folder}: the bare encoder leaves the weights of the head unused: "
            + enumerate_names(of_heads),
            stacklevel=4,
        )
    elif of_heads:
        saved_from = enumerate_names(config.architectures or ())
        warnings.warn(
            f"{folder}: the {head_kind.name} head leaves weights of another head unused: "
            + enumerate_names(of_heads)
            + (f". The weights were saved from {saved_from}" if saved_from else "")
            + "; its numbers mean nothing unless it was trained, too",
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
            yield from named_arrays(
                getattr(value, part.name), f"{name}.{part.name}".removeprefix(".")
            )
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from named_arrays(item, f"{name}.{number}")
