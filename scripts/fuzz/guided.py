"""Let coverage guide the changes: atheris looks for those that reach new lines of npbert.

    pip install -e '.[test,fuzz]'
    python scripts/fuzz/guided.py -max_total_time=600

The arguments are those of libFuzzer. The mutants are those of `python scripts/fuzz`, and so is the
verdict on each. But what is random there is read from the bytes of libFuzzer's input here, so the
bytes that a fault leaves in a file repeat it: `python scripts/fuzz/guided.py FILE`.
"""

from __future__ import annotations

import random
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

if not __package__:  # run by its path, where Python finds the modules beside this file alone
    sys.path[0] = str(Path(__file__).parents[1])

import pyarrow

from fuzz.mutants import draw
from fuzz.trial import Trials

_OPTIONS = ("-len_control=0", "-max_len=1000")  # many draws from the beginning on
_APART = ("npbert.__main__", "npbert.distributed")  # they need what is not installed, or run


class BytesAsChance(random.Random):
    """Random numbers that bytes say; after the last byte, all of them are 0."""

    def __init__(self, content: bytes) -> None:
        super().__init__(0)
        self._content = content
        self._place = 0

    def getrandbits(self, k: int, /) -> int:
        """Return an integer of so many bits."""
        n_bytes = -(-k // 8)
        piece = self._content[self._place : self._place + n_bytes]
        self._place += n_bytes
        return int.from_bytes(piece.ljust(n_bytes, b"\0"), "little") & ((1 << k) - 1)

    def random(self) -> float:
        """Return a number from 0 up to, but not including, 1."""
        return self.getrandbits(16) / (1 << 16)


def main() -> None:
    """Run libFuzzer, which ends the process at the first fault, or when its time is over."""
    import atheris

    with atheris.instrument_imports(include=["npbert"], enable_loader_override=False):
        package = import_module("npbert")
        for module in walk_packages(package.__path__, "npbert."):
            if module.name not in _APART:
                import_module(module.name)
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())  # others reserve memory beforehand
    with tempfile.TemporaryDirectory() as folder:
        trials = Trials(Path(folder))

        def try_one(content: bytes) -> None:
            verdict = trials.judge(draw(BytesAsChance(content)), compares=False)
            if verdict.fault:
                raise AssertionError(verdict.fault)

        atheris.Setup([sys.argv[0], *_OPTIONS, *sys.argv[1:]], try_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
