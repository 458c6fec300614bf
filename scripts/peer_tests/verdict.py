"""What became of each test, compared with the list of the tests that are not applicable."""

from __future__ import annotations

import re
import tomllib
import unittest
from collections import Counter
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TypeAlias

from peer_tests import stand_ins

ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType]


class Record(unittest.TestResult):
    """The outcome of every test, by its name (``CASE.test_name``)."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[str] = []
        self.reached: set[str] = set()  # the tests that asked npbert for something
        self.messages: dict[str, list[str]] = {}  # the errors of the tests that failed
        self.left_out: dict[str, str] = {}  # the tests that transformers skips, with its reason
        self._calls = 0

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802
        """Note the name of the test."""
        super().startTest(test)
        self.started.append(_name(test))
        self._calls = stand_ins.calls

    def stopTest(self, test: unittest.TestCase) -> None:  # noqa: N802
        """Note whether the test reached npbert."""
        super().stopTest(test)
        if stand_ins.calls > self._calls:
            self.reached.add(_name(test))

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: N802
        """Note why the test is left out, unless only a part of it is."""
        if test.id().endswith(_name(test)):
            self.left_out[_name(test)] = reason

    def addError(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        """Note the error."""
        self._add_message(test, err)

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        """Note the failure."""
        self._add_message(test, err)

    def addSubTest(self, test: unittest.TestCase, subtest: Any, err: Any) -> None:  # noqa: ARG002, N802
        """Note the failure of a part of the test."""
        if err is not None:
            self._add_message(test, err)

    def _add_message(self, test: unittest.TestCase, err: ExcInfo) -> None:
        message = f"{err[0].__name__}: {err[1]}"
        self.messages.setdefault(_name(test), []).append(message)


class Reason(NamedTuple):
    """Why some tests are not applicable to npbert."""

    why: str
    fails_with: str  # a regular expression, which every error of these tests matches
    tests: list[str]  # patterns of names


def read_list(path: Path) -> list[Reason]:
    """Read the list of tests that are not applicable."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))["reason"]
    return [Reason(**table) for table in tables]


def report(record: Record, reasons: list[Reason], with_names: bool) -> int:
    """Print what became of the tests, and return the exit code."""
    passed, failed, elsewhere, stale = [], [], [], []
    not_applicable = {}
    for name in record.started:
        listed = [reason for reason in reasons if _is_among(name, reason.tests)]
        if name in record.messages:
            errors = record.messages[name]
            fitting = [r for r in listed if all(re.search(r.fails_with, e) for e in errors)]
            if fitting:
                not_applicable[name] = fitting[0].why
            else:
                failed.append(name)
        elif name in record.left_out:
            continue
        elif name not in record.reached:
            elsewhere.append(name)
        else:
            passed.append(name)
            if listed:
                stale.append(name)
    _print_section("passed", passed, with_names)
    _print_section("failed", [f"{name}: {record.messages[name][0][:300]}" for name in failed])
    _print_counted("not applicable (not_applicable.toml)", not_applicable, with_names)
    _print_counted("left out by transformers itself", record.left_out, with_names)
    _print_section("passed without reaching npbert", elsewhere, with_names)
    if stale:
        _print_section("on the list, but passed: take it off", stale)
    return 1 if failed or stale else 0


def _name(test: unittest.TestCase) -> str:
    name_of_test, _, _ = test.id().partition(" ")  # what follows names a part of the test
    return ".".join(name_of_test.split(".")[-2:])


def _is_among(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _print_section(title: str, lines: Collection[str], with_lines: bool = True) -> None:
    print(f"\n{len(lines):4} {title}")
    if with_lines:
        for line in lines:
            print(f"       {line}")


def _print_counted(title: str, reason_of: dict[str, str], with_names: bool) -> None:
    _print_section(title, reason_of, with_lines=False)
    for reason, count in Counter(reason_of.values()).most_common():
        print(f"  {count:4} {reason}")
        if with_names:
            for name in [name for name, its in reason_of.items() if its == reason]:
                print(f"         {name}")
