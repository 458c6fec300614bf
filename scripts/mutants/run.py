"""Tests on a mutated module, in a process of its own that is forked from one with all libraries."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Final

from mutants.mutations import mutated

CHECKOUT: Final = Path(__file__).parents[2]
_MOST_MEMORY: Final = 8 * 2**30
_LIBRARIES: Final = ("pytest", "numpy", "torch", "transformers", "tokenizers", "hypothesis")


class _Mutating(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module in its mutated form; all others are loaded as they are."""

    def __init__(self, path: Path, number: int) -> None:
        self._path = path
        self._number = number
        self._name = ".".join(path.relative_to(CHECKOUT).with_suffix("").parts)

    def find_spec(
        self, name: str, _path: object = None, _target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._name:
            return None
        return importlib.machinery.ModuleSpec(name, self, origin=str(self._path))

    def exec_module(self, module: ModuleType) -> None:
        tree = mutated(self._path.read_text(encoding="utf-8"), self._number)
        module.__file__ = str(self._path)
        exec(compile(tree, str(self._path), "exec"), module.__dict__)


def load_libraries() -> None:
    """Import what the tests import, apart from npbert, so that each child process need not."""
    for name in _LIBRARIES:
        __import__(name)
    import torch

    torch.set_num_threads(1)


def passes(
    module: str, number: int | None, tests: Sequence[str], timeout: float
) -> tuple[bool, float]:
    """Run tests with a mutation of a module, or without any.

    Parameters
    ----------
    module : str
        The path of the module in npbert.
    number : int or None
        The number of the mutation.
    tests : sequence of str
        Arguments of pytest.
    timeout : float
        In seconds, after which the tests count as failed.

    Returns
    -------
    bool
        Whether all tests pass.
    float
        How long they took, in seconds.
    """
    began = time.monotonic()
    child = os.fork()
    if not child:
        _run_in_child(CHECKOUT / "npbert" / module, number, tests)
    while time.monotonic() - began < timeout:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status == 0, time.monotonic() - began
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False, time.monotonic() - began


def _run_in_child(path: Path, number: int | None, tests: Sequence[str]) -> None:
    status = 1
    try:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        silent = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(silent, descriptor)
        os.chdir(CHECKOUT)
        if number is not None:
            sys.meta_path.insert(0, _Mutating(path, number))
        import pytest

        options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-seed=0"]
        status = int(pytest.main([*options, *tests]))
    finally:
        os._exit(status)
