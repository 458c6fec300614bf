"""Callers on several threads share one forward pass: a caller that computes takes others along.

A web framework calls one pipeline from many threads, with one text per call. If each caller
computed for itself, they would compete for the processors, and each would read all weights for a
few tokens. So only one caller computes at a time, the *leader*. It takes along the texts of the
callers that wait, in packs as ever, and gives each of them its own rows. This is flat combining
(Hendler, Incze, Shavit and Tzafrir, "Flat Combining and the Synchronization-Parallelism Tradeoff",
SPAA 2010).

A caller that finds nobody computes at once, and as if this module were not there.

A thread can say for whom it calls, with `calling_for`: a service has clients that leave, and limits
what each of them may ask for.
"""

from __future__ import annotations

import itertools
import math
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from npbert.distilbert.model import Pack
from npbert.distilbert.packs import MAX_TOKENS, TokenSequence, packs_of
from npbert.distilbert.threads import map_on_threads

RowsT = TypeVar("RowsT")


class Client(Protocol):
    """Someone for whom a thread calls, and who may leave before there is an answer."""

    def asks_for(self, n_tokens: int) -> None:
        """Take note of tokens that are to be computed, or raise an exception to refuse them."""
        ...

    def has_left(self) -> bool:
        """Tell whether nobody waits for the answer any longer."""
        ...


class ClientLeftError(Exception):
    """Nobody waits for the rows that are left of a call, so they are not computed."""


_client: ContextVar[Client | None] = ContextVar("client", default=None)


@contextmanager
def calling_for(client: Client) -> Iterator[None]:
    """Make all calls inside the ``with`` statement, on this thread, calls for one client.

    It reaches every call at any depth, such as the many calls of one explanation, and no function
    between has to hand the client on.
    """
    token = _client.set(client)
    try:
        yield
    finally:
        _client.reset(token)


class _Settings(NamedTuple):
    """How a caller wants its texts computed. Only those with equal settings share packs."""

    n_threads: int
    max_texts: int | None


class _Request(Generic[RowsT]):
    """The texts of one call, and the rows of the first of them, which have been computed."""

    def __init__(
        self, texts: Sequence[TokenSequence], settings: _Settings, *, is_alone: bool
    ) -> None:
        self.texts = texts
        self.settings = settings
        self.rows: list[RowsT] = []
        # Whether it shares no pack: its caller wants that, or it shared one that failed.
        self.is_alone = is_alone
        self.is_abandoned = False  # whether its caller was interrupted
        self.client = _client.get()
        # Held until the caller may go on, because all rows are there or because it leads.
        self.turn = threading.Lock()
        self.turn.acquire()
        self.next_done: _Request[RowsT] | None = None  # may go on when this one has gone on

    @property
    def is_done(self) -> bool:
        return len(self.rows) == len(self.texts)

    @property
    def has_client(self) -> bool:
        """Whether anybody waits for the rows."""
        return self.client is None or not self.client.has_left()

    def next_texts(self, most_tokens: float) -> list[TokenSequence]:
        """Return the next texts without rows: as many as the tokens allow, and at least one."""
        taken: list[TokenSequence] = []
        for text in itertools.islice(self.texts, len(self.rows), None):
            most_tokens -= len(text.input_ids)
            if taken and most_tokens < 0:
                break
            taken.append(text)
        return taken


