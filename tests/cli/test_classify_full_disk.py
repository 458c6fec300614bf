"""`npbert classify` on a disk that becomes full, at any point of its way."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.support.command_line import run_npbert
from tests.support.disks import small_disk
from tests.support.oracles import make_folder

N_ROWS = 1300  # two chunks
WORDS = ["good", "bad", "film", "plot", "cast", "dull", "fun"]
# From a disk that has no room for the first chunk to one that lacks room for the last bytes.
SIZES = {"csv": (4, 32, 64), "csv.gz": (32, 80), "parquet": (32, 80)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = random.Random(0)
    lines = ["text", *(f"{' '.join(rng.choices(WORDS, k=5))} {row}" for row in range(N_ROWS))]
    path = tmp_path_factory.mktemp("table") / "in.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("ending", "n_kilobytes"), [(ending, size) for ending in SIZES for size in SIZES[ending]]
)
def test_a_full_disk(
    folder: Path, table: Path, tmp_path: Path, ending: str, n_kilobytes: int
) -> None:
    command = ["classify", "--model", str(folder), "--input", str(table), "--threads", "1"]
    whole = tmp_path / f"whole.{ending}"
    assert run_npbert(*command, "--output", str(whole)).returncode == 0
    with small_disk(tmp_path / "disk", n_kilobytes) as disk:
        output = disk.path / f"out.{ending}"
        failed = run_npbert(*command, "--output", str(output))
        *notes, last = failed.stderr.decode().splitlines()
        assert (failed.returncode, failed.stdout) == (1, b"")
        assert last.startswith("npbert: error: [Errno 28] No space left on device: ")
        assert str(disk.path) in last
        assert all("--resume goes on from there" in note for note in notes)
        assert not output.exists()
        disk.resize(4000)
        again = run_npbert(*command, "--output", str(output), *["--resume"] * len(notes))
        assert again.returncode == 0, again.stderr.decode()
        assert output.read_bytes() == whole.read_bytes()
        assert [path.name for path in disk.path.iterdir()] == [output.name]
