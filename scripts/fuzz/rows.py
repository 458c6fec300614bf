"""The rows of a table: as npbert reads and writes them, and as other libraries read them."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

Texts = list[str | None]
_BLANKS: Final = " \t\r\n"  # of JSON
_COMPRESSIONS: Final = ("gz", "bz2", "xz", "zst")


def load(path: Path) -> Path:
    """Return the path: a table is read while it is answered."""
    return path


def own_answer(path: Path) -> Texts:
    """Return the texts that npbert reads from a table, which is written anew with labels."""
    from npbert.tables.formats import finisher_for, read_table, serializer_for
    from npbert.tables.rows import Column
    from npbert.tables.source import open_source

    texts: Texts = []
    with warnings.catch_warnings(), open_source(str(path)) as source:
        warnings.simplefilter("ignore")
        table = read_table(source)
        columns = [*table.columns, "label"]
        serializer = serializer_for(table.format, columns) if table.format != "lines" else None
        written = io.BytesIO()
        for chunk in table.chunks:
            texts += chunk.texts
            added = Column("label", str, ["POSITIVE"] * len(chunk.texts))
            if serializer is not None:
                written.write(serializer.serialize(chunk, [added]))
        if table.format == "parquet":
            finish = finisher_for("parquet", "out.parquet")
            rows, target = path.with_name("rows"), path.with_name("out.parquet")
            rows.write_bytes(written.getvalue())
            if finish is not None:
                finish(rows, target)
    return texts


def other_answer(path: Path) -> Texts:
    """Return the texts that other libraries find, which read the table as a whole.

    Raises
    ------
    ValueError or another error of these libraries
        If they cannot read it.
    """
    *_, ending = (part for part in path.name.split(".") if part not in _COMPRESSIONS)
    content = _unpacked(path)
    if ending == "parquet":
        return _parquet(content)
    text = content.decode("utf-8-sig")
    if ending == "txt":
        return [line.removesuffix("\r") for line in _lines(text)]
    if ending == "json":
        value = json.loads(text) if text.strip(_BLANKS) else []  # an empty file has no rows
        return _json_texts([value] if isinstance(value, dict) else value)
    if ending == "jsonl":
        return _json_texts(json.loads(line) for line in _lines(text) if line.strip(_BLANKS))
    return _csv(text, "," if ending == "csv" else "\t")


def difference(ours: Texts, theirs: Texts) -> str | None:
    """Say where two readings differ, or return None."""
    if len(ours) != len(theirs):
        return f"{len(ours)} rows, expected {len(theirs)}"
    for number, (one, two) in enumerate(zip(ours, theirs, strict=True)):
        if one != two:
            return f"row {number}: {one!r:.200}, expected {two!r:.200}"
    return None


def _lines(text: str) -> list[str]:
    return (text[:-1] if text.endswith("\n") else text).split("\n") if text else []


def _unpacked(path: Path) -> bytes:
    """Return the content, which is decompressed if it begins like a compressed file."""
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        return gzip.decompress(content)
    if content.startswith(b"BZh"):
        return _unpacked_streams(content, bz2.BZ2Decompressor)
    if content.startswith(b"\xfd7zXZ"):
        return _unpacked_streams(content, lzma.LZMADecompressor)
    if content.startswith(b"\x28\xb5\x2f\xfd"):
        import pyarrow

        with pyarrow.input_stream(path, compression="zstd") as stream:
            return bytes(stream.read())
    return content


def _unpacked_streams(
    content: bytes, new: type[bz2.BZ2Decompressor] | type[lzma.LZMADecompressor]
) -> bytes:
    """Decompress one stream after the other. Zeros between them are padding, as for gzip."""
    unpacked = b""
    while content := content.lstrip(b"\0"):
        stream = new()
        unpacked += stream.decompress(content)
        if not stream.eof:
            raise EOFError("a compressed stream is cut off")
        content = stream.unused_data
    return unpacked


def _json_texts(rows: Iterable[dict[str, Any]]) -> Texts:
    rows = [*rows]
    first = rows[0] if rows else {}
    is_text = len(first) == 1 and all(isinstance(cell, str | None) for cell in first.values())
    key = next(iter(first)) if is_text else "text"
    found = [row.get(key) for row in rows]
    return [None if isinstance(text, float) else text for text in found]


def _csv(text: str, delimiter: str) -> Texts:
    csv.field_size_limit(1 << 30)
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    header = rows[0]
    place = 0 if len(header) == 1 else header.index("text")
    if rows[-1] == ["\x1a"]:
        rows.pop()
    return [row[place] or None for row in rows[1:]]


def _parquet(content: bytes) -> Texts:
    from pyarrow import parquet

    table = parquet.read_table(io.BytesIO(content))
    names = table.column_names
    texts = table.column(names[0] if len(names) == 1 else "text").to_pylist()
    return [text.decode() if isinstance(text, bytes) else text for text in texts]