class CallCombiner:
    """Computes the texts of callers that are on several threads, together.

    The work is done in rounds. A leader that is alone computes all of its texts in one round. When
    another caller comes, the leader stops after the packs at hand. As long as callers wait, a
    round has one pack per thread, in which every caller has its share, and each round has another
    leader. So a call with one text waits for two packs per thread at most, as long as all callers
    find room in a round.
    """

    def __init__(self) -> None:
        self._reset()
        _combiners.add(self)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._leader: _Request[Any] | None = None
        self._waiting: deque[_Request[Any]] = deque()  # in the order in which they lead

    def __reduce__(self) -> tuple[type[CallCombiner], tuple[()]]:
        return CallCombiner, ()  # a copy has no callers

    def compute(
        self,
        function: Callable[[Pack], list[RowsT]],
        texts: Sequence[TokenSequence],
        n_threads: int,
        max_texts: int | None = None,
        *,
        is_alone: bool = False,
    ) -> list[RowsT]:
        """Compute texts in packs, together with those of other callers.

        Parameters
        ----------
        function : callable
            Computes the rows of each text of a pack. It is the same one in all calls that share
            packs.
        texts : sequence of TokenSequence
        n_threads : int
            The most threads that compute at a time.
        max_texts : int, optional
            The most texts in a pack.
        is_alone : bool
            Whether this call waits its turn as the others do, and then shares no pack with them.

        Returns
        -------
        list
            The rows of each text. If the function fails, only those callers fail whose own texts
            make it fail.

        Raises
        ------
        ClientLeftError
            If the client of this call has left.
        """
        settings = _Settings(n_threads, max_texts)
        request: _Request[RowsT] = _Request(texts, settings, is_alone=is_alone)
        if request.client is not None:
            request.client.asks_for(sum(len(text.input_ids) for text in texts))
        if request.is_done:
            return []
        try:
            self._enter(request)
            while not request.is_done:
                if not request.has_client:
                    raise ClientLeftError
                self._compute_round(function, request)
                self._let_others_lead(request)
        finally:
            self._leave(request)
        return request.rows

    def _enter(self, request: _Request[Any]) -> None:
        """Lead at once, if nobody does. Otherwise wait for the rows, or for the turn to lead."""
        with self._lock:
            if self._leader is None:
                self._leader = request
                return
            self._waiting.append(request)
        request.turn.acquire()

    def _let_others_lead(self, request: _Request[Any]) -> None:
        """Go to the end of the queue, if there is one and if this leader has texts left."""
        with self._lock:
            if request.is_done or not self._waiting:
                return
            self._waiting.append(request)
            self._choose_leader()
        request.turn.acquire()

    def _leave(self, request: _Request[Any]) -> None:
        with self._lock:
            if request.next_done is not None:
                request.next_done.turn.release()
            if self._leader is request:
                self._choose_leader()
            elif not request.is_done:  # the caller was interrupted while it waited
                request.is_abandoned = True

    def _choose_leader(self) -> None:
        self._leader = None
        while self._waiting and self._leader is None:
            request = self._waiting.popleft()
            if not request.is_abandoned:
                self._leader = request
                request.turn.release()

    def _compute_round(
        self, function: Callable[[Pack], list[RowsT]], leader: _Request[RowsT]
    ) -> None:
        """Compute texts of the leader, and of those that wait."""
        n_threads, max_texts = leader.settings
        others = self._take_along(leader)
        requests = [leader, *others]
        most_tokens = n_threads * MAX_TOKENS / len(requests) if others else math.inf
        texts_of = [request.next_texts(most_tokens) for request in requests]
        packs = packs_of(itertools.chain(*texts_of), max_texts=max_texts, n_threads=n_threads)
        try:
            of_packs = map_on_threads(
                function,
                list(packs),
                n_threads,
                lambda: not self._waiting and leader.has_client,
            )
        except BaseException as error:
            for request in requests:
                request.is_alone = request.is_alone or isinstance(error, Exception)
            self._give_back(others)
            if others and isinstance(error, Exception):
                return  # each request is computed again, alone, and its own caller sees the error
            raise
        rows = itertools.chain.from_iterable(of_packs)
        for request, texts in zip(requests, texts_of, strict=True):
            request.rows += itertools.islice(rows, len(texts))
        self._give_back(others)

    def _take_along(self, leader: _Request[RowsT]) -> list[_Request[RowsT]]:
        """Take the waiting requests that can share packs with the leader out of the queue."""
        if leader.is_alone:
            return []
        with self._lock:
            taken = [
                request
                for request in self._waiting
                if request.settings == leader.settings
                and not request.is_alone
                and request.has_client
            ]
            for request in taken:
                self._waiting.remove(request)
        return taken

    def _give_back(self, requests: Sequence[_Request[Any]]) -> None:
        """Let the callers of complete requests go on, and put the others back into the queue.

        Each caller lets the next one go on. If all of them woke at once, they would fight for the
        interpreter with each other, with the next leader, and with threads that do other work.
        """
        with self._lock:
            next_done = None
            for request in reversed(requests):
                if request.is_done:
                    request.next_done, next_done = next_done, request
                else:
                    self._waiting.appendleft(request)
            if next_done is not None:
                next_done.turn.release()


# The process that a fork makes has none of the callers that other threads were.
_combiners: weakref.WeakSet[CallCombiner] = weakref.WeakSet()


def _reset_all() -> None:
    for combiner in _combiners:
        combiner._reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_all)
