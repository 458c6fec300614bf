"""Time `npbert.explain` beside `npbert.classify`, for sentences of 20 words.

An explanation is some forty texts: the sentence without each of its words, without pairs of words,
and with masks. The ratio says how many calls of classify with the sentence alone take the same
time. Both take turns, and the first round does not count.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import npbert
from bench.material import sentences
from bench.measure import processor
from npbert.explanations.words import find_words

N_WORDS = 20
N_SENTENCES = 3


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark to its command."""
    parser.add_argument("--rounds", type=int, default=9, help="rounds (default: %(default)s)")


def report(options: argparse.Namespace) -> None:
    """Measure `mini` and the model of base size, and print a table of times and ratios."""
    texts = [text for text in sentences() if len(find_words(text)) == N_WORDS][:N_SENTENCES]
    print(f"{processor()}, {options.threads} threads, {options.rounds} rounds")
    print("| model | sentence | texts read | classify, ms | explain, ms | ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    models: dict[str, str | Path] = {"mini": "mini", "base": options.folder.resolve()}
    for name, model in models.items():
        classifier = npbert.pipeline("text-classification", model, threads=options.threads)
        for number, text in enumerate(texts):
            classify_s, explain_s = time_both(classifier, text, options.rounds)
            n_texts = npbert.explain(text, classifier).n_texts
            print(
                f"| {name} | {number} | {n_texts} | {classify_s * 1000:.1f} | "
                f"{explain_s * 1000:.1f} | {explain_s / classify_s:.1f} |",
                flush=True,
            )


def time_both(
    classifier: npbert.TextClassificationPipeline, text: str, n_rounds: int
) -> tuple[float, float]:
    """Return the seconds of the middle round, for a call of classify and for one of explain."""
    rounds = [
        (seconds_of(lambda: classifier(text)), seconds_of(lambda: npbert.explain(text, classifier)))
        for _ in range(n_rounds + 1)
    ]
    classify_s, explain_s = zip(*rounds[1:], strict=True)
    return statistics.median(classify_s), statistics.median(explain_s)


def seconds_of(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
