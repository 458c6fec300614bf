"""Whether two answers are the same: equal words and shapes, and numbers within the tolerance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

TOLERANCE: Final = 1e-5  # of max(1, the largest number)


class DifferentError(AssertionError):
    """Two answers differ; the message says where."""


def require_alike(ours: Any, theirs: Any, where: str = "") -> None:
    """Raise a DifferentError unless both are the same.

    Parameters
    ----------
    ours, theirs
        Numbers, texts, arrays, and lists and dicts of them.
    where : str
        The words for the place in the error message.
    """
    if isinstance(theirs, np.ndarray) and theirs.ndim:
        _require_close(ours, theirs, where)
    elif _is_fraction(theirs):
        _require(_is_fraction(ours), where, ours, theirs)
        _require(is_close(float(ours), float(theirs)), where, ours, theirs)
    elif isinstance(theirs, Mapping):
        _require(isinstance(ours, Mapping), where, ours, theirs)
        _require(list(ours) == list(theirs), f"{where} keys", list(ours), list(theirs))
        for name in theirs:
            require_alike(ours[name], theirs[name], f"{where}[{name!r}]")
    elif isinstance(theirs, (list, tuple)):
        _require(type(ours) is type(theirs), f"{where} type", type(ours), type(theirs))
        _require(len(ours) == len(theirs), f"{where} length", len(ours), len(theirs))
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            require_alike(one, other, f"{where}[{number}]")
    else:
        _require(type(ours) is type(theirs), f"{where} type", type(ours), type(theirs))
        _require(ours == theirs, where, ours, theirs)


def is_close(ours: float, theirs: float) -> bool:
    """Tell whether two numbers are the same within the tolerance."""
    return abs(ours - theirs) <= TOLERANCE * max(1.0, abs(theirs))


def largest_error(value: Any, exact: Any) -> float:
    """Return the largest difference of any number in an answer from the exact number.

    It is infinite if the shapes differ.

    Parameters
    ----------
    value, exact
        Arrays, and dicts and tuples of them.
    """
    if isinstance(exact, Mapping):
        return max(largest_error(value[name], exact[name]) for name in exact)
    if isinstance(exact, tuple):
        return max(map(largest_error, value, exact), default=0.0)
    if exact is None:
        return 0.0
    if np.shape(value) != np.shape(exact):
        return np.inf
    return float(np.abs(value.astype(np.float64) - exact).max(initial=0))


def is_as_exact(ours: Any, theirs: Iterable[Any], exact: Any) -> bool:
    """Tell whether both are wrong by about as much, so that float32 is too coarse for the model.

    Parameters
    ----------
    ours, exact
        As in `largest_error`.
    theirs : iterable
        Several such answers in float32, of which each is as good as the others.
    """
    limit = 2 * max(largest_error(one, exact) for one in theirs) + TOLERANCE
    return np.isfinite(limit) and largest_error(ours, exact) <= limit


def _is_fraction(value: object) -> bool:
    return isinstance(value, (float, np.floating))


def _require_close(ours: Any, theirs: Any, where: str) -> None:
    _require(isinstance(ours, np.ndarray), f"{where} type", type(ours), type(theirs))
    _require(ours.dtype == theirs.dtype, f"{where} dtype", ours.dtype, theirs.dtype)
    _require(ours.shape == theirs.shape, f"{where} shape", ours.shape, theirs.shape)
    if not theirs.size:
        return
    if theirs.dtype.kind != "f":
        _require(np.array_equal(ours, theirs), where, ours, theirs)
        return
    _require(bool(np.isfinite(ours).all()), f"{where} finite", ours, theirs)
    difference = float(np.abs(ours.astype(np.float64) - theirs).max())
    largest = max(1.0, float(np.abs(theirs).max()))
    _require(difference <= TOLERANCE * largest, where, difference / largest, TOLERANCE)


def _require(condition: bool, where: str, ours: object, theirs: object) -> None:
    if not condition:
        raise DifferentError(f"{where or 'the answer'}: npbert {ours!r}, transformers {theirs!r}")
