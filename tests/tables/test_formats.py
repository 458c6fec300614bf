"""Which format a table has, what it takes to write one, and rows that somebody waits for."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow
import pytest

from npbert.tables.formats import finisher_for, format_of, read_table
from npbert.tables.parquet_writing import write_parquet
from npbert.tables.source import open_source
from tests.support.parquet import parquet_bytes
from tests.support.tables import hide, source_of, texts_of

# --------------------------------------------------------------------------------- endings

ENDINGS = {
    "a.csv": "csv",
    "A.CSV": "csv",
    "a.tsv": "tsv",
    "a.jsonl": "jsonl",
    "a.ndjson": "jsonl",
    "a.json": "jsonl",
    "a.parquet": "parquet",
    "a.pq": "parquet",
    "a.txt": None,
    "a": None,
    "": None,
}


@pytest.mark.parametrize(("name", "format"), ENDINGS.items())
def test_formats_by_ending(name: str, format: str | None) -> None:
    assert format_of(name) == format
    assert {format_of(name + compression) for compression in (".gz", ".GZ", ".zst")} == {format}
    assert format_of(f"{name}.zip") is None


def test_the_ending_decides_unless_a_format_is_given() -> None:
    content = b'text\n"a"\n'
    assert texts_of(read_table(source_of(content, "in.csv.gz"))) == ["a"]
    assert texts_of(read_table(source_of(content, "in.csv"), "lines")) == ["text", '"a"']
    assert texts_of(read_table(source_of(content, "in"))) == ["text", '"a"']


# --------------------------------------------------------------------------------- parquet


def test_parquet_that_is_said_to_be_something_else() -> None:
    source = source_of(parquet_bytes(pyarrow.table({"text": ["one"]})), "in.csv")
    message = r"in\.csv is a parquet file, not csv; give --input-format parquet"
    with pytest.raises(ValueError, match=message):
        read_table(source)


def test_writing_takes_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    hide("pyarrow", monkeypatch)
    message = r"^parquet is asked for, and that takes pyarrow: pip install 'npbert\[files\]'$"
    with pytest.raises(ModuleNotFoundError, match=message):
        finisher_for("parquet", "out.parquet")


def test_the_finisher() -> None:
    assert finisher_for("parquet", "out.parquet") is write_parquet


# ------------------------------------------------------------ rows that somebody waits for


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """The name of a pipe, and the descriptor to write to it."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("the system has no FIFOs")
    path = tmp_path / "pipe"
    os.mkfifo(path)
    end = os.open(path, os.O_RDWR)  # a descriptor for writing alone would wait for a reader
    yield str(path), end
    with suppress(OSError):
        os.close(end)


def test_live_rows_are_given_out_at_once(pipe: tuple[str, int]) -> None:
    name, end = pipe
    os.write(end, b"text\none\n")
    with open_source(name) as source:
        table = read_table(source, "csv", live=True)
        assert next(table.chunks).texts == ["one"]  # although more rows may come
        os.write(end, b"two\nthree\n")
        writer = os.open(name, os.O_WRONLY)
        os.close(end)
        chunk = next(table.chunks)
        assert (chunk.start, chunk.texts[0]) == (1, "two")
        os.write(writer, b"four")
        os.close(writer)
        assert [*chunk.texts, *texts_of(table)] == ["two", "three", "four"]


@pytest.mark.parametrize("live", [False, True])
def test_only_live_pipes_have_short_chunks(tmp_path: Path, live: bool) -> None:
    path = tmp_path / "in.txt"
    path.write_text("text\n" * 1500)
    with open_source(str(path)) as source:
        chunks = list(read_table(source, live=live).chunks)
    assert [len(chunk.rows) for chunk in chunks] == [1024, 476]


def test_other_pipes_are_read_in_full_chunks(pipe: tuple[str, int]) -> None:
    name, end = pipe
    os.write(end, b"one\n")

    def write_the_rest() -> None:
        os.write(end, b"two\n")
        os.close(end)

    later = threading.Timer(0.2, write_the_rest)
    later.start()
    with open_source(name) as source:
        (chunk,) = read_table(source, "lines").chunks
    later.join()
    assert chunk.texts == ["one", "two"]


LEAVING = """
from npbert.tables.formats import read_table
from npbert.tables.source import open_source

with open_source("-") as source:
    print(next(read_table(source, "lines", live=True).chunks).texts)
"""


def test_leaving_does_not_wait_for_the_thread() -> None:
    command = [sys.executable, "-c", LEAVING]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as leaving:
        assert leaving.stdin is not None
        assert leaving.stdout is not None
        leaving.stdin.write(b"one\n")
        leaving.stdin.flush()  # and the pipe stays open
        try:
            assert leaving.wait(60) == 0
        finally:
            leaving.kill()
        assert leaving.stdout.read() == b"['one']\n"
