"""Time calls of one text from several threads, as a web framework makes them.

One pipeline is called by 1, 2, 8 and 32 threads, with one sentence of SST-2 per call. This is done
on the host as it is, and then beside processes that keep its processors busy. npbert and
transformers take turns within a round, and the first round does not count. The processor time of
a text is that of all threads of the process.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from bench.material import Work, sentences
from bench.measure import (
    OURS,
    PAUSE_S,
    Engine,
    Host,
    Way,
    check_scores,
    clean_environment,
    processor,
)

PEER = "transformers"
N_CALLERS = (1, 2, 8, 32)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark to its command."""
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: %(default)s)")
    parser.add_argument(
        "--texts", type=int, default=64, help="texts per round (default: %(default)s)"
    )
    parser.add_argument(
        "--busy", type=int, default=2, help="busy processes beside (default: %(default)s)"
    )


def report(options: argparse.Namespace) -> None:
    """Measure, and print a table of rates and ratios."""
    host = Host(options.folder, options.threads, clean_environment())
    texts = sentences()[: options.texts]
    print(f"{processor()}, {options.threads} threads, {len(texts)} texts, {options.rounds} rounds")
    print(
        "| busy processes | callers | npbert texts/s | transformers texts/s | ratio | "
        "npbert CPU ms/text | transformers CPU ms/text |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with ExitStack() as stack:
        engines = [stack.enter_context(Engine(name, host)) for name in (OURS, PEER)]
        for n_busy in (0, options.busy):
            with busy_processes(n_busy):
                for n_callers in N_CALLERS:
                    ours, theirs = time_callers(engines, texts, n_callers, options.rounds)
                    row = (
                        *(f"{n_busy}", f"{n_callers}", f"{ours.rate:.1f}", f"{theirs.rate:.1f}"),
                        *(f"{ours.rate / theirs.rate:.2f}", f"{ours.cpu_ms:.0f}"),
                        f"{theirs.cpu_ms:.0f}",
                    )
                    print(f"| {' | '.join(row)} |", flush=True)


class Calls:
    """The figures of one engine: the rates and the processor times of the rounds."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.cpu_times_ms: list[float] = []

    @property
    def rate(self) -> float:
        """The texts per second of the middle round."""
        return statistics.median(self.rates)

    @property
    def cpu_ms(self) -> float:
        """The processor time per text of the middle round, in milliseconds."""
        return statistics.median(self.cpu_times_ms)


def time_callers(
    engines: Sequence[Engine], texts: list[str], n_callers: int, n_rounds: int
) -> list[Calls]:
    """Time all engines in turns."""
    work = Work("callers", texts, callers=n_callers)
    calls = [Calls() for _ in engines]
    for round_number in range(n_rounds + 1):
        expected: list[float] = []
        for engine, of_engine in zip(engines, calls, strict=True):
            time.sleep(PAUSE_S)
            reply = engine.label(work)
            expected = expected or reply["scores"]
            check_scores(Way(engine.name), reply["scores"], expected)
            if round_number > 0:
                of_engine.rates.append(len(texts) / reply["elapsed_s"])
                of_engine.cpu_times_ms.append(reply["cpu_s"] / len(texts) * 1000)
    return calls


@contextmanager
def busy_processes(n_processes: int) -> Iterator[None]:
    """Keep so many processors busy."""
    command = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _ in range(n_processes)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
