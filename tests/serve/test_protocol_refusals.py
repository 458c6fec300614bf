"""What is said to clients that send no HTTP, or a long head, or that ask for another protocol."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.support.http_service import Running, raw_request

GOOD = json.dumps({"inputs": "I love this film."}).encode()
UPGRADE = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEA")


class Said(NamedTuple):
    """One answer on a connection."""

    status: int
    body: bytes

    @property
    def error(self) -> str:
        said = json.loads(self.body)
        assert said.keys() == {"error", "error_type"}
        return str(said["error"])


def answers_on(connection: socket.socket, n_answers: int) -> Iterator[Said]:
    """Yield the answers on a connection."""
    with connection.makefile("rb") as file:
        for _ in range(n_answers):
            status = int(file.readline().split()[1])
            length = 0
            while (line := file.readline()) != b"\r\n":
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            yield Said(status, file.read(length))


def ask(service: Running, data: bytes, n_answers: int = 1) -> list[Said]:
    with service.connect() as connection:
        connection.sendall(data)
        return [*answers_on(connection, n_answers)]


@pytest.mark.parametrize(
    "data",
    [
        b"A film.\r\n\r\n",
        b"\x16\x03\x01\x02\x00" + bytes(100),  # the beginning of TLS
        b"GET /health HTTP/9.9\r\n\r\n",
        b"GET /caf\xe9 HTTP/1.1\r\n\r\n",
        raw_request("/predict", b"x\r\n\r\n", "Transfer-Encoding: chunked"),
        b"GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
    ],
)
def test_what_is_not_http(mini: Running, data: bytes) -> None:
    (said,) = ask(mini, data)
    assert (said.status, said.error) == (400, "the request cannot be read as HTTP/1.1")


def test_a_proxy_is_not_here(mini: Running) -> None:
    (said,) = ask(mini, b"CONNECT localhost:22 HTTP/1.1\r\n\r\n")
    assert (said.status, said.error) == (400, "the service is not a proxy")


@pytest.mark.parametrize("n_bytes", [400_000, 900_000])
def test_a_long_head_has_its_answer_though_the_client_sends_on(mini: Running, n_bytes: int) -> None:
    (said,) = ask(mini, raw_request("/predict", GOOD, "X: " + "x" * n_bytes))
    assert said.status == 431
    assert said.error.startswith("the head of the request has more than 65,536 bytes; ")


def test_a_long_body_is_no_long_head(mini: Running) -> None:
    body = GOOD + b" " * 300_000
    said = ask(mini, 2 * raw_request("/predict", body), 2)
    assert [one.status for one in said] == [200, 200]


def test_an_answer_that_nobody_can_read_any_more_is_not_written(mini: Running) -> None:
    """After words that are not HTTP, the answer to the request before them is not waited for."""
    (said,) = ask(mini, raw_request("/predict", GOOD) + b"A film.\r\n\r\n")
    assert said.status == 400
    assert mini.get("/health").status == 200


@pytest.mark.parametrize("size", [1, 50, 10_000])
def test_a_wish_for_another_protocol_is_passed_over(mini: Running, size: int) -> None:
    """The HTTP client of Java wishes for HTTP/2 in every request."""
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(GOOD), GOOD)
    data = (
        raw_request("/predict", GOOD, *UPGRADE)
        + raw_request("/predict", chunks, *UPGRADE, "Transfer-Encoding: chunked")
        + raw_request("/predict", GOOD)
    )
    with mini.connect() as connection:
        for start in range(0, len(data), size):
            connection.sendall(data[start : start + size])
        said = [*answers_on(connection, 3)]
    assert [one.status for one in said] == [200] * 3
    assert said[0] == said[1] == said[2]


def test_a_wish_for_another_protocol_and_for_the_end(mini: Running) -> None:
    close = ("Connection: close, Upgrade", "Upgrade: websocket")
    with mini.connect() as connection:
        connection.sendall(raw_request("/predict", GOOD, *close))
        assert [one.status for one in answers_on(connection, 1)] == [200]
        assert connection.recv(1) == b""
