"""The bytes of files, of pipes and of standard input."""

from __future__ import annotations

import gzip
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow
import pytest

from npbert.tables.source import (
    open_source,
)
from tests.support.compression import COMPRESSORS, CONTENT, SHORT


def test_a_file_that_is_not_compressed(path: Path) -> None:
    path.write_bytes(CONTENT)
    with open_source(str(path)) as source:
        assert (source.name, source.size_bytes) == (str(path), len(CONTENT))
        assert (source.is_compressed, source.is_pipe) == (False, False)
        assert source.head == CONTENT[:4096]
        assert source.stream.read() == CONTENT
        assert source.position_bytes() == len(CONTENT)


def test_files_that_cannot_be_opened(path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"in\.txt"), open_source(str(path)):
        pass
    path.mkdir()
    with pytest.raises(IsADirectoryError, match=r"in\.txt"), open_source(str(path)):
        pass


@pytest.mark.parametrize("compression", COMPRESSORS)
def test_a_compressed_file_that_ends_within_its_first_bytes(
    tmp_path: Path, compression: str
) -> None:
    """Some of these bytes are letters, which would be read as a text."""
    path = tmp_path / f"in.txt.{compression}"
    for n_bytes in (1, 2, 3):
        path.write_bytes(COMPRESSORS[compression](CONTENT)[:n_bytes])
        message = r"damaged or incomplete|not UTF-8"
        with pytest.raises(ValueError, match=message), open_source(str(path)) as source:
            source.stream.read().decode("ascii", "strict")


# ---------------------------------------------------------------- pipes and standard input


@pytest.fixture
def standard_input() -> Iterator[int]:
    """Put a pipe in the place of standard input, and yield the descriptor to write to it."""
    ours = os.dup(0)
    to_read, to_write = os.pipe()
    os.dup2(to_read, 0)
    os.close(to_read)
    yield to_write
    os.dup2(ours, 0)
    os.close(ours)


@pytest.mark.parametrize("compression", [None, *COMPRESSORS])
def test_standard_input(standard_input: int, compression: str | None) -> None:
    stored = COMPRESSORS[compression](CONTENT) if compression else CONTENT

    def write() -> None:
        with open(standard_input, "wb") as stream:
            stream.write(stored)

    writer = threading.Thread(target=write)  # because a pipe does not hold all of it
    writer.start()
    with open_source("-") as source:
        assert (source.name, source.size_bytes, source.is_pipe) == ("standard input", None, True)
        assert source.is_compressed == (compression is not None)
        assert source.stream.read() == CONTENT
    writer.join()
    os.fstat(0)  # it is still open


HEADS = {
    "gz": gzip.compress(SHORT),
    "zst": pyarrow.compress(SHORT, codec="zstd", asbytes=True),
    "text": SHORT,
    "looks like parquet": b"PARK" + SHORT,
    "less than a head": b"PA",
    "nothing": b"",
}


@pytest.mark.parametrize("is_blocking", [True, False])
@pytest.mark.parametrize("stored", HEADS.values(), ids=HEADS)
def test_a_pipe_that_comes_byte_by_byte(
    standard_input: int, stored: bytes, is_blocking: bool
) -> None:
    """An empty pipe is not the end of the content, even if the pipe was set not to block."""
    os.set_blocking(0, is_blocking)

    def write() -> None:
        for place in range(len(stored)):
            if place < 12:
                time.sleep(0.01)
            os.write(standard_input, stored[place : place + 1])
        os.close(standard_input)

    writer = threading.Thread(target=write)
    writer.start()
    with open_source("-") as source:
        content = source.stream.read()
        assert content.startswith(source.head)
    assert content == (SHORT if stored.startswith((b"\x1f", b"\x28")) else stored)
    writer.join()


def test_a_short_line_is_not_kept_waiting(standard_input: int) -> None:
    os.write(standard_input, b"P\n")  # a parquet file also begins with a P
    with open_source("-") as source:
        assert source.stream.readline() == b"P\n"
    os.close(standard_input)


def test_a_file_that_was_read_in_part_goes_on(path: Path, standard_input: int) -> None:
    path.write_bytes(b"header\n" + SHORT)
    with path.open("rb") as file:
        os.dup2(file.fileno(), 0)
        os.lseek(0, len(b"header\n"), os.SEEK_SET)
    with open_source("-") as source:
        assert source.stream.read() == SHORT
    os.close(standard_input)


def test_standard_input_is_not_closed(standard_input: int) -> None:
    os.write(standard_input, b"one\ntwo\n")
    with open_source("-") as source:
        assert source.stream.readline() == b"one\n"
    os.write(standard_input, b"three\n")
    assert os.read(0, 100) == b"three\n"
    os.close(standard_input)


def test_standard_input_may_be_a_file(path: Path, standard_input: int) -> None:
    path.write_bytes(SHORT)
    with path.open("rb") as file:
        os.dup2(file.fileno(), 0)
    with open_source("-") as source:
        assert (source.size_bytes, source.is_pipe) == (len(SHORT), False)
        assert source.stream.read() == SHORT
    os.close(standard_input)
