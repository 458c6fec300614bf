"""The measurements of bench.py: engines in processes of their own, side by side."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple, Self

from bench_material import Work

OURS, LIMIT = "npbert", "products"  # LIMIT: the matrix products of npbert and nothing else
PEERS = ("transformers", "torch", "onnxruntime", "openvino")
PRODUCT_GFLOP = 2 * 3072 * 768 * 1024 / 1e9
SCORE_TOLERANCE = 1e-4
MIB = 1 << 20

# Threads of OpenBLAS and OpenMP wait for more work in a busy loop before they sleep: without a
# pause, the engine before costs the next one half of its speed on short texts.
PAUSE_S = 0.2


class Way(NamedTuple):
    """An engine, with one way of batching."""

    engine: str
    batch_size: int = 1
    sort: bool = False


class Host(NamedTuple):
    """Where engines run."""

    folder: Path  # of the model
    n_threads: int
    environment: dict[str, str]


@dataclass
class Engine:
    """A process that runs one engine of bench_engines.py."""

    name: str
    host: Host

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [
                sys.executable,
                str(Path(__file__).with_name("bench_engines.py")),
                self.name,
                str(self.host.folder),
                str(self.host.n_threads),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self.host.environment,
        )
        self._is_ready = False
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def label(self, work: Work, way: Way | None = None) -> dict[str, Any]:
        """Seconds for all texts, their scores, and the process's peak memory."""
        way = way or Way(self.name)
        if not self._is_ready:
            self._answer()
            self._is_ready = True
        request = {
            "texts": work.texts,
            "batch_size": way.batch_size,
            "sort": way.sort,
            "repeat": work.repeat,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = self._answer()
        return answer

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"an engine ended: {self._process.args!r}; run that to see why")
        return json.loads(line)


# ----------------------------------------------------------------------------------- speed


class Timing(NamedTuple):
    """How long one way of labelling took, round by round."""

    work: str
    way: Way
    best_size: bool  # is its batch size the best of this engine in this order?
    text_seconds: list[float]

    @property
    def median(self) -> float:
        """Seconds a text."""
        return statistics.median(self.text_seconds)

    @property
    def spread(self) -> float:
        """From the fastest round to the slowest, as a share of the median."""
        return (max(self.text_seconds) - min(self.text_seconds)) / self.median


def time_work(engines: dict[str, Engine], work: Work, n_rounds: int) -> list[Timing]:
    """Every engine at its best batch size in each order; onnxruntime also at batches of 32."""
    ways = dict.fromkeys(_best_ways(engines, work), True)
    if 32 in work.batch_sizes and "onnxruntime" in engines:
        ways.setdefault(Way("onnxruntime", 32, sort=False), False)
    times: dict[Way, list[float]] = {way: [] for way in ways}
    for round_number in range(n_rounds + 1):
        expected = engines[OURS].label(work._replace(repeat=1))["scores"]
        for way in ways:
            time.sleep(PAUSE_S)
            answer = engines[way.engine].label(work, way)
            check_scores(way, answer["scores"], expected)
            if round_number > 0:  # the first is for warmth
                times[way].append(answer["elapsed_s"] / len(work.texts) / work.repeat)
    return [Timing(work.name, way, ways[way], seconds) for way, seconds in times.items()]


def _best_ways(engines: dict[str, Engine], work: Work) -> Iterable[Way]:
    """The fastest batch size of every engine in each order, found on a quarter of the texts."""
    sample = work._replace(texts=work.texts[::4], repeat=1)
    for name, engine in engines.items():
        if name not in PEERS or len(work.texts) == 1:
            yield Way(name)
            continue
        # The pipeline of transformers cannot sort; a bare model's user can.
        orders = {"transformers": (False,), "torch": (True,)}.get(name, (False, True))
        for sort in orders:
            tried = [Way(name, size, sort) for size in work.batch_sizes]
            time.sleep(PAUSE_S)
            engine.label(sample, tried[0])
            yield min(tried, key=lambda way: float(engine.label(sample, way)["elapsed_s"]))


def check_scores(way: Way, scores: list[float], expected: list[float]) -> None:
    """Refuse to time engines that compute different things."""
    if way.engine == LIMIT:
        return
    worst = max(abs(a - b) for a, b in zip(scores, expected, strict=True))
    if worst > SCORE_TOLERANCE:
        raise SystemExit(f"{way} gives other scores than npbert, by {worst:.1e}")


