"""The program `npbert`: its streams, its signals and its exit code.

This module imports little, so a signal finds it ready soon after Python has started. What comes
before it is Python's own. At first a signal ends the process at once, without a word. While Python
then reads its site packages and finds npbert, Ctrl-C shows Python's traceback.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Final, NoReturn

_SIGNALS: Final[tuple[signal.Signals, ...]] = tuple(  # Windows alone has SIGBREAK, for Ctrl-Break
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
)
_SIGNALLED: Final = 128  # shells add the number of the signal to this


def program() -> NoReturn:
    """Run the command line in this process, and exit."""
    # So far there are no files to be left in order. An exception could be lost inside an import.
    _handle_signals(_end_at_once)
    from npbert.cli.commands import INTERRUPTED, main
    from npbert.cli.standard_output import prepare_streams

    prepare_streams()
    _handle_signals(_raise)
    try:
        code = main()
    except KeyboardInterrupt:  # before or after the command itself
        code = INTERRUPTED
    finally:
        _handle_signals(_end_at_once)
    sys.exit(code)


def _handle_signals(handler: Callable[[int, FrameType | None], NoReturn]) -> None:
    for number in _SIGNALS:
        # A shell starts programs in the background so that they ignore Ctrl-C.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _end_at_once(number: int, _frame: FrameType | None) -> NoReturn:
    os._exit(_SIGNALLED + number)


def _raise(number: int, _frame: FrameType | None) -> NoReturn:
    """Raise an exception, which leaves files in order."""
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(_SIGNALLED + number)
