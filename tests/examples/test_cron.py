"""The cron job: what it labels, what it leaves alone, and its exit codes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import wait_for_checkpoints
from tests.support.paths import CHECKOUT

JOB = CHECKOUT / "examples" / "cron" / "label_new_files.sh"

pytestmark = pytest.mark.skipif(not shutil.which("flock"), reason="flock is not installed")


def command(inbox: Path, labelled: Path) -> list[str]:
    return ["sh", str(JOB), str(inbox), str(labelled)]


def environment() -> dict[str, str]:
    return os.environ | {"NPBERT": f"{sys.executable} -m npbert", "PYTHONPATH": str(CHECKOUT)}


def run(inbox: Path, labelled: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(inbox, labelled),
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "in box"
    folder.mkdir()
    (folder / "first one.csv").write_text("stars,review\n5,Great.\n1,Dull.\n")
    (folder / "notes.txt").write_text("not a table")
    return folder


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    return tmp_path / "labelled"


def labels(path: Path) -> list[str]:
    return [line.split(",")[-2] for line in path.read_text(encoding="utf-8").splitlines()]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def test_new_files_alone_are_labelled(inbox: Path, labelled: Path) -> None:
    done = run(inbox, labelled)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert names(labelled) == ["first one.csv"]
    assert labels(labelled / "first one.csv") == ["label", "POSITIVE", "NEGATIVE"]
    (labelled / "first one.csv").write_text("kept")
    (inbox / "second.csv").write_text("review\nLovely.\n")
    assert run(inbox, labelled).returncode == 0
    assert names(labelled) == ["first one.csv", "second.csv"]
    assert (labelled / "first one.csv").read_text(encoding="utf-8") == "kept"


def test_a_bad_file_does_not_keep_the_others_from_being_labelled(
    inbox: Path, labelled: Path
) -> None:
    (inbox / "a.csv").write_text("id,words\n1,Great.\n")
    done = run(inbox, labelled)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("npbert: error: ")
    assert names(labelled) == ["first one.csv"]


def test_an_empty_inbox(tmp_path: Path, labelled: Path) -> None:
    assert run(tmp_path, labelled).returncode == 0
    assert names(labelled) == []


def test_wrong_usage(tmp_path: Path, labelled: Path) -> None:
    done = run(tmp_path / "missing", labelled)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")
    assert not labelled.exists()


def test_two_runs_at_once(inbox: Path, labelled: Path) -> None:
    labelled.mkdir()
    hold = ["flock", str(labelled / ".lock"), "sh", "-c", "echo held; read line"]
    with subprocess.Popen(hold, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        done = run(inbox, labelled)
        assert (done.returncode, done.stdout) == (75, "")
        assert done.stderr.endswith("another run is at work\n")
        assert names(labelled) == []
        other.communicate(b"\n")
    assert run(inbox, labelled).returncode == 0


def test_a_run_that_was_killed_is_gone_on_with(inbox: Path, labelled: Path) -> None:
    rows = "".join(f"{number},film {number}\n" for number in range(20_000))
    (inbox / "long.csv").write_text("id,review\n" + rows)
    journal = labelled / "long.csv.partial" / "journal.jsonl"
    with subprocess.Popen(command(inbox, labelled), env=environment(), process_group=0) as job:
        wait_for_checkpoints(job, journal)
        os.killpg(job.pid, signal.SIGKILL)  # the script, and npbert
    subprocess.run(["flock", labelled / ".lock", "true"], check=True)  # until both are gone
    assert names(labelled) == ["first one.csv", "long.csv.partial"]
    assert run(inbox, labelled).returncode == 0
    assert names(labelled) == ["first one.csv", "long.csv"]
    lines = (labelled / "long.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in lines] == ["id", *map(str, range(20_000))]
