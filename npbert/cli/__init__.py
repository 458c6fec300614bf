"""The command line: commands, messages, exit codes."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import warnings
from typing import Any, Final

from npbert.cli import classify, info

DONE, FAILED = 0, 1  # argparse itself exits with 2 for wrong usage
_INTERRUPTED, _PIPE_CLOSED, _TERMINATED = 130, 141, 143  # as shells report these signals
_SHOWN_PROBLEMS: Final = 5


def run() -> None:
    """Be the program `npbert`."""
    # Leave through the same doors as on Ctrl-C, which leave files in order.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    sys.exit(main())


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(argv)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _show_warning
            options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone; without this, Python would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (OSError, ValueError, ModuleNotFoundError) as error:
        print(f"npbert: error: {_one_line(error)}", file=sys.stderr)
        return FAILED
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="npbert", description="Label text with DistilBERT, in NumPy, without PyTorch."
    )
    parser.add_argument("--version", action=_Version)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    classify.add_parser(commands)
    info.add_parser(commands)
    return parser


class _Version(argparse.Action):
    """Asks for the version only when it is wanted: the import takes 19 ms."""

    def __init__(self, **options: Any) -> None:
        super().__init__(nargs=0, help="show the version", **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from npbert import __version__

        print(f"npbert {__version__}")
        parser.exit()


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"npbert: {message}", file=sys.stderr)


def _one_line(error: BaseException) -> str:
    """An error's message on one line, long lists cut."""
    lines = [line.strip() for line in str(error).splitlines()] or [type(error).__name__]
    if len(lines) > _SHOWN_PROBLEMS:
        n_more = len(lines) - _SHOWN_PROBLEMS
        lines = [*lines[:_SHOWN_PROBLEMS], f"and {n_more} more (from_pretrained names all)"]
    return "; ".join(lines)
