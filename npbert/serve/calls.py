"""From the event loop to threads that compute, and back.

The event loop moves bytes and never computes, so it answers at once, however much there is to do.
A request waits on a thread of its own, where the pipeline computes it together with the others.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from starlette.requests import Request
from starlette.types import Receive

from npbert.distilbert.combining import ClientLeftError, calling_for
from npbert.serve.errors import RETRY_LATER, RequestError
from npbert.serve.metrics import Metrics
from npbert.serve.settings import Limits


class HttpClient:
    """The one who sent a request; see `npbert.distilbert.combining.Client`."""

    def __init__(self, most_tokens: int) -> None:
        self._left = threading.Event()
        self._most_tokens = most_tokens
        self._n_tokens = 0

    def asks_for(self, n_tokens: int) -> None:
        """Count the tokens of a request, which may make several calls.

        Raises
        ------
        RequestError
            If there are too many.
        """
        self._n_tokens += n_tokens
        if self._n_tokens > self._most_tokens:
            raise RequestError(
                413,
                f"the request needs at least {self._n_tokens:,} tokens, expected at most "
                f"{self._most_tokens:,}; send fewer or shorter texts, or start the service with a "
                "larger --max-request-tokens",
            )

    def has_left(self) -> bool:
        """Tell whether the client has closed the connection."""
        return self._left.is_set()

    def leave(self) -> None:
        """Take note that the client has closed the connection."""
        self._left.set()


class Calls:
    """The requests that are in the service.

    Parameters
    ----------
    limits : Limits
    metrics : Metrics
    """

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self._limits = limits
        self._metrics = metrics
        self._clients: set[HttpClient] = set()
        # As many threads as requests: there is no second queue before that of the pipeline.
        self._threads = ThreadPoolExecutor(limits.max_concurrent_requests, "npbert-request")

    def admit(self) -> None:
        """Refuse a request if there are too many already.

        Raises
        ------
        RequestError
            With the status 429.
        """
        most = self._limits.max_concurrent_requests
        if len(self._clients) >= most:
            raise RequestError(
                429,
                f"{most} requests are in the service already; try again in a second",
                "Overloaded",
                RETRY_LATER,
            )

    async def run(self, request: Request, work: Callable[[], bytes]) -> bytes:
        """Do the work of a request on a thread.

        Parameters
        ----------
        request : Request
            The request, whose body has been read.
        work : callable
            Makes the body of the answer.

        Returns
        -------
        bytes

        Raises
        ------
        ClientLeftError
            If the client has left before.
        """
        client = HttpClient(self._limits.max_request_tokens)
        self._clients.add(client)
        self._metrics.inside.inc()
        watch = asyncio.create_task(_watch(request.receive, client))
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, _work_for, client, work
            )
        finally:
            watch.cancel()
            client.leave()
            self._metrics.inside.dec()
            self._clients.discard(client)

    def close(self) -> None:
        """Drop what is still computed."""
        for client in [*self._clients]:
            client.leave()
        self._threads.shutdown(wait=False, cancel_futures=True)


def _work_for(client: HttpClient, work: Callable[[], bytes]) -> bytes:
    if client.has_left():
        raise ClientLeftError
    with calling_for(client):
        return work()


async def _watch(receive: Receive, client: HttpClient) -> None:
    """Wait until the client closes the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
    client.leave()
