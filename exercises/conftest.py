"""How pytest runs the exercises: each function to be written is a test that says one sentence.

The learner's file, such as 04_attention.py, holds nothing but what the learner writes. What a right
answer is, and which mistakes are usual, stands in checks/attention.py: the function
`check_attention` there is the test of the function `attention` here.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from checks.verdict import NotRight, NotSolved, learners_function

FOLDER = Path(__file__).parent
NAME = re.compile(r"\d\d_(\w+)\.py")
OF_EXERCISE = "exercise"  # marks the reports of exercises among those of other tests
PRAISE = "praise"  # marks what is said where the answer is right
NOT_SOLVED, NOT_RIGHT = "not solved yet", "not right yet"


class Exercise(pytest.File):
    """A file of the learner."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield one test for each function that the checks of this file expect."""
        (subject,) = NAME.fullmatch(self.path.name).groups()  # type: ignore[union-attr]
        for name in vars(import_module(f"checks.{subject}")):
            if name.startswith("check_"):
                yield Trial.from_parent(self, name=name.removeprefix("check_"))


class Trial(pytest.Item):
    """The test of one function of the learner."""

    def runtest(self) -> None:
        """Run the check; it raises what is to be said, unless the function is right."""
        self.user_properties.append((OF_EXERCISE, f"{self.path.stem[:2]} {self.name}"))
        function = learners_function(self.path, self.name)
        checks = import_module(f"checks.{self.path.stem.partition('_')[2]}")
        praise = getattr(checks, f"check_{self.name}")(function)
        self.user_properties.append((PRAISE, praise or "right"))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the sentence, and a traceback only where a check itself is broken."""
        if isinstance(excinfo.value, (NotSolved, NotRight)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Collect a file of the learner as an exercise, and not as a module of tests."""
    collected = yield
    if file_path.parent == FOLDER and NAME.fullmatch(file_path.name):
        return [Exercise.from_parent(parent, path=file_path)]
    return collected


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Give exercises that do not pass a category of their own, which shows no traceback."""
    if not (OF_EXERCISE in dict(report.user_properties) and report.failed):
        return None
    if not isinstance(report.longrepr, str):
        return None
    if report.longrepr.startswith(NOT_SOLVED):
        return NOT_SOLVED, "-", NOT_SOLVED.upper()
    return NOT_RIGHT, "x", NOT_RIGHT.upper()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say one sentence about each function."""
    reports = [
        report
        for category in ("passed", NOT_SOLVED, NOT_RIGHT)
        for report in terminalreporter.getreports(category)
        if report.when == "call" and OF_EXERCISE in dict(report.user_properties)
    ]
    if reports:
        terminalreporter.section("exercises")
    for report in sorted(reports, key=lambda report: report.start):
        properties = dict(report.user_properties)
        praise = properties.get(PRAISE)
        terminalreporter.write(f"{properties[OF_EXERCISE]}: ", bold=True)
        terminalreporter.line(praise or str(report.longrepr), green=praise is not None)
        if report.capstdout and not praise:
            terminalreporter.line(f"it printed:\n{report.capstdout.rstrip()}")
