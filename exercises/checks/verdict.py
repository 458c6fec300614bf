"""How an answer is judged: what is compared, and the one sentence that the learner reads."""

from __future__ import annotations

import copy
import ctypes
import linecache
import re
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Function = Callable[..., Any]  # the learner's, which may take and return anything
Mistake = tuple[str, Callable[..., Any]]  # what is said, and the mistake itself

TOLERANCE: Final = 1e-5  # of max(1, the largest value)
SECONDS: Final = 10.0  # for one call; the right ones take milliseconds

# What NumPy and Python say, and what a newcomer may do then.
HINTS: Final = {
    "could not be broadcast": "keepdims=True keeps an axis that a sum or a mean would remove",
    "mismatch in its core dimension": "print the shapes; .T turns (a, b) into (b, a)",
    "only length-1 arrays": "math.erf takes one number; np.vectorize(math.erf) takes an array",
    "only 0-dimensional arrays": "math.erf takes one number; np.vectorize(math.erf) takes an array",
}
SIGNATURE: Final = re.compile(r", with gufunc signature \S+")  # says nothing to a newcomer


class NotSolved(Exception):  # noqa: N818 - it is a verdict, and nobody's error
    """The exercise has not been begun."""


class NotRight(Exception):  # noqa: N818
    """What is said to the learner: one or two sentences, without a traceback."""


def learners_function(path: Path, name: str) -> Function:
    """Import the learner's file, and return a function of it that raises `NotRight` in words."""
    module = _in_time(import_module, [path.stem])
    function = getattr(module, name, None)
    if not callable(function):
        raise NotRight(f"{path.name} has no function `{name}`; its name must stay as it was")
    return lambda *arguments: _in_time(function, arguments)


def judge(
    function: Function,
    arguments: Sequence[Any],
    expected: Any,
    mistakes: Iterable[Mistake] = (),
) -> None:
    """Call the learner's function, and compare what it returns, number by number.

    Parameters
    ----------
    function : callable
        The learner's.
    arguments : sequence
        The function gets copies of them.
    expected : array, or tuple of arrays
    mistakes : iterable of pairs
        A sentence, and a function of the same arguments that makes the mistake. If the learner's
        result is that of such a function, the learner reads its sentence.

    Raises
    ------
    NotRight
        If the result is not the expected one.
    """
    given = copy.deepcopy(arguments)
    result = function(*given)
    if result is None:
        raise NotRight("The function returns None: is a `return` missing?")
    pairs = zip(given, arguments, strict=True)
    if any(not (agree(now, before) or callable(now)) for now, before in pairs):
        raise NotRight(
            "The function changes what it is given; make a new array (x = x - m instead of x -= "
            "m), or a new list."
        )
    if agree(result, expected):
        return
    with np.errstate(all="ignore"):  # some mistakes overflow
        for sentence, mistaken in mistakes:
            if agree(result, mistaken(*copy.deepcopy(arguments))):
                raise NotRight(sentence)
    raise NotRight(describe_difference(result, expected))


def agree(result: Any, expected: Any) -> bool:
    """Tell whether two values are the same, but for the rounding of numbers."""
    if isinstance(expected, dict):
        return isinstance(result, dict) and agree([*result.values()], [*expected.values()])
    if isinstance(expected, (tuple, list)):
        if not isinstance(result, (tuple, list, np.ndarray)) or len(result) != len(expected):
            return False
        return all(agree(one, other) for one, other in zip(result, expected, strict=True))
    if isinstance(expected, str):
        return isinstance(result, str) and result == expected
    numbers = _as_numbers(result)
    right = np.asarray(expected)
    if numbers is None or numbers.shape != right.shape:
        return False
    scale = max(1.0, float(np.abs(right).max(initial=0)))
    # An overflow in both is the same overflow.
    return bool(np.allclose(numbers, right, rtol=0, atol=TOLERANCE * scale, equal_nan=True))


def describe_difference(result: Any, expected: Any, where: str = "") -> str:
    """Return a sentence about the first difference, for a mistake that nobody knows."""
    if isinstance(expected, tuple):
        if not isinstance(result, tuple) or len(result) != len(expected):
            return f"The function must return {len(expected)} values, separated by commas."
        for number, pair in enumerate(zip(result, expected, strict=True), 1):
            if not agree(*pair):
                return describe_difference(*pair, f"of the returned value {number}, ")
    numbers, right = _as_numbers(result), np.asarray(expected)
    if numbers is None:
        return f"The function returns a {type(result).__name__}, expected an array of numbers."
    if numbers.shape != right.shape:
        return f"{where}the shape is {numbers.shape}, expected {right.shape}.".capitalize()
    if np.isnan(numbers).any():
        return "The result has nan in it: somewhere it computes 0/0, or infinity - infinity."
    place = np.unravel_index(np.argmax(np.abs(numbers - right)), right.shape)
    axes = {1: ("number",), 2: ("row", "column")}.get(right.ndim, [""] * right.ndim)
    words = ", ".join(f"{axis} {index}".strip() for axis, index in zip(axes, place, strict=True))
    got, want = float(numbers[place]), float(right[place])
    return f"{where}{words}: expected {want:.4g}, got {got:.4g}.".removeprefix(": ").capitalize()


def _as_numbers(value: Any) -> NDArray[Any] | None:
    """Return a value as an array of numbers, or None if it is something else."""
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        return None
    return array if array.dtype.kind in "fiub" else None


def _in_time(function: Function, arguments: Sequence[Any]) -> Any:
    """Call a function on a second thread, and give up when it takes too long."""
    outcome: list[Any] = []

    def call() -> None:
        try:
            outcome.append(_guarded(function, *arguments))
        except BaseException as error:  # it is raised again below, in the thread that waits
            outcome.append(error)

    thread = threading.Thread(target=call, daemon=True)  # the program can end without it
    thread.start()
    thread.join(SECONDS)
    if not outcome:
        _stop(thread)
        raise NotRight("The function does not come to an end: is there a loop that never stops?")
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def _stop(thread: threading.Thread) -> None:
    """Raise SystemExit in a thread, which would otherwise slow down all that follows."""
    number = ctypes.c_ulong(thread.ident or 0)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(number, ctypes.py_object(SystemExit))


def _guarded(function: Function, *arguments: Any) -> Any:
    """Call a function, and turn what it raises into one sentence."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return function(*arguments)
    except NotImplementedError as error:
        raise NotSolved(f"not solved yet: {error}") from None
    except SyntaxError as error:
        raise NotRight(f"Line {error.lineno} is not Python: {error.msg}.") from None
    except (NotRight, NotSolved):
        raise
    except Exception as error:  # whatever a learner's code raises is said in one sentence
        raise NotRight(_describe_error(error)) from None


def _describe_error(error: Exception) -> str:
    """Name the line of the learner's file that raised an error, the error, and a hint."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).name[:2].isdigit()] or [*frames]
    place = own[-1]
    source, _, _comment = linecache.getline(place.filename, place.lineno or 0).partition("  #")
    said = SIGNATURE.sub("", " ".join(str(error).split()))
    hint = next((f"; {hint}" for words, hint in HINTS.items() if words in said), "")
    file = Path(place.filename).name
    return f"{file}, line {place.lineno}, `{source.strip()}`: {type(error).__name__}: {said}{hint}."
