"""The bytes of files, pipes and standard input, compressed or damaged or missing."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import os
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pyarrow
import pytest

from npbert.tables.formats import finisher_for, read_table
from npbert.tables.source import (
    COMPRESSIONS,
    _Decompressed,
    compression_of,
    import_optional,
    open_source,
)
from tests.support.tables import hide, source_of, texts_of

CONTENT = "".join(f"{number}, é\n" for number in range(3000)).encode()  # several blocks
SHORT = b"one\ntwo\n"

Convert = Callable[[bytes], bytes]
COMPRESSORS: dict[str, Convert] = {
    "gz": gzip.compress,
    "zst": partial(pyarrow.compress, codec="zstd", asbytes=True),
}
DECOMPRESSORS: dict[str, Convert] = {
    "gz": gzip.decompress,
    "zst": lambda stored: pyarrow.CompressedInputStream(
        pyarrow.BufferReader(stored), "zstd"
    ).read(),
}
compressions = pytest.mark.parametrize("compression", COMPRESSORS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "in.txt"  # a name that does not say how the file is compressed


def content_of(path: Path, stored: bytes) -> bytes:
    path.write_bytes(stored)
    with open_source(str(path)) as source:
        return source.stream.read()


# --------------------------------------------------------------------------- decompressing


def test_a_file_that_is_not_compressed(path: Path) -> None:
    path.write_bytes(CONTENT)
    with open_source(str(path)) as source:
        assert (source.name, source.size_bytes) == (str(path), len(CONTENT))
        assert (source.is_compressed, source.is_pipe) == (False, False)
        assert source.head == CONTENT[:10]
        assert source.stream.read() == CONTENT
        assert source.position_bytes() == len(CONTENT)


@compressions
def test_files_are_decompressed_by_their_content(path: Path, compression: str) -> None:
    stored = COMPRESSORS[compression](CONTENT)
    path.write_bytes(stored)
    with open_source(str(path)) as source:
        assert (source.size_bytes, source.is_compressed) == (len(stored), True)
        assert source.head == CONTENT[:10]
        assert source.stream.readline() == b"0, \xc3\xa9\n"
        assert source.stream.read() == CONTENT[6:]
        assert source.position_bytes() == len(stored)


@compressions
@pytest.mark.parametrize("sizes", [[0], [1], [50_000, 1, 30_000], [0, 8], [8, 0, 0, 8]])
def test_streams_one_behind_the_other(path: Path, compression: str, sizes: list[int]) -> None:
    """`cat a.gz b.gz` and parallel compressors make such files; some streams have no content."""
    parts = [Random(size).randbytes(size) for size in sizes]
    assert content_of(path, b"".join(map(COMPRESSORS[compression], parts))) == b"".join(parts)


@pytest.mark.parametrize("compression", ["gz"])
@pytest.mark.parametrize("n_zeros", [4, 10_000])
def test_zeros_behind_a_stream_are_no_content(path: Path, compression: str, n_zeros: int) -> None:
    stored = COMPRESSORS[compression](SHORT) + bytes(n_zeros)
    assert content_of(path, stored) == SHORT
    assert content_of(path, stored + COMPRESSORS[compression](SHORT)) == SHORT * 2


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"B",
        b"BZh9 is no bzip2",
        b"bz91AY&SY",
        b"bzip1AY&SY",
        b"\x1f",
        b"PK",
        b"PKs\n",
        b"\xfd7z",
        b"(\xb5/",
    ],
)
def test_what_only_looks_compressed_is_read_as_it_is(path: Path, stored: bytes) -> None:
    assert content_of(path, stored) == stored


@pytest.mark.parametrize("compression", [None, *COMPRESSORS])
def test_compressed_tables(path: Path, compression: str | None) -> None:
    content = b"id,text\n1,one\n2,two\n"
    path.write_bytes(COMPRESSORS[compression](content) if compression else content)
    with open_source(str(path)) as source:
        assert texts_of(read_table(source, "csv")) == ["one", "two"]


# --------------------------------------------------------------------------------- damages


@compressions
@pytest.mark.parametrize("n_whole", [0, 1])
def test_files_that_are_cut_off(path: Path, compression: str, n_whole: int) -> None:
    stored = COMPRESSORS[compression](SHORT)
    first = 1 if n_whole else 10  # the bytes that show how the file is compressed
    for n_bytes in range(first, len(stored)):
        with pytest.raises(ValueError, match=r"in\.txt is damaged or incomplete"):
            content_of(path, stored * n_whole + stored[:n_bytes])


@pytest.mark.parametrize("compression", ["gz"])  # zstd writes a checksum only if it is told to
@pytest.mark.parametrize("n_whole", [0, 1])
def test_damage_never_gives_other_content(path: Path, compression: str, n_whole: int) -> None:
    stored = COMPRESSORS[compression](SHORT)
    n_errors = 0
    for place in range(0 if n_whole else 10, len(stored)):
        damaged = bytearray(stored)
        damaged[place] ^= 0x55
        try:
            # Some bytes of gzip only say when and on which system the file was made.
            assert content_of(path, stored * n_whole + damaged) == SHORT * (n_whole + 1)
        except ValueError as error:
            assert "in.txt is damaged or incomplete" in str(error)  # noqa: PT017 - or none
            n_errors += 1
    assert n_errors > len(stored) / 2


@compressions
@pytest.mark.parametrize("behind", [b"more", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\x00"])
def test_what_is_no_stream_behind_one(path: Path, compression: str, behind: bytes) -> None:
    with pytest.raises(ValueError, match=r"in\.txt is damaged or incomplete"):
        content_of(path, COMPRESSORS[compression](SHORT) + behind)


@pytest.mark.parametrize("compression", [None, *COMPRESSORS])
def test_a_zip_archive(path: Path, compression: str | None) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("in.txt", "one")
    stored = COMPRESSORS[compression](stream.getvalue()) if compression else stream.getvalue()
    with pytest.raises(ValueError, match=r"in\.txt is a zip archive"):
        content_of(path, stored)


@pytest.mark.parametrize(("compress", "name"), [(bz2.compress, "bzip2"), (lzma.compress, "xz")])
def test_other_compressions_are_named(path: Path, compress: Convert, name: str) -> None:
    with pytest.raises(ValueError, match=rf"in\.txt is compressed with {name}; .*cat FILE \|"):
        content_of(path, compress(CONTENT))


def test_files_that_cannot_be_opened(path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"in\.txt"), open_source(str(path)):
        pass
    path.mkdir()
    with pytest.raises(IsADirectoryError, match=r"in\.txt"), open_source(str(path)):
        pass


@compressions
def test_errors_of_the_disk_are_no_damage(compression: str) -> None:
    class Disk(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _: Any) -> int:
            raise OSError(errno.EIO, "the disk is broken")

    decompressed = io.BufferedReader(_Decompressed(io.BufferedReader(Disk()), compression, "in"))
    with pytest.raises(OSError, match="the disk is broken"):
        decompressed.read()


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
        assert source.head == content[:10] or content.startswith(source.head)
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


# ----------------------------------------------------------------------------- compression


@compressions
def test_what_is_compressed_can_be_decompressed(tmp_path: Path, compression: str) -> None:
    compress = finisher_for("csv", f"out.csv.{compression}")
    assert compress is not None
    rows, target = tmp_path / "rows", tmp_path / "compressed"
    rows.write_bytes(CONTENT)
    target.write_bytes(CONTENT * 2)  # left by an earlier attempt
    compress(rows, target)
    assert DECOMPRESSORS[compression](target.read_bytes()) == CONTENT
    assert target.stat().st_size < len(CONTENT)


def test_no_time_and_no_name_is_compressed(tmp_path: Path) -> None:
    compress = finisher_for("csv", "out.csv.gz")
    assert compress is not None
    rows, target = tmp_path / "rows", tmp_path / "compressed"
    rows.write_bytes(SHORT)
    compress(rows, target)
    # By RFC 1952, these are the flags, which tell whether a name follows, and a time of 4 bytes.
    assert target.read_bytes()[3:8] == bytes(5)


def test_compressions_by_ending() -> None:
    assert set(COMPRESSIONS) == COMPRESSORS.keys()
    names = ["a.csv.gz", "a.GZ", "a.bz2", "a.zst", "gz", "a.gz.csv", "a.zip", ""]
    expected = ["gz", "gz", None, "zst", None, None, None, None]
    assert [compression_of(name) for name in names] == expected
    assert finisher_for("jsonl", "out.jsonl") is None
    with pytest.raises(ValueError, match=r"parquet compresses its columns itself; leave out \.gz"):
        finisher_for("parquet", "out.parquet.gz")
    for name in ("out.csv.bz2", "out.XLSX", "out.csv.zip"):
        with pytest.raises(ValueError, match=rf"^{name}: \.\w+ is not written; choose \.gz or"):
            finisher_for("csv", name)


# ------------------------------------------------------------------------- without pyarrow

ADVICE = r"takes pyarrow: pip install 'npbert\[files\]'"


@pytest.fixture
def without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    hide("pyarrow", monkeypatch)


@pytest.mark.usefixtures("without_pyarrow")
@pytest.mark.skipif(sys.version_info >= (3, 14), reason="Python reads zstd itself")
def test_zstd_takes_pyarrow(path: Path) -> None:
    message = rf"in\.txt is compressed with zstd, and that {ADVICE}"
    with pytest.raises(ModuleNotFoundError, match=message) as caught:
        content_of(path, b"\x28\xb5\x2f\xfd...")
    assert caught.value.name == "pyarrow"
    with pytest.raises(ModuleNotFoundError, match=rf"\.zst file is asked for, and that {ADVICE}"):
        finisher_for("csv", "out.csv.zst")  # before the work, and not after it


@pytest.mark.usefixtures("without_pyarrow")
@pytest.mark.parametrize("compression", ["gz"])
def test_the_others_do_not(path: Path, compression: str) -> None:
    assert content_of(path, COMPRESSORS[compression](SHORT)) == SHORT


@pytest.mark.usefixtures("without_pyarrow")
def test_parquet_takes_pyarrow() -> None:
    with pytest.raises(ModuleNotFoundError, match=rf"a\.pq is a parquet file, and that {ADVICE}"):
        read_table(source_of(b"PAR1", "a.pq"))


def test_other_modules_that_are_missing_are_not_explained_away() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'pyarrow.nothing'$"):
        import_optional("pyarrow.nothing", "a test")
