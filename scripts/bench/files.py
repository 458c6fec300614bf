"""Time `npbert classify` on files, and workers of a cluster: rows a second, memory, overhead.

    pip install -e '.[test]'
    python scripts/bench_files.py
    python scripts/bench_files.py --rows 1000000

The rows are the 872 sentences of SST-2 dev, again and again, in a csv file with a column of
numbers.  Every figure comes from processes of their own.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import tempfile
from collections.abc import Iterator
from itertools import chain, cycle, islice
from pathlib import Path

from bench import MINI, clean_environment, processor
from bench_material import CHECKOUT, Work, make_folder, reviews, sentences
from bench_measure import Engine, Host, shared_memory

from npbert.distilbert.threads import available_cpus

N_WORKERS = 4


def main(argv: list[str] | None = None) -> None:
    """Measure everything and print a report."""
    parser = argparse.ArgumentParser(description="Time npbert on files.")
    parser.add_argument("--rows", type=int, default=50_000, help="of the long file")
    parser.add_argument("--few-rows", type=int, default=10_000, help="of the short file")
    parser.add_argument("--rounds", type=int, default=3, help="of list beside file")
    parser.add_argument("--list-rows", type=int, default=20_000, help="of list beside file")
    parser.add_argument("--threads", type=int, default=available_cpus())
    parser.add_argument(
        "--folder",
        type=Path,
        default=CHECKOUT / "build" / "bench",
        help="model of base size for the workers; made if it is not there",
    )
    options = parser.parse_args(argv)
    if not (options.folder / "tokenizer.json").exists():
        make_folder(options.folder)
    mini = Host(MINI, options.threads, clean_environment())
    base = mini._replace(folder=options.folder)
    print(f"{processor()}, {options.threads} threads", flush=True)
    with tempfile.TemporaryDirectory() as place:
        for line in chain(
            list_beside_file(Path(place), options.list_rows, options.rounds, mini),
            long_file(Path(place), options.few_rows, options.rows, mini),
            workers(mini, base),
        ):
            print(line, flush=True)


def write_csv(path: Path, n_rows: int) -> Path:
    """A file of so many rows."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows(enumerate(islice(cycle(sentences()), n_rows)))
    return path


def list_beside_file(place: Path, n_rows: int, n_rounds: int, host: Host) -> Iterator[str]:
    """What reading, writing and checkpoints cost: the model's loading is in the file's time."""
    texts = list(islice(cycle(sentences()), n_rows))
    path = write_csv(place / "list.csv", n_rows)
    few = write_csv(place / "warmth.csv", 100)
    ratios = []
    with Engine("npbert", host) as of_list, Engine("npbert file", host) as of_file:
        of_list.label(Work("warmth", texts[:100]))
        of_file.label(Work("warmth", [str(few)]))
        for _ in range(n_rounds):
            list_s = of_list.label(Work("list", texts))["elapsed_s"]
            file_s = of_file.label(Work("file", [str(path)]))["elapsed_s"]
            ratios.append(file_s / list_s)
    yield (
        f"a csv file of {n_rows:,} rows takes {statistics.median(ratios):.3f} of the time of "
        f"classify on their list ({min(ratios):.3f} to {max(ratios):.3f} in {n_rounds} rounds)"
    )


def long_file(place: Path, n_few: int, n_rows: int, host: Host) -> Iterator[str]:
    """Rows a second, and memory that does not grow with the file."""
    peaks = {}
    for n in (n_few, n_rows):
        path = write_csv(place / "rows.csv", n)
        with Engine("npbert file", host) as engine:
            answer = engine.label(Work("file", [str(path)]))
        peaks[n] = answer["peak_rss_kib"] / 1024
        yield (
            f"{n:,} rows of csv with mini: {n / answer['elapsed_s']:,.0f} rows/s, peak memory "
            f"(RSS) {peaks[n]:.0f} MiB"
        )
    growth = peaks[n_rows] - peaks[n_few]
    yield f"peak memory of {n_rows:,} rows above that of {n_few:,}: {growth:+.1f} MiB"


def workers(mini: Host, base: Host) -> Iterator[str]:
    """What one worker of a cluster does on one processor, and what four take on one host."""
    long = reviews(None, 100)
    tried = {"mini": (mini, sentences(), long), "base size": (base, sentences()[::4], long[::5])}
    for name, (host, *groups) in tried.items():
        with Engine("npbert worker", host._replace(n_threads=1)) as engine:
            engine.label(Work("warmth", ["A film."]))
            for what, texts in zip(("sentences", "long reviews"), groups, strict=True):
                elapsed_s = engine.label(Work(what, texts))["elapsed_s"]
                rate = len(texts) / elapsed_s
                yield f"one worker, one thread, {name}: {rate:,.1f} {what} a second"
    for name, host in (("base size, float32", base), ("mini, float16", mini)):
        work = Work("share", sentences()[:200])
        memory = shared_memory(N_WORKERS, work, host._replace(n_threads=1), "npbert worker")
        share = memory.pss / memory.rss / N_WORKERS
        yield (
            f"{N_WORKERS} workers on one model of {name}: {memory.pss:.0f} MiB in all (sum of "
            f"PSS), {share:.0%} of {N_WORKERS} times the {memory.rss:.0f} MiB that one seems to "
            f"have (RSS); {memory.uss:.0f} MiB of it are its own (USS)"
        )


if __name__ == "__main__":
    main()
