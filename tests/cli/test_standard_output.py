"""Standard output that is slow, closed, full, or a terminal with few characters."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.command_line import read_json_lines, run_in_shell, run_npbert, start_npbert
from tests.support.platforms import shell


def test_output_is_utf_8_whatever_the_locale(folder: str) -> None:
    environment = os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = run_npbert("classify", "--model", folder, "-", input="東京\n".encode(), env=environment)
    assert read_json_lines(done.stdout.decode())[0]["text"] == "東京"


def test_a_terminal_of_few_characters(folder: str) -> None:
    done = run_in_shell("$N --format table good", folder, PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "?" * 5 in done.stdout


def test_a_closed_pipe_ends_it_quietly(folder: str) -> None:
    command = f"{sys.executable} -m npbert classify --model {folder} - | head -n 1"
    lines = b"a line of some length, so that the pipe is soon full\n" * 3000
    done = subprocess.run(
        [shell(), "-c", command], input=lines, capture_output=True, timeout=120, check=False
    )
    assert done.stderr == b""
    assert len(read_json_lines(done.stdout.decode())) == 1


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_ends_in_the_middle_is_an_error(
    folder: str, tmp_path: Path, unbuffered: str
) -> None:
    """One write succeeds only in part, as on a disk that becomes full."""
    (tmp_path / "in.txt").write_text("a text of some length\n" * 1500)
    # Where CI measures which lines are run, this is written to a file, too: not here.
    bare = f"cd {tmp_path} && unset COVERAGE_PROCESS_START"
    command = f"{bare} && ulimit -f 60 && $N --input in.txt > out.jsonl"
    done = run_in_shell(command, folder, PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 1
    assert done.stderr == "npbert: error: [Errno 27] File too large\n"


def test_a_reader_that_is_slow_gets_everything(folder: str, tmp_path: Path) -> None:
    """It does so even through a pipe that was set not to block."""
    to_read, to_write = os.pipe()
    os.set_blocking(to_write, False)
    lines = b"a line of some length, so that the pipe is soon full\n" * 3000
    source = tmp_path / "in.txt"
    source.write_bytes(lines)
    process = start_npbert("classify", "--model", folder, "--input", str(source), stdout=to_write)
    os.close(to_write)
    time.sleep(2)
    with open(to_read, encoding="utf-8") as answers:
        assert len(read_json_lines(answers.read())) == 3000
    assert process.wait(60) == 0


def test_standard_output_that_is_closed(folder: str, tmp_path: Path) -> None:
    done = run_in_shell("$N text >&-", folder)
    assert (done.returncode, done.stderr) == (
        1,
        "npbert: error: standard output is closed; give --output FILE\n",
    )
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        target = tmp_path / f"out{len(closed)}.jsonl"
        done = run_in_shell(f"$N text --output {target} {closed}", folder)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert len(read_json_lines(target.read_text(encoding="utf-8"))) == 1
    done = run_in_shell("$N --input missing.txt 2>&-", folder)
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_line(folder: str) -> None:
    done = run_in_shell("$N text > /dev/full", folder)
    assert done.returncode == 1
    assert done.stderr.startswith("npbert: error: ")
    assert "No space left" in done.stderr
    assert done.stderr.count("\n") == 1
