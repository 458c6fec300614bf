"""scripts/mutants: which changes are made, and that tests notice one of them."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib

from mutants.__main__ import EXPLAINED
from mutants.mutations import mutated, mutations_of
from mutants.targets import TARGETS

from tests.support.paths import CHECKOUT

SOURCE = '''
"""A docstring with 1 + 1."""
from typing import Final
LIMIT: Final = 3
Kind = Literal["one", "other"]

@decorated(1)
def f(x: Literal[2] = 0) -> Literal[3]:
    """Not 4."""
    if x < LIMIT and not x:
        raise ValueError(f"{x + 1} is 2")
    warnings.warn("words", stacklevel=2)
    x += 2.0
    g(x)
    return -x if x is None else "a"
'''


def test_what_decides_an_answer_is_changed_and_nothing_else() -> None:
    changes = [f"{each.before} -> {each.after}" for each in mutations_of(SOURCE)]
    assert changes == [
        "3 -> 4",
        "0 -> 1",
        "x < LIMIT and (not x) -> x < LIMIT or not x",
        "x < LIMIT -> x <= LIMIT",
        "not x -> x",
        "warnings.warn('words', stacklevel=2) -> pass",
        "x += 2.0 -> x -= 2.0",
        "2.0 -> 3.0",
        "g(x) -> pass",
        "-x if x is None else 'a' -> 'a' if x is None else -x",
        "x is None -> x is not None",
        "-x -> x",
        "'a' -> 'ax'",
    ]


def test_one_change_at_a_time() -> None:
    original = ast.unparse(ast.parse(SOURCE)).splitlines()
    for mutation in mutations_of(SOURCE):
        changed = ast.unparse(mutated(SOURCE, mutation.number)).splitlines()
        different = [pair for pair in zip(original, changed, strict=True) if pair[0] != pair[1]]
        assert len(different) == 1
        assert mutation.text in SOURCE
    first = mutations_of(SOURCE)[0]
    assert str(first) == "line 4: LIMIT: Final = 3 | 3 -> 4"


def test_the_targets_and_the_explanations_are_there() -> None:
    explained = tomllib.loads(EXPLAINED.read_text(encoding="utf-8"))
    assert explained.keys() <= TARGETS.keys()
    for module, tests in TARGETS.items():
        assert all((CHECKOUT / test.partition("::")[0]).exists() for test in tests)
        source = (CHECKOUT / "npbert" / module).read_text(encoding="utf-8")
        names = {mutation.name for mutation in mutations_of(source)}
        assert [name for name in explained.get(module, {}) if name not in names] == []


def test_a_change_of_packs_is_noticed() -> None:
    source = (CHECKOUT / "npbert" / "distilbert" / "packs.py").read_text(encoding="utf-8")
    number = next(
        each.number for each in mutations_of(source) if "n_waiting += length" in each.text
    )
    command = [sys.executable, "scripts/mutants", "distilbert/packs.py", "--only", str(number)]
    done = subprocess.run(
        command, cwd=CHECKOUT, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 mutations, 100.0% killed, 100.0% killed or explained" in done.stdout
