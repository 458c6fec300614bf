"""Time npbert beside its peers, side by side in one run.

The model has the base size and random weights from a fixed seed. Every engine computes the model
in float32, in a process of its own. The scores of all engines are compared in every round: they
must be the same. The engines take turns within a round, and the first round does not count. The
time is that from text to label, tokenization included, for every engine.

The peers get their best conditions: texts in order of arrival and sorted by length, in batches of
several sizes, and the fastest size counts. npbert gets the texts in order of arrival.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from bench import pages
from bench.engines import PRODUCT
from bench.material import MINI, Work, sentences, works
from bench.measure import (
    LIMIT,
    OURS,
    PEERS,
    Engine,
    Host,
    Process,
    Timing,
    clean_environment,
    fastest_ways,
    installed_mib,
    processor,
    product_rates,
    shared_memory,
    stream_memory,
    time_processes,
    time_work,
)

Lines = list[str]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark to its command."""
    parser.add_argument(
        "--quick", action="store_true", help="fewer texts and one round: under two minutes"
    )
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="only every N-th text (default: 1)"
    )
    parser.add_argument("--rounds", type=int, help="rounds (default: 5, or 1 with --quick)")
    parser.add_argument(
        "--peers",
        nargs="*",
        choices=PEERS,
        default=PEERS,
        help="engines to compare with (default: all that are installed)",
    )
    parser.add_argument(
        "--reviews",
        type=Path,
        help="csv file with a column 'text' that holds the long reviews "
        "(default: sentences of SST-2, joined)",
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="write the page of this processor in docs/performance, and docs/performance.md",
    )


def report(options: argparse.Namespace) -> None:
    """Measure everything, and print the report while the figures come in."""
    n_rounds = options.rounds or (1 if options.quick else 5)
    host = Host(options.folder, options.threads, clean_environment())
    peers = [name for name in options.peers if can_run(name, options.folder)]

    page = pages.path_of(processor())
    todo = [
        work._replace(texts=work.texts[:: options.every])
        for work in works(options.quick, options.reviews)
    ]
    lines = [
        *describe_machine(host, product_rates(host, n_rounds)),
        *describe_method(n_rounds, options.reviews, todo),
    ]
    print("\n".join(lines), flush=True)
    timings: list[Timing] = []
    with ExitStack() as stack:
        engines = {name: stack.enter_context(Engine(name, host)) for name in (OURS, LIMIT, *peers)}
        for work in todo:
            timings += time_work(engines, work, n_rounds)
            print(*(row_of(t, timings) for t in timings if t.work == work.name), sep="\n")
    lines += speed_table(timings, page)
    fastest = fastest_ways(timings, todo[0])
    ways = [fastest[name] for name in (OURS, *peers)]
    processes = time_processes(ways, todo[0], host, n_rounds)
    rest = [
        *process_table(dict(zip((OURS, *peers), processes, strict=True))),
        *describe_memory(host, n_texts=2000 if options.quick else 100_000),
        *size_table(),
    ]
    print("\n".join(rest))
    if options.write:
        plot(timings, page.with_suffix(".png"))
        page.write_text("\n".join([*lines, *rest]) + "\n", encoding="utf-8")
        pages.write_overview()


def can_run(name: str, folder: Path) -> bool:
    """Tell whether an engine is installed, and whether the model is there in its format."""
    in_onnx = name in ("onnxruntime", "openvino")
    return find_spec(name) is not None and (not in_onnx or (folder / "model.onnx").exists())


# ------------------------------------------------------------------------------ the report


def describe_machine(host: Host, rates: dict[str, float]) -> Lines:
    """Return the lines on what the figures depend on: the machine, the versions, the model."""
    names = ("npbert", "numpy", *PEERS, "tokenizers")
    versions = ", ".join(f"{name} {version(name)}" for name in names if find_spec(name))
    shape = " × ".join(map(str, PRODUCT))
    measured = ", ".join(f"{name} {rate:.0f}" for name, rate in rates.items())
    return [
        f"# Performance on {processor()}",
        "",
        f"Measured on {datetime.now(UTC):%Y-%m-%d} by `python scripts/bench speed --write`, "
        "which writes this page.",
        "",
        f"- Machine: {processor()}, {host.n_threads} threads; {platform.system()}, Python "
        f"{platform.python_version()}",
        f"- BLAS library of numpy: {describe_blas(host)}",
        f"- Speed of one matrix product of {shape}, in GFLOP/s: {measured}",
        f"- Versions: {versions}",
        "- Model: DistilBERT of base size with random weights; every engine computes in float32",
    ]


def describe_blas(host: Host) -> str:
    """Return the name, the version and the kernel of the BLAS library that the engines use."""
    # This process may have the settings that the engines are spared: so ask another one.
    question = "import json, numpy, threadpoolctl as t; print(json.dumps(t.threadpool_info()))"
    answer = subprocess.check_output([sys.executable, "-c", question], env=host.environment)
    return "; ".join(
        f"{library['internal_api']} {library['version']}, kernel {library['architecture']}"
        for library in json.loads(answer)
        if library["user_api"] == "blas"
    )


