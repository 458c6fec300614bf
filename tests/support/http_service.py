"""A service on a port of this machine, on threads of the test's process, and its clients."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from typing import Any, NamedTuple

import uvicorn

from npbert.serve.app import make_app
from npbert.serve.server import bound_socket, uvicorn_config
from npbert.serve.service import Service
from npbert.serve.settings import Settings

SECONDS = 20  # after which a test gives up
JSON = {"content-type": "application/json"}


class Answer(NamedTuple):
    """An answer of the service."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The message of an error, whose shape is checked."""
        assert self.status >= 400
        assert self.headers["content-type"] == "application/json"
        assert self.json.keys() == {"error", "error_type"}
        return str(self.json["error"])


@dataclass(frozen=True)
class Running:
    """A service that runs."""

    service: Service
    server: uvicorn.Server
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, value: object, headers: Mapping[str, str] | None = None) -> Answer:
        return self.request("POST", path, json.dumps(value).encode(), {**JSON, **(headers or {})})

    def connect(self) -> socket.socket:
        """Open a connection for bytes as they are."""
        return socket.create_connection(("127.0.0.1", self.port), SECONDS)

    def metric(self, line: str) -> float:
        """Return the value of one line of the metrics."""
        for one in self.get("/metrics").body.decode().splitlines():
            name, _, value = one.rpartition(" ")
            if name == line:
                return float(value)
        return 0.0


def raw_request(path: str, body: bytes, *headers: str) -> bytes:
    """Return a POST request as the bytes of HTTP."""
    lines = [f"POST {path} HTTP/1.1", "Host: npbert", "Content-Type: application/json", *headers]
    if not any(header.lower().startswith("transfer-encoding") for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextmanager
def running(service: Service) -> Iterator[Running]:
    """Serve until the block ends."""
    app = make_app(service)
    server = uvicorn.Server(uvicorn_config(service.settings, app))
    with bound_socket("127.0.0.1", 0) as listener:
        listener.listen(100)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        port = listener.getsockname()[1]
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield Running(service, server, port)
        finally:
            server.should_exit = True
            thread.join(SECONDS)
            app.state.calls.close()


@contextmanager
def serving(**settings: Any) -> Iterator[Running]:
    """Load a model and serve it; the arguments are those of `Settings`."""
    with running(Service(Settings(**settings))) as service:
        yield service


def wait_until(is_so: Any) -> None:
    """Wait until something has happened, or fail."""
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.005)
