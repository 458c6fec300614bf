"""Time `npbert classify` on csv files, and the workers of a cluster.

The report says what a file costs beside a list, how many rows per second a long file reaches,
whether memory grows with the file, and what one worker and four workers of a cluster do. The rows
are the 872 sentences of the SST-2 dev set over and over, beside a column of numbers. Every figure
comes from processes of their own.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import tempfile
from collections.abc import Iterator
from itertools import chain, cycle, islice
from pathlib import Path

from bench.material import MINI, Work, reviews, sentences
from bench.measure import Engine, Host, clean_environment, processor, shared_memory

N_WORKERS = 4


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark to its command."""
    for name, default, what in (
        ("--rows", 50_000, "rows of the long file"),
        ("--few-rows", 10_000, "rows of the short file"),
        ("--list-rows", 20_000, "rows of the file and of the list that are compared"),
        ("--rounds", 3, "rounds in which the file and the list are compared"),
    ):
        parser.add_argument(name, type=int, default=default, help=f"{what} (default: %(default)s)")


def report(options: argparse.Namespace) -> None:
    """Measure everything, and print the report while the figures come in."""
    mini = Host(MINI, options.threads, clean_environment())
    base = mini._replace(folder=options.folder)
    print(f"{processor()}, {options.threads} threads", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for line in chain(
            list_beside_file(folder, options.list_rows, options.rounds, mini),
            long_file(folder, options.few_rows, options.rows, mini),
            workers(mini, base),
        ):
            print(line, flush=True)


def write_csv(path: Path, n_rows: int) -> Path:
    """Write a csv file of `n_rows` rows; return its path."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows(enumerate(islice(cycle(sentences()), n_rows)))
    return path


def list_beside_file(folder: Path, n_rows: int, n_rounds: int, host: Host) -> Iterator[str]:
    """Compare a file with the list of its texts: the difference is reading, writing, progress.

    The time of the file includes the loading of the model; that of the list does not.
    """
    texts = list(islice(cycle(sentences()), n_rows))
    path = write_csv(folder / "list.csv", n_rows)
    few = write_csv(folder / "warm-up.csv", 100)
    ratios = []
    with Engine("npbert", host) as of_list, Engine("npbert file", host) as of_file:
        of_list.label(Work("warm-up", texts[:100]))
        of_file.label(Work("warm-up", [str(few)]))
        for _ in range(n_rounds):
            list_s = of_list.label(Work("list", texts))["elapsed_s"]
            file_s = of_file.label(Work("file", [str(path)]))["elapsed_s"]
            ratios.append(file_s / list_s)
    yield (
        f"a csv file of {n_rows:,} rows takes {statistics.median(ratios):.3f} times as long as "
        f"classify on the list of its texts ({min(ratios):.3f} to {max(ratios):.3f} in {n_rounds} "
        "rounds)"
    )


def long_file(folder: Path, n_few: int, n_rows: int, host: Host) -> Iterator[str]:
    """Measure a short and a long file: the rows per second, and how memory grows."""
    peaks = {}
    for n in (n_few, n_rows):
        path = write_csv(folder / "rows.csv", n)
        with Engine("npbert file", host) as engine:
            reply = engine.label(Work("file", [str(path)]))
        peaks[n] = reply["peak_rss_kib"] / 1024
        yield (
            f"{n:,} rows of csv with mini: {n / reply['elapsed_s']:,.0f} rows per second, peak "
            f"memory (RSS) {peaks[n]:.0f} MiB"
        )
    growth = peaks[n_rows] - peaks[n_few]
    yield f"peak memory of {n_rows:,} rows, less that of {n_few:,} rows: {growth:+.1f} MiB"


def workers(mini: Host, base: Host) -> Iterator[str]:
    """Measure one worker of a cluster on one processor, and the memory of four on one host."""
    long = reviews(None, 100)
    tried = {"mini": (mini, sentences(), long), "base size": (base, sentences()[::4], long[::5])}
    for name, (host, *groups) in tried.items():
        with Engine("npbert worker", host._replace(n_threads=1)) as engine:
            engine.label(Work("warm-up", ["A film."]))
            for what, texts in zip(("sentences", "long reviews"), groups, strict=True):
                elapsed_s = engine.label(Work(what, texts))["elapsed_s"]
                rate = len(texts) / elapsed_s
                yield f"one worker, one thread, {name}: {rate:,.1f} {what} per second"
    for name, host in (("base size, float32", base), ("mini, float16", mini)):
        work = Work("share", sentences()[:200])
        memory = shared_memory(N_WORKERS, work, host._replace(n_threads=1), "npbert worker")
        share = memory.pss / memory.rss / N_WORKERS
        yield (
            f"{N_WORKERS} workers that share one model of {name}: {memory.pss:.0f} MiB in all (sum "
            f"of PSS), {share:.0%} of {N_WORKERS} times the {memory.rss:.0f} MiB that one worker "
            f"seems to have (RSS); {memory.uss:.0f} MiB are its own (USS)"
        )
