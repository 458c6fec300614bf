"""A file or a folder is put in the place of an earlier one, or it is said why it is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from npbert.tables.journal import move
from tests.support.command_line import unmeasured
from tests.support.paths import CHECKOUT
from tests.support.resumable import CONTENT, make

NOBODY = 65_534

# Another user makes a file in a folder in which nobody may replace the files of others. To replace
# a file that another program has open fails in the same way on Windows.
AS_ANOTHER_USER = f"""
import os, sys
from pathlib import Path
import filelock  # that user may not be able to read any module
from tests.support.resumable import make
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
make(Path(sys.argv[1]), force=True, resume=True)
"""


def test_a_file_takes_the_place_of_another(tmp_path: Path) -> None:
    (tmp_path / "made").write_bytes(b"new")
    (tmp_path / "there").write_bytes(b"old")
    move(tmp_path / "made", tmp_path / "there")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("there", b"new")]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user"
)
def test_what_may_not_be_replaced_stays_and_the_rows_are_kept(tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o711)
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    target = shared / "out.csv"
    target.write_bytes(b"mine")
    command = [sys.executable, "-c", AS_ANOTHER_USER, str(target)]
    environment = {**unmeasured(), "PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, env=environment, cwd="/", capture_output=True, encoding="utf-8", check=False
    )
    last = done.stderr.splitlines()[-1]
    assert last == (
        f"PermissionError: {target} cannot be replaced (Operation not permitted); if another "
        "program has it open, close it there, and run the command again"
    )
    assert "3 rows are kept" in done.stderr
    assert target.read_bytes() == b"mine"
    assert make(target, resume=True, force=True) == 3  # of the rows, none is made again
    assert target.read_bytes() == CONTENT
    assert [path.name for path in shared.iterdir()] == ["out.csv"]