def product_rates(host: Host, n_rounds: int) -> dict[str, float]:
    """GFLOP/s of one large matrix product, for numpy and torch."""
    seconds: dict[str, list[float]] = {"numpy": [], "torch": []}
    with ExitStack() as stack:
        engines = {n: stack.enter_context(Engine(f"{n} product", host)) for n in seconds}
        for _ in range(n_rounds + 1):
            for name, engine in engines.items():
                time.sleep(PAUSE_S)
                answer = engine.label(Work("product", [], repeat=40))
                seconds[name].append(answer["elapsed_s"] / 40)
    return {n: PRODUCT_GFLOP / statistics.median(rounds[1:]) for n, rounds in seconds.items()}


class Process(NamedTuple):
    """What whole processes of one engine took."""

    start_seconds: list[float]  # to the first label, round by round
    peak_rss_mib: float  # of one that labelled all texts


def time_processes(ways: Iterable[Way], work: Work, host: Host, n_rounds: int) -> list[Process]:
    """From the start of a process to its first label, then its memory after labelling `work`."""
    processes: list[Process] = []
    for way in ways:
        seconds = []
        for _ in range(n_rounds):
            started = time.perf_counter()
            with Engine(way.engine, host) as engine:
                engine.label(Work("start", ["A film to remember."]))
                seconds.append(time.perf_counter() - started)
                if len(seconds) == n_rounds:
                    peak_rss_kib = engine.label(work, way)["peak_rss_kib"]
        processes.append(Process(seconds, peak_rss_kib / 1024))
    return processes


def fastest_ways(timings: list[Timing], work: Work) -> dict[str, Way]:
    """The way in which each engine labelled `work` in the least time."""
    done = sorted((t for t in timings if t.work == work.name), key=lambda timing: -timing.median)
    return {timing.way.engine: timing.way for timing in done if timing.way.engine != LIMIT}


# ---------------------------------------------------------------------------------- memory


class SharedMemory(NamedTuple):
    """MiB of processes that share one model."""

    pss: float  # of all: what is shared is counted once
    rss: float  # of one: what it seems to have
    uss: float  # of one: what it has alone


def shared_memory(
    n_processes: int, work: Work, host: Host, engine_name: str = OURS
) -> SharedMemory:
    """Memory of processes after each has labelled `work`."""
    import psutil

    with ExitStack() as stack:
        engines = [stack.enter_context(Engine(engine_name, host)) for _ in range(n_processes)]
        for engine in engines:
            engine.label(work)
        memory = [psutil.Process(engine.pid).memory_full_info() for engine in engines]
    pss = sum(m.pss for m in memory)
    return SharedMemory(pss / MIB, memory[0].rss / MIB, memory[0].uss / MIB)


def stream_memory(texts: list[str], n_times: int, host: Host) -> float:
    """MiB: the most private memory (USS) while a stream of `texts`, n times, is labelled."""
    import psutil

    with Engine("npbert stream", host) as engine:
        engine.label(Work("warmth", texts[:8]))
        process = psutil.Process(engine.pid)
        work, way = Work("stream", texts), Way("npbert stream", batch_size=n_times)
        labelling = threading.Thread(target=engine.label, args=(work, way))
        labelling.start()
        most = 0.0
        while labelling.is_alive():
            most = max(most, process.memory_full_info().uss / MIB)
            labelling.join(0.05)
    return most


def installed_mib(*roots: str) -> float:
    """Size of the files of some distributions and of all that they need."""
    seen: set[str] = set()
    waiting = list(roots)
    n_bytes = 0
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:  # for another system, or an extra
            continue
        if name == "npbert":  # perhaps installed from a checkout, without its files
            package = Path(__file__).parents[1] / "npbert"
            n_bytes += sum(path.stat().st_size for path in package.rglob("*") if path.is_file())
        paths = (Path(str(found.locate_file(file))) for file in found.files or ())
        n_bytes += sum(path.stat().st_size for path in paths if path.is_file())
        for requirement in found.requires or ():
            if "extra ==" not in requirement:
                waiting.append(re.split(r"[ ;<>=!~\[(]", requirement, maxsplit=1)[0])
    return n_bytes / MIB
