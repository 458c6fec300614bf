"""Spoil files of models and tables in many ways, and see what npbert does with them.

    pip install -e '.[test]'
    python scripts/fuzz --mutants 1000000 --seed 7

Each mutant is a model or a table with a few changes: in its bytes, in what its JSON says, in the
places, types and shapes of its tensors, or in what stands in the place of a file. It must end in a
right answer or in a ValueError, TypeError or OSError that names the file, within two seconds of the
processor and a memory that the size of the files justifies; nothing may be read outside of the
model's folder, or written to standard error. A right answer is that of transformers for the same
files (for a table, that of the csv and json modules and of pyarrow), or that of the files without
the change where the change changes nothing.

A fault is shown with the command that repeats it.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path

if not __package__:  # run by its path, where Python finds the modules beside this file alone
    sys.path[0] = str(Path(__file__).parents[1])

from fuzz.run import Found, run
from fuzz.worker import work

_EVERY: int = 1000  # mutants, after which a line is shown


def main(argv: list[str] | None = None) -> int:
    """Read the command line, and print the summary; return 1 if there was a fault."""
    options = _parser().parse_args(argv)
    if options.worker is not None:
        work(options.seed, iter(range(*options.worker)), options.share, options.keep)
        return 0
    numbers = range(options.mutants)
    if options.only is not None:
        numbers = range(options.only, options.only + 1)
    if options.keep is not None:
        work(options.seed, iter(numbers), share=1.0, keep=options.keep)
        return 0
    found = run(
        options.seed,
        numbers,
        n_workers=options.workers,
        share=options.share,
        most_faults=options.faults,
        on_verdict=_show,
    )
    print("\n".join([*found.report(), *(f"fault: {fault}" for fault in found.faults)]))
    return bool(found.faults)


def _show(found: Found) -> None:
    """Write a line from time to time, and each fault as soon as it is found."""
    for fault in found.new_faults():
        print(f"fault: {fault}", file=sys.stderr)
    if found.n_mutants % _EVERY == 0:
        print(f"{found.n_mutants:,} mutants, {len(found.faults)} faults", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python scripts/fuzz", description=__doc__.partition("\n")[0]
    )
    add = parser.add_argument
    add("--mutants", type=int, default=20_000, help="(default: %(default)s)")
    add("--seed", type=int, default=secrets.randbelow(10**9), help="(default: any)")
    add("--workers", type=int, default=1, help="processes (default: %(default)s)")
    add("--share", type=float, default=1.0,
        help="the share of answers that are compared with transformers (default: all)")  # fmt: skip
    add("--faults", type=int, default=20, help="end after so many (default: %(default)s)")
    add("--only", type=int, help="try the mutant of this number alone")
    add("--keep", type=Path, help="try in this process, and keep the files in this folder")
    add("--worker", type=int, nargs=3, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
