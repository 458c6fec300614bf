"""``python -m npbert``: the command line."""

from npbert.cli import run

run()
