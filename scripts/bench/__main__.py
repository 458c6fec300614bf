"""Measure npbert: its speed beside its peers, or its work on files of rows.

    pip install -e '.[test,bench]'
    python scripts/bench speed --quick
    python scripts/bench speed --reviews REVIEWS.csv --write
    python scripts/bench files --rows 1000000
    python scripts/bench callers
    python scripts/bench explain
    python scripts/bench serve --quick
    python scripts/bench guards

The engines run in processes of their own (engines.py), which measure.py starts and times, with
the model and the texts of material.py.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if not __package__:  # run by its path, where Python finds the modules beside this file alone
    sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import callers, explain, files, guards, serve, speed
from bench.material import CHECKOUT, make_folder
from npbert.distilbert.cpus import default_threads

BASE_FOLDER = CHECKOUT / "build" / "bench"


def main(argv: list[str] | None = None) -> None:
    """Read the command line, make the model if it is missing, and print the report."""
    parser = argparse.ArgumentParser(
        prog="python scripts/bench",
        description="Measure npbert. Each command prints a report.",
        epilog="'python scripts/bench COMMAND --help' lists the options of a command.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--threads",
        type=int,
        default=default_threads(),
        help="threads per engine (default: %(default)s, one per processor)",
    )
    shared.add_argument(
        "--folder",
        type=Path,
        default=BASE_FOLDER,
        help="folder of the model of base size; the model is made if it is missing "
        "(default: build/bench)",
    )
    for name, module, summary in (
        ("speed", speed, "time npbert beside its peers, and compare memory and installed sizes"),
        ("callers", callers, "time calls of one text from several threads, also on a busy host"),
        ("explain", explain, "time explanations beside calls of classify"),
        ("guards", guards, "time what the checks of files, texts and numbers cost"),
        ("serve", serve, "time `npbert serve` beside its peers, under load from many clients"),
        ("files", files, "time `npbert classify` on csv files, and the workers of a cluster"),
    ):
        command = commands.add_parser(
            name,
            parents=[shared],
            help=summary,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_options(command)
        command.set_defaults(report=module.report)
    options = parser.parse_args(argv)
    if not (options.folder / "tokenizer.json").exists():
        make_folder(options.folder)
    options.report(options)


if __name__ == "__main__":
    main()
