"""What the server does with connections that are slow, idle, too many, or not HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from npbert.serve.bodies import to_json
from npbert.serve.errors import RequestError

_MOST_CONNECTIONS: Final = 2_000
_MOST_HEAD_BYTES: Final = 65_536
_MOST_DROPPED_BYTES: Final = 1_000_000
_GRACE_S: Final = 5


class _Deadline:
    """A moment at which a connection is closed, unless what it waits for happens before."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_set(self) -> bool:
        return self._timer is not None

    def set(self, seconds: float, call: Callable[[], None]) -> None:
        self.unset()
        self._timer = self._loop.call_later(seconds, call)

    def unset(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class GuardedProtocol(HttpToolsProtocol):
    """HTTP for strangers: connections that hold up the service to no use are closed.

    uvicorn sets limits for a connection between two requests. The limits here are for the time in
    which a request arrives, from its first byte to its last; for the bytes of its head, which are
    its first line and its headers; for the time in which its answer is read; and for the number of
    connections. What is not HTTP is refused in the JSON of the service.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._n_head_bytes = 0
        self._is_in_head = True
        self._n_dropped_bytes: int | None = None  # a number after the last answer
        # Two, because a client can send its next request before it reads its last answer.
        self._for_request = _Deadline(self.loop)
        self._for_answer = _Deadline(self.loop)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a first request, or close one connection too many."""
        super().connection_made(transport)
        if len(self.connections) > _MOST_CONNECTIONS:
            transport.abort()
            return
        self._for_request.set(self._patience_s, self._close_for_slowness)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._for_request.unset()
        self._for_answer.unset()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, as long as the head of the request is not too long."""
        if self._n_dropped_bytes is not None:
            self._n_dropped_bytes += len(data)
            if self._n_dropped_bytes > _MOST_DROPPED_BYTES:
                self.transport.abort()
            return
        if not self._for_request.is_set:
            self._for_request.set(self._patience_s, self._close_for_slowness)
        if self._is_in_head:
            self._n_head_bytes += len(data)
        self._unset_keepalive_if_required()
        self._parse(data)
        if self._is_in_head and self._n_head_bytes > _MOST_HEAD_BYTES:
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"the head of the request has more than {_MOST_HEAD_BYTES:,} bytes; send fewer or "
                "shorter headers, or a shorter path",
            )

    def _parse(self, data: bytes) -> None:
        """Give bytes to the parser, which calls the methods below."""
        while data:
            try:
                self.parser.feed_data(data)
            except HttpParserUpgrade as stopped:
                if self.parser.get_method() == b"CONNECT":
                    self._refuse(HTTPStatus.BAD_REQUEST, "the service is not a proxy")
                    return
                data = self._head_without_upgrade() + data[stopped.args[0] :]
                self.parser = HttpRequestParser(self)
            except HttpParserError:
                self._refuse(HTTPStatus.BAD_REQUEST, "the request cannot be read as HTTP/1.1")
                return
            else:
                return

    def _head_without_upgrade(self) -> bytes:
        """Return the head of a request that asks for another protocol, without that wish.

        The HTTP client of Java asks for HTTP/2 with every request. A server may go on with HTTP/1.1
        (RFC 9110, section 7.8), but after such a head the parser reads no body:
        https://github.com/Kludex/uvicorn/issues/2722
        """
        lines = [b"%b %b HTTP/1.1" % (self.parser.get_method(), self.url)]
        for name, value in self.headers:
            if name == b"connection":
                value = b"close" if b"close" in value.lower() else b"keep-alive"
            if name != b"upgrade":
                lines.append(b"%b: %b" % (name, value))
        return b"\r\n".join([*lines, b"", b""])

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        if self.parser.should_upgrade():
            return
        self._is_in_head = False
        self._n_head_bytes = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect the head of another request, without hurry."""
        if self.parser.should_upgrade():
            return
        self._is_in_head = True
        self._for_request.unset()
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Wait for a client that does not read its answer."""
        super().pause_writing()
        self._for_answer.set(self._patience_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop waiting for it."""
        self._for_answer.unset()
        super().resume_writing()

    def _close_for_slowness(self) -> None:
        """Tell a client that has sent a part of a head why it has no answer; close the others."""
        if self._is_in_head and self._n_head_bytes:
            self._refuse(
                HTTPStatus.REQUEST_TIMEOUT,
                f"the head of the request was not complete after {self._receive_timeout:g} seconds",
            )
        else:
            self.transport.abort()

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        """Give a last answer. What the client still sends is dropped.

        If the connection were closed at once, a client that is still sending would get an error of
        its system, and might never read the answer.
        """
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # nothing may be written after the last answer
            self.cycle.message_event.set()
        body = to_json(RequestError(status, message).answer)
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.write_eof()
        self._n_dropped_bytes = 0
        self._for_request.set(self._patience_s, self.transport.abort)

    @property
    def _receive_timeout(self) -> float:
        app = cast("Starlette", self.app)  # there is no middleware around it
        return float(app.state.limits.receive_timeout)

    @property
    def _patience_s(self) -> float:
        # A body that comes too slowly has its answer before, with a status.
        return self._receive_timeout + _GRACE_S
