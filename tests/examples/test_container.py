"""The Containerfile: what it says, and its commands, in a folder that stands for the image."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import CHECKOUT
from tests.support.served_program import READY

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="images are of Linux")

FILE = CHECKOUT / "examples" / "container" / "Containerfile"


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines if line)]


def of(name: str) -> list[str]:
    return [rest for instruction, rest in instructions() if instruction == name]


def test_the_base_is_pinned_and_small() -> None:
    (python,) = (value for value in of("ARG") if value.startswith("PYTHON="))
    assert re.fullmatch(r"PYTHON=docker\.io/library/python:3\.\d+\.\d+-slim-\w+", python)
    assert [base.split()[0] for base in of("FROM")] == ["${PYTHON}"] * 2


def test_it_runs_as_nobody_and_writes_nothing() -> None:
    last_stage = [name for name, _ in instructions()][::-1]
    last_stage = last_stage[: last_stage.index("FROM")]
    assert "RUN" not in last_stage
    assert last_stage.index("USER") > last_stage.index("ENTRYPOINT")  # that is, before it
    user, group = of("USER")[-1].split(":")
    assert int(user) > 0
    assert int(group) > 0  # names would be unknown to a cluster that wants no root
    assert "PYTHONDONTWRITEBYTECODE=1" in of("ENV")[-1]


def test_what_is_copied_exists() -> None:
    for copy in of("COPY"):
        if not copy.startswith("--from"):
            *sources, _ = copy.split()
            assert all((CHECKOUT / source).exists() for source in sources)


def in_place(words: str, image: Path) -> str:
    """Let the absolute paths of an instruction lead into a folder that stands for the image."""
    return re.sub(r"(?<![\w./])/(opt|source|model)\b", rf"{image}/\1", words)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A folder in which the COPY and RUN lines of the first stage have done their work."""
    (tmp_path / "opt").mkdir()
    environment = os.environ | dict(arg.split("=") for arg in of("ARG"))
    environment.pop("PYTHONPATH", None)
    bin_folder = tmp_path / "bin"  # in which `python` is the one that runs the tests
    bin_folder.mkdir()
    (bin_folder / "python").symlink_to(sys.executable)
    environment["PATH"] = f"{bin_folder}{os.pathsep}{environment['PATH']}"
    for name, rest in instructions():
        if name == "COPY" and not rest.startswith("--from"):
            *sources, target = in_place(rest, tmp_path).split()
            for source in sources:
                copy(CHECKOUT / source, Path(target))
        elif name == "RUN":
            done = subprocess.run(
                ["sh", "-c", in_place(rest, tmp_path)],
                env=environment,
                capture_output=True,
                encoding="utf-8",
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
    return tmp_path


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.mkdir(exist_ok=True)
        shutil.copy(source, target)


def test_the_commands(image: Path, tmp_path: Path) -> None:
    """They are run in a virtual environment of their own, and the service answers."""
    shutil.rmtree(image / "source")  # it is not in the second stage
    command = [*json.loads(of("ENTRYPOINT")[-1]), *json.loads(of("CMD")[-1])]
    command[command.index("--port") + 1] = "0"
    command[command.index("--host") + 1] = "127.0.0.1"
    environment = dict(variable.split("=") for variable in shlex.split(of("ENV")[-1]))
    process = subprocess.Popen(
        [in_place(word, image) for word in command],
        env={"PATH": os.environ["PATH"]} | environment,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        assert process.stderr is not None
        ready = READY.fullmatch(process.stderr.readline())
        assert ready
        request = urllib.request.Request(
            f"{ready[3]}/predict",
            b'{"inputs": "I love this film."}',
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert json.load(answer)[0]["label"] == "POSITIVE"
        assert [*written_files(process.pid)] == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()


def written_files(pid: int) -> Iterator[str]:
    """Yield the ordinary files that a process has open for writing, where the system tells."""
    folder = Path(f"/proc/{pid}/fd")
    for number in folder.iterdir() if folder.is_dir() else ():
        path = os.readlink(number)
        info = (folder.parent / "fdinfo" / number.name).read_text(encoding="utf-8")
        (flags,) = re.findall(r"^flags:\s+(\d+)", info, re.MULTILINE)
        if os.path.isfile(path) and int(flags, 8) & os.O_ACCMODE:
            yield path
