"""Call one pipeline a million times, check the answers, and see whether the memory grows.

    pip install -e '.[test]'
    python scripts/endurance.py texts --texts 1000000
    python scripts/endurance.py calls --texts 1000000

With `texts`, one thread gives long lists of short texts. With `calls`, 16 threads share the
pipeline: each call has one or a few texts and random options, and callers that wait are computed
together. Every answer of a call must be the one that a single thread got before. At the end BLAS
must have the threads that it had at the beginning, and the memory must not have grown by more than
1 MiB for 100,000 texts.
"""

from __future__ import annotations

import argparse
import faulthandler
import itertools
import os
import random
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Self

import numpy as np
import psutil
from threadpoolctl import threadpool_info

import npbert

MOST_MIB: Final = 1.0  # by which the memory may grow for 100,000 texts
_N_SAMPLES: Final = 50  # of the memory in a run
_LONG: Final = 200_000  # texts; in a shorter run the heaps still fill up
_HANGS_AFTER_S: Final = 300  # without an answer
# docs/exactness.md: what a text is computed with changes its last digits. Each of two answers may
# differ by 1e-5 from that of transformers.
_TOLERANCE: Final = 2e-5
_N_THREADS: Final = 16
_N_TEXTS: Final = 300  # different ones in the calls
_LIST: Final = 1000  # texts of one call of one thread

_WORDS: Final = (
    *("good", "bad", "film", "plot", "cast", "dull", "fun", "slow", "great", "poor", "long"),
    *("short", "love", "hate", "watch", "miss", "story", "end", "music", "scene", "joke"),
    *("actor", "never", "always", "not", "very", "quite", "too", "so"),
)
# Most calls have the options of the pipeline, so that callers share packs.
_OPTIONS: Final[tuple[dict[str, Any], ...]] = (
    *({},) * 6,
    {"top_k": None},
    {"top_k": 1},
    {"function_to_apply": "sigmoid"},
    {"function_to_apply": "none", "top_k": 2},
    {"threads": 1},
    {"threads": 2, "batch_size": 1},
    {"batch_size": 3},
    {"long_text": "window"},
    {"truncation": True, "max_length": 4},
)

Pipe = Any  # a pipeline for text-classification, whose calls have options of many types


class Sample(NamedTuple):
    """The resident memory after some texts."""

    n_texts: int
    mib: float


class HangWatch:
    """Ends the process, and shows what each thread does, if there is no answer for a while.

    It is a context, because its clock would end the process long after a run that has forgotten it.
    """

    def __enter__(self) -> Self:
        self._set()
        return self

    def __exit__(self, *_: object) -> None:
        faulthandler.cancel_dump_traceback_later()

    def hear(self) -> None:
        """Take note of an answer."""
        if time.monotonic() > self._set_s + 1:
            self._set()

    def _set(self) -> None:
        self._set_s = time.monotonic()
        faulthandler.dump_traceback_later(_HANGS_AFTER_S, exit=True, file=2)


