"""The bodies of requests: read within limits, and checked against their declaration."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request

from npbert.distilbert.combining import ClientLeftError
from npbert.messages import excerpt
from npbert.serve.errors import RETRY_LATER, RequestError
from npbert.serve.settings import Limits

RequestT = TypeVar("RequestT")

_JSON: Final = "application/json"
_DRAINED: Final = 10  # a body that is too long is read on, up to so many times its limit
_HELD: Final = 32  # all bodies together may have so many times the limit of one
_CLOSE: Final = {"connection": "close"}
_PLACE: Final = re.compile(r"(?P<what>.*) - at `\$\.?(?P<where>.*)`", re.DOTALL)


class Bodies:
    """Reads the bodies of requests, within limits for each and for all that are held at a time.

    Parameters
    ----------
    limits : Limits
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._n_bytes_held = 0

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """Read the body of a request, and hold it inside the ``async with`` statement.

        Raises
        ------
        ClientLeftError
            If the client has closed the connection.
        RequestError
            If the body is no JSON by its type, is too long, or comes too slowly; or if the bodies
            that are held take too much memory already.
        """
        _check_content_type(request)
        body = bytearray()
        try:
            await self._receive_in_time(request, body)
            yield bytes(body)
        finally:
            self._n_bytes_held -= len(body)

    async def _receive_in_time(self, request: Request, body: bytearray) -> None:
        try:
            async with asyncio.timeout(self._limits.receive_timeout):
                await self._receive(request, body)
        except ClientDisconnect:
            raise ClientLeftError from None
        except TimeoutError:
            raise RequestError(
                408,
                f"the body was not complete after {self._limits.receive_timeout:g} seconds",
                headers=_CLOSE,
            ) from None

    async def _receive(self, request: Request, body: bytearray) -> None:
        limit = self._limits.payload_limit
        n_bytes = 0
        async for part in request.stream():
            n_bytes += len(part)
            if n_bytes <= limit:
                if self._n_bytes_held + len(part) > _HELD * limit:
                    raise RequestError(
                        429, "the service holds too many long requests", "Overloaded", RETRY_LATER
                    )
                body += part
                self._n_bytes_held += len(part)
            elif n_bytes > _DRAINED * limit:
                break
        # A client that is still sending would not see an answer that comes before it has sent
        # all, so the rest of a body that is too long is read, and dropped.
        if n_bytes > limit:
            raise RequestError(
                413,
                f"the body has more than {limit:,} bytes; send fewer texts in a request, or start "
                "the service with a larger --payload-limit",
                headers=_CLOSE,
            )


def _check_content_type(request: Request) -> None:
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != _JSON:
        raise RequestError(
            415,
            f"the content type is {excerpt(given) or 'not given'}, expected {_JSON}: "
            f"send the header Content-Type: {_JSON}",
        )


def parse_body(body: bytes, expected: type[RequestT]) -> RequestT:
    """Return the request that a body is.

    Raises
    ------
    RequestError
        With the status 400 if the body is not JSON, and 422 if it is not the expected JSON.
    """
    try:
        return msgspec.json.decode(body, type=expected)
    except msgspec.ValidationError as error:
        raise RequestError(422, _where_and_what(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what = "it is nested too deeply" if isinstance(error, RecursionError) else excerpt(error)
        raise RequestError(400, f"the body cannot be read as JSON in UTF-8: {what}") from None


def _where_and_what(message: str) -> str:
    """Bring a message of msgspec into the order of ours: where, and what is wrong."""
    found = _PLACE.fullmatch(message)
    where, what = (found["where"], found["what"]) if found else ("", message)
    return f"{where or 'the body'}: {excerpt(what[:1].lower() + what[1:])}"


def to_json(answer: Any) -> bytes:
    """Return an answer as JSON."""
    return msgspec.json.encode(answer)
