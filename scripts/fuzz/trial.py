"""One mutant is tried, and what comes of it is judged."""

from __future__ import annotations

import os
import shutil
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

from fuzz import answers, explained, rows
from fuzz.models import original_model
from fuzz.mutants import Mutant, draw_mutant
from fuzz.watch import Watch, written_to

_RIGHT_ERRORS: Final = (ValueError, TypeError, OSError)  # CheckpointError is a ValueError
_MOST_OF_MESSAGE: Final = 2000  # characters


class Verdict(NamedTuple):
    """What came of a mutant.

    Attributes
    ----------
    outcome : str
        "loaded", or the name of the error.
    comparison : str
        What the answer was compared with, or why it was not; empty if there is no answer.
    fault : str
        What must not have happened; empty if all is well.
    seconds : float
        The time of the processor.
    memory : int
        The bytes by which the memory of the process grew.
    message : str
        That of the error.
    """

    outcome: str
    comparison: str = ""
    fault: str = ""
    seconds: float = 0.0
    memory: int = 0
    message: str = ""


class Trials:
    """Tries mutants, one after the other.

    Parameters
    ----------
    scratch : Path
        An empty folder.
    """

    def __init__(self, scratch: Path) -> None:
        self._watch = Watch(scratch)
        self._scratch = scratch
        self._nowhere = os.open(os.devnull, os.O_WRONLY)
        self._answers: dict[tuple[Any, ...], Any] = {}  # of the originals

    def warm_up(self) -> None:
        """Let libraries import what they import late, and reserve the memory that they keep."""
        for number in range(8):  # models, and compressed tables
            self.judge(draw_mutant(0, number), compares=True)

    def judge(self, mutant: Mutant, folder: Path | None = None, *, compares: bool) -> Verdict:
        """Load the files of a mutant, and say what came of it.

        Parameters
        ----------
        mutant : Mutant
        folder : Path, optional
            An empty folder for the files, which stays. By default there is none.
        compares : bool
            Whether the answer of a model is compared with that of transformers.
        """
        place = folder or self._scratch / "files"
        path = mutant.write(place)
        library = rows if mutant.is_table else answers
        answer: Any = None
        loaded: Any = None
        error: BaseException | None = None
        try:
            with self._watch.watching(place) as use:
                try:
                    loaded = library.load(path)
                    answer = library.own_answer(loaded)
                except BaseException as raised:  # a panic of Rust is not an Exception
                    error = raised
            if isinstance(error, KeyboardInterrupt):
                raise error
            if error is not None:
                # What is wrong with a model is said at its loading, and names the file.
                is_at_loading = mutant.is_table or loaded is None
                verdict = _of_error(error, place.name if is_at_loading else "")
            else:
                verdict = self._of_answer(mutant, library, path, answer, compares=compares)
        finally:
            if folder is None:
                shutil.rmtree(place)
        fault = use.fault(mutant.size_bytes, may_unpack=mutant.may_unpack) or verdict.fault
        if error is not None and mutant.original is not None:
            fault = fault or f"the change changes nothing, but there is an error: {error}"
        return verdict._replace(fault=fault, seconds=use.seconds, memory=use.memory)

    def _of_answer(
        self, mutant: Mutant, library: ModuleType, path: Path, answer: Any, *, compares: bool
    ) -> Verdict:
        if mutant.must_be_refused:
            return Verdict("loaded", fault="a file outside of the folder was read")
        if mutant.original is not None:
            found = library.difference(answer, self._answer_of(mutant.original, library))
            return Verdict("loaded", "with the original", found or "")
        if not (mutant.is_table or compares):
            return Verdict("loaded", "not compared")
        theirs = None
        try:
            with written_to(self._nowhere):
                theirs = library.other_answer(path)
        except Exception as error:
            found = f"others refuse it: {type(error).__name__}: {error}"
            if not mutant.is_table and self._is_of_an_original(answer):
                return Verdict("loaded", "with the original, because others refuse it")
        else:
            found = library.difference(answer, theirs)
        if found is None:
            return Verdict("loaded", "with others")
        if theirs is not None and not mutant.is_table:
            with written_to(self._nowhere):
                is_as_exact = answers.is_as_exact(answer, theirs, path)
            if is_as_exact:
                return Verdict("loaded", "with others, in float64")
        reason = explained.reason(mutant, path, answer, found)
        if reason is not None:
            return Verdict("loaded", f"explained: {reason}")
        return Verdict("loaded", "with others", found[:_MOST_OF_MESSAGE])

    def _is_of_an_original(self, answer: Any) -> bool:
        return answers.difference(answer, self._answer_of(original_model(), answers)) is None

    def _answer_of(self, original: Mutant, library: ModuleType) -> Any:
        """Return the answer of files without a change, which are not watched."""
        key = tuple(sorted(original.files.items()))
        if key not in self._answers:
            place = self._scratch / "original"
            self._answers[key] = library.own_answer(library.load(original.write(place)))
            shutil.rmtree(place)
        return self._answers[key]


def _of_error(error: BaseException, named: str) -> Verdict:
    message = str(error)[:_MOST_OF_MESSAGE]
    name = type(error).__name__
    if not isinstance(error, _RIGHT_ERRORS):
        lines = traceback.format_exception(error)
        return Verdict(name, fault="".join(lines)[-_MOST_OF_MESSAGE:], message=message)
    if named not in message:
        return Verdict(name, fault=f"names no file: {_last_line(error)} {message}", message=message)
    return Verdict(name, message=message)


def _last_line(error: BaseException) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"
