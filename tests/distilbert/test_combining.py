"""Callers on several threads are computed together, and each gets its own rows or its own error."""

from __future__ import annotations

import copy
import os
import pickle
import random
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest

from npbert.distilbert.activations import Array
from npbert.distilbert.combining import (
    CallCombiner,
    Client,
    ClientLeftError,
    _Request,
    _Settings,
    calling_for,
)
from npbert.distilbert.model import Pack
from npbert.distilbert.packs import MAX_TOKENS, TokenSequence

SECONDS = 20  # after which a test gives up
FATAL = 666  # an id that makes a pack fail


def text_of(number: int, length: int = 3) -> TokenSequence:
    return TokenSequence(np.full(length, number), np.arange(length))


def texts_of(*numbers: int, length: int = 3) -> list[TokenSequence]:
    return [text_of(number, length) for number in numbers]


class Model:
    """Computes, as the rows of a text, its first id; it can be held up, and it notes the packs."""

    def __init__(self) -> None:
        self.packs: list[list[int]] = []  # the first id of each text
        self.started = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, pack: Pack) -> list[Array]:
        ids = pack.input_ids[pack.starts[:-1]]
        self.packs.append(ids.tolist())
        self.started.release()
        assert self.gate.wait(SECONDS)
        if FATAL in ids:
            raise ValueError(f"a pack with {len(ids)} texts failed")
        return [np.array([[number]], np.float32) for number in ids]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold up every pack until the block ends."""
        self.gate.clear()
        try:
            yield
        finally:
            self.gate.set()


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def combiner() -> CallCombiner:
    return CallCombiner()


@pytest.fixture
def start(combiner: CallCombiner, model: Model) -> Iterator[Callable[..., Future[list[Array]]]]:
    """Start a call on a thread of its own, and wait until it computes or waits for its turn."""
    with ThreadPoolExecutor(64) as pool:

        def start(
            texts: list[TokenSequence],
            n_threads: int = 1,
            max_texts: int | None = None,
            client: Client | None = None,
            *,
            is_alone: bool = False,
        ) -> Future[list[Array]]:
            def compute() -> list[Array]:
                with calling_for(client) if client is not None else nullcontext():
                    return combiner.compute(model, texts, n_threads, max_texts, is_alone=is_alone)

            before = len(combiner._waiting)
            n_packs = len(model.packs)
            call = pool.submit(compute)
            while len(combiner._waiting) == before and len(model.packs) == n_packs:
                assert not call.done() or call.exception() is not None or call.result()
                if call.done():
                    break
            return call

        yield start


def numbers_of(call: Future[list[Array]]) -> list[int]:
    return [int(rows[0, 0]) for rows in call.result(SECONDS)]


Start = Callable[..., "Future[list[Array]]"]


def test_a_caller_that_is_alone(combiner: CallCombiner, model: Model) -> None:
    texts = texts_of(*range(10), length=MAX_TOKENS // 2)
    rows = combiner.compute(model, texts, 1)
    assert [int(row[0, 0]) for row in rows] == [*range(10)]
    assert model.packs == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    assert combiner.compute(model, [], 1) == []


def test_who_waits_is_taken_along(start: Start, model: Model) -> None:
    with model.held():
        first = start(texts_of(1))
        others = [start(texts_of(number, number + 100)) for number in range(2, 30)]
    assert numbers_of(first) == [1]
    for number, other in enumerate(others, 2):
        assert numbers_of(other) == [number, number + 100]
    assert len(model.packs) == 2
    assert len(model.packs[1]) == 2 * len(others)


def test_who_wants_to_be_alone_waits_its_turn_and_shares_no_pack(
    start: Start, model: Model
) -> None:
    with model.held():
        first = start(texts_of(1))
        second = start(texts_of(2))
        alone = start(texts_of(3, 4), is_alone=True)
        third = start(texts_of(5))
    assert [numbers_of(call) for call in (first, second, alone, third)] == [[1], [2], [3, 4], [5]]
    assert model.packs[0] == [1]
    assert [3, 4] in model.packs
    assert sorted(number for pack in model.packs for number in pack) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_a_long_list_does_not_hold_up_a_short_call(
    start: Start, model: Model, n_threads: int
) -> None:
    """It waits for the packs at hand, and is then in the next round, which has one per thread."""
    length = MAX_TOKENS // 4
    with model.held():
        long = start(texts_of(*range(400), length=length), n_threads)
        for _ in range(n_threads):
            model.started.acquire()
        short = start(texts_of(1000), n_threads)
    assert numbers_of(short) == [1000]
    assert numbers_of(long) == [*range(400)]
    (number,) = [number for number, pack in enumerate(model.packs) if 1000 in pack]
    assert n_threads <= number < 3 * n_threads
    assert len(model.packs) > 95


def test_two_long_lists_share_the_rounds(start: Start, model: Model) -> None:
    with model.held():
        calls = [start(texts_of(*range(a, a + 40), length=MAX_TOKENS // 4)) for a in (0, 100)]
    assert [numbers_of(call) for call in calls] == [[*range(40)], [*range(100, 140)]]
    assert [any(number >= 100 for number in pack) for pack in model.packs[:3]] == [0, 1, 1]
    assert [any(number < 100 for number in pack) for pack in model.packs[:3]] == [1, 1, 1]


def test_calls_with_other_options_have_packs_of_their_own(start: Start, model: Model) -> None:
    with model.held():
        calls = [start(texts_of(1, 2, 3, 4), 1)]
        calls += [start(texts_of(10, 11, 12, 13), 2), start(texts_of(20, 21), 1, max_texts=1)]
        calls += [start(texts_of(30, 31), 2)]
    expected = [[1, 2, 3, 4], [10, 11, 12, 13], [20, 21], [30, 31]]
    assert [numbers_of(call) for call in calls] == expected
    assert model.packs == [[1, 2, 3, 4], [10, 11, 12, 13, 30, 31], [20], [21]]


def test_a_long_list_does_not_hold_up_calls_with_other_options(start: Start, model: Model) -> None:
    with model.held():
        long = start(texts_of(*range(40), length=MAX_TOKENS))
        short = start(texts_of(1000), max_texts=1)
    assert numbers_of(short) == [1000]
    assert numbers_of(long) == [*range(40)]
    assert model.packs[1] == [1000]


def test_a_text_that_is_longer_than_the_share_of_its_caller(start: Start, model: Model) -> None:
    with model.held():
        calls = [start(texts_of(number, length=MAX_TOKENS)) for number in range(5)]
    assert [numbers_of(call) for call in calls] == [[number] for number in range(5)]


def test_an_error_reaches_its_own_caller_alone(start: Start, model: Model) -> None:
    with model.held():
        first = start(texts_of(1))
        good = [start(texts_of(number)) for number in range(2, 6)]
        bad, worse = start(texts_of(7, FATAL)), start(texts_of(FATAL))
        good += [start(texts_of(number)) for number in range(8, 12)]
    with pytest.raises(ValueError, match="a pack with 2 texts failed"):
        bad.result(SECONDS)
    with pytest.raises(ValueError, match="a pack with 1 texts failed"):
        worse.result(SECONDS)
    assert [numbers_of(call) for call in [first, *good]] == [
        [number] for number in (1, 2, 3, 4, 5, 8, 9, 10, 11)
    ]


def test_a_leader_that_fails_leaves_its_place(start: Start, model: Model) -> None:
    with model.held():
        bad = start(texts_of(FATAL))
        good = start(texts_of(1))
    with pytest.raises(ValueError, match="a pack with 1 texts failed"):
        bad.result(SECONDS)
    assert numbers_of(good) == [1]


def test_a_leader_that_is_interrupted(start: Start, combiner: CallCombiner, model: Model) -> None:
    """What it computed for others is computed again."""

    def interrupted(pack: Pack) -> list[Array]:
        if len(pack.starts) > 2:
            raise KeyboardInterrupt
        return model(pack)

    with ThreadPoolExecutor(2) as pool:
        with model.held():
            first = start(texts_of(1))
            second = pool.submit(combiner.compute, interrupted, texts_of(2), 1)
            while not combiner._waiting:
                pass
            third = start(texts_of(3))
        with pytest.raises(KeyboardInterrupt):
            second.result(SECONDS)
    assert [numbers_of(first), numbers_of(third)] == [[1], [3]]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no timers")
def test_a_caller_that_is_interrupted_while_it_waits(
    start: Start, combiner: CallCombiner, model: Model
) -> None:
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with model.held():
            first = start(texts_of(1))
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(KeyboardInterrupt):  # the main thread waits here
                combiner.compute(model, texts_of(2), 1)
            third = start(texts_of(3))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert [numbers_of(first), numbers_of(third)] == [[1], [3]]
    assert numbers_of(start(texts_of(4))) == [4]
    assert combiner._leader is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_while_another_thread_computes(
    start: Start, combiner: CallCombiner, model: Model
) -> None:
    with model.held():
        calls = [start(texts_of(1)), start(texts_of(2))]
        child = os.fork()
        if child == 0:
            model.gate.set()
            signal.alarm(SECONDS)
            rows = combiner.compute(lambda _: [np.array([[5]], np.float32)], texts_of(5), 1)
            os._exit(0 if rows[0][0, 0] == 5 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [numbers_of(call) for call in calls] == [[1], [2]]


def test_copies_have_no_callers(start: Start, combiner: CallCombiner, model: Model) -> None:
    with model.held():
        start(texts_of(1))
        for other in (pickle.loads(pickle.dumps(combiner)), copy.deepcopy(combiner)):
            (rows,) = other.compute(lambda _: [np.array([[5]], np.float32)], texts_of(5), 1)
            assert rows[0, 0] == 5


def test_many_callers_of_all_sizes(combiner: CallCombiner, model: Model) -> None:
    """Every caller gets its own rows, however the calls fall together."""

    def call_often(seed: int) -> None:
        draw = random.Random(seed)
        for _ in range(40):
            numbers = [draw.randrange(600) for _ in range(draw.choice([1, 1, 1, 5, 60]))]
            numbers += [FATAL] * (draw.random() < 0.05)
            texts = [text_of(number, draw.randrange(1, 100)) for number in numbers]
            n_threads, max_texts = draw.choice([(1, None), (2, None), (2, 3)])
            try:
                rows = combiner.compute(model, texts, n_threads, max_texts)
            except ValueError:
                assert FATAL in numbers
            else:
                assert [int(row[0, 0]) for row in rows] == numbers

    with ThreadPoolExecutor(16) as pool:
        for call in [pool.submit(call_often, seed) for seed in range(16)]:
            call.result(60)
    assert not combiner._waiting
    assert combiner._leader is None


class Guest:
    """A client that can leave, and that may ask for some tokens."""

    def __init__(self, most_tokens: int = 10_000) -> None:
        self.most_tokens = most_tokens
        self.left = False
        self.n_tokens = 0

    def asks_for(self, n_tokens: int) -> None:
        self.n_tokens += n_tokens
        if self.n_tokens > self.most_tokens:
            raise ValueError("too much")

    def has_left(self) -> bool:
        return self.left


def test_what_a_client_asks_for_is_counted_before_it_is_computed(
    combiner: CallCombiner, model: Model
) -> None:
    guest = Guest(100)
    with calling_for(guest):
        for _ in range(2):
            combiner.compute(model, texts_of(1, 2, length=25), 1)
        with pytest.raises(ValueError, match="too much"):
            combiner.compute(model, texts_of(1, length=1), 1)
    assert len(model.packs) == 2
    combiner.compute(model, texts_of(1), 1)  # for nobody in particular
    assert guest.n_tokens == 101


def test_what_nobody_waits_for_is_not_computed(start: Start, model: Model) -> None:
    guest = Guest()
    with model.held():
        first = start(texts_of(1))
        of_guest = start(texts_of(100, 101), client=guest)
        second = start(texts_of(2))
        guest.left = True
    with pytest.raises(ClientLeftError):
        of_guest.result(SECONDS)
    assert [numbers_of(call) for call in (first, second)] == [[1], [2]]
    assert model.packs == [[1], [2]]


def test_a_leader_without_a_client_leaves_its_place(start: Start, model: Model) -> None:
    guest = Guest()
    with model.held():
        of_guest = start(texts_of(100, 101, length=MAX_TOKENS), client=guest)
        other = start(texts_of(2))
        guest.left = True
    with pytest.raises(ClientLeftError):
        of_guest.result(SECONDS)
    assert numbers_of(other) == [2]
    assert model.packs == [[100], [2]]


def test_a_long_call_stops_when_its_client_leaves(combiner: CallCombiner, model: Model) -> None:
    guest = Guest(20 * MAX_TOKENS)

    def leave_after_three(pack: Pack) -> list[Array]:
        guest.left = len(model.packs) == 2
        return model(pack)

    with calling_for(guest), pytest.raises(ClientLeftError):
        combiner.compute(leave_after_three, texts_of(*range(20), length=MAX_TOKENS), 1)
    assert len(model.packs) == 3
    assert combiner._leader is None
    assert len(combiner.compute(model, texts_of(1), 1)) == 1


def test_callers_go_on_one_after_the_other(combiner: CallCombiner) -> None:
    requests: list[_Request[Array]] = [
        _Request(texts_of(*range(n)), _Settings(1, None), is_alone=False) for n in (0, 1, 0)
    ]
    first, half, last = requests
    combiner._give_back([first, half, last])
    assert [one.turn.locked() for one in (first, half, last)] == [False, True, True]
    assert [*combiner._waiting] == [half]
    combiner._leave(first)
    assert [one.turn.locked() for one in (half, last)] == [True, False]
    combiner._leave(last)
    assert half.turn.locked()
