"""Which files of a folder hold the weights of a model, and what is there if none does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from npbert.checkpoints.safetensors_files import CheckpointError
from npbert.checkpoints.small_files import read_small_file
from npbert.messages import enumerate_names, with_noun

WEIGHTS_FILE: Final = "model.safetensors"
INDEX_FILE: Final = "model.safetensors.index.json"
ADAPTER_CONFIG: Final = "adapter_config.json"
_MOST_SHARDS: Final = 1000
PICKLES: Final = ("pytorch_model.bin", "pytorch_model.bin.index.json")

MERGE_ADAPTER: Final = (
    "Where peft is installed, load the adapter with the model that it changes, call "
    "merge_and_unload(), then save_pretrained(new_folder)"
)
ADAPTER: Final = f"this is an adapter of PEFT, which only changes another model. {MERGE_ADAPTER}"
# What the weights are if they are not in safetensors files: a pattern of file names, and the
# sentence. The first pattern that some name matches is the one that counts.
_OTHER_WEIGHTS: Final = {
    r"adapter_(config\.json|model\..*)": ADAPTER,
    r"pytorch_model(\..+)?\.bin|pytorch_model\.bin\.index(\..+)?\.json": (
        "the weights are a pickle ({}), which npbert never opens because a pickle can run any "
        f"code; expected {WEIGHTS_FILE}. Where transformers is installed, convert them: "
        "AutoModelForSequenceClassification.from_pretrained(folder).save_pretrained(new_folder)"
    ),
    r"tf_model\.h5(\.index\.json)?|.*\.ckpt\.index": (
        "the weights are those of TensorFlow ({}), and npbert reads safetensors alone. Where "
        "release 4 of transformers and TensorFlow are installed, convert them: "
        "AutoModelForSequenceClassification.from_pretrained(folder, from_tf=True)"
        ".save_pretrained(new_folder)"
    ),
    r"flax_model(-.*)?\.msgpack(\.index\.json)?": (
        "the weights are those of Flax ({}), and npbert reads safetensors alone. Where release 4 "
        "of transformers and Flax are installed, convert them: "
        "AutoModelForSequenceClassification.from_pretrained(folder, from_flax=True)"
        ".save_pretrained(new_folder)"
    ),
    r"(.*/)?[^/]+\.onnx": (
        "there is a graph of ONNX alone ({}), from which npbert reads no weights; choose the model "
        "from which the graph was exported"
    ),
    r"(.*/)?[^/]+\.(gguf|ggml|ot|tflite|mlmodel|pt|pth|ckpt)|openvino_model\.(xml|bin)": (
        "the weights are in the format of another program ({}), and npbert reads safetensors "
        "alone; choose the model from which this one was made"
    ),
}


def weight_names(variant: str | None) -> tuple[str, str]:
    """Return the names that the weights have: that of one file, or that of an index of several."""
    if variant is None:
        return WEIGHTS_FILE, INDEX_FILE
    return f"model.{variant}.safetensors", f"model.safetensors.index.{variant}.json"


def weight_files(folder: Path, variant: str | None = None) -> list[Path]:
    """List the safetensors files of a model's folder.

    Parameters
    ----------
    folder : Path
    variant : str, optional
        The word in the names of the files, such as "fp16". By default there is none.

    Raises
    ------
    CheckpointError
        If there is no such file, if the index is damaged, or if a file that it names is missing.
    """
    single, index = weight_names(variant)
    if (folder / single).is_file():
        return [folder / single]
    if not (folder / index).is_file():
        raise CheckpointError(f"{folder}: {describe_other_weights(names_in(folder), variant)}")
    names = shard_names(folder / index)
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise CheckpointError(
            f"{folder}: {index} names {with_noun(len(names), 'file')}, of which some are missing: "
            f"{enumerate_names(missing)}; copy or download them too"
        )
    return [folder / name for name in names]


def files_to_copy(folder: Path, variant: str | None = None) -> dict[str, Path]:
    """Return the files of the weights, and the names that they have in a folder of their own.

    Parameters
    ----------
    folder, variant
        As in `weight_files`.
    """
    single, index = weight_names(variant)
    if (folder / single).is_file():
        return {WEIGHTS_FILE: folder / single}
    shards = {path.name: path for path in weight_files(folder, variant)}
    return {**shards, INDEX_FILE: folder / index}


def shard_names(index: Path) -> list[str]:
    """Return the names of the files that an index names, in order.

    Raises
    ------
    CheckpointError
        If the index is damaged, or names something that is not a file beside it.
    """
    try:
        weight_map = json.loads(read_small_file(index).decode())["weight_map"]
        names = sorted(set(weight_map.values()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            f"{index}: expected JSON with a 'weight_map' from tensor names to file names "
            f"({error!r})"
        ) from error
    if len(names) > _MOST_SHARDS:
        raise CheckpointError(
            f"{index} names {with_noun(len(names), 'file')}, expected at most {_MOST_SHARDS:,}"
        )
    outside = [name for name in names if not _is_file_name(name)]
    if outside:
        raise CheckpointError(f"{index}: {outside[0]!r} is not the name of a file beside it")
    return names


def _is_file_name(name: object) -> bool:
    return isinstance(name, str) and name not in ("", "..") and Path(name).name == name


def names_in(folder: Path) -> list[str]:
    """Return the names of the files in a folder, and in the folders in it."""
    paths = [*folder.glob("*"), *folder.glob("*/*")]
    return sorted(path.relative_to(folder).as_posix() for path in paths if path.is_file())


def describe_other_weights(names: Iterable[str], variant: str | None) -> str:
    """Say what the weights are where none of the expected files is, and what to do.

    Parameters
    ----------
    names : iterable of str
        The names of the files that there are. Those in a subfolder have its name and a slash.
    variant : str, optional
        The variant that was asked for.
    """
    names = sorted(names)
    single, index = weight_names(variant)
    absent = f"there is no {single} and no {index}"
    variants = sorted({found for name in names if (found := _variant_of(name))})
    has_plain = bool({WEIGHTS_FILE, INDEX_FILE} & {*names})
    if variants or (variant is not None and has_plain):
        ways = [f"variant={found!r}" for found in variants]
        if has_plain:
            ways.append("no variant")
        return f"{absent}; there are weights for {enumerate_names(ways)}: pass one of these"
    for pattern, sentence in _OTHER_WEIGHTS.items():
        matching = [name for name in names if re.fullmatch(pattern, name)]
        if matching:
            return sentence.format(matching[0])
    subfolders = subfolders_with(names, WEIGHTS_FILE, INDEX_FILE)
    if subfolders:
        return f"{absent} here, but in a subfolder: pass subfolder={subfolders[0]!r}"
    others = [name for name in names if name.endswith(".safetensors")]
    if others:
        return f"{absent}, but {enumerate_names(others)}; give the right file the expected name"
    return (
        f"{absent}, only {enumerate_names(names) or 'nothing'}; choose a folder or model with "
        "safetensors weights"
    )


def _variant_of(name: str) -> str | None:
    found = re.fullmatch(
        r"model\.([^/]+)\.safetensors|model\.safetensors\.index\.([^/]+)\.json", name
    )
    return (found[1] or found[2]) if found else None


def subfolders_with(names: Iterable[str], *wanted: str) -> list[str]:
    """Return the subfolders that have one of the wanted files."""
    split = [name.rpartition("/") for name in names]
    return sorted({folder for folder, _, name in split if folder and name in wanted})
