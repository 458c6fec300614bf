"""What the benchmarks measure: engines in processes of their own, side by side."""

from __future__ import annotations

import json
import math
import os
import platform
import re
import shlex
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple, Self

from bench.engines import PRODUCT, Reply, Request
from bench.material import CHECKOUT, Work

OURS = "npbert"
LIMIT = "products"  # the matrix products of npbert and nothing else
PEERS = ("transformers", "torch", "onnxruntime", "openvino")
PRODUCT_GFLOP = 2 * math.prod(PRODUCT) / 1e9
# The first two change the BLAS kernel. With the third one, Python compiles the modules of a
# checkout at every start, but not those of installed packages.
SETTINGS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE")
SCORE_TOLERANCE = 1e-4
MIB = 1 << 20

# The threads of OpenBLAS and OpenMP wait for more work in a busy loop before they sleep. Without
# a pause, the threads of one engine cost the next engine half of its speed on short texts.
PAUSE_S = 0.2


class Way(NamedTuple):
    """An engine, with one way of batching."""

    engine: str
    batch_size: int = 1
    sort: bool = False


class Host(NamedTuple):
    """What all engines of a comparison share."""

    folder: Path  # of the model
    n_threads: int
    environment: dict[str, str]


def clean_environment() -> dict[str, str]:
    """Return the environment without the settings that change the speed of the engines."""
    settings = [name for name in SETTINGS if name in os.environ]
    if settings:
        print(f"{' and '.join(settings)} unset for every engine", file=sys.stderr)
    return {name: value for name, value in os.environ.items() if name not in settings}


