"""Files of weights that change while they are in use: by a real write into them, or by a rename."""

from __future__ import annotations

import copy
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import save_file

import npbert
from npbert.checkpoints import safetensors_files, weights
from npbert.checkpoints.safetensors_files import CheckpointError, StoredTensor
from npbert.distilbert.activations import Array
from npbert.explanations.what_if import Changes, what_if
from tests.support.oracles import make_folder, make_model
from tests.support.stored_weights import IDS, INDEX, WEIGHTS, Tensors, load

ADVICE = "load the model again; and replace a model by writing a new folder and renaming it"


def write_other_values(path: Path) -> None:
    """Change the last bytes of a file, which keeps its size."""
    with path.open("r+b") as file:
        file.seek(-8, os.SEEK_END)
        file.write(b"12345678")


def cut(path: Path) -> None:
    os.truncate(path, 1000)


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def copy_over(path: Path) -> None:
    """Copy a file over another one, as `cp` does: the file is cut, and then written."""
    content = path.read_bytes()
    path.write_bytes(content)


CHANGES = [write_other_values, cut, append, copy_over]


@pytest.fixture
def model_folder(source: Path, tmp_path: Path) -> Path:
    """A copy of `source`, whose files a test may change."""
    return Path(shutil.copytree(source, tmp_path / "model"))


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_in_place_is_an_error(model_folder: Path, change: Callable[[Path], None]) -> None:
    model = load(model_folder)
    model(IDS)
    change(model_folder / WEIGHTS)
    for call in (model, lambda ids: model(ids, output_attentions=True)):
        with pytest.raises(CheckpointError) as refused:
            call(IDS)
        message = str(refused.value)
        assert f"{model_folder / WEIGHTS} has changed while it was in use: it has" in message
        assert ADVICE in message


def test_both_states_are_told(model_folder: Path) -> None:
    path = model_folder / WEIGHTS
    size = path.stat().st_size
    os.utime(path, ns=(0, 1_700_000_000_123_456_789))
    model = load(model_folder)
    cut(path)
    os.utime(path, ns=(0, 1_700_000_001_000_000_000))
    with pytest.raises(CheckpointError) as refused:
        model(IDS)
    assert str(refused.value).startswith(
        f"{path} has changed while it was in use: it has 1,000 bytes, written 2023-11-14 "
        f"22:13:21.000000000 UTC, expected {size:,} bytes, written 2023-11-14 "
        f"22:13:20.123456789 UTC; {ADVICE}"
    )


