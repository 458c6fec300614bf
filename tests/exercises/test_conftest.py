"""`pytest exercises` as a learner runs it: one line per function, and no traceback."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
EXERCISES = CHECKOUT / "exercises"
SOLUTIONS = EXERCISES / "solutions"
N_SENTENCES = 20  # of the 872 on which exercise 8 is checked; .ci/run takes all of them


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose exercises can be changed."""
    for name in ("pyproject.toml", "npbert", "docs"):
        (tmp_path / name).symlink_to(CHECKOUT / name)
    sentences = Path("tests/data/sst2_dev.tsv")
    (tmp_path / sentences).parent.mkdir(parents=True)
    lines = (CHECKOUT / sentences).read_text("utf-8").splitlines(keepends=True)
    (tmp_path / sentences).write_text("".join(lines[: N_SENTENCES + 1]), "utf-8")
    shutil.copytree(EXERCISES, tmp_path / "exercises")
    return tmp_path


def run(checkout: Path, *arguments: str) -> tuple[int, str]:
    """Run pytest in a process of its own; return its exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT), "COLUMNS": "80"},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert not done.stderr
    assert "Traceback" not in done.stdout
    return done.returncode, done.stdout


def lines_about(out: str) -> list[str]:
    """Return the lines of the section about the exercises."""
    _, _, section = out.partition("= exercises =")
    return [line for line in section.splitlines() if re.match(r"\d\d \w+: ", line)]


def test_exercises_that_nobody_has_solved(checkout: Path) -> None:
    code, out = run(checkout, "exercises")
    lines = lines_about(out)
    assert code == 1
    assert out.splitlines()[-1].strip("= ").startswith(f"{len(lines)} not solved yet in")
    assert lines[0] == "01 wordpiece: not solved yet: `wordpiece` takes about 12 lines."
    assert all(": not solved yet: `" in line for line in lines)
    assert [*dict.fromkeys(line[:2] for line in lines)] == [f"{n:02}" for n in range(1, 12)]


def test_the_solutions(checkout: Path) -> None:
    shutil.copytree(SOLUTIONS, checkout / "exercises", dirs_exist_ok=True)
    code, out = run(checkout, "exercises")
    assert code == 0
    lines = lines_about(out)
    praise = rf"08 classify: \d+ of {N_SENTENCES} sentences have the label that a person gave"
    (about_8,) = (line for line in lines if line.startswith("08"))
    assert re.match(praise, about_8)
    assert all(line.endswith(": right") for line in lines if line != about_8)


ANSWERS = {
    "01_wordpiece.py": ("def wordpiece(word, vocab)\n", "Line 1 is not Python: expected ':'."),
    "02_layer_norm.py": ("", "02_layer_norm.py has no function `layer_norm`"),
    "03_softmax.py": (
        "def softmax(scores):\n    print(scores.shape)\n    return scores.sum()\n",
        "The shape is (), expected (3, 2).",
    ),
    "04_attention.py": (
        "def attention(query, key, value):\n    return value + 1.0\n",
        "Row 0, column 3: expected 6, got 1.",
    ),
    "06_gelu.py": (
        "import math\n\ndef gelu(x):\n    return x * math.erf(x)\n",
        "06_gelu.py, line 4, `return x * math.erf(x)`: TypeError: ",
    ),
    "09_leave_one_out.py": (
        "def leave_one_out(words, lead):\n    return dict.fromkeys(words, 0)\n",
        "The function returns {'this': 0",
    ),
    "10_backward.py": (
        "def linear_backward(grad, x, weight):\n    return grad @ weight\n",
        "The function must return 3 values, separated by commas.",
    ),
}


def test_answers_that_are_not_right(checkout: Path) -> None:
    for file, (answer, _) in ANSWERS.items():
        (checkout / "exercises" / file).write_text(answer, "utf-8")
    code, out = run(checkout, *(f"exercises/{file}" for file in ANSWERS))
    assert code == 1
    lines = lines_about(out)
    for file, (_, sentence) in ANSWERS.items():
        assert any(line.startswith(file[:2]) and sentence in line for line in lines), file
    assert "it printed:\n(3, 2)\n" in out
    assert out.splitlines()[-1].strip("= ").startswith("9 not right yet in")


def test_an_exercise_that_needs_another_one_says_so(checkout: Path) -> None:
    shutil.copy(SOLUTIONS / "04_attention.py", checkout / "exercises")
    code, out = run(checkout, "-q", "exercises/04_attention.py")
    assert code == 1
    assert lines_about(out) == ["04 attention: not solved yet: `softmax` takes about 3 lines."]


def test_the_suite_of_the_project_leaves_the_exercises_alone(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.getini("testpaths") == ["tests"]
