"""What one mutant takes: processor time, memory, the files that are opened, and standard error."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MOST_SECONDS: Final = 2.0  # of the processor, which do not depend on what else the machine does
MOST_MEMORY: Final = 1 << 30  # bytes
_FREE_MEMORY: Final = 64 << 20  # bytes that a file of any size may take
_MEMORY_PER_BYTE: Final = 100
_MEMORY_OF_PACKED: Final = 512 << 20  # of a file whose content can be far larger than it is
_SECONDS_TO_KILL: Final = 20  # of the processor, after which the system ends the process
_UNSEEN: Final = 32 << 20  # bytes that an earlier peak of memory may hide


@dataclass
class Use:
    """What was used while something was watched.

    Attributes
    ----------
    seconds : float
        The time of the processor, of all threads.
    memory : int
        The bytes by which the memory of the process grew at most.
    outside : list of str
        The files that were opened elsewhere.
    written : str
        What was written to standard output and standard error.
    """

    seconds: float = 0.0
    memory: int = 0
    outside: list[str] = field(default_factory=list)
    written: str = ""

    def fault(self, size_bytes: int, *, may_unpack: bool) -> str | None:
        """Say what was used and should not have been, or return None."""
        most = max(_FREE_MEMORY + _MEMORY_PER_BYTE * size_bytes, _MEMORY_OF_PACKED * may_unpack)
        if self.seconds > MOST_SECONDS:
            return f"took {self.seconds:.1f} s, expected at most {MOST_SECONDS:.0f}"
        if self.memory > most:
            return f"took {self.memory >> 20} MiB for {size_bytes:,} bytes"
        if self.outside:
            return f"opened {self.outside[0]}"
        if self.written:
            return f"wrote to the terminal: {self.written[:300]}"
        return None


class Watch:
    """Watches a process, of which there can be only one in it, because hooks cannot be removed."""

    def __init__(self, scratch: Path) -> None:
        self._allowed = [os.path.realpath(path) for path in _libraries()]
        temporary = scratch / "temporary"
        temporary.mkdir()
        tempfile.tempdir = str(temporary)  # for the content of a compressed parquet file
        self._allowed.append(os.path.realpath(temporary))
        self._outside: list[str] | None = None
        self._written = os.open(scratch / "written", os.O_RDWR | os.O_CREAT | os.O_APPEND)
        sys.addaudithook(self._see)

    def _see(self, event: str, arguments: tuple[object, ...]) -> None:
        if event != "open" or self._outside is None:
            return
        path = arguments[0]
        if isinstance(path, (str, bytes, os.PathLike)):
            real = os.path.realpath(os.fsdecode(path))
            if not any(f"{real}/".startswith(f"{place}/") for place in self._allowed):
                self._outside.append(real)

    @contextmanager
    def watching(self, folder: Path) -> Iterator[Use]:
        """Watch what happens inside of the context, which may only open files of a folder."""
        use = Use()
        _kill_after(_SECONDS_TO_KILL)
        _limit_memory(MOST_MEMORY)
        self._allowed.append(os.path.realpath(folder))
        self._outside = use.outside
        if _peak_memory() - (_status("VmRSS") << 10) > _UNSEEN:
            _forget_peak()
        peak, start = _peak_memory(), time.process_time()
        try:
            with written_to(self._written):
                yield use
        finally:
            # First of all, because without memory the rest could fail, and leave the limits there.
            _limit_memory(resource.RLIM_INFINITY)
            _kill_after(resource.RLIM_INFINITY)
            self._outside = None
            self._allowed.pop()
            use.seconds = time.process_time() - start
            use.memory = _peak_memory() - peak
            use.written = os.pread(self._written, 10_000, 0).decode(errors="replace")
            os.ftruncate(self._written, 0)


@contextmanager
def written_to(descriptor: int) -> Iterator[None]:
    """Write to a file whatever the process writes to standard output and to standard error."""
    own = [os.dup(stream) for stream in (1, 2)]
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    try:
        yield
    finally:
        sys.stdout.flush()
        for stream, before in zip((1, 2), own, strict=True):
            os.dup2(before, stream)
            os.close(before)


def _limit_memory(more: int) -> None:
    """Let the system refuse memory beyond what this process has now, and so many bytes."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    soft = hard if more == resource.RLIM_INFINITY else (_status("VmSize") << 10) + more
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _kill_after(seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    has_limit = seconds != resource.RLIM_INFINITY
    soft = int(used.ru_utime + used.ru_stime) + seconds if has_limit else hard
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _libraries() -> list[str]:
    """Return the folders whose files a library may open at any time."""
    checkout = Path(__file__).parents[2]
    own = [str(checkout / name) for name in ("npbert", "scripts")]
    return [sys.prefix, sys.base_prefix, *own, "/proc", "/sys", "/usr/share"]


def _peak_memory() -> int:
    return _status("VmHWM") << 10


def _forget_peak() -> None:
    with suppress(OSError):  # without it, only a larger peak is seen
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


def _status(name: str) -> int:
    """Return a number of kilobytes from what Linux says of this process."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise LookupError(name)
