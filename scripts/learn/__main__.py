"""Bring up to date what is generated in docs/learn.

    python scripts/learn              pictures, table, line numbers in links, and the notebook
    python scripts/learn --measure    the same, after the experiments, in about ten minutes

The tests in tests/scripts/learn fail where something is stale.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if not __package__:  # run by its path, where Python finds the modules beside this file alone
    checkout = Path(__file__).parents[2]
    sys.path[:0] = [str(checkout), str(checkout / "scripts"), str(checkout / "docs" / "learn")]

from learn import experiments, line_numbers, notebook, pictures


def main(argv: list[str] | None = None) -> None:
    """Read the command line, and write the pictures, the pages and the notebook."""
    parser = argparse.ArgumentParser(
        prog="python scripts/learn", description=__doc__.split("\n")[0]
    )
    parser.add_argument(
        "--measure", action="store_true", help="measure the accuracies of chapter 5 anew"
    )
    if parser.parse_args(argv).measure:
        experiments.measure()
    for name, draw in pictures.PICTURES.items():
        (pictures.FOLDER / f"{name}.svg").write_text(str(draw()), encoding="utf-8")
    for page in line_numbers.PAGES.glob("*.md"):
        text = line_numbers.with_present_lines(page.read_text(encoding="utf-8"), page.parent)
        if page == experiments.PAGE:
            text = experiments.with_present_table(text)
        page.write_text(text, encoding="utf-8")
    path = notebook.CHECKOUT / notebook.NOTEBOOK
    path.write_text(notebook.make_notebook(), encoding="utf-8")


if __name__ == "__main__":
    main()
