"""Change npbert in one place at a time, and see whether its tests notice.

    pip install -e '.[test]'
    python scripts/mutants                                  all modules, in about an hour
    python scripts/mutants distilbert/packs.py              one of them
    python scripts/mutants distilbert/packs.py --only 17    one mutation

A mutation is another operator, comparison, condition or constant in the modules that decide the
numbers. It is killed if the tests of targets.py fail, or take too long. survivors.toml says of each
mutation that no test can notice why this is so; all others that survive are printed at the end.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections import Counter
from pathlib import Path

if not __package__:  # run by its path, where Python finds the modules beside this file alone
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from mutants.mutations import Mutation, mutations_of
from mutants.run import CHECKOUT, load_libraries, passes
from mutants.targets import TARGETS

EXPLAINED = Path(__file__).with_name("survivors.toml")
LEAST_SCORE = 0.9


def main(argv: list[str] | None = None) -> int:
    """Read the command line, run the tests, and return 1 if too few mutations are killed."""
    parser = argparse.ArgumentParser(
        prog="python scripts/mutants",
        description=__doc__.partition("\n")[0],
    )
    parser.add_argument("modules", nargs="*", help="paths in npbert (default: those of targets.py)")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="one mutation of each module")
    options = parser.parse_args(argv)
    modules = options.modules or list(TARGETS)
    unknown = [module for module in modules if module not in TARGETS]
    if unknown:
        parser.error(f"{unknown[0]} is not in targets.py, which has: {', '.join(TARGETS)}")
    load_libraries()
    verdicts: Counter[str] = Counter()
    survivors: list[str] = []
    for module in modules:
        of_module, alive = _run(module, options.only)
        survivors += [f"{module} {mutation.number}, {mutation}" for mutation in alive]
        print(f"{module}: {dict(of_module)}", flush=True)
        verdicts += of_module
    score = (verdicts["killed"] + verdicts["explained"]) / max(1, verdicts.total())
    killed = verdicts["killed"] / max(1, verdicts.total())
    print(f"{verdicts.total()} mutations, {killed:.1%} killed, {score:.1%} killed or explained")
    print(*survivors, sep="\n")
    return int(score < LEAST_SCORE)


def _run(module: str, only: int | None) -> tuple[Counter[str], list[Mutation]]:
    """Try the mutations of one module; return the verdicts, and what survives unexplained."""
    tests = TARGETS[module]
    whole, seconds = passes(module, None, tests, timeout=600)
    if not whole:
        raise SystemExit(f"the tests of {module} fail without a mutation: pytest {' '.join(tests)}")
    reasons = tomllib.loads(EXPLAINED.read_text(encoding="utf-8")).get(module, {})
    mutations = mutations_of((CHECKOUT / "npbert" / module).read_text(encoding="utf-8"))
    if only is not None:
        mutations = [mutations[only]]
    print(f"{module}: {len(mutations)} mutations, {seconds:.1f} s without one", flush=True)
    verdicts: Counter[str] = Counter()
    alive = []
    for mutation in mutations:
        survives, _ = passes(module, mutation.number, tests, timeout=10 + 5 * seconds)
        if not survives:
            verdicts["killed"] += 1
        elif mutation.name in reasons:
            verdicts["explained"] += 1
        else:
            verdicts["survived"] += 1
            alive.append(mutation)
            print(f"  {mutation.number}, {mutation}", flush=True)
    return verdicts, alive


if __name__ == "__main__":
    sys.exit(main())
