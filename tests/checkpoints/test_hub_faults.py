"""The command line with a hub, a network or a cache that fails: one line, and no half model."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.disks import small_disk
from tests.support.hub_server import Files, Hub, Repository, environment, files_of
from tests.support.oracles import make_folder
from tests.support.other_users import as_nobody, without_network

COMMIT = "a" * 40
NAME = "me/model"
BY_BRANCH: list[str] = []
BY_COMMIT = ["--revision", COMMIT]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The files of a model, of which the weights are larger than what the client writes at once."""
    return files_of(make_folder(tmp_path_factory.mktemp("model"), dim=120))


@pytest.fixture
def hub(files: Files) -> Iterator[Hub]:
    with Hub({NAME: Repository({COMMIT: files}, {"main": COMMIT})}) as hub:
        yield hub


class Done(NamedTuple):
    """A run of the command line."""

    code: int
    output: str
    errors: list[str]  # the lines, without progress bars
    seconds: float

    @property
    def is_good(self) -> bool:
        return self.code == 0 and self.output.startswith('{"text": "film", "label": ')

    @property
    def only_error(self) -> str:
        """The one line of a run that failed."""
        assert (self.code, self.output) == (1, "")
        (line,) = self.errors
        assert line.startswith("npbert: error: ")
        return line


def command(*options: str, model: str = NAME, before: Sequence[str] = ()) -> list[str]:
    program = [*before, sys.executable, "-m", "npbert", "classify"]
    return [*program, "--model", model, *options, "film"]


