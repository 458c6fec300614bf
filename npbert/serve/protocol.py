"""What the server does with connections that are slow, idle, or too many."""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_MOST_CONNECTIONS: Final = 2_000
_MOST_HEAD_BYTES: Final = 65_536


class GuardedProtocol(HttpToolsProtocol):
    """HTTP for strangers: connections that hold up the service to no use are closed.

    uvicorn sets limits for connections between two requests. The limits here are for the head of a
    request (its first line and its headers), for which a client has as many seconds as for a body,
    and 64 KB; for an answer that is not read; and for the number of connections.
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
        if self._is_in_head and self._alarm is None:
            self._set_alarm()
        super().data_received(data)
        if self._is_in_head:
            self._n_head_bytes += len(data)
            if self._n_head_bytes > _MOST_HEAD_BYTES:
                self.transport.abort()

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._is_in_head = False
        self._unset_alarm()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect another head after the body."""
        self._is_in_head = True
        self._n_head_bytes = 0
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
        self._alarm = self.loop.call_later(app.state.limits.receive_timeout, self._close)

    def _unset_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _close(self) -> None:
        self.transport.abort()
