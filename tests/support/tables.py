"""Tables in memory, and packages that are not installed."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from typing import Any, cast

import pytest

from npbert.tables.rows import Chunk, Column, Row, Serializer, Table
from npbert.tables.source import Source


def source_of(content: bytes, name: str = "in.txt") -> Source:
    stream = io.BytesIO(content)
    return Source(name, stream, content[:4096], len(content), False, stream)


def texts_of(table: Table) -> list[str | None]:
    return [text for chunk in table.chunks for text in chunk.texts]


def rows_of(table: Table) -> list[Row]:
    return [row for chunk in table.chunks for row in chunk.rows]


def chunk_of(rows: Sequence[Mapping[str, object]], start: int = 0) -> Chunk:
    texts = [cast("str | None", row.get("text")) for row in rows]
    return Chunk(start, texts, [dict(row) for row in rows])


def serialize_all(serializer: Serializer, chunks: Iterable[Chunk]) -> bytes:
    """Return all bytes of a serializer, without added columns."""
    return serializer.header + b"".join([serializer.serialize(chunk, []) for chunk in chunks])


LABELS = [Column("label", str, ["GOOD", None]), Column("score", float, [0.75, None])]


class _Missing(MetaPathFinder):
    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(self, name: str, *_: Any) -> None:
        if name == self._package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def hide(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make Python behave as if a package were not installed."""
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Missing(package), *sys.meta_path])
