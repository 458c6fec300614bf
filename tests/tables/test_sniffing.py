"""Files that are no tables are refused by their names, whether they are compressed or not."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import feather

from npbert.tables.source import open_source
from tests.support.compression import COMPRESSORS


def tar(format: int) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=format) as archive:
        member = tarfile.TarInfo("reviews.csv")
        member.size = 9
        archive.addfile(member, io.BytesIO(b"text\none\n"))
    return stream.getvalue()


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("in.txt", "one")
    return stream.getvalue()


def arrow(write: Callable[[Any, Any], None]) -> bytes:
    stream = io.BytesIO()
    write(pyarrow.table({"text": ["one"]}), stream)
    return stream.getvalue()


POINTER = (
    b"version https://git-lfs.github.com/spec/v1\noid sha256:"
    b"4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)
FOREIGN: dict[str, tuple[bytes, str]] = {
    "tar of GNU": (tar(tarfile.GNU_FORMAT), "a tar archive; extract it with tar -xf"),
    "tar of POSIX": (tar(tarfile.PAX_FORMAT), "a tar archive"),
    "tar of 1988": (tar(tarfile.USTAR_FORMAT), "a tar archive"),
    "zip": (zipped(), "a zip archive; extract it, or save it as csv if it is a spreadsheet"),
    "xls": (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "an old Office file, such as .xls"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF; extract its text first"),
    "Git LFS": (POINTER, "a Git LFS pointer, and not the file itself; run `git lfs pull`"),
    "7z": (b"7z\xbc\xaf\x27\x1c\x00\x04", "a 7z archive"),
    "rar": (b"Rar!\x1a\x07\x01\x00", "a rar archive"),
    "Arrow": (arrow(feather.write_feather), r"an Arrow file \(.arrow or .feather\)"),
    "Feather": (b"FEA1\x00\x00\x00\x00one", "a Feather file"),
    "Avro": (b"Obj\x01\x04\x14avro.codec", "an Avro file"),
    "SQLite": (b"SQLite format 3\x00\x10\x00", "an SQLite database"),
    "HDF5": (b"\x89HDF\r\n\x1a\n\x00", "an HDF5 file"),
    "PNG": (b"\x89PNG\r\n\x1a\n\x00\x00", r"an image \(PNG\)"),
    "JPEG": (b"\xff\xd8\xff\xe0\x00\x10JFIF", r"an image \(JPEG\)"),
    "RTF": (b"{\\rtf1\\ansi one}", r"a document \(RTF\)"),
}


@pytest.mark.parametrize("compression", [None, *COMPRESSORS])
@pytest.mark.parametrize(("stored", "message"), FOREIGN.values(), ids=FOREIGN)
def test_foreign_files(
    tmp_path: Path, stored: bytes, message: str, compression: str | None
) -> None:
    path = tmp_path / "in.txt"
    path.write_bytes(COMPRESSORS[compression](stored) if compression else stored)
    with pytest.raises(ValueError, match=rf"in\.txt is {message}"), open_source(str(path)):
        pass


@pytest.mark.parametrize("text", ["PK", "%PDF", "version 2", "Obj", "7z", "Rar!", "x" * 300])
def test_texts_that_begin_in_the_same_way(tmp_path: Path, text: str) -> None:
    path = tmp_path / "in.txt"
    path.write_text(text)
    with open_source(str(path)) as source:
        assert source.stream.read() == text.encode()
