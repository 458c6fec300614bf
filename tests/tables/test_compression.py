"""Compressed files, whole or damaged, and files that are compressed here."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import sys
from pathlib import Path
from random import Random
from typing import Any

import pyarrow
import pytest

from npbert.tables.compression import (
    READ,
    WRITTEN,
    Decompressed,
    compression_of,
    import_optional,
)
from npbert.tables.formats import finisher_for, read_table
from npbert.tables.source import open_source
from tests.support.compression import COMPRESSORS, CONTENT, SHORT, Convert
from tests.support.tables import hide, source_of, texts_of

DECOMPRESSORS: dict[str, Convert] = {
    "gz": gzip.decompress,
    "zst": lambda stored: pyarrow.CompressedInputStream(
        pyarrow.BufferReader(stored), "zstd"
    ).read(),
}
compressions = pytest.mark.parametrize("compression", COMPRESSORS)
written = pytest.mark.parametrize("compression", WRITTEN)


def content_of(path: Path, stored: bytes) -> bytes:
    path.write_bytes(stored)
    with open_source(str(path)) as source:
        return source.stream.read()


# --------------------------------------------------------------------------- decompressing


@compressions
def test_files_are_decompressed_by_their_content(path: Path, compression: str) -> None:
    stored = COMPRESSORS[compression](CONTENT)
    path.write_bytes(stored)
    with open_source(str(path)) as source:
        assert (source.size_bytes, source.is_compressed) == (len(stored), True)
        assert CONTENT.startswith(source.head)
        assert source.stream.readline() == b"0, \xc3\xa9\n"
        assert source.stream.read() == CONTENT[6:]
        assert source.position_bytes() == len(stored)


@compressions
@pytest.mark.parametrize("sizes", [[0], [1], [50_000, 1, 30_000], [0, 8], [8, 0, 0, 8]])
def test_streams_one_behind_the_other(path: Path, compression: str, sizes: list[int]) -> None:
    """`cat a.gz b.gz` and parallel compressors make such files; some streams have no content."""
    parts = [Random(size).randbytes(size) for size in sizes]
    assert content_of(path, b"".join(map(COMPRESSORS[compression], parts))) == b"".join(parts)


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])
@pytest.mark.parametrize("n_zeros", [4, 100_000])
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


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])  # zstd checks if it is told to
@pytest.mark.parametrize("n_whole", [0, 1])
def test_damage_never_gives_other_content(path: Path, compression: str, n_whole: int) -> None:
    stored = COMPRESSORS[compression](SHORT)
    n_errors = 0
    for place in range(0 if n_whole else 10, len(stored)):  # after the bytes that tell the kind
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


@pytest.mark.parametrize("level", range(1, 10))
def test_levels_of_bzip2(path: Path, level: int) -> None:
    assert content_of(path, bz2.compress(CONTENT, level)) == CONTENT
    assert content_of(path, bz2.compress(b"", level)) == b""


def test_frames_of_pzstd(path: Path) -> None:
    """It begins with a frame that says how long the next one is."""
    frame = COMPRESSORS["zst"](CONTENT)
    skipped = b"\x50\x2a\x4d\x18\x04\0\0\0" + len(frame).to_bytes(4, "little")
    assert content_of(path, (skipped + frame) * 2) == CONTENT * 2


def test_windows_of_zstd_that_are_too_long(path: Path) -> None:
    """As `zstd --long=31` writes them: 2 GiB would be needed to decompress the file."""
    last_block = (len(SHORT) << 3 | 1).to_bytes(3, "little") + SHORT
    message = r"in\.txt was compressed with zstd --long, .*decompress it with zstd -d --long=31"
    with pytest.raises(ValueError, match=message):
        content_of(path, b"\x28\xb5\x2f\xfd" + b"\x00" + b"\xa8" + last_block)


@compressions
def test_errors_of_the_disk_are_no_damage(compression: str) -> None:
    class Disk(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _: Any) -> int:
            raise OSError(errno.EIO, "the disk is broken")

    decompressed = io.BufferedReader(Decompressed(io.BufferedReader(Disk()), compression, "in"))
    with pytest.raises(OSError, match="the disk is broken"):
        decompressed.read()


# ----------------------------------------------------------------------------- compression


@written
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
    assert set(READ) == COMPRESSORS.keys()
    names = ["a.csv.gz", "a.GZ", "a.bz2", "a.zst", "a.tsv.xz", "gz", "a.gz.csv", "a.zip", ""]
    expected = ["gz", "gz", "bz2", "zst", "xz", None, None, None, None]
    assert [compression_of(name) for name in names] == expected
    assert finisher_for("jsonl", "out.jsonl") is None
    with pytest.raises(ValueError, match=r"parquet compresses its columns itself; leave out \.gz"):
        finisher_for("parquet", "out.parquet.gz")
    for name in ("out.csv.bz2", "out.csv.xz"):
        with pytest.raises(ValueError, match=rf"^{name}: \.\w+ is not written; choose \.gz or"):
            finisher_for("csv", name)
    for name in ("out.XLSX", "out.csv.zip"):
        with pytest.raises(ValueError, match=rf"^{name}: \.\w+ is not written; choose \.csv,"):
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
@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])
def test_the_others_do_not(path: Path, compression: str) -> None:
    assert content_of(path, COMPRESSORS[compression](SHORT)) == SHORT


@pytest.mark.usefixtures("without_pyarrow")
def test_parquet_takes_pyarrow() -> None:
    with pytest.raises(ModuleNotFoundError, match=rf"a\.pq is a parquet file, and that {ADVICE}"):
        read_table(source_of(b"PAR1", "a.pq"))


def test_other_modules_that_are_missing_are_not_explained_away() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'pyarrow.nothing'$"):
        import_optional("pyarrow.nothing", "a test")
