"""Many clients at once: packed together, refused, or dropped when they leave."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

import npbert
from npbert.distilbert.model import Pack
from npbert.serve.service import Service
from npbert.serve.settings import Limits, Settings
from tests.support.http_service import (
    SECONDS,
    Answer,
    Running,
    raw_request,
    running,
    wait_until,
)

INSIDE = "npbert_requests_inside"


class Brake:
    """Holds up every pack, on the thread that computes it, and notes how many texts it has."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self._gate = threading.Event()
        self._gate.set()

    def __call__(self, pack: Pack) -> None:
        self.sizes.append(len(pack.starts) - 1)
        assert self._gate.wait(SECONDS)

    @contextmanager
    def held(self) -> Iterator[None]:
        self._gate.clear()
        try:
            yield
        finally:
            self._gate.set()


@pytest.fixture
def brake() -> Brake:
    return Brake()


@pytest.fixture
def service(brake: Brake) -> Iterator[Running]:
    """A service that takes eight requests at a time, with a brake."""
    limits = Limits(max_concurrent_requests=8, receive_timeout=1)
    loaded = Service(Settings(model="mini", limits=limits))
    with running(loaded) as served:
        watch = loaded.pipeline.pack_watcher
        assert watch is not None

        def watch_and_brake(pack: Pack) -> None:
            watch(pack)
            brake(pack)

        loaded.pipeline.pack_watcher = watch_and_brake
        yield served


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as pool:
        yield pool


def start(pool: ThreadPoolExecutor, service: Running, text: Any) -> Future[Answer]:
    """Send a request, and wait until it is in the service."""
    before = service.metric(INSIDE)
    call = pool.submit(service.post, "/predict", {"inputs": text})
    wait_until(lambda: call.done() or service.metric(INSIDE) > before)
    time.sleep(0.05)  # from there to the queue of the pipeline
    return call


def test_who_waits_is_packed_together(
    service: Running, brake: Brake, pool: ThreadPoolExecutor
) -> None:
    texts = [f"{'very ' * number}good" for number in range(8)]
    with brake.held():
        calls = [start(pool, service, text) for text in texts]
    expected = npbert.classify(texts, model="mini")
    for call, one in zip(calls, expected, strict=True):
        best = call.result(SECONDS).json[0]
        assert best["label"] == one["label"]
        assert best["score"] == pytest.approx(one["score"], abs=1e-6)
    assert brake.sizes[0] == 1
    assert sum(brake.sizes) == 8
    assert len(brake.sizes) <= 3  # two packs, on two threads, for the seven that waited


def test_what_looks_into_the_model_waits_in_the_same_queue(
    service: Running, brake: Brake, pool: ThreadPoolExecutor
) -> None:
    bodies: dict[str, Any] = {
        "/attention": {"inputs": "good", "parameters": {"layer": 0, "head": 0}},
        "/what-if": {"inputs": "good", "changes": {"positions": False}},
    }
    with brake.held():
        first = start(pool, service, "good")
        calls = [pool.submit(service.post, path, body) for path, body in bodies.items()]
        wait_until(lambda: service.metric(INSIDE) == 3)
        time.sleep(0.1)
        assert not any(call.done() for call in calls)
        assert brake.sizes == [1]
    assert [call.result(SECONDS).status for call in [first, *calls]] == [200, 200, 200]
    assert sum(brake.sizes) == 4  # "what if" reads the text twice


def test_one_request_too_many(service: Running, brake: Brake, pool: ThreadPoolExecutor) -> None:
    with brake.held():
        calls = [start(pool, service, f"text {number}") for number in range(8)]
        refused = service.post("/predict", {"inputs": "one more"})
        assert (refused.status, refused.json["error_type"]) == (429, "Overloaded")
        assert refused.headers["retry-after"] == "1"
        assert refused.error.startswith("8 requests are in the service already")
        assert service.get("/health").status == 200
    assert [call.result(SECONDS).status for call in calls] == [200] * 8
    assert service.post("/predict", {"inputs": "one more"}).status == 200


def test_health_at_full_load(service: Running, pool: ThreadPoolExecutor) -> None:
    """The event loop does not compute. Here are long texts, which are tokenized for long, too."""
    texts = [[f"{number} good bad " * 100] for number in range(8)]
    calls = [pool.submit(service.post, "/predict", {"inputs": texts}) for _ in range(3)]
    times = []
    while not all(call.done() for call in calls):
        began = time.perf_counter()
        assert service.get("/health").status == 200
        times.append(time.perf_counter() - began)
        time.sleep(0.02)
    assert all(call.result().status == 200 for call in calls)
    assert len(times) > 10
    assert sorted(times)[len(times) // 2] < 0.1


def test_a_client_that_leaves_is_dropped(
    service: Running, brake: Brake, pool: ThreadPoolExecutor
) -> None:
    left = "npbert_clients_left_total"
    before = service.metric(left)
    with brake.held():
        first = start(pool, service, "good")
        with service.connect() as connection:
            body = json.dumps({"inputs": [["never computed"], ["this neither"]]}).encode()
            connection.sendall(raw_request("/predict", body))
            wait_until(lambda: service.metric(INSIDE) == 2)
            time.sleep(0.05)
        last = start(pool, service, "bad")
        time.sleep(0.1)
    assert first.result(SECONDS).json[0]["label"] == "POSITIVE"
    assert last.result(SECONDS).json[0]["label"] == "NEGATIVE"
    wait_until(lambda: service.metric(left) == before + 1)
    assert sum(brake.sizes) == 2
    wait_until(lambda: service.metric(INSIDE) == 0)


def test_a_client_that_leaves_in_the_middle_of_an_explanation(
    service: Running, brake: Brake
) -> None:
    """An explanation makes several calls; none is made for a client that has left."""
    with service.connect() as connection, brake.held():
        connection.sendall(raw_request("/explain", b'{"inputs": "not bad at all"}'))
        wait_until(lambda: brake.sizes)
        connection.close()
        time.sleep(0.2)
    wait_until(lambda: service.metric(INSIDE) == 0)
    assert sum(brake.sizes) <= 6  # the text, and without each of its four words; but no pairs


def test_a_bad_text_fails_alone(service: Running, brake: Brake, pool: ThreadPoolExecutor) -> None:
    with brake.held():
        first = start(pool, service, "good")
        bad = start(pool, service, "good " * 600)
        last = start(pool, service, "bad")
    assert bad.result(SECONDS).status == 413
    assert [call.result(SECONDS).status for call in (first, last)] == [200, 200]


def test_the_end_finishes_what_was_taken(
    service: Running, brake: Brake, pool: ThreadPoolExecutor
) -> None:
    with brake.held():
        calls = [start(pool, service, text) for text in ("good", "bad")]
        service.server.should_exit = True
        wait_until(lambda: not _is_listening(service))
    assert [call.result(SECONDS).status for call in calls] == [200, 200]
    assert all(call.result().headers["connection"] == "close" for call in calls)


def _is_listening(service: Running) -> bool:
    try:
        service.connect().close()
    except OSError:
        return False
    return True
