"""The commands of the command line, the messages of errors and warnings, and the exit codes."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Final, NoReturn, TextIO, cast

from npbert import __version__
from npbert.cli import classify, explain, export, info, serve
from npbert.cli.standard_output import drop_unwritten
from npbert.messages import harmless

DONE, FAILED = 0, 1  # argparse itself exits with 2 for wrong usage
INTERRUPTED, _PIPE_CLOSED = 130, 141  # as shells report these signals
_SHOWN_PROBLEMS: Final = 5
_USUAL_ERRORS: Final = (OSError, ValueError, ModuleNotFoundError)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments, without the name of the program. By default they are those of this process.

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    SystemExit
        If the arguments are wrong, with the exit code 2; and after --help or --version.
    """
    try:
        _run(_parse(argv))
        sys.stdout.flush()
    except BrokenPipeError:  # nobody reads standard output any longer
        drop_unwritten()
        return _PIPE_CLOSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        drop_unwritten()
        print(f"npbert: error: {harmless(_one_line(error))}", file=sys.stderr)
        return FAILED
    return DONE


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    try:
        return make_parser().parse_args(argv)
    except SystemExit:  # after --help or --version, which may have nowhere to go
        sys.stdout.flush()
        raise


def _run(arguments: argparse.Namespace) -> None:
    command: Callable[[argparse.Namespace], None] = arguments.command
    parser: argparse.ArgumentParser = arguments.parser
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _show_warning
            command(arguments)
    except argparse.ArgumentError as error:  # the arguments do not go together
        parser.error(str(error))


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the arguments of all commands."""
    parser = cast(
        "argparse.ArgumentParser",
        _Parser(
            prog="npbert", description="Label text with DistilBERT, in NumPy, without PyTorch."
        ),
    )
    parser.add_argument("--version", action=_Version)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    classify.add_parser(commands)
    explain.add_parser(commands)
    info.add_parser(commands)
    export.add_parser(commands)
    serve.add_parser(commands)
    return parser


class _Parser(argparse.ArgumentParser):
    """A parser, as those of the commands are too, that says harmlessly what is wrong."""

    def error(self, message: str) -> NoReturn:
        """Exit with the message, which may quote an argument as it stands."""
        super().error(harmless(message))


class _Version(argparse.Action):
    """Shows the version. The action of argparse would hide that it cannot be written."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="show the version")

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"npbert {__version__}")
        parser.exit()


def _show_warning(
    message: Warning | str,
    category: type[Warning],  # noqa: ARG001 - warnings.showwarning has these arguments
    filename: str,  # noqa: ARG001
    lineno: int,  # noqa: ARG001
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    print(f"npbert: {harmless(str(message))}", file=sys.stderr)


def _one_line(error: BaseException) -> str:
    """Return the message of an error as one line, with long lists cut."""
    lines = [line.strip() for line in str(error).splitlines()] or [_kind_of(error)]
    if not isinstance(error, _USUAL_ERRORS) and str(error):
        lines[0] = f"{_kind_of(error)}: {lines[0]}"  # without the kind, such a message says little
    if len(lines) > _SHOWN_PROBLEMS:
        n_more = len(lines) - _SHOWN_PROBLEMS
        lines = [*lines[:_SHOWN_PROBLEMS], f"and {n_more} more (from_pretrained names all)"]
    return "; ".join(lines)


def _kind_of(error: BaseException) -> str:
    return "there is not enough memory" if isinstance(error, MemoryError) else type(error).__name__
