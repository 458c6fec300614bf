"""``python -m npbert``: the command line."""

from npbert.cli.main import program

program()
