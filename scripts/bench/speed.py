"""Time npbert beside its peers, side by side in one run.

    pip install -e '.[test,bench]'
    python scripts/bench.py --quick
    python scripts/bench.py --reviews REVIEWS.csv --write

The model has the base size and random weights from a fixed seed; every engine computes it in
float32, in a process of its own, and gives the same scores, which are compared in every round.
Rounds alternate between the engines; one round is not counted.  From text to label means:
tokenization included, for everyone.

Peers get their best: texts in order of arrival and sorted by length, in batches of several
sizes, of which the fastest counts.  npbert gets the texts as they come.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from bench_material import CHECKOUT, make_folder, sentences, works
from bench_measure import (
    LIMIT,
    OURS,
    PEERS,
    Engine,
    Host,
    Process,
    Timing,
    fastest_ways,
    installed_mib,
    product_rates,
    shared_memory,
    stream_memory,
    time_processes,
    time_work,
)

from npbert.distilbert.threads import available_cpus

DOCS = CHECKOUT / "docs"
MINI = CHECKOUT / "npbert" / "checkpoints" / "mini"
BLAS_SETTINGS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
Lines = list[str]


def main(argv: list[str] | None = None) -> None:
    """Measure everything and print a report."""
    parser = argparse.ArgumentParser(description="Time npbert beside its peers.")
    parser.add_argument("--quick", action="store_true", help="fewer texts: under two minutes")
    parser.add_argument("--rounds", type=int, help="default: 5, or 1 with --quick")
    parser.add_argument("--threads", type=int, default=available_cpus())
    parser.add_argument(
        "--peers", nargs="*", choices=PEERS, default=PEERS, help="default: all that are installed"
    )
    parser.add_argument("--reviews", type=Path, help="csv file with a column 'text'")
    parser.add_argument(
        "--folder",
        type=Path,
        default=CHECKOUT / "build" / "bench",
        help="model to measure with; made if it is not there",
    )
    parser.add_argument(
        "--write", action="store_true", help="write docs/performance.md and docs/performance.png"
    )
    options = parser.parse_args(argv)
    n_rounds = options.rounds or (1 if options.quick else 5)
    if not (options.folder / "tokenizer.json").exists():
        make_folder(options.folder)
    host = Host(options.folder, options.threads, clean_environment())
    peers = [name for name in options.peers if can_run(name, options.folder)]

    lines = [*machine(host, product_rates(host, n_rounds)), *method(n_rounds, options.reviews)]
    print("\n".join(lines), flush=True)
    timings: list[Timing] = []
    todo = works(options.quick, options.reviews)
    with ExitStack() as stack:
        engines = {name: stack.enter_context(Engine(name, host)) for name in (OURS, LIMIT, *peers)}
        for work in todo:
            timings += time_work(engines, work, n_rounds)
            print(*(row_of(t, timings) for t in timings if t.work == work.name), sep="\n")
    lines += speed_table(timings)
    fastest = fastest_ways(timings, todo[0])
    ways = [fastest[name] for name in (OURS, *peers)]
    processes = time_processes(ways, todo[0], host, n_rounds)
    rest = [
        *process_table(dict(zip((OURS, *peers), processes, strict=True))),
        *npbert_memory(host, n_texts=2000 if options.quick else 100_000),
        *size_table(),
    ]
    print("\n".join(rest))
    if options.write:
        plot(timings, DOCS / "performance.png")
        (DOCS / "performance.md").write_text("\n".join([*lines, *rest]) + "\n", encoding="utf-8")


def can_run(name: str, folder: Path) -> bool:
    """Whether an engine is installed, and its form of the model is there."""
    in_onnx = name in ("onnxruntime", "openvino")
    return find_spec(name) is not None and (not in_onnx or (folder / "model.onnx").exists())


def clean_environment() -> dict[str, str]:
    """The environment without settings that change the BLAS kernel."""
    settings = [name for name in BLAS_SETTINGS if name in os.environ]
    if settings:
        print(f"{' and '.join(settings)} unset for every engine", file=sys.stderr)
    return {name: value for name, value in os.environ.items() if name not in settings}


# ------------------------------------------------------------------------------ the report


def machine(host: Host, rates: dict[str, float]) -> Lines:
    """What the figures depend on, in words."""
    import numpy as np
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones((2, 2))
    kernels = {
        f"{library['internal_api']} {library['version']}, kernel {library['architecture']}"
        for library in threadpool_info()
        if library["user_api"] == "blas"
    }
    names = ("npbert", "numpy", *PEERS, "tokenizers")
    versions = ", ".join(f"{name} {version(name)}" for name in names if find_spec(name))
    measured = ", ".join(f"{name} {rate:.0f}" for name, rate in rates.items())
    return [
        "# Performance",
        "",
        f"Measured on {datetime.now(UTC):%Y-%m-%d} by `python scripts/bench.py --write`, which "
        "writes this page.",
        "",
        f"- Machine: {processor()}, {host.n_threads} threads; {platform.system()}, Python "
        f"{platform.python_version()}",
        f"- BLAS of numpy: {'; '.join(sorted(kernels))}",
        f"- One product of 3072 × 768 × 1024 in GFLOP/s: {measured}",
        f"- Versions: {versions}",
        "- Model: DistilBERT of base size, random weights, float32 everywhere",
    ]


def method(n_rounds: int, review_file: Path | None) -> Lines:
    """What was timed, and how often."""
    made = "sentences of SST-2 joined to the lengths of film reviews"
    return [
        f"- Long reviews: {'film reviews from a file' if review_file else made}, cut at 512 tokens",
        f"- Times are medians of {n_rounds} rounds, in which all engines take turns; the spread is "
        "from the fastest round to the slowest",
    ]


def processor() -> str:
    """The processor's name, as far as the system tells."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    wide = " with AVX-512" if "avx512f" in flags else " with AVX2" if "avx2" in flags else ""
    return (names[0] if names else platform.machine()) + wide


