"""scripts/fuzz: no mutant of a model or a table is a fault, and faults of all kinds are noticed."""

from __future__ import annotations

import json
import resource
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from npbert.distilbert.cpus import available_cpus

if sys.platform != "linux":
    pytest.skip("what a process opens and takes is watched on Linux alone", allow_module_level=True)

from fuzz import answers, rows
from fuzz.guided import BytesAsChance
from fuzz.models import original_model
from fuzz.mutants import draw, draw_mutant
from fuzz.run import Found, run
from fuzz.trial import Trials, Verdict
from fuzz.watch import Use

VERDICT = {"kind": "weights", "outcome": "loaded", "comparison": "with others", "fault": ""}


@pytest.mark.parametrize(
    ("seed", "n_mutants"),
    [(0, 18_000), pytest.param(secrets.randbelow(10**9), 2_000, id="a random seed")],
)
def test_mutants_of_a_seed(seed: int, n_mutants: int) -> None:
    """Each fault is shown with the command that repeats it, in which the seed stands."""
    found = run(seed, range(n_mutants), n_workers=available_cpus(), share=0.25)
    print("\n".join(found.report()))
    assert not found.faults, "\n".join(found.faults)
    assert found.n_mutants == n_mutants
    assert sum(found.comparisons.values()) > n_mutants / 6  # many are loaded, and compared


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trials]:
    before, temporary = pyarrow.default_memory_pool(), tempfile.tempdir
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())  # others reserve memory beforehand
    trials = Trials(tmp_path_factory.mktemp("trials"))
    trials.warm_up()
    yield trials
    pyarrow.set_memory_pool(before)
    tempfile.tempdir = temporary


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(chance=st.randoms(use_true_random=False))
def test_mutants_that_hypothesis_draws(trials: Trials, chance: Random) -> None:
    """Of a fault, hypothesis finds the smallest change that still causes it."""
    verdict = trials.judge(draw(chance), compares=False)
    assert not verdict.fault, verdict.fault


def test_a_seed_gives_the_same_mutants_again() -> None:
    for number in range(200):
        assert draw_mutant(7, number) == draw_mutant(7, number)
    assert len({draw_mutant(7, number).kind for number in range(2000)}) > 40


def test_bytes_as_chance() -> None:
    """What atheris gives: any bytes are a mutant, and the same bytes the same one."""
    for n_bytes in (0, 1, 100, 1000):
        content = Random(n_bytes).randbytes(n_bytes)
        assert draw(BytesAsChance(content)) == draw(BytesAsChance(content))
    kinds = {draw(BytesAsChance(Random(n).randbytes(200))).kind for n in range(500)}
    assert len(kinds) > 30


# ------------------------------------------------------------------- what is a fault


def of_original(
    trials: Trials, monkeypatch: pytest.MonkeyPatch, load: Callable[..., Any]
) -> Verdict:
    """Return the verdict on a right model, of which `load` makes something else."""
    real = answers.load
    monkeypatch.setattr(answers, "load", lambda folder: load(real, folder))
    return trials.judge(original_model(), compares=True)


def wrong_class(_real: Any, folder: Path) -> Any:
    raise KeyError(str(folder))


def no_file(_real: Any, _folder: Path) -> Any:
    raise ValueError("something is wrong")


def slow(real: Any, folder: Path) -> Any:
    start = time.process_time()
    while time.process_time() < start + 2.1:
        pass
    return real(folder)


def large(real: Any, folder: Path) -> Any:
    np.ones(80 << 17)  # 80 MiB of float64
    return real(folder)


def nosy(real: Any, folder: Path) -> Any:
    Path("/etc/hostname").read_bytes()
    return real(folder)


def noisy(real: Any, folder: Path) -> Any:
    print("a notice", file=sys.stderr)
    sys.stderr.flush()
    return real(folder)


def greedy(_real: Any, _folder: Path) -> Any:
    return np.ones(1 << 28)  # 2 GiB of float64


def wrong(real: Any, folder: Path) -> Any:
    loaded = real(folder)
    classifier = loaded.classifier
    return loaded._replace(classifier=_Wrong(classifier))


class _Wrong:
    """A classifier whose scores are a little wrong."""

    def __init__(self, right: Any) -> None:
        self._right = right
        self.tokenizer = right.tokenizer

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        found = self._right(*arguments, **options)
        found[0][0]["score"] += 1e-4
        return found


