"""A pipeline in a process that may take no more memory: an error for each caller, and no hang."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import unmeasured
from tests.support.oracles import make_folder

if sys.platform != "linux":
    pytest.skip("the limit of the address space is that of Linux", allow_module_level=True)

# The inner layer of a text takes 120 MB. Beside what the process has already taken, the limit
# leaves room for threads and small objects, and none for that.
PROGRAM = """
import resource, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import npbert
from threadpoolctl import threadpool_info

def taken():
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()

def outcome(call):
    try:
        return call()
    except MemoryError:
        return "MemoryError"

texts = ["film " * 500 + str(number) for number in range(2)]
pipe = npbert.pipeline("text-classification", sys.argv[1], threads=2)
callers = ThreadPoolExecutor(2)
def scores():
    # Texts of several callers may share a pack, which changes the last digits.
    answers = [pipe(texts), *callers.map(pipe, texts)]
    return [found["score"] for answer in answers for found in answer]

rights = scores()
limits_of_blas = threadpool_info()
before = resource.getrlimit(resource.RLIMIT_AS)
for _ in range(3):
    resource.setrlimit(resource.RLIMIT_AS, (taken() + (60 << 20), before[1]))
    print(outcome(lambda: pipe(texts)))
    print(*callers.map(lambda text: outcome(lambda: pipe(text)), texts))
    resource.setrlimit(resource.RLIMIT_AS, before)
    assert all(abs(one - right) < 2e-5 for one, right in zip(scores(), rights, strict=True))
    assert threadpool_info() == limits_of_blas
"""


def test_a_call_that_runs_out_of_memory(tmp_path: Path) -> None:
    folder = make_folder(
        tmp_path, vocab_size=30522, dim=8, n_heads=2, n_layers=2, hidden_dim=60_000
    )
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)],
        env=unmeasured(),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["MemoryError", " ".join(["MemoryError"] * 2)] * 3
