"""Each solution is right, and each known mistake in it is recognised by its own sentence."""

from __future__ import annotations

import re
import sys
import tomllib
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from checks import verdict

EXERCISES = Path(__file__).parents[2] / "exercises"
SOLUTIONS = EXERCISES / "solutions"
FILES = sorted(path.name for path in EXERCISES.glob("[0-9]*.py"))
FEWEST = 4  # known mistakes of a function
ENDLESS = "The function does not come to an end"  # what is said of a loop that never stops
PATIENCE = 60.0  # seconds for a call that ends, on a host that also does much other work


class Mistake(NamedTuple):
    """A change of a solution."""

    file: str
    function: str
    right: str
    wrong: str
    says: str


def read_mistakes() -> list[Mistake]:
    tables: dict[str, Any] = tomllib.loads((SOLUTIONS / "mistakes.toml").read_text("utf-8"))
    return [
        Mistake(f"{file}.py", function, **mistake)
        for file, functions in tables.items()
        for function, mistakes in functions.items()
        for mistake in mistakes
    ]


MISTAKES = read_mistakes()


def check_names(file: str) -> list[str]:
    checks = import_module(f"checks.{file[3:].removesuffix('.py')}")
    return [name.removeprefix("check_") for name in vars(checks) if name.startswith("check_")]


def judge(
    folder: Path,
    file: str,
    function: str,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float = PATIENCE,
) -> Any:
    """Run the check of a function of a file in a folder; other exercises are solved."""
    for name in [*sys.modules]:
        if f"{name}.py" in FILES:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(SOLUTIONS)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(verdict, "SECONDS", seconds)
    checks = import_module(f"checks.{file[3:].removesuffix('.py')}")
    learners = verdict.learners_function(folder / file, function)
    return getattr(checks, f"check_{function}")(learners)


def test_each_exercise_has_a_solution_of_the_same_functions() -> None:
    assert [path.name for path in sorted(SOLUTIONS.glob("*.py"))] == FILES
    for file in FILES:
        exercise = (EXERCISES / file).read_text("utf-8")
        solution = (SOLUTIONS / file).read_text("utf-8")
        for function in check_names(file):
            head = f"def {function}("
            assert exercise.count(head) == solution.count(head) == 1
            # What the learner reads is the same in both, up to the first line to be written.
            start = exercise.index(head)
            end = exercise.index("raise NotImplementedError", start)
            assert exercise[start:end].strip() in solution


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: f"{m.file[:2]} {m.says:.40}")
def test_mistakes_are_recognised(
    mistake: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    solution = (SOLUTIONS / mistake.file).read_text("utf-8")
    assert solution.count(mistake.right) == 1
    (tmp_path / mistake.file).write_text(solution.replace(mistake.right, mistake.wrong), "utf-8")
    seconds = 2.0 if mistake.says.startswith(ENDLESS) else PATIENCE
    with pytest.raises(verdict.NotRight) as raised:
        judge(tmp_path, mistake.file, mistake.function, monkeypatch, seconds)
    said = str(raised.value)
    assert re.fullmatch(".+".join(map(re.escape, mistake.says.split("…"))), said), said


def test_there_are_several_mistakes_of_each_function() -> None:
    counts = Counter((mistake.file, mistake.function) for mistake in MISTAKES)
    functions = [(file, name) for file in FILES for name in check_names(file)]
    assert {pair: counts[pair] for pair in functions if counts[pair] < FEWEST} == {}
