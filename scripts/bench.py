"""Time npbert beside its peers, side by side in one run.

    pip install -e '.[test,bench]'
    python scripts/bench.py --quick
    python scripts/bench.py --threads 2 --reviews REVIEWS.csv

The model has the base size and random weights from a fixed seed; every engine computes it in
float32, in a process of its own, and gives the same scores, which is checked before anything is
timed.  Rounds alternate between the engines; one round is not counted.  From texts to labels
means: tokenization included, for everyone.

Peers get their best: texts in order of arrival and sorted by length, in batches of several
sizes, of which the fastest counts.  npbert gets the texts as they come.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Self

CHECKOUT = Path(__file__).parents[1]
DATA = CHECKOUT / "tests" / "data"
OURS, LIMIT = "npbert", "products"  # LIMIT: the matrix products alone
PEERS = ("transformers", "torch", "onnxruntime", "openvino")
LENGTHS = (8, 16, 32, 128, 512)
SEED = 0


class Work(NamedTuple):
    """Texts to label, and the ways in which peers may batch them."""

    name: str
    texts: list[str]
    batch_sizes: tuple[int, ...]
    repeat: int = 1


class Way(NamedTuple):
    """An engine, with one way of batching."""

    engine: str
    batch_size: int = 1
    sort: bool = False


class Engine:
    """A process that runs one engine of bench_engines.py."""

    def __init__(self, name: str, folder: Path, n_threads: int, environment: dict[str, str]):
        program = str(Path(__file__).with_name("bench_engines.py"))
        self._process = subprocess.Popen(
            [sys.executable, program, name, str(folder), str(n_threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def label(self, work: Work, way: Way) -> dict[str, Any]:
        """Seconds for all texts, and their scores."""
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


# ----------------------------------------------------------------------------- the material


def make_folder(folder: Path) -> None:
    """Save the model in all forms that the engines read."""
    import torch
    import transformers

    transformers.utils.logging.set_verbosity_error()
    torch.manual_seed(SEED)
    labels = {0: "NEGATIVE", 1: "POSITIVE"}
    config = transformers.DistilBertConfig(id2label=labels, label2id={"NEGATIVE": 0, "POSITIVE": 1})
    model = transformers.DistilBertForSequenceClassification(config).eval()
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_bytes((DATA / "vocab.txt").read_bytes())
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 512}')
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    names = ["input_ids", "attention_mask"]
    example = torch.ones(2, 16, dtype=torch.long)
    torch.onnx.export(
        model,
        (example, example),
        str(folder / "model.onnx"),
        input_names=names,
        output_names=["logits"],
        dynamic_axes={name: {0: "batch", 1: "seq"} for name in names},
        dynamo=False,
    )


def sentences() -> list[str]:
    """The 872 sentences of SST-2 dev, in order of arrival."""
    lines = (DATA / "sst2_dev.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return [line.split("\t")[0] for line in lines]


def reviews(path: Path | None, n_texts: int) -> list[str]:
    """Long texts: those of a csv file, or sentences joined to the lengths of film reviews."""
    if path is not None:
        with path.open(encoding="utf-8", newline="") as file:
            return [row["text"] for row in csv.DictReader(file)][:n_texts]
    import numpy as np

    rng = np.random.default_rng(SEED)
    pool = sentences()
    texts = []
    for n_words in rng.lognormal(5.2, 0.6, n_texts):  # median 181 words, one in ten above 390
        text = ""
        while len(text.split()) < n_words:
            text += " " + pool[rng.integers(len(pool))]
        texts.append(text)
    return texts


def works(quick: bool, review_file: Path | None) -> list[Work]:
    """What is timed."""
    share = 8 if quick else 1
    lengths = (16, 128) if quick else LENGTHS
    return [
        Work("SST-2 sentences", sentences()[:: 4 * share if quick else 1], (1, 8, 32)),
        Work("long reviews", reviews(review_file, 200 // share // (2 if quick else 1)), (1, 4, 16)),
        *(
            Work(f"one text of {n} tokens", ["film " * (n - 2)], (1,), max(1, 320 // n // share))
            for n in lengths
        ),
    ]


# ------------------------------------------------------------------------------- the timing


def ways_of(engine: str, work: Work) -> list[Way]:
    """How an engine may do a work."""
    if engine in (OURS, LIMIT) or len(work.texts) == 1:
        return [Way(engine)]
    orders = (False,) if engine == "transformers" else (False, True)
    return [Way(engine, size, sort) for sort in orders for size in work.batch_sizes]


def time_work(engines: dict[str, Engine], work: Work, n_rounds: int) -> dict[Way, list[float]]:
    """Seconds of every way in every round, after one round for warmth and for the scores."""
    ways = [way for engine in engines for way in ways_of(engine, work)]
    expected = engines[OURS].label(work, Way(OURS))["scores"]
    first: dict[Way, float] = {}
    for way in ways:
        answer = engines[way.engine].label(work, way)
        first[way] = answer["elapsed_s"]
        if way.engine != LIMIT:
            worst = max(abs(a - b) for a, b in zip(answer["scores"], expected, strict=True))
            if worst > 1e-4:
                raise SystemExit(f"{way} gives other scores than npbert, by {worst:.1e}")
    # A way far slower than its engine's best will not become the best.
    best = {(w.engine, w.sort): 1e9 for w in ways}
    for way, elapsed_s in first.items():
        best[way.engine, way.sort] = min(best[way.engine, way.sort], elapsed_s)
    kept = [way for way in ways if first[way] < 1.3 * best[way.engine, way.sort]]
    times: dict[Way, list[float]] = {way: [] for way in kept}
    for _ in range(n_rounds):
        for way in kept:
            times[way].append(engines[way.engine].label(work, way)["elapsed_s"])
    return times


def rows_of(work: Work, times: dict[Way, list[float]]) -> Iterable[str]:
    """Lines of the table: the best way of each engine in each order."""
    ours = statistics.median(times[Way(OURS)])
    best: dict[tuple[str, bool], Way] = {}
    for way, seconds in times.items():
        key = (way.engine, way.sort)
        if key not in best or statistics.median(seconds) < statistics.median(times[best[key]]):
            best[key] = way
    for (engine, sort), way in best.items():
        median = statistics.median(times[way])
        spread = (max(times[way]) - min(times[way])) / median
        how = ""
        if engine in PEERS and len(work.texts) > 1:
            how = f", {'sorted' if sort else 'arrival order'}, batches of {way.batch_size}"
        per_text_ms = 1000 * median / len(work.texts) / work.repeat
        yield (
            f"| {work.name} | {engine}{how} | {per_text_ms:.2f} | {spread:.0%} "
            f"| {median / ours:.2f} |"
        )


def machine(n_threads: int) -> str:
    """What the figures depend on, in words."""
    import numpy as np
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones((2, 2))
    kernels = {
        f"{p['internal_api']} {p['version']} ({p['architecture']})"
        for p in threadpool_info()
        if p["user_api"] == "blas"
    }
    names = ["numpy", "torch", "transformers", "onnxruntime", "openvino", "tokenizers"]
    versions = ", ".join(f"{name} {version(name)}" for name in names if find_spec(name))
    return f"{n_threads} threads; BLAS of numpy: {', '.join(sorted(kernels))}; {versions}"


def clean_environment() -> dict[str, str]:
    """The environment without settings that change the BLAS kernel."""
    settings = [n for n in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE") if n in os.environ]
    if settings:
        print(f"{' and '.join(settings)} unset for every engine", file=sys.stderr)
    return {name: value for name, value in os.environ.items() if name not in settings}


def main(make: Callable[[Path], None] = make_folder) -> None:
    """Time everything and print a table."""
    parser = argparse.ArgumentParser(description="Time npbert beside its peers.")
    parser.add_argument("--quick", action="store_true", help="fewer texts, in two minutes")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--reviews", type=Path, help="csv file with a column 'text'")
    parser.add_argument("--folder", type=Path, help="where the model is kept between runs")
    options = parser.parse_args()
    names = [OURS, LIMIT, *(name for name in PEERS if find_spec(name))]
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if not (folder / "model.onnx").exists():
            folder.mkdir(exist_ok=True)
            make(folder)
        environment = clean_environment()
        engines = {
            name: stack.enter_context(Engine(name, folder, options.threads, environment))
            for name in names
        }
        print(machine(options.threads))
        print("\n| work | engine | ms a text | spread | their time / ours |")
        print("| --- | --- | --- | --- | --- |")
        for work in works(options.quick, options.reviews):
            times = time_work(engines, work, 2 if options.quick else options.rounds)
            print("\n".join(rows_of(work, times)), flush=True)


if __name__ == "__main__":
    main()
