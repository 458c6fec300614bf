"""What a test needs of the system; where it is missing, the test is left out."""

from __future__ import annotations

import os
import shutil

import pytest

needs_fifos = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no FIFOs")
needs_signals = pytest.mark.skipif(
    os.name != "posix", reason="the system sends no signals to programs"
)


def shell() -> str:
    """Return the shell of POSIX, or leave the test out."""
    found = shutil.which("sh")
    if found is None:
        pytest.skip("the system has no sh")
    return found
