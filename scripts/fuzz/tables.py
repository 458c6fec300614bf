"""Tables that are spoiled: csv, tsv, JSON, plain lines and parquet, also compressed."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from fuzz.mutants import Mutant
from fuzz.spoiled_bytes import spoil_bytes
from fuzz.spoiled_json import encode, read, spoil_tree

_ROWS: Final = (
    {"id": 1, "text": "a good film", "note": "x"},
    {"id": 2, "text": 'it is "so, so" bad', "note": None},
    {"id": 3, "text": "two\nlines", "note": "é東😀"},
    {"id": 4, "text": "", "note": "a\\b"},
    {"id": 5, "text": None, "note": " "},
    {"id": 6, "text": "last", "note": "1.5"},
)
_ENDINGS: Final = ("csv", "tsv", "jsonl", "json", "txt", "parquet")
_MARKS: Final = (
    '"',
    '""',
    ",",
    ";",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\\",
    "\0",
    "\ufeff",
    "\x1a",
    "=",
    "'",
)
_UNPACKED: Final = 40 << 20  # characters, more than a line or a cell may have
_BOMBS: Final = 0.004  # the share of files that unpack to so much


def draw_table(chance: random.Random) -> Mutant:
    """Return a table with a few changes."""
    ending = chance.choice(_ENDINGS)
    compression = chance.choice((None, None, *_COMPRESS))
    name = f"table.{ending}" + (f".{compression}" if compression else "")
    if chance.random() < _BOMBS and compression:
        start = {"csv": b'text\n"', "jsonl": b'{"text": "', "json": b'[{"text": "'}.get(ending, b"")
        return Mutant("bomb", {name: _COMPRESS[compression](start + b"x" * _UNPACKED)}, name)
    content = chance.choice(_parquets()) if ending == "parquet" else _contents()[ending]
    plain = f"table.{ending}"
    original = Mutant("original", {plain: content}, plain)
    is_same = chance.random() < 0.04
    if not is_same:
        for _ in range(
            chance.choice((0, 1, 1, 1, 2, 3)) if compression else chance.choice((1, 2, 3))
        ):
            content = _spoil(ending, content, chance)
    if compression:
        packed = _COMPRESS[compression](content)
        if chance.random() < 0.2:  # several streams, one behind the other
            half = len(content) // 2
            packed = _COMPRESS[compression](content[:half]) + _COMPRESS[compression](content[half:])
        if not is_same and chance.random() < 0.5:
            packed = spoil_bytes(packed, chance)
        content = packed
    kind = name.removeprefix("table.")
    return Mutant(kind, {name: content}, name, original if is_same else None)


def _zst(content: bytes) -> bytes:
    import pyarrow

    return bytes(pyarrow.Codec("zstd").compress(content, asbytes=True))


_COMPRESS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gz": lambda content: gzip.compress(content, 1, mtime=0),
    "bz2": bz2.compress,
    "xz": lambda content: lzma.compress(content, preset=0),
    "zst": _zst,
}


@cache
def _contents() -> dict[str, bytes]:
    import csv

    written = {}
    for ending, delimiter in (("csv", ","), ("tsv", "\t")):
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, ["id", "text", "note"], delimiter=delimiter)
        writer.writeheader()
        writer.writerows(_ROWS)
        written[ending] = text.getvalue().encode()
    nested = [{**row, "more": {"a": [1, None, {"b": 2.5}]}} for row in _ROWS]
    written["jsonl"] = b"".join(json.dumps(row).encode() + b"\n" for row in nested)
    written["json"] = json.dumps(nested, indent=2).encode()
    written["txt"] = "".join(f"{row['text'] or ''}\n" for row in _ROWS).encode()
    return written


@cache
def _parquets() -> tuple[bytes, ...]:
    """Return parquet files with columns of many types, written in several ways."""
    import datetime
    import decimal

    import pyarrow as pa
    from pyarrow import parquet

    texts = pa.array([row["text"] for row in _ROWS])
    moment = datetime.datetime(2024, 5, 17, 12)
    table = pa.table(
        {
            "text": texts,
            "id": [row["id"] for row in _ROWS],
            "kind": texts.dictionary_encode(),
            "list": [[1, 2], [], None, [3], [None], [4]],
            "struct": [{"a": 1, "b": "x"}] * 6,
            "map": pa.array([[("k", 1)]] * 6, pa.map_(pa.string(), pa.int64())),
            "when": [moment] * 6,
            "day": [moment.date()] * 6,
            "price": [decimal.Decimal("1.50")] * 6,
            "bytes": [b"\xff"] * 6,
        }
    )
    ways: tuple[tuple[Any, dict[str, Any]], ...] = (
        (table, {"compression": "snappy"}),
        (table, {"compression": "none", "use_dictionary": False, "row_group_size": 2}),
        (table, {"compression": "zstd", "data_page_version": "2.0", "write_page_checksum": True}),
        (table.select(["text"]), {"compression": "gzip", "column_encoding": "DELTA_BYTE_ARRAY",
                                  "use_dictionary": False}),
        (table.select(["text", "when"]), {"use_deprecated_int96_timestamps": True}),
    )  # fmt: skip
    contents = []
    for columns, options in ways:
        stream = io.BytesIO()
        parquet.write_table(columns, stream, **options)
        contents.append(stream.getvalue())
    return tuple(contents)


def _spoil(ending: str, content: bytes, chance: random.Random) -> bytes:
    if ending == "parquet":
        return _spoil_parquet(content, chance)
    if chance.random() < 0.2:
        return spoil_bytes(content, chance)
    if ending in ("jsonl", "json"):
        return _spoil_json(ending, content, chance)
    return _spoil_text(content, chance)


def _spoil_parquet(content: bytes, chance: random.Random) -> bytes:
    """Spoil the footer, which has the places and sizes of everything, or the pages before it."""
    end = int.from_bytes(content[-8:-4], "little")
    footer = len(content) - 8 - end
    if chance.random() < 0.5 and 0 < footer < len(content) - 8:
        changed = bytearray(content)
        for _ in range(chance.choice((1, 1, 2, 5))):
            place = chance.randrange(footer, len(content) - 8)
            changed[place] = chance.choice((changed[place] ^ 1 << chance.randrange(8), 0, 255, 127))
        return bytes(changed)
    return spoil_bytes(content, chance)


def _spoil_json(ending: str, content: bytes, chance: random.Random) -> bytes:
    keys = ("text", "id", "label", "more.a", "a")
    try:
        if ending == "json":
            return encode(spoil_tree(read(content.decode()), chance, keys))
        lines = content.split(b"\n")
        number = chance.randrange(len(lines))
        tree = read(lines[number].decode() or "{}")
        lines[number] = encode(spoil_tree(tree, chance, keys))
        return b"\n".join(lines)
    except (ValueError, RecursionError):  # an earlier change has made it something else
        return spoil_bytes(content, chance)


def _spoil_text(content: bytes, chance: random.Random) -> bytes:
    text = content.decode(errors="replace")
    way = chance.randrange(6)
    place = chance.randrange(len(text) + 1)
    if way < 3:
        text = text[:place] + chance.choice(_MARKS) * chance.choice((1, 1, 2, 300)) + text[place:]
    elif way == 3:
        lines = text.split("\n")
        chance.shuffle(lines)
        text = "\n".join(lines)
    elif way == 4:
        text = text.replace("\n", chance.choice(("\r\n", "\r", "\n\n", "\u2028", ",")))
    else:
        encoding = chance.choice(("utf-16", "utf-16-le", "latin-1", "utf-8-sig", "utf-32"))
        return text.encode(encoding, "replace")
    return text.encode()
