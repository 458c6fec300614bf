"""Compare npbert with transformers, draw by draw, for as long as you like.

    pip install -e '.[test]'
    python scripts/differential --draws 100000 --seed 0
    python scripts/differential --minutes 10 --seed 5000000
    python scripts/differential --only 12345

A draw is a call of a pipeline, of a model or of a tokenizer with random options and random texts.
64 draws share a world: a small random DistilBERT and a tokenizer, in files of random forms, which
both libraries load. The answers must be the same, or both libraries must refuse the call. What
docs/differences.md says is not counted as a difference, but counted. The seed of a draw decides
everything about it, so --only repeats it alone.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if not __package__:  # run by its path, where Python finds the modules beside this file alone
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from differential.draw import Outcome
from differential.run import Drawing, Found, run


def main(argv: list[str] | None = None) -> int:
    """Read the command line, and print the report; return 1 if a difference is not explained."""
    parser = argparse.ArgumentParser(
        prog="python scripts/differential",
        description=__doc__.partition("\n")[0],
    )
    parser.add_argument("--draws", type=int, help="how many draws (default: 1000)")
    parser.add_argument("--minutes", type=float, help="how long, in place of --draws")
    parser.add_argument(
        "--seed", type=int, default=0, help="the seed of the first draw (default: %(default)s)"
    )
    parser.add_argument("--only", type=int, metavar="SEED", help="repeat one draw, and show it")
    options = parser.parse_args(argv)
    if options.only is not None:
        return show(options.only)
    n_draws = options.draws or (None if options.minutes else 1000)
    found, n_shown = Found(), 0
    for found in run(options.seed, n_draws, options.minutes):
        if len(found.differences) > n_shown:
            seed, what = list(found.differences.items())[-1]
            print(f"seed {seed}: {what}", flush=True)
            n_shown += 1
        if found.verdicts.total() % 10_000 == 0:
            print(next(found.report()), flush=True)
    print("\n".join(found.report()))
    return bool(found.differences)


def show(seed: int) -> int:
    """Print a draw and both outcomes; return 1 if they differ and it is not explained."""
    draw = Drawing().draw(seed)
    print(draw.call, f"npbert: {Outcome.of(draw.ours)}", sep="\n")
    print(f"transformers: {Outcome.of(draw.theirs)}")
    (found,) = run(seed, 1, None)
    print("\n".join([*found.report(), *found.differences.values()]))
    return bool(found.differences)


if __name__ == "__main__":
    sys.exit(main())
