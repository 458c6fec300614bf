"""What the service counts, for Prometheus."""

from __future__ import annotations

import os
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from npbert.distilbert.model import Pack

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
# Where several processes serve, each writes its numbers into a folder, and each of them can tell
# the sums. prometheus_client finds the folder by this variable.
SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_TOKENS: Final = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
_TEXTS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The counters of one process.

    Attributes
    ----------
    requests : Counter
        The requests that were answered, by path, method and status.
    seconds : Histogram
        How long they took, by path.
    inside : Gauge
        The requests that are in the service now: those that wait and those that are computed.
    left : Counter
        The clients that left before there was an answer.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "npbert_requests",
            "Requests that were answered",
            ["method", "path", "status"],
            registry=self._registry,
        )
        self.seconds = Histogram(
            "npbert_request_duration_seconds",
            "Time from the head of a request to the end of its answer",
            ["path"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.inside = Gauge(
            "npbert_requests_inside",
            "Requests that wait or are computed",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self.left = Counter(
            "npbert_clients_left",
            "Clients that left before there was an answer",
            registry=self._registry,
        )
        self._texts = Histogram(
            "npbert_pack_texts", "Texts in a pack", buckets=_TEXTS, registry=self._registry
        )
        self._tokens = Histogram(
            "npbert_pack_tokens", "Tokens in a pack", buckets=_TOKENS, registry=self._registry
        )

    def watch_pack(self, pack: Pack) -> None:
        """Take note of a pack that was computed."""
        self._texts.observe(len(pack.starts) - 1)
        self._tokens.observe(len(pack.input_ids))

    def exposition(self) -> bytes:
        """Return all numbers in the text format of Prometheus."""
        if SHARED_FOLDER not in os.environ:
            return generate_latest(self._registry)
        of_all = CollectorRegistry()
        multiprocess.MultiProcessCollector(of_all)  # type: ignore[no-untyped-call]
        return generate_latest(of_all)
