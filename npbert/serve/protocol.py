"""What the server does with connections that are slow, idle, or too many."""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_MOST_CONNECTIONS: Final = 2_000
_MOST_HEAD_BYTES: Final = 65_536
_GRACE_S: Final = 5


class GuardedProtocol(HttpToolsProtocol):
    """HTTP for strangers: connections that hold up the service to no use are closed.

    uvicorn sets limits for a connection between two requests. The limits here are for the time in
    which a request arrives, from its first byte to its last; for the bytes of its head, which are
    its first line and its headers; for the time in which its answer is read; and for the number of
    connections.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._n_head_bytes = 0
        self._is_in_head = True
        self._alarm: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a first request, or close one connection too many."""
        super().connection_made(transport)
        if len(self.connections) > _MOST_CONNECTIONS:
            transport.abort()
            return
        self._set_alarm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._unset_alarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, as long as the head of the request is not too long."""
        if self._alarm is None:
            self._set_alarm()
        if self._is_in_head:
            self._n_head_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._n_head_bytes > _MOST_HEAD_BYTES:
            self.transport.abort()

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._is_in_head = False
        self._n_head_bytes = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect the head of another request, without hurry."""
        self._is_in_head = True
        self._unset_alarm()
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Wait for a client that does not read its answer."""
        super().pause_writing()
        self._set_alarm()

    def resume_writing(self) -> None:
        """Stop waiting for it."""
        self._unset_alarm()
        super().resume_writing()

    def _set_alarm(self) -> None:
        self._unset_alarm()
        app = cast("Starlette", self.app)  # there is no middleware around it
        # A body that comes too slowly has its answer before, with a status.
        seconds = app.state.limits.receive_timeout + _GRACE_S
        self._alarm = self.loop.call_later(seconds, self.transport.abort)

    def _unset_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
