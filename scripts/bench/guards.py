"""Time what the guards of SECURITY.md cost, beside the work in which they stand.

Each guard is a function of npbert. Its time is taken inside the work, on one thread, and includes
the clock itself. The table has the round with the least time in the guard.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, NamedTuple
from unittest import mock

import npbert
from bench.explain import seconds_of
from bench.material import sentences
from bench.measure import processor

N_TEXTS = 256
LOAD, LABEL = "load the model", f"label {N_TEXTS} sentences"


class Guard(NamedTuple):
    """One guard, its function, and the work in which it stands."""

    name: str
    function: str
    work: str


GUARDS = (
    Guard("weights are finite", "npbert.checkpoints.weights:_is_finite", LOAD),
    Guard("the keys of the config", "npbert.checkpoints.config:check_values", LOAD),
    Guard("the kind and size of files", "npbert.checkpoints.small_files:_check_status", LOAD),
    Guard("costly parts of a tokenizer", "npbert.tokenization.files:refuse_costly_parts", LOAD),
    Guard("texts without half characters", "npbert.pipelines.base:check_text", LABEL),
    Guard("the output is finite", "npbert.models.base:PreTrainedModel._require_finite", LABEL),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark to its command."""
    parser.add_argument("--rounds", type=int, default=7, help="rounds (default: %(default)s)")


def report(options: argparse.Namespace) -> None:
    """Measure the guards with the model of base size, and print a table."""
    works = works_with(options.folder.resolve())
    print(f"{processor()}, one thread, {options.rounds} rounds")
    print("| guard | work | the work, ms | the guard in it, ms |")
    print("| --- | --- | --- | --- |")
    for guard in GUARDS:
        whole_s, guard_s = time_both(guard, works[guard.work], options.rounds)
        print(
            f"| {guard.name} | {guard.work} | {whole_s * 1000:.1f} | {guard_s * 1000:.2f} |",
            flush=True,
        )


def works_with(folder: Path) -> dict[str, Callable[[], object]]:
    """Return the kinds of work: a model is loaded, or sentences are labelled."""
    classifier = npbert.pipeline("text-classification", folder, threads=1)
    texts = sentences()[:N_TEXTS]
    return {
        LOAD: lambda: npbert.pipeline("text-classification", folder),
        LABEL: lambda: classifier(texts),
    }


def time_both(guard: Guard, work: Callable[[], object], n_rounds: int) -> tuple[float, float]:
    """Return the seconds of a work, and those of them that were spent in a guard."""
    original = resolve_name(guard.function)
    spent_s = 0.0

    @functools.wraps(original)
    def timed(*arguments: Any, **options: Any) -> Any:
        nonlocal spent_s
        start = time.perf_counter()
        try:
            return original(*arguments, **options)
        finally:
            spent_s += time.perf_counter() - start

    rounds = []
    with mock.patch(guard.function.replace(":", "."), timed):
        for _ in range(n_rounds):
            spent_s = 0.0
            whole_s = seconds_of(work)
            rounds.append((spent_s, whole_s))
    guard_s, whole_s = min(rounds)
    return whole_s, guard_s