def speed_table(timings: list[Timing]) -> Lines:
    """From text to label."""
    return [
        "",
        "## From text to label",
        "",
        "Above 1: npbert is faster. Every engine at its best batch size; *the products alone* are "
        "the matrix products of npbert's forward pass and nothing else, its limit.",
        "",
        "![Their time divided by npbert's](performance.png)",
        "",
        "| texts | engine | ms a text | spread | their time / npbert's |",
        "| --- | --- | --- | --- | --- |",
        *(row_of(timing, timings) for timing in timings),
    ]


def row_of(timing: Timing, timings: list[Timing]) -> str:
    """A line of the table of speed."""
    return (
        f"| {timing.work} | {described(timing)} | {1000 * timing.median:.2f} "
        f"| {timing.spread:.0%} | {ratio(timing, timings):.2f} |"
    )


def described(timing: Timing) -> str:
    """An engine and how it batches, in words."""
    way = timing.way
    if way.engine == LIMIT:
        return "the products alone"
    if way.engine == OURS or timing.work.startswith("one "):
        return way.engine
    best = " (its best)" if timing.best_size else ""
    return f"{way.engine}, {'sorted' if way.sort else 'as they come'}, by {way.batch_size}{best}"


def ratio(timing: Timing, timings: list[Timing]) -> float:
    """Their time divided by npbert's on the same work."""
    ours = next(t for t in timings if t.work == timing.work and t.way.engine == OURS)
    return timing.median / ours.median


def process_table(processes: dict[str, Process]) -> Lines:
    """Whole processes: from start to first label, and peak memory."""
    starts = {name: statistics.median(process.start_seconds) for name, process in processes.items()}
    peaks = {name: process.peak_rss_mib for name, process in processes.items()}
    rows = (
        f"| {name} | {starts[name]:.2f} | {starts[name] / starts[OURS]:.1f} "
        f"| {peaks[name]:.0f} | {peaks[OURS] / peaks[name]:.2f} |"
        for name in processes
    )
    return [
        "",
        "## Start-up and memory",
        "",
        "From the start of a process to its first label, with its files in the page cache; then "
        "the most resident memory (peak RSS) that it had after it labelled the SST-2 sentences in "
        "its fastest way.",
        "",
        "| engine | start, s | / npbert's | peak RSS, MiB | npbert's / theirs |",
        "| --- | --- | --- | --- | --- |",
        *rows,
    ]


def npbert_memory(host: Host, n_texts: int) -> Lines:
    """How npbert's memory grows with texts and with processes."""
    if not find_spec("psutil"):
        return ["", "Growth and sharing: not measured, psutil is not installed."]
    mini = host._replace(folder=MINI)
    few, many = (stream_memory(sentences()[:500], n // 500, mini) for n in (1000, n_texts))
    pss, rss, _ = shared_memory(4, works(quick=True, review_file=None)[0], host)
    return [
        "",
        "Private memory (USS) while `mini` labels a stream of SST-2 sentences: at most "
        f"{few:.1f} MiB with 1,000 texts, {many:.1f} MiB with {n_texts:,}.",
        "",
        f"Four processes on one model: {pss:.0f} MiB in all (sum of PSS), which is "
        f"{pss / rss / 4:.0%} of four times the {rss:.0f} MiB that one of them seems to have "
        "(RSS): the weights are mapped, and shared by the page cache.",
    ]


def size_table() -> Lines:
    """Installed size of npbert and of its peers, dependencies included."""
    groups = [("npbert",), ("onnxruntime", "tokenizers"), ("torch", "transformers")]
    sizes = {names: installed_mib(*names) for names in groups if all(map(find_spec, names))}
    return [
        "",
        "## Installed size",
        "",
        "Files of the packages and of all that they need, numpy included:",
        "",
        "| packages | MiB | / npbert's |",
        "| --- | --- | --- |",
        *(
            f"| {' + '.join(names)} | {mib:.0f} | {mib / sizes['npbert',]:.1f} |"
            for names, mib in sizes.items()
        ),
    ]


def plot(timings: list[Timing], path: Path) -> None:
    """Bars: their time divided by npbert's, the best way of each engine."""
    from matplotlib import pyplot as plt

    works_done = list(dict.fromkeys(timing.work for timing in timings))
    engines = [name for name in PEERS if any(t.way.engine == name for t in timings)]
    figure, axes = plt.subplots(figsize=(8, 0.9 * len(works_done) + 1), layout="constrained")
    height = 0.8 / len(engines)
    for number, name in enumerate(engines):
        best = [
            min(ratio(t, timings) for t in timings if t.work == work and t.way.engine == name)
            for work in works_done
        ]
        places = [place + (number - len(engines) / 2 + 0.5) * height for place in range(len(best))]
        axes.bar_label(axes.barh(places, best, height, label=name), fmt="%.2f", fontsize=7)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks(range(len(works_done)), works_done)
    axes.invert_yaxis()
    axes.set_xlabel("their time / npbert's (right of the line, npbert is faster)")
    axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
