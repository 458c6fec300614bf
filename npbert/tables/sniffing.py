"""What the first bytes of a file say about it: how it is compressed, or that it is no table."""

from __future__ import annotations

from typing import Final

# How much of a file is looked at, at most.
HEAD_BYTES: Final = 4096

# The first bytes of compressed files, by RFC 1952, RFC 8878 and the specifications of bzip2 and xz.
_COMPRESSIONS: Final = {
    b"\x1f\x8b": "gz",
    b"\x28\xb5\x2f\xfd": "zst",
    b"\xfd7zXZ\x00": "xz",
    # The level of compression, and then the beginning of a block or of the end.
    **{
        b"BZh%d%s" % (level, start): "bz2"
        for level in range(1, 10)
        for start in (b"1AY&SY", b"\x17rE8P\x90")
    },
    # A frame that decompressors skip. pzstd begins with one.
    **{bytes([first, 0x2A, 0x4D, 0x18]): "zst" for first in range(0x50, 0x60)},
}
_PARQUET: Final = b"PAR1"
# What is not read as a table, and what to do.
_FOREIGN: Final = {
    b"PK\x03\x04": "a zip archive; extract it, or save it as csv if it is a spreadsheet",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Office file, such as .xls; save it as csv",
    b"%PDF-": "a PDF; extract its text first, for example with pdftotext",
    b"version https://git-lfs": (
        "a Git LFS pointer, and not the file itself; run `git lfs pull` in its folder"
    ),
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; extract it",
    b"Rar!\x1a\x07": "a rar archive; extract it",
    b"ARROW1\x00\x00": "an Arrow file (.arrow or .feather); save it as parquet",
    b"PARE": "an encrypted parquet file; decrypt it with the program that has its key",
    b"FEA1": "a Feather file; save it as parquet",
    b"Obj\x01": "an Avro file; save it as parquet or jsonl",
    b"SQLite format 3\x00": "an SQLite database; export its table as csv",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file; save its table as parquet",
    b"\x89PNG\r\n\x1a\n": "an image (PNG); choose a file of texts",
    b"\xff\xd8\xff": "an image (JPEG); choose a file of texts",
    b"{\\rtf1": "a document (RTF); save it as plain text",
}
_TAR: Final = b"ustar"  # by POSIX, at this place in the header of the first file of the archive
_TAR_PLACE: Final = 257


def is_undecided(head: bytes) -> bool:
    """Tell whether a few more bytes could show what kind of file begins with `head`."""
    known = (*_COMPRESSIONS, *_FOREIGN, _PARQUET)
    return any(len(head) < len(magic) and magic.startswith(head) for magic in known)


def compression_of_content(head: bytes) -> str | None:
    """Return the compression of a file that begins with `head`, or None."""
    return next((name for magic, name in _COMPRESSIONS.items() if head.startswith(magic)), None)


def is_parquet(head: bytes) -> bool:
    """Tell whether a file that begins with `head` is a parquet file."""
    return head.startswith(_PARQUET)


def reject_foreign(head: bytes, name: str) -> None:
    """Raise a ValueError if a file that begins with `head` is no table at all.

    Parameters
    ----------
    head : bytes
        The first bytes of the content, after it was decompressed.
    name : str
        What the error message calls the file.
    """
    if head[_TAR_PLACE:].startswith(_TAR):
        raise ValueError(f"{name} is a tar archive; extract it with tar -xf")
    for magic, description in _FOREIGN.items():
        if head.startswith(magic):
            raise ValueError(f"{name} is {description}")
