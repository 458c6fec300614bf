"""Files that are read whole have a limit, and are files."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import npbert
from npbert.checkpoints.small_files import (
    MOST_BYTES_OF_JSON,
    MOST_BYTES_OF_VOCABULARY,
    read_small_file,
)
from tests.support.oracles import make_folder
from tests.support.platforms import needs_fifos


def test_a_file_of_the_largest_size(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1000)
    assert read_small_file(path, 1000) == b"x" * 1000
    with pytest.raises(ValueError, match=r"file has 1,000 bytes, expected at most 999; is it the"):
        read_small_file(path, 999)


def test_folders_and_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        read_small_file(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_small_file(tmp_path / "nothing")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("model"))


@pytest.fixture
def folder(model: Path, tmp_path: Path) -> Path:
    """A model's folder with all small files; a test may change them."""
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    for name in ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"):
        if not (folder / name).exists():
            (folder / name).write_text("{}")
    return folder


def _make_sparse(path: Path) -> None:
    os.truncate(path, 3 << 30)


def _make_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _link_to_endless_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


SMALL_FILES = [
    "config.json",
    "vocab.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.json",
    "model.safetensors.index.json",
]


@needs_fifos
@pytest.mark.parametrize("name", SMALL_FILES)
@pytest.mark.parametrize("spoil", [_make_sparse, _make_fifo, _link_to_endless_device])
def test_no_small_file_of_a_model_hangs_or_fills_memory(
    folder: Path, name: str, spoil: Callable[[Path], None]
) -> None:
    path = folder / name
    path.touch()
    spoil(path)
    if name == "model.safetensors.index.json":
        (folder / "model.safetensors").unlink()
    with pytest.raises((ValueError, OSError), match=f"{name}|no config.json|no model.safetensors"):
        npbert.pipeline("text-classification", folder)


def test_the_limits_leave_room_for_real_files() -> None:
    # The largest vocabulary of a DistilBERT on the hub has 119,547 pieces: 1 MB, and 3 MB as JSON.
    assert MOST_BYTES_OF_VOCABULARY > 10 * 3_000_000
    # 100,000 labels with names of 50 letters, in both directions.
    assert MOST_BYTES_OF_JSON > 2 * 100_000 * 70


def test_labels_are_not_numbered_without_end(folder: Path) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config.pop("id2label", None)
    config.pop("label2id", None)
    for number in (100_001, 10**9, 10**300):
        path.write_text(json.dumps({**config, "num_labels": number}))
        with pytest.raises(ValueError, match=r"num_labels is .*, expected at most 100,000 where"):
            npbert.AutoConfig.from_pretrained(folder)
    path.write_text(json.dumps({**config, "num_labels": 100_000}))
    assert npbert.AutoConfig.from_pretrained(folder).num_labels == 100_000


def test_an_index_of_very_many_files(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    weight_map = {f"tensor{number}": f"{number}.safetensors" for number in range(1001)}
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(npbert.CheckpointError, match="names 1,001 files, expected at most 1,000"):
        npbert.pipeline("text-classification", folder)