def describe_method(n_rounds: int, review_file: Path | None, todo: Sequence[Work]) -> Lines:
    """Return the lines on what was timed, and how often."""
    made = "sentences of SST-2 joined to the lengths of film reviews"
    return [
        f"- Long reviews: {'film reviews from a file' if review_file else made}, cut at 512 tokens",
        "- Texts: "
        + ", ".join(f"{len(work.texts)} {work.name}" for work in todo if len(work.texts) > 1),
        f"- Each time is the median of {n_rounds} rounds, in which the engines take turns. The "
        "spread is the difference between the slowest and the fastest round, as a share of the "
        "median.",
    ]


def speed_table(timings: list[Timing], page: Path) -> Lines:
    """Return the table of the times from text to label, as it stands on a page."""
    return [
        "",
        "## From text to label",
        "",
        "A ratio above 1 means that npbert is faster. Every engine runs at its best batch size. "
        "*The products alone* are the matrix products of npbert's forward pass and nothing else: "
        "they are the limit of its speed.",
        "",
        f"![The time of each engine divided by npbert's]({page.stem}.png)",
        "",
        "| texts | engine | ms per text | spread | their time / npbert's |",
        "| --- | --- | --- | --- | --- |",
        *(row_of(timing, timings) for timing in timings),
    ]


def row_of(timing: Timing, timings: list[Timing]) -> str:
    """Return one row of the table of times."""
    return (
        f"| {timing.work} | {describe_way(timing)} | {1000 * timing.median:.2f} "
        f"| {timing.spread:.0%} | {ratio(timing, timings):.2f} |"
    )


def describe_way(timing: Timing) -> str:
    """Return the name of an engine, and the words that say how it batches."""
    way = timing.way
    if way.engine == LIMIT:
        return "the products alone"
    if way.engine == OURS or timing.work.startswith("one "):
        return way.engine
    order = "sorted" if way.sort else "in order of arrival"
    best = " (its best)" if timing.best_size else ""
    return f"{way.engine}, {order}, batches of {way.batch_size}{best}"


def ratio(timing: Timing, timings: list[Timing]) -> float:
    """Return the time of an engine divided by that of npbert for the same work."""
    ours = next(t for t in timings if t.work == timing.work and t.way.engine == OURS)
    return timing.median / ours.median


def process_table(processes: dict[str, Process]) -> Lines:
    """Return the table of whole processes: the time to the first label, and the peak memory."""
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
        "The start is the time from the start of a process to its first label, with its files in "
        "the page cache. Peak RSS is the most resident memory that the process had used by the "
        "time it had labelled the SST-2 sentences in its fastest way.",
        "",
        "| engine | start, s | / npbert's | peak RSS, MiB | npbert's / theirs |",
        "| --- | --- | --- | --- | --- |",
        *rows,
    ]


def describe_memory(host: Host, n_texts: int) -> Lines:
    """Return the lines on how the memory of npbert grows with texts and with processes."""
    if not find_spec("psutil"):
        return [
            "",
            "How memory grows and is shared was not measured: psutil is not installed.",
        ]
    mini = host._replace(folder=MINI)
    few, many = (stream_memory(sentences()[:500], n // 500, mini) for n in (1000, n_texts))
    pss, rss, _ = shared_memory(4, works(quick=True, review_file=None)[0], host)
    return [
        "",
        "Private memory (USS) while `mini` labels a stream of SST-2 sentences: at most "
        f"{few:.1f} MiB with 1,000 texts, and at most {many:.1f} MiB with {n_texts:,} texts.",
        "",
        f"Four processes that share one model take {pss:.0f} MiB in all (the sum of PSS, which "
        f"counts shared memory once). That is {pss / rss / 4:.0%} of four times the {rss:.0f} MiB "
        "that one process seems to have (RSS): the weights are mapped from their file, and the "
        "page cache holds them once for all processes.",
    ]


def size_table() -> Lines:
    """Return the table of installed sizes, dependencies included."""
    groups = [("npbert",), ("onnxruntime", "tokenizers"), ("torch", "transformers")]
    sizes = {names: installed_mib(*names) for names in groups if all(map(find_spec, names))}
    return [
        "",
        "## Installed size",
        "",
        "The files of the packages and of all packages that they need, numpy included:",
        "",
        "| packages | MiB | / npbert's |",
        "| --- | --- | --- |",
        *(
            f"| {' + '.join(names)} | {mib:.0f} | {mib / sizes['npbert',]:.1f} |"
            for names, mib in sizes.items()
        ),
    ]


def plot(timings: list[Timing], path: Path) -> None:
    """Draw the time of each engine in its best way divided by npbert's, as bars."""
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
        offset = (number - len(engines) / 2 + 0.5) * height
        positions = [center + offset for center in range(len(best))]
        axes.bar_label(axes.barh(positions, best, height, label=name), fmt="%.2f", fontsize=7)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks(range(len(works_done)), works_done)
    axes.invert_yaxis()
    axes.set_xlabel("their time / npbert's (right of the line, npbert is faster)")
    axes.legend()
    figure.savefig(path, dpi=120)
