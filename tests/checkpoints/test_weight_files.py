"""Which files hold the weights: one, several with an index, or none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import save_file

from npbert.distilbert.activations import Array
from tests.support.oracles import largest_difference
from tests.support.stored_weights import IDS, INDEX, NO_FILE, WEIGHTS, load, refusal

pytestmark = pytest.mark.filterwarnings("error")  # but for warnings that a test expects


def test_no_weights(folder: Path) -> None:
    (folder / "notes.txt").touch()
    message = refusal(folder)
    expected = f"{folder}: there is no {WEIGHTS} and no {INDEX}, only config.json, notes.txt; cho"
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
    assert f"some are missing: {first.name}; copy or download them too" in refusal(folder)
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
