"""The program `npbert serve`, in processes of its own: its start, its signals and its workers."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from npbert.serve.server import bound_socket
from tests.support.command_line import run_npbert
from tests.support.http_service import wait_until
from tests.support.served_program import Program, program


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_stop_is_a_good_end(number: signal.Signals) -> None:
    with program("--model", "mini") as served:
        assert served.model == "mini"
        assert served.predict("I love this film.")[0]["label"] == "POSITIVE"
        assert served.end(number) == (0, "")


def test_the_end_comes_in_time_although_a_client_does_not_finish() -> None:
    with program("--model", "mini", "--shutdown-timeout", "1") as served:
        port = int(served.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"POST /predict HTTP/1.1\r\nContent-Type: application/json\r\n")
            connection.sendall(b"Content-Length: 100\r\n\r\n{")
            time.sleep(0.2)
            began = time.monotonic()
            assert served.end(signal.SIGTERM) == (0, "")
            assert time.monotonic() - began < 10


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_npbert("serve", "--model", "mini", "--port", str(port))
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == (
        f"npbert: error: the service cannot listen on port {port} of 127.0.0.1: Address already in "
        "use; choose another --port or --host\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--port", "65536"], 2, "argument --port: '65536' is not a port, expected 0 to 65535"),
        (["--port", "http"], 2, "argument --port: 'http' is not a port, expected 0 to 65535"),
        (["--workers", "0"], 2, "argument --workers: '0' is not a positive integer"),
        (["--model", "nowhere/at/all"], 1, "npbert: error: "),
        (["--model", "mini", "--task", "summarization"], 1, "task is 'summarization', expected"),
        (["--model", "mini", "--task", "fill-mask"], 1, "vocab_transform"),
        (["--model", "mini", "--host", "256.0.0.1"], 1, "the service cannot listen on port 8080"),
        (["--model", "mini", "--api-key-file", "nowhere"], 1, "nowhere"),
    ],
)
def test_it_does_not_start(arguments: list[str], code: int, message: str) -> None:
    done = run_npbert("serve", *arguments)
    assert done.returncode == code
    assert message in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_the_key_in_the_environment_and_in_a_file(tmp_path: Path) -> None:
    environment = {**os.environ, "NPBERT_API_KEY": "s3cret"}
    with program("--model", "mini", env=environment) as served:
        assert served.predict("good", authorization="Bearer s3cret")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            served.predict("good")
    file = tmp_path / "key"
    file.write_text("s3cret\n")
    with program("--model", "mini", "--api-key-file", str(file)) as served:
        assert served.predict("good", authorization="Bearer s3cret")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            served.predict("good", authorization="Bearer s3cret\t")
    both = run_npbert("serve", "--api-key-file", str(file), env=environment)
    assert both.returncode == 2
    assert b"--api-key-file and NPBERT_API_KEY both give a key; give one" in both.stderr


@pytest.mark.parametrize("key", ["", "  \n", "two words", "schlüssel"])
def test_a_key_that_cannot_be_sent(tmp_path: Path, key: str) -> None:
    file = tmp_path / "key"
    file.write_text(key, encoding="utf-8")
    done = run_npbert("serve", "--model", "mini", "--api-key-file", str(file))
    assert done.returncode == 1
    assert b"has no usable key, expected printable ASCII without blanks" in done.stderr


class TestWorkers:
    def test_they_share_the_requests_and_the_metrics(self) -> None:
        with program("--model", "mini", "--workers", "2") as served:
            for _ in range(10):
                assert served.predict("good")[0]["label"] == "POSITIVE"
            name = 'npbert_requests_total{method="POST",path="/predict",status="200"}'
            assert f"{name} 10.0" in served.metrics()
            assert len(_workers(served)) == 2
            assert served.end(signal.SIGTERM) == (0, "")
        wait_until(lambda: not _workers(served))

    def test_one_that_is_killed_is_replaced(self) -> None:
        with program("--model", "mini", "--workers", "2") as served:
            served.predict("good")
            first, second = _workers(served)
            first.kill()
            wait_until(lambda: len({*_workers(served)} - {first}) == 2)
            assert second.is_running()
            assert served.predict("good")[0]["label"] == "POSITIVE"
            assert served.end(signal.SIGTERM) == (0, "")


def _workers(served: Program) -> list[psutil.Process]:
    """Return the processes that serve: children of the program, but not Python's own helper."""
    try:
        children = psutil.Process(served.process.pid).children()
        return [one for one in children if "resource_tracker" not in " ".join(one.cmdline())]
    except psutil.NoSuchProcess:
        return []


def test_answers_are_sent_without_delay() -> None:
    """A body that waits for the acknowledgement of its head would come up to 40 ms later."""
    options = []

    def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        options.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async def connect() -> None:
        with bound_socket("127.0.0.1", 0) as listener:
            server = await asyncio.start_server(note, sock=listener)
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            assert await reader.read() == b""
            writer.close()
            server.close()

    asyncio.run(connect())
    assert options == [1]
