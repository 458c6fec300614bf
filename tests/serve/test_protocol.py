"""Clients that are slow, broken or hostile, with bytes as they send them."""

from __future__ import annotations

import itertools
import json
import socket
import time
from collections.abc import Iterator

import pytest

from npbert.serve import protocol
from npbert.serve.settings import Limits
from tests.support.http_service import Running, raw_request, serving, wait_until

BODY = json.dumps({"inputs": "I love this film."}).encode()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A service that waits half a second for a request, and a second to close a connection."""
    monkeypatch.setattr(protocol, "_GRACE_S", 0.5)
    with serving(model="mini", limits=Limits(receive_timeout=0.5)) as service:
        yield service


def read_all(connection: socket.socket) -> bytes:
    """Read until the service closes the connection."""
    received = b""
    try:
        while part := connection.recv(65_536):
            received += part
    except ConnectionResetError:
        pass
    return received


def can_send(connection: socket.socket, part: bytes) -> bool:
    """Send a part, and tell whether the service has not closed the connection."""
    try:
        connection.sendall(part)
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    "beginning",
    [b"", b"P", b"POST /predict HTTP/1.1\r\nHost: npbert\r\n", b"GET /health HTTP/1.1\r\nX: "],
    ids=["nothing", "a letter", "some headers", "half a header"],
)
def test_a_head_that_does_not_come(impatient: Running, beginning: bytes) -> None:
    with impatient.connect() as connection:
        connection.sendall(beginning)
        began = time.monotonic()
        answer = read_all(connection)
        assert 0.8 < time.monotonic() - began < 5
    if beginning:
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"the head of the request was not complete after 0.5 seconds" in answer
    else:
        assert answer == b""


def test_a_head_that_comes_letter_by_letter(impatient: Running) -> None:
    began = time.monotonic()
    with impatient.connect() as connection:
        letters = itertools.chain(b"GET /health HTTP/1.1\r\nX: ", itertools.repeat(ord("x"), 1000))
        for letter in letters:
            time.sleep(0.02)
            if not can_send(connection, bytes([letter])):
                break
    assert time.monotonic() - began < 5


def test_a_body_that_does_not_come(impatient: Running) -> None:
    request = raw_request("/predict", BODY)
    with impatient.connect() as connection:
        connection.sendall(request[:-5])
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer
    assert b"the body was not complete after 0.5 seconds" in answer


def test_a_body_that_nobody_reads_does_not_hold_a_connection(impatient: Running) -> None:
    head = b"GET /health HTTP/1.1\r\nHost: npbert\r\nContent-Length: 1000000\r\n\r\n"
    began = time.monotonic()
    with impatient.connect() as connection:
        connection.sendall(head)
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")
    assert time.monotonic() - began < 5


def test_a_head_without_an_end(mini: Running) -> None:
    sent = 0
    with mini.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nX: ")
        while sent < 100 << 20 and can_send(connection, b"x" * 10_000):
            sent += 10_000
    assert sent < 20 << 20  # what the buffers of the system take, and no more


def test_an_answer_that_is_not_read(impatient: Running) -> None:
    """The client asks for much, and reads nothing."""
    body = json.dumps({"inputs": ["good " * 500] * 32}).encode()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", impatient.port))
        connection.sendall(raw_request("/tokenize", body) * 20)
        received = connection.recv(1)  # so the service has the connection by now
        wait_until(lambda: not impatient.server.server_state.connections)
        received += read_all(connection)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.count(b"HTTP/1.1 200 ") < 20


def test_an_answer_that_is_not_read_before_the_next_request(impatient: Running) -> None:
    """A request that has arrived does not make up for an answer that is not read."""
    body = json.dumps({"inputs": ["good " * 500] * 32}).encode()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", impatient.port))
        for _ in range(6):  # the answers are 1 MB each, more than the buffers of the system take
            if not can_send(connection, raw_request("/tokenize", body)):
                break
            connection.recv(1)
            time.sleep(0.2)
        wait_until(lambda: not impatient.server.server_state.connections)


def test_a_client_that_says_it_is_done_is_gone(mini: Running) -> None:
    """A connection that the client has closed on its side is closed on the other side, too."""
    long = json.dumps({"inputs": [["good " * 400]] * 32}).encode()  # the answer takes a while
    with mini.connect() as connection:
        connection.sendall(raw_request("/predict", long))
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection) == b""
    assert mini.get("/health").status == 200


def test_requests_one_after_the_other_without_waiting(mini: Running) -> None:
    last = raw_request("/predict", BODY, "Connection: close")
    with mini.connect() as connection:
        connection.sendall(raw_request("/predict", BODY) * 3 + last)
        answers = read_all(connection)
    assert answers.count(b"HTTP/1.1 200 ") == 4
    assert answers.count(b'"label":"POSITIVE"') == 4


def test_a_body_in_chunks(mini: Running) -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (1, BODY[i : i + 1]) for i in range(len(BODY)))
    headers = ("Transfer-Encoding: chunked", "Connection: close")
    with mini.connect() as connection:
        connection.sendall(raw_request("/predict", chunks + b"0\r\n\r\n", *headers))
        assert b'"label":"POSITIVE"' in read_all(connection)


def test_a_client_that_asks_before_it_sends_the_body(mini: Running) -> None:
    request = raw_request("/predict", BODY, "Expect: 100-continue", "Connection: close")
    head = request[: -len(BODY)]
    with mini.connect() as connection:
        connection.sendall(head)
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(BODY)
        assert b'"label":"POSITIVE"' in read_all(connection)


def test_too_many_connections(mini: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    n_before = len(mini.server.server_state.connections)  # such as those of a browser
    monkeypatch.setattr(protocol, "_MOST_CONNECTIONS", n_before + 3)
    connections = [mini.connect() for _ in range(6)]
    try:
        connections[-1].settimeout(5)
        assert read_all(connections[-1]) == b""
    finally:
        for connection in connections:
            connection.close()
    wait_until(lambda: len(mini.server.server_state.connections) < n_before + 3)
    assert mini.get("/health").status == 200


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"\r\n\r\n\r\nnonsense\r\n\r\n",
    ],
    ids=["TLS", "no path", "no HTTP"],
)
def test_what_is_not_http(mini: Running, request_: bytes) -> None:
    with mini.connect() as connection:
        connection.sendall(request_)
        assert read_all(connection).startswith(b"HTTP/1.1 400 ")
    assert mini.get("/health").status == 200
