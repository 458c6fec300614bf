"""What clients do: requests that are right, requests that are refused, and clients that misbehave.

A scene sends what it is about on a connection, and checks what comes back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from hostile_load.connections import Connection, chunked, request
from hostile_load.truth import Truth, WrongAnswerError, body_of, check_refusal, describe

Scene = Callable[[Connection, Truth], Awaitable[None]]

MOST_BODY_BYTES: Final = 2_000_000  # of `npbert serve`, unless an option says otherwise
LONG_HEAD_BYTES: Final = 500_000  # a head of 64 KB may be longer by what one read brings
CHUNKED: Final = ("Transfer-Encoding: chunked",)
PAUSE_S: Final = 0.02


# ------------------------------------------------------------------------- requests that are right


async def one_text(connection: Connection, truth: Truth) -> None:
    """Label one text."""
    (text,) = truth.some(1)
    truth.check(await connection.ask(request(body_of(text))), text)


async def a_batch(connection: Connection, truth: Truth) -> None:
    """Label several texts with one request."""
    texts = truth.some(3)
    truth.check(await connection.ask(request(body_of([[text] for text in texts]))), *texts)


async def of_the_hub(connection: Connection, truth: Truth) -> None:
    """Ask as clients of the hub do."""
    texts = truth.some(2)
    truth.check(await connection.ask(request(body_of(texts), path="/")), *texts)


async def in_chunks(connection: Connection, truth: Truth) -> None:
    """Send the body in chunks."""
    (text,) = truth.some(1)
    body = body_of(text)
    whole = request(chunked(body[:7], body[7:]), headers=CHUNKED)
    truth.check(await connection.ask(whole), text)


async def on_a_new_connection(connection: Connection, truth: Truth) -> None:
    """Ask the service to close the connection after the answer."""
    (text,) = truth.some(1)
    closing = request(body_of(text), headers=("Connection: close",))
    truth.check(await connection.ask(closing), text)


# Most requests are the first one, as in life.
RIGHT: Final[tuple[Scene, ...]] = (
    *(6 * [one_text]),
    a_batch,
    of_the_hub,
    in_chunks,
    on_a_new_connection,
)


# -------------------------------------------------------------------------- requests that are wrong

_A = body_of("A film.")

# What is wrong: the request, and the statuses with which it may be refused.
REFUSED: Final[dict[str, tuple[bytes, tuple[int, ...]]]] = {
    # No JSON.
    "no body": (request(), (400,)),
    "half an object": (request(_A[:-1]), (400,)),
    "an object and more": (request(_A + b"}"), (400,)),
    "two objects": (request(_A + _A), (400,)),
    "words": (request(b"A film."), (400,)),
    "the quotes of Python": (request(b"{'inputs': 'A film.'}"), (400,)),
    "a comma too many": (request(b'{"inputs": "A film.",}'), (400,)),
    "a line break in a string": (request(b'{"inputs": "A\nfilm."}'), (400,)),
    "NaN": (request(b'{"inputs": NaN}'), (400,)),
    "infinity": (request(b'{"inputs": -Infinity}'), (400,)),
    "zeros": (request(bytes(1000)), (400,)),
    "lists in lists": (request(b"[" * 100_000), (400, 422)),
    "lists in lists in the text": (request(b'{"inputs": ' + b"[" * 100_000), (400, 422)),
    "objects in objects": (request(b'{"inputs":' * 50_000), (400, 422)),
    # No UTF-8.
    "Latin-1": (request('{"inputs": "Ein schöner Film."}'.encode("latin-1")), (400,)),
    "UTF-16": (request(_A.decode().encode("utf-16")), (400,)),
    "a mark of the byte order": (request(b"\xef\xbb\xbf" + _A), (400,)),
    "half a character": (request(b'{"inputs": "\xe2\x82"}'), (400,)),
    "an overlong character": (request(b'{"inputs": "\xc0\xaf"}'), (400,)),
    "a surrogate in UTF-8": (request(b'{"inputs": "\xed\xa0\x80"}'), (400,)),
    "half a pair of surrogates": (request(rb'{"inputs": "\ud83d film"}'), (400,)),
    "the other half": (request(rb'{"inputs": "\udc00"}'), (400,)),
    # Other types.
    "a list": (request(b"[]"), (422,)),
    "a string": (request(b'"A film."'), (422,)),
    "null": (request(b"null"), (422,)),
    "a number": (request(b"1"), (422,)),
    "no inputs": (request(b"{}"), (422,)),
    "inputs: null": (request(body_of(None)), (422,)),
    "inputs: a number": (request(body_of(1)), (422,)),
    "inputs: true": (request(body_of(True)), (422,)),
    "inputs: an object": (request(body_of({"text": "A film."})), (422,)),
    "inputs: nothing": (request(body_of([])), (400,)),
    "inputs: numbers": (request(body_of([1, 2])), (422,)),
    "inputs: a batch with a number": (request(body_of([["A film."], [1]])), (422,)),
    "inputs: a batch with nothing": (request(body_of([[]])), (422,)),
    "inputs: three texts": (request(body_of(["a", "b", "c"])), (422,)),
    "inputs: a batch of three texts": (request(body_of([["a", "b", "c"]])), (422,)),
    "inputs: lists that are too deep": (request(body_of([[["a"]]])), (422,)),
    "a huge number": (request(b'{"inputs": 1' + b"0" * 50_000 + b"}"), (400, 422)),
    "a huge exponent": (request(b'{"inputs": 1e999999}'), (400, 422)),
    "truncate: a word": (request(body_of("a", truncate="yes")), (422,)),
    "truncate: a number": (request(body_of("a", truncate=1)), (422,)),
    "truncate: null in a list": (request(body_of("a", truncate=[None])), (422,)),
    "truncation_direction: up": (request(body_of("a", truncation_direction="Up")), (422,)),
    "raw_scores: a number": (request(body_of("a", raw_scores=0.5)), (422,)),
    "a key that is not known": (request(body_of("a", model="/etc/passwd")), (422,)),
    "a key with a thousand letters": (request(body_of("a", **{"k" * 1000: 1})), (422,)),
    "a key that moves the cursor": (request(body_of("a", **{"\x1b[2J": 1})), (422,)),
    "parameters: a list": (request(body_of("a", parameters=[]), path="/"), (422,)),
    "top_k: zero": (request(body_of("a", parameters={"top_k": 0}), path="/"), (422,)),
    "explain: a list": (request(body_of(["a"]), path="/explain"), (422,)),
    "explain: a label that is not there": (
        request(body_of("a", parameters={"label": "MAYBE"}), path="/explain"),
        (422,),
    ),
    "tokenize: a number": (request(body_of(7), path="/tokenize"), (422,)),
    # Too much.
    "too many texts": (request(body_of([["a"]] * 33)), (413,)),
    "a text that is too long": (request(body_of("film " * 1000)), (413,)),
    "a body that is too long": (request(b" " * (MOST_BODY_BYTES + 1)), (413,)),
    # Other content.
    "no content type": (request(_A, content_type=None), (415,)),
    "plain text": (request(_A, content_type="text/plain"), (415,)),
    "a form": (request(b"inputs=a", content_type="application/x-www-form-urlencoded"), (415,)),
    "nearly JSON": (request(_A, content_type="application/jsonp"), (415,)),
    "a content type with an escape": (request(_A, content_type="\x9b2J"), (415,)),
    # Other paths and methods.
    "GET /predict": (request(method="GET"), (405,)),
    "PUT": (request(_A, method="PUT"), (405,)),
    "DELETE": (request(method="DELETE"), (405,)),
    "TRACE": (request(method="TRACE"), (405,)),
    "POST /health": (request(_A, path="/health"), (405,)),
    "no such path": (request(_A, path="/embed"), (404,)),
    "a slash too many": (request(_A, path="/predict/"), (404,)),
    "two slashes": (request(_A, path="//predict"), (404,)),
    "another file": (request(method="GET", path="/static/../../settings.py"), (404,)),
    "another file, disguised": (request(method="GET", path="/static/%2e%2e/app.py"), (404,)),
    "a file of the system": (request(method="GET", path="/static//etc/passwd"), (404,)),
    "a zero": (request(method="GET", path="/static/%00"), (404,)),
    "no UTF-8 in the path": (request(method="GET", path="/%ff%fe"), (404,)),
    "a long path": (request(method="GET", path="/" + "a" * 10_000), (404,)),
    # No HTTP.
    "no HTTP": (b"A film.\r\n\r\n", (400,)),
    "a version to come": (b"GET /health HTTP/9.9\r\n\r\n", (400,)),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), (400,)),
    "CONNECT": (request(method="CONNECT", path="localhost:22"), (400,)),
    "no path": (request(method="GET", path="http://"), (400,)),
    "a star for a path": (request(method="OPTIONS", path="*"), (400, 404)),
    "no ASCII in the path": (request(method="GET", path="/caf\xe9"), (400,)),
    "a method in lower case": (request(_A, method="post"), (400,)),
    "a blank in a header": (request(_A, headers=("X Y: 1",)), (400,)),
    "a zero in a header": (request(_A, headers=("X: \0",)), (400,)),
    "a length of letters": (request(_A, headers=("Content-Length: many",)), (400,)),
    "a negative length": (request(_A, headers=("Content-Length: -1",)), (400,)),
    "a huge length": (request(_A, headers=("Content-Length: 1" + "0" * 40,)), (400,)),
    "two lengths": (request(_A, headers=("Content-Length: 5", "Content-Length: 6")), (400,)),
    "a length and chunks": (request(_A, headers=("Content-Length: 5", *CHUNKED)), (400,)),
    "a chunk with a length of letters": (request(b"x\r\n\r\n", headers=CHUNKED), (400,)),
    "a head that is too long": (request(headers=("X: " + "x" * LONG_HEAD_BYTES,)), (431,)),
    "a long first line": (request(path="/" + "a" * LONG_HEAD_BYTES), (431,)),
    "many headers": (request(headers=("X: x",) * (LONG_HEAD_BYTES // 6)), (431,)),
}


UPGRADE: Final = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEA")


def refused(name: str) -> Scene:
    """Return the scene in which one of the wrong requests is sent."""
    data, statuses = REFUSED[name]

    async def scene(connection: Connection, _: Truth) -> None:
        check_refusal(await connection.ask(data), statuses)

    return scene


# ------------------------------------------------------------------------- clients that misbehave


async def pipelines(connection: Connection, truth: Truth) -> None:
    """Send requests without waiting for answers, a wrong one among them: the order is kept."""
    first, last = truth.some(2)
    data = request(body_of(first)) + request(b"{") + request(body_of(last))
    truth.check(await connection.ask(data), first)
    check_refusal(await connection.answer(), (400,))
    truth.check(await connection.answer(), last)


async def says_a_key_twice(connection: Connection, truth: Truth) -> None:
    """Give two texts under the same key: the last one counts, as in Python."""
    (text,) = truth.some(1)
    body = b'{"inputs": "Awful.", ' + body_of(text)[1:]
    truth.check(await connection.ask(request(body)), text)


async def asks_for_http_2(connection: Connection, truth: Truth) -> None:
    """Ask for another protocol, twice, in pieces: the service goes on with this one."""
    first, last = truth.some(2)
    data = 2 * request(body_of(first), headers=UPGRADE) + request(body_of(last))
    for start in range(0, len(data), 100):
        await connection.send(data[start : start + 100])
        await asyncio.sleep(PAUSE_S / 10)
    for text in (first, first, last):
        truth.check(await connection.answer(), text)


async def asks_before_it_sends(connection: Connection, truth: Truth) -> None:
    """Send the body when the service says that it wants it."""
    (text,) = truth.some(1)
    body = body_of(text)
    head = request(length=len(body), headers=("Expect: 100-continue",))
    await connection.send(head)
    if not (await connection.read(4096)).startswith(b"HTTP/1.1 100 "):
        raise WrongAnswerError("no 100")
    truth.check(await connection.ask(body), text)


async def sends_slowly(connection: Connection, truth: Truth) -> None:
    """Send a request in pieces, with pauses."""
    (text,) = truth.some(1)
    data = request(body_of(text))
    size = len(data) // 5
    for start in range(0, 4 * size, size):
        await connection.send(data[start : start + size])
        await asyncio.sleep(PAUSE_S)
    truth.check(await connection.ask(data[4 * size :]), text)


async def has_all_said(connection: Connection, truth: Truth) -> None:
    """Close one half of the connection after the request, and wait for the answer."""
    (text,) = truth.some(1)
    await connection.send(request(body_of(text)))
    connection.end_sending()
    answer = await connection.answer()
    if answer is not None:  # a service may also take it for a client that has left
        truth.check(answer, text)
    connection.close()


async def stops_in_the_body(connection: Connection, _: Truth) -> None:
    """Say that nothing more comes, in the middle of a body."""
    await connection.send(request(_A, length=len(_A) + 100))
    connection.end_sending()
    await _expect_end(connection)


async def stops_in_a_chunk(connection: Connection, _: Truth) -> None:
    """Say that nothing more comes, in the middle of a chunk."""
    await connection.send(request(chunked(_A, ends=False), headers=CHUNKED))
    connection.end_sending()
    await _expect_end(connection)


async def stops_in_the_head(connection: Connection, _: Truth) -> None:
    """Say that nothing more comes, in the middle of the headers."""
    await connection.send(request()[:40])
    connection.end_sending()
    await _expect_end(connection)


async def leaves_while_it_sends(connection: Connection, _: Truth) -> None:
    """Leave in the middle of a body."""
    await connection.send(request(_A, length=len(_A) + 100))
    connection.close()


async def leaves_while_it_waits(connection: Connection, truth: Truth) -> None:
    """Leave before there can be an answer."""
    await connection.send(request(body_of([[text] for text in truth.some(3)])))
    connection.close()


async def breaks_off_while_it_waits(connection: Connection, truth: Truth) -> None:
    """Break the connection off before there can be an answer."""
    await connection.send(request(body_of([[text] for text in truth.some(3)])))
    await asyncio.sleep(PAUSE_S)
    connection.reset()


async def breaks_off_while_it_reads(connection: Connection, truth: Truth) -> None:
    """Break the connection off after the first bytes of an answer."""
    await connection.send(request(body_of([[text] for text in truth.some(3)])))
    await connection.read(10)
    connection.reset()


async def sends_nothing(connection: Connection, _: Truth) -> None:
    """Open a connection, and leave."""
    connection.close()
    await connection.send(b"")
    connection.close()


async def _expect_end(connection: Connection) -> None:
    """Wait for the end of the connection, perhaps after a refusal."""
    answer = await connection.answer()
    if answer is not None and not 400 <= answer.status < 500:
        raise WrongAnswerError(f"{describe(answer)} in answer to half a request")
    connection.close()


MISBEHAVING: Final[tuple[Scene, ...]] = (
    pipelines,
    says_a_key_twice,
    asks_for_http_2,
    asks_before_it_sends,
    sends_slowly,
    has_all_said,
    stops_in_the_body,
    stops_in_a_chunk,
    stops_in_the_head,
    leaves_while_it_sends,
    leaves_while_it_waits,
    breaks_off_while_it_waits,
    breaks_off_while_it_reads,
    sends_nothing,
)


# ---------------------------------------------------------- clients that would wait without an end


async def stalls_in_the_body(connection: Connection, _: Truth) -> None:
    """Never send the rest of a body."""
    check_refusal(await connection.ask(request(_A, length=len(_A) + 100)), (408,))


async def drips_a_body(connection: Connection, _: Truth) -> None:
    """Send a body byte by byte, which would take hours.

    A byte that meets the closed connection can destroy the answer on its way, so it may be missing.
    """
    await connection.send(request(length=MOST_BODY_BYTES))
    answering = asyncio.create_task(connection.answer())
    with contextlib.suppress(ConnectionError):
        while not answering.done():
            await connection.send(b" ")
            await asyncio.sleep(PAUSE_S)
    with contextlib.suppress(ConnectionError):
        check_refusal(await answering, (408,))


async def stalls_in_the_head(connection: Connection, _: Truth) -> None:
    """Never send the rest of the headers."""
    check_refusal(await connection.ask(request()[:40]), (408,))


async def is_silent(connection: Connection, _: Truth) -> None:
    """Open a connection, and never send anything."""
    await connection.send(b"")
    await _expect_end(connection)


async def never_reads(connection: Connection, truth: Truth) -> None:
    """Ask for much, and never read it."""
    texts = [[text] for text in truth.some(20)]
    asking = request(body_of(texts))
    try:
        async with asyncio.timeout(10):
            while True:
                await connection.send(asking)
    except (ConnectionError, TimeoutError):
        connection.reset()


STALLING: Final[tuple[Scene, ...]] = (
    stalls_in_the_body,
    drips_a_body,
    stalls_in_the_head,
    is_silent,
    never_reads,
)
