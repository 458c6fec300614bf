"""Small disks, which become full."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class SmallDisk:
    """A file system in memory, of a size that can change."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def resize(self, n_kilobytes: int) -> None:
        """Give the disk another size."""
        _run("mount", "-o", f"remount,size={n_kilobytes}k", str(self.path))


@contextmanager
def small_disk(path: Path, n_kilobytes: int) -> Iterator[SmallDisk]:
    """Mount a small disk, or skip the test where this is not allowed."""
    path.mkdir()
    try:
        _run("mount", "-t", "tmpfs", "-o", f"size={n_kilobytes}k", "tmpfs", str(path))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a disk cannot be mounted here: {error}")
    try:
        yield SmallDisk(path)
    finally:
        _run("umount", "--lazy", str(path))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=20)
