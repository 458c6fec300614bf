"""One draw: a call of both libraries, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from differential.comparing import DifferentError, require_alike

Compare = Callable[[Any, Any], None]


@dataclass(frozen=True)
class Draw:
    """A call that both libraries answer.

    Attributes
    ----------
    kind : str
        What is called: a task, "model" or "tokenizer".
    call : str
        The call, for the report.
    ours, theirs : callable
        Make the call, and return the answer.
    compare : callable
        Raises a DifferentError if two answers differ.
    theirs_by_our_numbers : callable, optional
        Return what transformers answers if its model gives the numbers of npbert, and raise a
        DifferentError if these are not the same within the tolerance. Where this is the answer of
        npbert, two labels, words or spans were tied.
    exact : callable, optional
        Return the answer in float64, in the form in which `compare` has it.
    nudged : callable, optional
        Return the answers of transformers with the weights of `World.nudged_models`.
    arguments : dict
        The arguments of the call, for the rules of documented differences.
    """

    kind: str
    call: str
    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    compare: Compare = require_alike
    theirs_by_our_numbers: Callable[[], Any] | None = None
    exact: Callable[[], Any] | None = None
    nudged: Callable[[], list[Any]] = list
    arguments: dict[str, Any] = field(default_factory=dict)

    def are_alike(self, ours: Any, theirs: Any) -> bool:
        """Tell whether two answers are the same by `compare`."""
        try:
            self.compare(ours, theirs)
        except DifferentError:
            return False
        return True


@dataclass(frozen=True)
class Outcome:
    """An answer, or the error that was raised in its place."""

    answer: Any = None
    error: BaseException | None = None

    @classmethod
    def of(cls, call: Callable[[], Any]) -> Outcome:
        """Make a call, and keep what comes of it."""
        try:
            return cls(call())
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # the tokenizers library raises one that is no Exception
            return cls(error=error)

    def __str__(self) -> str:
        if self.error is None:
            return repr(self.answer)[:600]
        return f"{type(self.error).__name__}: {str(self.error)[:600]}"