def processor() -> str:
    """Return the name of the processor, as far as the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    wide = " with AVX-512" if "avx512f" in flags else " with AVX2" if "avx2" in flags else ""
    return (names[0] if names else platform.machine()) + wide


@dataclass
class Engine:
    """A process that runs one engine of engines.py."""

    name: str
    host: Host

    def __enter__(self) -> Self:
        self._command = [
            sys.executable,
            str(Path(__file__).with_name("engines.py")),
            self.name,
            str(self.host.folder),
            str(self.host.n_threads),
        ]
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            env=self.host.environment,
        )
        self._is_ready = False
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def label(self, work: Work, way: Way | None = None) -> Reply:
        """Label the texts of `work`; return their scores, the time, and the peak memory."""
        way = way or Way(self.name)
        if not self._is_ready:
            self._read_line()
            self._is_ready = True
        request: Request = {
            "texts": work.texts,
            "batch_size": way.batch_size,
            "sort": way.sort,
            "repeat": work.repeat,
            "callers": work.callers,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        reply: Reply = json.loads(self._read_line())
        return reply

    def _read_line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(
                f"an engine ended before it replied; run it by hand to see why: "
                f"{shlex.join(self._command)}"
            )
        return line


# ----------------------------------------------------------------------------------- speed


class Timing(NamedTuple):
    """How long one way of labelling took in each round."""

    work: str
    way: Way
    best_size: bool  # is its batch size the best of this engine in this order?
    text_seconds: list[float]  # seconds per text, one figure per round

    @property
    def median(self) -> float:
        """The seconds per text of the middle round."""
        return statistics.median(self.text_seconds)

    @property
    def spread(self) -> float:
        """The difference between the slowest and the fastest round, as a share of the median."""
        return (max(self.text_seconds) - min(self.text_seconds)) / self.median


def time_work(engines: dict[str, Engine], work: Work, n_rounds: int) -> list[Timing]:
    """Time every engine at its best batch size in each order, and onnxruntime also at 32.

    The engines take turns in every round, and the first round does not count.
    """
    ways = dict.fromkeys(_best_ways(engines, work), True)
    if 32 in work.batch_sizes and "onnxruntime" in engines:
        ways.setdefault(Way("onnxruntime", 32, sort=False), False)
    times: dict[Way, list[float]] = {way: [] for way in ways}
    for round_number in range(n_rounds + 1):
        expected = engines[OURS].label(work._replace(repeat=1))["scores"]
        for way in ways:
            time.sleep(PAUSE_S)
            reply = engines[way.engine].label(work, way)
            check_scores(way, reply["scores"], expected)
            if round_number > 0:  # the first round warms the caches
                times[way].append(reply["elapsed_s"] / len(work.texts) / work.repeat)
    return [Timing(work.name, way, ways[way], seconds) for way, seconds in times.items()]


def _best_ways(engines: dict[str, Engine], work: Work) -> Iterator[Way]:
    """Yield every engine with its fastest batch size in each order, tried on every fourth text."""
    sample = work._replace(texts=work.texts[::4], repeat=1)
    for name, engine in engines.items():
        if name not in PEERS or len(work.texts) == 1:
            yield Way(name)
            continue
        # The pipeline of transformers cannot sort, but a user of the bare model can.
        orders = {"transformers": (False,), "torch": (True,)}.get(name, (False, True))
        for sort in orders:
            tried = [Way(name, size, sort) for size in work.batch_sizes]
            time.sleep(PAUSE_S)
            engine.label(sample, tried[0])
            yield min(tried, key=lambda way: engine.label(sample, way)["elapsed_s"])


def check_scores(way: Way, scores: list[float], expected: list[float]) -> None:
    """Raise a SystemExit if an engine gives other scores than npbert: then times mean nothing."""
    if way.engine == LIMIT:
        return
    worst = max(abs(a - b) for a, b in zip(scores, expected, strict=True))
    if worst > SCORE_TOLERANCE:
        raise SystemExit(
            f"{way}: the scores differ from those of npbert by up to {worst:.1e}, "
            f"expected at most {SCORE_TOLERANCE:.0e}"
        )


def product_rates(host: Host, n_rounds: int) -> dict[str, float]:
    """Return the GFLOP/s that numpy and torch reach in one large matrix product."""
    seconds: dict[str, list[float]] = {"numpy": [], "torch": []}
    with ExitStack() as stack:
        engines = {n: stack.enter_context(Engine(f"{n} product", host)) for n in seconds}
        for _ in range(n_rounds + 1):
            for name, engine in engines.items():
                time.sleep(PAUSE_S)
                reply = engine.label(Work("product", [], repeat=40))
                seconds[name].append(reply["elapsed_s"] / 40)
    return {n: PRODUCT_GFLOP / statistics.median(rounds[1:]) for n, rounds in seconds.items()}


class Process(NamedTuple):
    """The time and the memory of whole processes of one engine."""

    start_seconds: list[float]  # from the start to the first label, one figure per round
    peak_rss_mib: float  # of a process that labelled all texts


def time_processes(ways: Iterable[Way], work: Work, host: Host, n_rounds: int) -> list[Process]:
    """Time processes from their start to their first label; in the last round, label `work` too."""
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
    """Return the way in which each engine labelled `work` in the least time."""
    done = sorted((t for t in timings if t.work == work.name), key=lambda timing: -timing.median)
    return {timing.way.engine: timing.way for timing in done if timing.way.engine != LIMIT}


# ---------------------------------------------------------------------------------- memory


class SharedMemory(NamedTuple):
    """Memory of processes that share one model, in MiB."""

    pss: float  # of all processes together: shared memory is counted once
    rss: float  # of one process: what it seems to have
    uss: float  # of one process: what it shares with no other process


def shared_memory(
    n_processes: int, work: Work, host: Host, engine_name: str = OURS
) -> SharedMemory:
    """Return the memory of `n_processes` processes after each of them has labelled `work`."""
    import psutil

    with ExitStack() as stack:
        engines = [stack.enter_context(Engine(engine_name, host)) for _ in range(n_processes)]
        for engine in engines:
            engine.label(work)
        memory = [psutil.Process(engine.pid).memory_full_info() for engine in engines]
    pss = sum(m.pss for m in memory)
    return SharedMemory(pss / MIB, memory[0].rss / MIB, memory[0].uss / MIB)


def stream_memory(texts: list[str], n_times: int, host: Host) -> float:
    """Return the most private memory (USS, in MiB) while `texts` are labelled `n_times` over."""
    import psutil

    with Engine("npbert stream", host) as engine:
        engine.label(Work("warm-up", texts[:8]))
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
    """Return the size in MiB of some packages and of all packages that they need."""
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
        except PackageNotFoundError:  # needed on another system only, or by an extra
            continue
        if name == "npbert":  # an editable installation does not list its files
            package = CHECKOUT / "npbert"
            n_bytes += sum(path.stat().st_size for path in package.rglob("*") if path.is_file())
        paths = (Path(str(found.locate_file(file))) for file in found.files or ())
        n_bytes += sum(path.stat().st_size for path in paths if path.is_file())
        for requirement in found.requires or ():
            if "extra ==" not in requirement:
                waiting.append(re.split(r"[ ;<>=!~\[(]", requirement, maxsplit=1)[0])
    return n_bytes / MIB