def run(hub: Hub | str, home: Path, arguments: list[str], **variables: str) -> Done:
    began = time.monotonic()
    done = subprocess.run(
        arguments,
        env=environment(hub, home) | variables,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    lines = done.stderr.replace("\r", "\n").splitlines()
    errors = [line for line in lines if line and "Fetching" not in line and "B/s" not in line]
    return Done(done.returncode, done.stdout, errors, time.monotonic() - began)


# -------------------------------------------------------------------------------- the network


@pytest.mark.parametrize("revision", [BY_BRANCH, BY_COMMIT], ids=["branch", "commit"])
def test_no_network(tmp_path: Path, revision: list[str]) -> None:
    done = run("https://huggingface.co", tmp_path, command(*revision, before=without_network()))
    for part in (NAME, "the hub did not answer", "Try again", "hf download"):
        assert part in done.only_error
    assert done.seconds < 15


def test_no_network_and_a_model_in_the_cache(hub: Hub, tmp_path: Path) -> None:
    assert run(hub, tmp_path, command()).is_good
    done = run("https://huggingface.co", tmp_path, command(before=without_network()))
    assert done.is_good
    assert done.errors == []


def test_the_network_goes_away_in_the_middle(hub: Hub, tmp_path: Path) -> None:
    hub.fails_at, hub.fail_with = r"\.safetensors$", HTTPStatus.INTERNAL_SERVER_ERROR
    assert run(hub, tmp_path, command()).code == 1
    gone = run("https://huggingface.co", tmp_path, command(before=without_network()))
    assert "the hub did not answer" in gone.only_error
    assert gone.seconds < 15
    hub.forget()
    assert run(hub, tmp_path, command()).is_good
    assert hub.files_sent() == {"model.safetensors"}


# ------------------------------------------------------------------------------------ the hub


def fails(hub: Hub, status: HTTPStatus, at: str = "", **headers: str) -> None:
    hub.fail_with, hub.fails_at = status, at
    hub.fail_headers = {name.replace("_", "-"): value for name, value in headers.items()}


QUICK: dict[str, Callable[[Hub], object]] = {
    "it always fails": lambda hub: fails(hub, HTTPStatus.INTERNAL_SERVER_ERROR),
    "it is overloaded for a day": lambda hub: fails(
        hub, HTTPStatus.TOO_MANY_REQUESTS, Retry_After="86400"
    ),
    "it never answers": lambda hub: setattr(hub, "is_silent", True),
    "it leads in circles": lambda hub: fails(hub, HTTPStatus.FOUND, Location="/circle"),
    "the weights lead in circles": lambda hub: fails(
        hub, HTTPStatus.FOUND, r"\.safetensors$|circle", Location="/circle"
    ),
    "all bodies are cut": lambda hub: hub.cut_bodies_at.extend([1000] * 100),
}
PATIENT: dict[str, Callable[[Hub], object]] = {
    "it has no list of files": lambda hub: fails(hub, HTTPStatus.BAD_GATEWAY, "/tree/"),
    "it has no weights": lambda hub: fails(hub, HTTPStatus.SERVICE_UNAVAILABLE, r"\.safetensors$"),
}


@pytest.mark.parametrize("fault", [*QUICK, *PATIENT])
def test_a_hub_that_fails(hub: Hub, tmp_path: Path, fault: str) -> None:
    revision = BY_COMMIT if len(fault) % 2 else BY_BRANCH
    {**QUICK, **PATIENT}[fault](hub)
    done = run(hub, tmp_path, command(*revision))
    assert any(part in done.only_error for part in ("the hub did not answer", "try again"))
    assert done.seconds < (30 if fault in QUICK else 90)
    hub.forget()
    assert run(hub, tmp_path, command(*revision)).is_good


def test_a_list_of_files_that_never_comes(hub: Hub, tmp_path: Path) -> None:
    """The client sets no time limit for it."""
    hub.is_silent, hub.fails_at = True, "/tree/"
    done = run(hub, tmp_path, command(), HF_HUB_ETAG_TIMEOUT="1")
    assert "the hub did not answer (timed out)" in done.only_error
    assert done.seconds < 90


# --------------------------------------------------------------------------- several downloads


def started(hub: Hub, home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(),
        env=environment(hub, home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_download_at_once(hub: Hub, tmp_path: Path) -> None:
    processes = [started(hub, tmp_path) for _ in range(2)]
    outputs = [process.communicate(timeout=100)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert outputs[0] == outputs[1] != ""
    blobs = [path for path in (tmp_path / "hub").rglob("*") if "incomplete" in path.name]
    assert blobs == []
    sent = [one for one in hub.requests if one.method == "GET" and one.path.endswith("tensors")]
    assert len(sent) == 1


@pytest.mark.usefixtures("obeyed_ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_download_that_is_killed(
    hub: Hub, tmp_path: Path, files: Files, number: signal.Signals
) -> None:
    """The files that have arrived are kept. The client fetches the others from their beginning."""
    hub.stops_at = 12_000_000
    assert len(files["model.safetensors"]) > hub.stops_at
    process = started(hub, tmp_path)
    deadline = time.monotonic() + 60
    # The client writes 10 MB at a time.
    while not any(path.stat().st_size >= 10**7 for path in tmp_path.rglob("*.incomplete")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == (-9 if number == signal.SIGKILL else 128 + number)
    assert output == ""
    assert "Traceback" not in errors
    assert bool([*tmp_path.rglob("*.incomplete")]) == (number == signal.SIGKILL)
    hub.forget()
    assert run(hub, tmp_path, command()).is_good
    assert hub.files_sent() == {"model.safetensors"}


@pytest.mark.usefixtures("obeyed_ctrl_c")
@pytest.mark.parametrize(
    "at", ["/api/", "/tree/", r"config\.json$", "tokenizer_config", r"tensors$"]
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_while_the_hub_is_silent(
    hub: Hub, tmp_path: Path, number: signal.Signals, at: str
) -> None:
    hub.is_silent, hub.fails_at = True, at
    process = started(hub, tmp_path)
    deadline = time.monotonic() + 60
    while not any(re.search(at, request.path) for request in hub.requests):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    began = time.monotonic()
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (128 + number, "")
    assert "Traceback" not in errors
    assert time.monotonic() - began < 5  # a request is given up after 10 s, and then repeated
    hub.forget()
    assert run(hub, tmp_path, command()).is_good


# ---------------------------------------------------------------------------------- the cache


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that everybody may read; those of pytest are for one user alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path


def test_a_full_disk(hub: Hub, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 6000) as disk:
        done = run(hub, disk.path, command())
        *warned, error = done.errors  # the client warns beforehand, where it can
        assert done.code == 1
        assert all("Not enough free disk space" in line for line in warned)
        assert error.startswith("npbert: error: [Errno 28] No space left on device")
        assert str(disk.path) in error
        disk.resize(60_000)
        assert run(hub, disk.path, command()).is_good


def test_a_cache_that_cannot_be_written(hub: Hub, shared: Path) -> None:
    before = as_nobody()
    done = run(hub, shared / "home", command(before=before))
    assert "Permission denied" in done.only_error
    assert str(shared / "home") in done.only_error


@pytest.mark.parametrize("revision", [BY_BRANCH, BY_COMMIT], ids=["branch", "commit"])
def test_a_full_cache_that_can_only_be_read(hub: Hub, shared: Path, revision: list[str]) -> None:
    before = as_nobody()
    assert run(hub, shared / "home", command(*revision)).is_good
    subprocess.run(["chmod", "-R", "a+rX", str(shared / "home")], check=True)
    done = run(hub, shared / "home", command(*revision, before=before))
    assert done.is_good, done
    assert done.errors == []


def test_no_home_folder(hub: Hub, shared: Path) -> None:
    before = as_nobody()
    for home in ("/nonexistent", ""):
        variables = {"HOME": home, "HF_HOME": ""}
        done = run(hub, shared, command(before=before), **variables)
        assert "Permission denied" in done.only_error or "Read-only" in done.only_error
        mini = run(hub, shared, command(model="mini", before=before), **variables)
        assert mini.is_good
        assert mini.errors == []


def test_a_cache_that_is_removed_while_a_model_is_in_use(hub: Hub, tmp_path: Path) -> None:
    code = (
        "import npbert, shutil, sys\n"
        f"pipe = npbert.pipeline('sentiment-analysis', {NAME!r})\n"
        "before = pipe('film')\n"
        "shutil.rmtree(sys.argv[1])\n"
        "assert pipe('film') == before\n"
        f"assert npbert.pipeline('sentiment-analysis', {NAME!r})('film') == before\n"
    )
    done = run(hub, tmp_path / "home", [sys.executable, "-c", code, str(tmp_path / "home")])
    assert (done.code, done.errors) == (0, [])
