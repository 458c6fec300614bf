"""The public names of npbert."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import npbert
from tests.support.command_line import unmeasured


def test_the_public_names() -> None:
    names = npbert.__all__  # type: ignore[attr-defined]
    for name in names:
        assert getattr(npbert, name) is not None
    assert sorted(names) == dir(npbert)
    with pytest.raises(AttributeError, match="no attribute 'Pipeline'"):
        _ = npbert.Pipeline  # type: ignore[attr-defined]


FIRST_LABEL = """
import json, sys, npbert
npbert.classify("A film to remember.", model="mini")
print(json.dumps(list(sys.modules)))
"""
SLOW_IMPORTS = {
    *("asyncio", "concurrent.futures", "difflib", "hashlib", "http", "logging", "multiprocessing"),
    *("random", "secrets", "shutil", "socket", "subprocess", "tempfile", "unittest"),
    *("httpx", "huggingface_hub", "pandas", "pyarrow", "tqdm", "yaml"),
}


def test_the_first_label_imports_nothing_slow_that_it_does_not_need() -> None:
    answer = subprocess.check_output([sys.executable, "-c", FIRST_LABEL], env=unmeasured())
    assert not SLOW_IMPORTS & set(json.loads(answer))
