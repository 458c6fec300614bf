"""Runs that are killed and resumed end with the same bytes as runs that were never stopped."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from npbert.cli.commands import main
from tests.support.oracles import make_folder

resource = pytest.importorskip("resource")  # the limits of POSIX

N_ROWS = 25_000
# How often a run is killed, by the ending of its output.
KILLS = {"csv": 8, "jsonl": 5, "parquet": 5, "tsv.gz": 5}
SEED = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A csv file with commas, line breaks and empty cells."""
    path = tmp_path_factory.mktemp("input") / "reviews.csv"
    texts = ["film {}", '"good, ""{}"""', '"two\nlines of {}"', "", "é {}" + " word" * 20]
    rows = (f"{n},{texts[n % 5].format(n)}\n" for n in range(N_ROWS))
    path.write_text("id,review\n" + "".join(rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def whole(folder: Path, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the outputs of runs that were never stopped."""
    place = tmp_path_factory.mktemp("whole")
    for ending in KILLS:
        assert main(command(folder, source, place / f"out.{ending}")) == 0
    return place


def command(folder: Path, source: Path | str, target: Path, *more: str) -> list[str]:
    paths = ["--input", str(source), "--output", str(target)]
    return ["classify", "--model", str(folder), "--column", "review", *paths, *more]


def start(arguments: list[str], **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "npbert", *arguments], stderr=subprocess.PIPE, **options
    )


def content(path: Path) -> Any:
    """Return the part of a file that has to be the same as without a kill."""
    if path.suffix == ".parquet":
        return pq.read_table(path)
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def assert_done(target: Path, whole: Path) -> None:
    assert content(target) == content(whole / target.name)
    assert list(target.parent.iterdir()) == [target]  # nothing is left beside it


def n_journal_bytes(target: Path) -> int:
    journal = target.with_name(f"{target.name}.partial") / "journal.jsonl"
    return journal.stat().st_size if journal.exists() else 0


def wait_for_a_checkpoint(process: subprocess.Popen[bytes], target: Path) -> None:
    before, deadline = n_journal_bytes(target), time.monotonic() + 60
    while n_journal_bytes(target) <= before and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)


# --------------------------------------------------------------------------------- kill -9


@pytest.mark.parametrize("ending", KILLS)
def test_kill_9_at_random_points(
    folder: Path, source: Path, whole: Path, tmp_path: Path, ending: str
) -> None:
    target = tmp_path / f"out.{ending}"
    rng = random.Random(SEED)
    arguments = command(folder, source, target, "--resume")
    n_killed = 0
    while n_killed < KILLS[ending]:
        process = start(arguments)
        if rng.random() < 0.8:
            wait_for_a_checkpoint(process, target)
        time.sleep(rng.random() * 0.15)
        process.kill()
        _, err = process.communicate(timeout=60)
        if process.returncode == 0:  # it ended before the signal came; start once more
            assert_done(target, whole)
            target.unlink()
            continue
        assert process.returncode == -signal.SIGKILL, err
        n_killed += 1
    process = start([*arguments, "--force"])  # it may have been killed after its last step
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert err == f"npbert: {N_ROWS:,} rows done, 5,000 null, 0 truncated to 512 tokens\n".encode()
    assert_done(target, whole)


# ---------------------------------------------------------------- other ways to be stopped


def run_main(
    capsys: pytest.CaptureFixture[str], folder: Path, source: Path, target: Path, *more: str
) -> tuple[int, str]:
    code = main(command(folder, source, target, *more))
    return code, capsys.readouterr().err


def stop_after_two_checkpoints(arguments: list[str], target: Path, number: int) -> tuple[int, str]:
    """Start a run, send it a signal, and return its exit code and its standard error."""
    process = start(arguments)
    wait_for_a_checkpoint(process, target)  # the checkpoint before the first row
    wait_for_a_checkpoint(process, target)
    wait_for_a_checkpoint(process, target)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    return process.returncode, err.decode()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals(
    folder: Path,
    source: Path,
    whole: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    number: int,
    code: int,
) -> None:
    target = tmp_path / "out.csv"
    found, err = stop_after_two_checkpoints(command(folder, source, target), target, number)
    assert found == code
    assert "rows are kept in" in err
    assert err.endswith("--resume goes on from there\n")
    assert err.count("\n") == 1
    assert run_main(capsys, folder, source, target, "--resume") == (
        0,
        f"npbert: {N_ROWS:,} rows done, 5,000 null, 0 truncated to 512 tokens\n",
    )
    assert_done(target, whole)


@pytest.mark.parametrize("ending", ["csv", "tsv.gz"])
def test_a_full_disk(
    folder: Path,
    source: Path,
    whole: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    ending: str,
) -> None:
    """With a limit on the size of files, a write fails half way, as it does on a full disk."""
    target = tmp_path / f"out.{ending}"
    limit_bytes = 300_000

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    process = start(command(folder, source, target), preexec_fn=limit)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    kept, error = err.decode().splitlines()
    assert "rows are kept in" in kept
    assert error.startswith("npbert: error: ")
    assert "too large" in error
    assert (tmp_path / f"{target.name}.partial" / "rows").stat().st_size == limit_bytes  # torn
    assert run_main(capsys, folder, source, target, "--resume")[0] == 0
    assert_done(target, whole)


# --------------------------------------------------------------- what a resumed run checks


@pytest.fixture
def stopped(folder: Path, source: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A copy of the input, and the output of a run on it that was stopped."""
    own = tmp_path / "in.csv"
    shutil.copy(source, own)
    target = tmp_path / "out" / "out.csv"
    target.parent.mkdir()
    stop_after_two_checkpoints(command(folder, own, target), target, signal.SIGKILL)
    return own, target


def test_nothing_is_dropped_unasked(
    folder: Path,
    whole: Path,
    stopped: tuple[Path, Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    own, target = stopped
    before = n_journal_bytes(target)
    code, err = run_main(capsys, folder, own, target)
    assert code == 1
    assert "rows of a run that did not end: --resume goes on with it, --force starts over" in err
    assert err.count("\n") == 1
    assert n_journal_bytes(target) == before
    assert run_main(capsys, folder, own, target, "--force")[0] == 0
    assert_done(target, whole)


OTHER_OPTIONS = [
    (["--top-k", "2"], "top_k is 2, was 1"),
    (["--long-text", "window"], "long_text is 'window', was 'truncate'"),
    (["--threads", "7"], "threads is 7, was "),
    (["--prefix", "my_"], "columns_added is ['my_label', 'my_score'], was ['label', 'score']"),
    (["--format", "jsonl"], "format is 'jsonl', was 'csv'"),
    (["--delimiter", ","], "delimiter is ',', was None"),
    (["--no-quotes"], "no_quotes is True, was False"),
    (["--encoding", "utf-8-sig"], "encoding is 'utf-8-sig', was 'utf-8'"),
]


@pytest.mark.parametrize(("options", "message"), OTHER_OPTIONS, ids=str)
def test_other_options_are_refused(
    folder: Path,
    stopped: tuple[Path, Path],
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    own, target = stopped
    code, err = run_main(capsys, folder, own, target, "--resume", *options)
    assert code == 1
    assert message in err
    assert "or start over: --force without --resume" in err
    assert run_main(capsys, folder, own, target, "--resume")[0] == 0


def test_another_model_is_refused(
    folder: Path, stopped: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own, target = stopped
    copy = tmp_path / "model"
    shutil.copytree(folder, copy)
    weights = (copy / "model.safetensors").read_bytes()
    changes = {
        "model.safetensors": weights[:-1] + bytes([weights[-1] ^ 1]),
        "config.json": (copy / "config.json").read_bytes() + b"\n",
        "vocab.txt": (copy / "vocab.txt").read_bytes().replace(b"\nfilm\n", b"\nmovies\n"),
    }
    for name, changed in changes.items():
        original = (copy / name).read_bytes()
        assert changed != original
        (copy / name).write_bytes(changed)
        code, err = run_main(capsys, copy, own, target, "--resume")
        assert code == 1
        assert "model is '" in err
        (copy / name).write_bytes(original)
    assert run_main(capsys, copy, own, target, "--resume")[0] == 0  # the same model elsewhere


def test_a_wrong_model_drops_nothing(
    folder: Path, stopped: tuple[Path, Path], whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own, target = stopped
    before = n_journal_bytes(target)
    code, err = run_main(capsys, folder / "no", own, target, "--force")
    assert code == 1
    assert "no such folder" in err
    assert n_journal_bytes(target) == before
    assert run_main(capsys, folder, own, target, "--resume")[0] == 0
    assert_done(target, whole)


CHANGES: list[tuple[str, Callable[[str], str]]] = [
    ("a cell of another column", lambda text: text.replace("\n20,", "\n21,", 1)),
    ("a text", lambda text: text.replace("film 5\n", "film 6\n", 1)),
    ("a row less", lambda text: text.replace("0,film 0\n", "", 1)),
    ("the end is gone", lambda text: text[:500]),
    ("nothing is left", lambda text: text[: len("id,review\n")]),
]


@pytest.mark.parametrize(("what", "change"), CHANGES, ids=lambda value: str(value)[:20])
def test_an_input_that_changed_where_it_was_read_is_refused(
    folder: Path,
    stopped: tuple[Path, Path],
    capsys: pytest.CaptureFixture[str],
    what: str,
    change: Callable[[str], str],
) -> None:
    own, target = stopped
    text = own.read_text(encoding="utf-8")
    assert change(text) != text, what
    own.write_text(change(text), encoding="utf-8")
    code, err = run_main(capsys, folder, own, target, "--resume")
    assert code == 1
    assert "in.csv has changed within the " in err
    own.write_text(text, encoding="utf-8")
    assert run_main(capsys, folder, own, target, "--resume")[0] == 0


def test_a_row_mended_behind_what_was_read(
    folder: Path, source: Path, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bad row in the middle stops the run; when the row is mended, the run goes on."""
    own, target = tmp_path / "in.csv", tmp_path / "out" / "out.csv"
    target.parent.mkdir()
    text = source.read_text(encoding="utf-8")
    own.write_text(text.replace("\n9000,", "\n9000,one cell too many,"), encoding="utf-8")
    code, err = run_main(capsys, folder, own, target)
    assert code == 1
    assert "8,192 rows are kept in" in err
    assert "3 cells, expected 2" in err
    own.write_text(text, encoding="utf-8")
    assert run_main(capsys, folder, own, target, "--resume")[0] == 0
    assert_done(target, whole)


def small_input(path: Path, n_rows: int) -> str:
    content = "id,review\n" + "".join(f"{n},film {n}\n" for n in range(n_rows))
    path.write_text(content, encoding="utf-8")
    return content


@pytest.mark.parametrize("ending", ["csv", "tsv.gz", "parquet"])
@pytest.mark.parametrize("n_rows", [1024, 1500])
def test_a_run_that_has_only_to_be_put_into_its_place(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    ending: str,
    n_rows: int,
) -> None:
    """All rows are labelled, but they are still compared with the rows of the input."""
    own, alone, target = tmp_path / "in.csv", tmp_path / "x" / f"a.{ending}", tmp_path / "y"
    target = target / alone.name
    for place in (alone, target):
        place.parent.mkdir()
    text = small_input(own, n_rows)
    assert run_main(capsys, folder, own, alone)[0] == 0

    def refuse(*_: Any) -> None:
        raise PermissionError("not now")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        code, err = run_main(capsys, folder, own, target)
    assert code == 1
    assert f"{n_rows:,} rows are kept in" in err
    own.write_text(text.replace("film 7\n", "film 8\n"), encoding="utf-8")
    code, err = run_main(capsys, folder, own, target, "--resume")
    assert code == 1
    assert f"in.csv has changed within the {n_rows:,} rows" in err
    own.write_text(text + "9999,one more\n", encoding="utf-8")
    code, err = run_main(capsys, folder, own, target, "--resume")
    assert code == 1
    assert f"in.csv has more rows now than the {n_rows:,} rows that it had when" in err
    own.write_text(text, encoding="utf-8")
    assert run_main(capsys, folder, own, target, "--resume") == (
        0,
        f"npbert: {n_rows:,} rows done, 0 null, 0 truncated to 512 tokens\n",
    )
    assert_done(target, alone.parent)


def test_a_run_whose_file_is_in_its_place(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The run was killed between its last two steps, so the file and the folder both exist."""
    own, target = tmp_path / "in.csv", tmp_path / "out" / "out.csv"
    target.parent.mkdir()
    partial, left = target.with_name("out.csv.partial"), tmp_path / "left"
    text = small_input(own, 1500)
    replace = os.replace

    def replace_and_keep(*paths: Any) -> None:
        replace(*paths)
        shutil.copytree(partial, left)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace_and_keep)
        assert run_main(capsys, folder, own, target)[0] == 0
    labelled = target.read_bytes()
    changes = {"changed": text.replace("film 7\n", "no\n"), "more": text + "1,x\n"}
    for message, changed in changes.items():
        shutil.copytree(left, partial)
        own.write_text(changed, encoding="utf-8")
        code, err = run_main(capsys, folder, own, target, "--resume", "--force")
        assert code == 1
        assert f"in.csv has {message} " in err
        assert target.read_bytes() == labelled
    shutil.copytree(left, partial)
    own.write_text(text, encoding="utf-8")
    assert run_main(capsys, folder, own, target, "--resume")[0] == 0
    assert target.read_bytes() == labelled
    assert list(target.parent.iterdir()) == [target]


def test_nothing_to_resume(
    folder: Path, source: Path, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.csv"
    assert run_main(capsys, folder, source, target, "--resume")[0] == 0
    assert_done(target, whole)
    code, err = run_main(capsys, folder, source, target, "--resume")
    assert code == 1
    assert "out.csv is there already" in err
    assert_done(target, whole)


def test_as_many_threads_as_before(
    folder: Path, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The number of threads decides which texts share a pack, and so the last digits."""
    alone, target = tmp_path / "alone.csv", tmp_path / "out.csv"
    assert run_main(capsys, folder, source, alone, "--threads", "3")[0] == 0
    arguments = command(folder, source, target, "--threads", "3")
    stop_after_two_checkpoints(arguments, target, signal.SIGKILL)
    assert run_main(capsys, folder, source, target, "--resume")[0] == 0
    assert target.read_bytes() == alone.read_bytes()


def test_standard_input_is_resumed_by_giving_it_again(
    folder: Path, source: Path, whole: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.csv"
    arguments = command(folder, "-", target, "--input-format", "csv", "--resume")
    with source.open("rb") as lines:
        process = start(arguments, stdin=lines)
        wait_for_a_checkpoint(process, target)
        wait_for_a_checkpoint(process, target)
        process.kill()
        process.communicate()
    process = start(arguments, stdin=subprocess.PIPE)
    process.communicate(source.read_bytes(), timeout=120)
    assert process.returncode == 0
    assert_done(target, whole)


def test_two_processes_do_not_make_one_file(folder: Path, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    process = start(command(folder, source, target))
    wait_for_a_checkpoint(process, target)
    second = start(command(folder, source, target, "--resume", "--force"))
    _, err = second.communicate(timeout=60)
    assert second.returncode == 1
    assert b"is being made by another process" in err
    process.communicate(timeout=120)
    assert process.returncode == 0
    assert os.listdir(tmp_path) == ["out.csv"]


def test_the_journal_says_what_was_done(stopped: tuple[Path, Path]) -> None:
    _, target = stopped
    lines = (
        (target.with_name("out.csv.partial") / "journal.jsonl")
        .read_text(encoding="utf-8")
        .splitlines()
    )
    recipe, begun, first, *_ = map(json.loads, lines)
    assert recipe["recipe"]["column"] == "review"
    n_bytes = len("id,review,label,score\n")
    assert begun == {"size_bytes": n_bytes, "skipped_bytes": 0, "state": {"rows": 0}}
    assert first["state"]["rows"] == 1024
    assert first["state"]["nulls"] == 205
