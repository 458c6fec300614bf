"""HTTP over bare sockets: what is sent is what a test wants to send, also where HTTP forbids it."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import Any, NamedTuple

from bench.service_process import ADDRESS

ANSWER_S = 30  # the longest time until an answer is there


class Answer(NamedTuple):
    """An answer of the service."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return what the body says."""
        return json.loads(self.body)


def request(
    body: bytes = b"",
    *,
    method: str = "POST",
    path: str = "/predict",
    content_type: str | None = "application/json",
    headers: tuple[str, ...] = (),
    length: int | None = None,
) -> bytes:
    """Return the bytes of a request; `length` is the one that its head tells, right or wrong."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    if not any(
        line.lower().startswith(("content-length:", "transfer-encoding:")) for line in lines
    ):
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunked(*parts: bytes, ends: bool = True) -> bytes:
    """Return a body in chunks; if it does not end, its last chunk is cut in half."""
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return chunks + b"0\r\n\r\n" if ends else chunks[: -2 - len(parts[-1]) // 2]


class Connection:
    """A connection to the service, which is opened when it is needed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, data: bytes) -> None:
        """Send bytes, on the connection at hand or on a new one."""
        if self._writer is None or self._writer.is_closing():
            self._reader, self._writer = await asyncio.open_connection(ADDRESS, self._port)
        self._writer.write(data)
        await self._writer.drain()

    def end_sending(self) -> None:
        """Say that nothing more is sent; answers can still be read."""
        assert self._writer is not None
        self._writer.write_eof()

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    def reset(self) -> None:
        """Break the connection off, with bytes that are on their way."""
        assert self._writer is not None
        at_once = struct.pack("ii", 1, 0)
        endpoint = self._writer.get_extra_info("socket")
        if not self._writer.is_closing():
            endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        self._writer.transport.abort()
        self._reader = self._writer = None

    async def read(self, n_bytes: int) -> bytes:
        """Return the next bytes, at most so many; there are none if the service has closed."""
        assert self._reader is not None
        try:
            return await asyncio.wait_for(self._reader.read(n_bytes), ANSWER_S)
        except ConnectionError:
            return b""

    async def ask(self, data: bytes) -> Answer | None:
        """Send a request; return its answer, or None if the service closes instead."""
        await self.send(data)
        return await self.answer()

    async def answer(self) -> Answer | None:
        """Return the next answer, or None if the service closes instead."""
        try:
            answer = await asyncio.wait_for(self._read_answer(), ANSWER_S)
        except (asyncio.IncompleteReadError, ConnectionError):
            answer = None
        if answer is None or answer.headers.get("connection") == "close":
            self.close()
        return answer

    async def _read_answer(self) -> Answer:
        assert self._reader is not None
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip().split("\r\n")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        status = int(first.split()[1])
        if status == 100:
            return await self._read_answer()
        body = await self._reader.readexactly(int(headers["content-length"]))
        return Answer(status, headers, body)
