"""The command line: commands, messages, exit codes."""

from __future__ import annotations

import argparse
import io
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
    if sys.stderr is None:  # closed, as daemons have it
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = _Closed()
    elif os.name != "nt":  # else it could refuse what it has no room for just now
        os.set_blocking(sys.stdout.fileno(), True)
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
    except BrokenPipeError:  # the reader has gone
        _drop_output()
        return _PIPE_CLOSED
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (OSError, ValueError, ModuleNotFoundError) as error:
        _drop_output()
        print(f"npbert: error: {_one_line(error)}", file=sys.stderr)
        return FAILED
    return DONE


class _Closed(io.TextIOBase):
    """A standard output that was closed: what should go there must not be lost unnoticed."""

    def write(self, _text: str, /) -> int:
        raise OSError("standard output is closed; give --output FILE")


def _drop_output() -> None:
    """Drop what cannot be written, which Python would try once more at its exit, and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