@dataclass
class Run:
    """What a run has done so far; after each answer it calls `on_answer`."""

    n_texts: int
    on_answer: Callable[[], object] = bool
    samples: list[Sample] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    n_done: int = 0

    def answered(self, n_texts: int) -> None:
        """Take note of texts, and now and then of the memory."""
        self.on_answer()
        before, self.n_done = self.n_done, self.n_done + n_texts
        step = max(self.n_texts // _N_SAMPLES, 1)
        if before // step != self.n_done // step:
            self.samples.append(Sample(self.n_done, psutil.Process().memory_info().rss / 2**20))
            print(f"{self.n_done:,} texts: {self.samples[-1].mib:.1f} MiB", flush=True)


def growth_of(samples: Sequence[Sample]) -> float:
    """Return the MiB by which the memory grows for 100,000 texts.

    It is the slope of the straight line through the last four fifths of the samples. In the first
    fifth the heaps fill up.
    """
    late = samples[len(samples) // 5 :]
    if len(late) < 2:
        return 0.0
    slope, _ = np.polyfit([one.n_texts for one in late], [one.mib for one in late], 1)
    return float(slope) * 100_000


def short_texts(seed: int) -> Iterator[str]:
    """Yield short texts, of which few are equal: equal ones would be computed once."""
    rng = random.Random(seed)
    while True:
        yield " ".join(rng.choices(_WORDS, k=rng.randint(1, 4)))


def differs(found: object, expected: object) -> bool:
    """Tell whether two results differ by more than the last digits."""
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() != expected.keys() or any(
            differs(found[key], expected[key]) for key in expected
        )
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) != len(expected) or any(map(differs, found, expected))
    if isinstance(found, float) and isinstance(expected, float):
        return not abs(found - expected) <= _TOLERANCE * max(1.0, abs(expected))
    return found != expected


def label_texts(pipe: Pipe, run: Run, seed: int) -> None:
    """Label texts in long lists, on this thread."""
    expected = pipe([*_WORDS])
    texts = short_texts(seed)
    while run.n_done < run.n_texts:
        found = pipe([*_WORDS, *itertools.islice(texts, _LIST - len(_WORDS))])
        if len(found) != _LIST or differs(found[: len(_WORDS)], expected):
            run.faults.append(f"other answers after {run.n_done:,} texts")
        run.answered(len(found))


def make_calls(seed: int) -> list[tuple[list[str], dict[str, Any]]]:
    """Return the calls that the threads draw from: texts, and options."""
    rng = random.Random(seed)
    texts = list(itertools.islice(short_texts(seed), _N_TEXTS))
    texts += [" ".join(rng.choices(_WORDS, k=60)) for _ in range(_N_TEXTS // 30)]
    sizes = (1, 1, 1, 1, 2, 5)
    return [
        (rng.sample(texts, rng.choice(sizes)), rng.choice(_OPTIONS)) for _ in range(4 * _N_TEXTS)
    ]


def call_on_threads(pipe: Pipe, run: Run, seed: int, n_threads: int = _N_THREADS) -> None:
    """Let threads call the pipeline, and compare each answer with that of one thread."""
    calls = make_calls(seed)
    expected = [pipe(texts, **options) for texts, options in calls]
    lock = threading.Lock()

    def call(number: int) -> None:
        rng = random.Random(f"{seed} {number}")
        while run.n_done < run.n_texts:
            which = rng.randrange(len(calls))
            texts, options = calls[which]
            found = pipe(texts, **options)
            with lock:
                if differs(found, expected[which]):
                    run.faults.append(f"{texts} {options}: {found}, expected {expected[which]}")
                run.answered(len(texts))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def threads_of_blas() -> list[int]:
    """Return how many threads each library of BLAS uses."""
    return [library["num_threads"] for library in threadpool_info()]


MODES: Final[dict[str, Callable[[Pipe, Run, int], None]]] = {
    "texts": label_texts,
    "calls": call_on_threads,
}


def endure(mode: str, model: str, n_texts: int, seed: int) -> Run:
    """Call the pipeline until it has had so many texts."""
    pipe = npbert.pipeline("text-classification", model)
    pipe([*_WORDS])
    before = threads_of_blas()
    with HangWatch() as watch:
        run = Run(n_texts, watch.hear)
        MODES[mode](pipe, run, seed)
    if threads_of_blas() != before:
        run.faults.append(f"BLAS has {threads_of_blas()} threads, and had {before}")
    if n_texts >= _LONG and growth_of(run.samples) > MOST_MIB:
        run.faults.append(f"the memory grows by more than {MOST_MIB} MiB for 100,000 texts")
    return run


def main(argv: list[str] | None = None) -> int:
    """Read the command line, and print the report; return 1 if something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("--model", default="mini", help="(default: %(default)s)")
    parser.add_argument("--texts", type=int, default=1_000_000, help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore", UserWarning)  # some texts are cut on purpose
    began = time.monotonic()
    run = endure(options.mode, options.model, options.texts, options.seed)
    rate = run.n_done / (time.monotonic() - began)
    print(f"{run.n_done:,} texts, {rate:.0f} a second, on {os.cpu_count()} processors")
    print(f"growth: {growth_of(run.samples):+.3f} MiB for 100,000 texts")
    print("\n".join(f"fault: {fault}" for fault in run.faults[:20]))
    return bool(run.faults)


if __name__ == "__main__":
    sys.exit(main())