@pytest.mark.parametrize(
    ("load", "fault"),
    [
        (wrong_class, "KeyError"),
        (no_file, "names no file"),
        (slow, "took 2."),
        (large, "MiB for"),
        (nosy, "opened /etc/hostname"),
        (noisy, "wrote to the terminal: a notice"),
        (greedy, "MemoryError"),
        (wrong, "expected POSITIVE 0.7515"),
    ],
)
def test_faults_are_noticed(
    trials: Trials,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    load: Callable[..., Any],
    fault: str,
) -> None:
    with capfd.disabled():
        verdict = of_original(trials, monkeypatch, load)
    assert fault in verdict.fault
    monkeypatch.undo()
    assert trials.judge(original_model(), compares=True).fault == ""


@pytest.mark.parametrize(
    ("seed", "number", "comparison"),
    [
        (552237439, 664, "with others, in float64"),  # a bias of 1e9
        (552237439, 1395, "explained: an index without metadata"),
        (20261127, 698331, "explained: a type of the weights in config.json"),
        (20261127, 782863, "explained: special tokens that BERT does not have"),
        (20261127, 95277, "with others"),  # an object in the place of an array
        (20261127, 120597, "with others"),  # a blank alone
        (20261127, 731485, "with others"),  # a zero between two streams
        (20261127, 792332, "with others"),  # zeros behind a stream
        (20261127, 275983, ""),  # a merge longer than every piece, which is refused
        (20261127, 385205, ""),  # a template that has a second text for one alone
    ],
)
def test_mutants_that_were_faults(trials: Trials, seed: int, number: int, comparison: str) -> None:
    verdict = trials.judge(draw_mutant(seed, number), compares=True)
    assert verdict.comparison.removesuffix(", which npbert does not read") == comparison
    assert not verdict.fault


def test_a_wrong_row_is_noticed(trials: Trials, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [mutant for n in range(50) if (mutant := draw_mutant(0, n)).is_table]
    real = rows.own_answer
    monkeypatch.setattr(rows, "own_answer", lambda path: [*real(path), "x"])
    verdicts = [trials.judge(mutant, compares=True) for mutant in tables]
    loaded = [verdict for verdict in verdicts if verdict.comparison == "with others"]
    assert loaded
    assert all(verdict.fault for verdict in loaded)


def test_what_files_justify() -> None:
    assert Use(memory=63 << 20).fault(0, may_unpack=False) is None
    assert Use(memory=65 << 20).fault(0, may_unpack=False)
    assert Use(memory=65 << 20).fault(1 << 20, may_unpack=False) is None
    assert Use(memory=500 << 20).fault(0, may_unpack=True) is None
    assert Use(memory=520 << 20).fault(0, may_unpack=True)


@pytest.mark.parametrize(
    ("program", "fault"),
    [
        ("import os; os.abort()", "the process ended with the code -6"),
        ("import time; time.sleep(60)", "did nothing for 1 s"),
    ],
)
def test_a_process_that_ends_or_hangs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, fault: str
) -> None:
    """Another process goes on with the next mutant."""
    script = tmp_path / "worker.py"
    right = json.dumps({**VERDICT, "seconds": 0, "memory": 0})
    script.write_text(
        "import sys\n"
        "for number in range(*map(int, sys.argv[-3:])):\n"
        "    print('{\"number\": %d}' % number, flush=True)\n"
        f"    if number == 3: {program}\n"
        f"    print({right!r}, flush=True)\n"
    )
    monkeypatch.setattr("fuzz.run._PROGRAM", script)
    monkeypatch.setattr("fuzz.run._SILENT_SECONDS", 1)
    found = run(5, range(8))
    assert [found.n_mutants, len(found.faults)] == [8, 1]
    assert found.faults[0].startswith(fault)
    assert "python scripts/fuzz --seed 5 --only 3 --keep FOLDER" in found.faults[0]


def test_the_summary() -> None:
    found = Found(7)
    found.add(1, {**VERDICT, "seconds": 0.5, "memory": 3 << 20})
    found.add(2, {**VERDICT, "fault": "wrong", "seconds": 0.1, "memory": 1 << 20})
    report = "\n".join(found.report())
    for words in (
        "seed 7: 2 mutants, 1 faults",
        "weights: loaded 2",
        "with others: 2",
        "slowest: 0.50 s (weights, number 1)",
        "largest: 3 MiB (weights, number 1)",
    ):
        assert words in report
    assert len(found.new_faults()) == 1
    assert found.new_faults() == []


def test_the_limits_of_a_trial_end_with_it(trials: Trials) -> None:
    limits = (resource.RLIMIT_CPU, resource.RLIMIT_AS)
    before = [resource.getrlimit(limit) for limit in limits]
    trials.judge(original_model(), compares=False)
    assert [resource.getrlimit(limit) for limit in limits] == before
    assert all(soft == hard for soft, hard in before)
