"""Programs that run with few rights, or without a network."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence

import pytest

# The user nobody, without any of the rights of root.
_AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all")
_WITHOUT_NETWORK = ("unshare", "--net")


def as_nobody() -> Sequence[str]:
    """Return the beginning of a command that runs as another user, or skip the test."""
    return _possible(_AS_NOBODY)


def without_network() -> Sequence[str]:
    """Return the beginning of a command that finds no network, or skip the test."""
    return _possible(_WITHOUT_NETWORK)


def _possible(beginning: Sequence[str]) -> Sequence[str]:
    if shutil.which(beginning[0]) is None:
        pytest.skip(f"there is no {beginning[0]}")
    command = [*beginning, sys.executable, "-c", "import npbert, numpy"]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"{beginning[0]} is not allowed: {tried.stderr.strip()}")
    return beginning
