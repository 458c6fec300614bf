"""A model for the command line, and the command line itself."""

from __future__ import annotations

import pytest

from npbert.cli.commands import main
from tests.support.command_line import Classify
from tests.support.oracles import make_folder


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a small random classifier with three labels, which no test changes."""
    labels = {0: "BAD", 1: "SO-SO", 2: "GOOD"}
    return str(make_folder(tmp_path_factory.mktemp("model"), id2label=labels))


@pytest.fixture
def classify(folder: str, capsys: pytest.CaptureFixture[str]) -> Classify:
    """Run `npbert classify` in this process: exit code, standard output, standard error."""

    def run(*arguments: str, model: str = folder) -> tuple[int, str, str]:
        try:
            code = main(["classify", "--model", model, *arguments])
        except SystemExit as stop:  # argparse, for wrong usage
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