def test_a_change_while_a_pack_is_computed(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last layer sees other weights than the first one, so the numbers are of neither file."""
    model = load(model_folder)
    find = type(model)._apply_head

    def apply_head(self: Any, columns: Array) -> Array:
        if columns.shape[1]:
            write_other_values(model_folder / WEIGHTS)
        return find(self, columns)

    monkeypatch.setattr(type(model), "_apply_head", apply_head)
    with pytest.raises(CheckpointError, match="has changed while it was in use"):
        model(IDS)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_one_shard(
    folder: Path, tensors: Tensors, change: Callable[[Path], None]
) -> None:
    names = sorted(tensors)
    shards = {"one.safetensors": names[::2], "two.safetensors": names[1::2]}
    for shard, of_shard in shards.items():
        save_file({name: tensors[name] for name in of_shard}, folder / shard)
    index = {name: shard for shard, of_shard in shards.items() for name in of_shard}
    (folder / INDEX).write_text(json.dumps({"weight_map": index}))
    model = load(folder)
    model(IDS)
    change(folder / "two.safetensors")
    with pytest.raises(CheckpointError, match=r"two\.safetensors has changed"):
        model(IDS)


@pytest.mark.skipif(os.name == "nt", reason="a file that is open keeps its name")
def test_a_renamed_file_and_a_removed_one_do_no_harm(model_folder: Path, tmp_path: Path) -> None:
    model = load(model_folder)
    before = model(IDS).logits
    other = make_model(tmp_path / "new", seed=1, **_sizes(model))
    os.replace(other / WEIGHTS, model_folder / WEIGHTS)
    assert np.array_equal(model(IDS).logits, before)
    assert not np.array_equal(load(model_folder)(IDS).logits, before)
    shutil.rmtree(model_folder)
    assert np.array_equal(model(IDS).logits, before)


def _sizes(model: Any) -> dict[str, Any]:
    names = ("vocab_size", "max_position_embeddings", "dim", "hidden_dim", "n_heads", "n_layers")
    return {name: getattr(model.config, name) for name in names} | {
        "num_labels": model.config.num_labels
    }


@pytest.mark.parametrize("change", CHANGES)
def test_without_a_mapping_a_change_has_no_effect(
    model_folder: Path, change: Callable[[Path], None]
) -> None:
    """So it is with `disable_mmap`, with float16, which is converted, and in a copy of a model."""
    mapped = load(model_folder)
    before = mapped(IDS).logits
    in_memory = load(model_folder, disable_mmap=True)
    copies = [copy.deepcopy(mapped), pickle.loads(pickle.dumps(mapped))]
    change(model_folder / WEIGHTS)
    for model in (in_memory, *copies):
        assert np.array_equal(model(IDS).logits, before)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="/proc lists the open files")
def test_on_windows_no_file_stays_open(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule of Windows itself can only be tried there."""
    monkeypatch.setattr("npbert.checkpoints.mapped_files._MAPS", False)
    model = load(model_folder)
    before = model(IDS).logits
    assert not any(link.startswith(str(model_folder)) for link in open_files())
    write_other_values(model_folder / WEIGHTS)
    assert np.array_equal(model(IDS).logits, before)


def open_files() -> list[str]:
    return [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]


def test_a_file_of_float16_may_change(folder: Path, tensors: Tensors) -> None:
    save_file({name: tensor.half() for name, tensor in tensors.items()}, folder / WEIGHTS)
    model = load(folder)
    before = model(IDS).logits
    cut(folder / WEIGHTS)
    assert np.array_equal(model(IDS).logits, before)


def test_pipelines_can_be_made_without_a_mapping(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    mapped = npbert.pipeline("text-classification", folder)
    by_name = npbert.pipeline("text-classification", folder, disable_mmap=True)
    by_dict = npbert.pipeline("text-classification", folder, model_kwargs={"disable_mmap": True})
    expected = mapped("film")
    assert npbert.classify("film", folder, disable_mmap=True) == expected
    cut(folder / WEIGHTS)
    assert by_name("film") == by_dict("film") == expected
    with pytest.raises(CheckpointError, match="has changed"):
        mapped("film")


def test_what_is_made_of_a_model_is_watched_too(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    classifier = npbert.pipeline("text-classification", folder)
    other = classifier.with_truncation_side("left")
    changed = classifier.model.with_encoder(classifier.model.encoder)
    stream = classifier(text for text in ["film"] * 3)
    next(stream)
    write_other_values(folder / WEIGHTS)
    calls: list[Callable[[], object]] = [
        lambda: classifier("film"),
        lambda: other("film"),
        lambda: next(stream),
        lambda: changed(IDS),
        lambda: npbert.explain("film", classifier),
        lambda: what_if(classifier, "film", Changes(positions=False)),
        lambda: classifier.save_pretrained(tmp_path / "saved"),
    ]
    for call in calls:
        with pytest.raises(CheckpointError):
            call()
    assert not (tmp_path / "saved").exists()


def test_classify_reads_a_changed_folder_anew(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "model")
    before = npbert.classify("film", folder)
    other = make_folder(tmp_path / "other", seed=1)
    (folder / WEIGHTS).write_bytes((other / WEIGHTS).read_bytes())
    after = npbert.classify("film", folder)
    assert before != after == npbert.classify("film", other)
    # A file that is renamed over another one of the same size and time is another file, too.
    third = make_folder(tmp_path / "third", seed=2)
    status = (folder / WEIGHTS).stat()
    os.utime(third / WEIGHTS, ns=(status.st_atime_ns, status.st_mtime_ns))
    os.replace(third / WEIGHTS, folder / WEIGHTS)
    assert npbert.classify("film", folder) != after


class TestLoading:
    """The files change while a model is loaded."""

    @pytest.mark.parametrize("shape", [(5, 8), (3,)], ids=["the first tensors", "the last one"])
    def test_a_file_that_is_written(
        self, model_folder: Path, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...]
    ) -> None:
        find = weights._is_finite

        def is_finite(array: Array) -> bool:
            if array.shape == shape:
                write_other_values(model_folder / WEIGHTS)
            return find(array)

        monkeypatch.setattr(weights, "_is_finite", is_finite)
        with pytest.raises(CheckpointError, match="has changed while it was in use"):
            load(model_folder)

    def test_a_file_that_is_replaced_after_its_header_was_read(
        self, model_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        find = safetensors_files.stored_tensors

        def stored_tensors(path: Path) -> list[StoredTensor]:
            found = list(find(path))
            shutil.copy(path, f"{path}.new")
            os.replace(f"{path}.new", path)
            return found

        monkeypatch.setattr(weights, "stored_tensors", stored_tensors)
        with pytest.raises(CheckpointError, match="is not the file that was read: it has"):
            load(model_folder)


def test_a_file_is_closed_with_its_model(model_folder: Path) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("the system does not list open files")

    def n_open() -> int:
        links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        return sum(os.path.realpath(link) == str(model_folder / WEIGHTS) for link in links)

    model = load(model_folder)
    assert n_open() > 0
    del model
    assert n_open() == 0


def test_a_descriptor_that_somebody_has_closed(model_folder: Path) -> None:
    """Programs that become daemons close all descriptors, and nobody can look any longer."""
    code = (
        "import os, sys, npbert, numpy as np\n"
        "model = npbert.AutoModelForSequenceClassification.from_pretrained(sys.argv[1])\n"
        "os.closerange(3, 100)\n"
        "try:\n"
        "    model(np.array([[1, 2]]))\n"
        "except ValueError as error:\n"
        "    print(error, flush=True)\n"
        "os._exit(0)\n"
    )
    command = [sys.executable, "-c", code, str(model_folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "it cannot be seen any longer whether the file is what it was" in done.stdout


@pytest.mark.skipif(not hasattr(signal, "SIGBUS"), reason="the system has no SIGBUS")
def test_a_file_that_is_cut_does_not_end_the_process(tmp_path: Path) -> None:
    """Without the look, the process of this test ends with SIGBUS, as its last line shows."""
    folder = make_folder(tmp_path, dim=256, hidden_dim=1024)
    code = (
        "import os, sys, npbert\n"
        "folder, watched = sys.argv[1:]\n"
        "classifier = npbert.pipeline('text-classification', folder)\n"
        "os.truncate(folder + '/model.safetensors', 1000)\n"
        "if watched == 'no':\n"
        "    classifier.model.files = type(classifier.model.files)()\n"
        "try:\n"
        "    classifier('film')\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    command = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run([*command, "yes"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{WEIGHTS} has changed while it was in use" in done.stdout
    make_folder(tmp_path, dim=256, hidden_dim=1024)
    done = subprocess.run([*command, "no"], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGBUS
