"""Run transformers' own tests of DistilBERT on npbert.

    pip install -e '.[test,peers]'
    python scripts/peer_tests
    python scripts/peer_tests --sdist transformers-5.23.0.tar.gz --names
    python scripts/peer_tests --checkout FOLDER

The first command downloads the source distribution of the installed transformers. It holds the
tests that all tokenizers and all models share. The tests of pipelines are only in the repository
of transformers: --checkout takes a clone of it, which should be at the tag of that release.

The tests see npbert through the stand-ins of stand_ins.py. not_applicable.toml lists the tests
that cannot pass, with the reason, and with the message of the error that they must end with. The
exit code is 1 if a test fails that is not on this list, or if a test passes that is on it.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import unittest
import warnings
from pathlib import Path

if not __package__:  # run by its path, where Python finds the modules beside this file alone
    sys.path.insert(0, str(Path(__file__).parents[1]))

import transformers

from peer_tests.cases import make_cases
from peer_tests.release import download, make_importable, unpack
from peer_tests.verdict import Record, read_list, report

LIST = Path(__file__).with_name("not_applicable.toml")


def main(argv: list[str] | None = None, list_of_tests: Path = LIST) -> int:
    """Run the tests, print the report, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python scripts/peer_tests",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--sdist",
        type=Path,
        help="source distribution of transformers (default: download the one that is installed)",
    )
    source.add_argument("--checkout", type=Path, help="clone of the repository of transformers")
    parser.add_argument(
        "--only", metavar="PATTERN", help="run the tests that match, as in 'Tokenizer.test_pad*'"
    )
    parser.add_argument("--names", action="store_true", help="print the names of all tests")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        root = arguments.checkout
        if root is None:
            root = unpack(arguments.sdist or download(folder), folder)
        make_importable(root)
        try:
            cases = make_cases(root, folder)
        except ModuleNotFoundError as error:
            parser.error(
                f"the tests of transformers import {error.name}: pip install -e '.[peers]'"
            )
        loader = unittest.TestLoader()
        if arguments.only:
            loader.testNamePatterns = [f"*.{arguments.only}"]
        record = Record()
        transformers.logging.disable_progress_bar()
        # What transformers logs is for the tests that catch it, and not for the screen.
        transformers.logging.disable_default_handler()
        transformers.logging.add_handler(logging.NullHandler())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            unittest.TestSuite(map(loader.loadTestsFromTestCase, cases)).run(record)
    print(f"transformers {transformers.__version__}, tests from {root.name}")
    return report(record, read_list(list_of_tests), arguments.names)


if __name__ == "__main__":
    sys.exit(main())
