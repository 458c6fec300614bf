"""Bytes are spoiled: flipped, cut, repeated, moved."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

_STRANGE: Final = (
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xed\xa0\x80",  # half of a surrogate pair
    b"\r",
    b"\r\n",
    b"\x1b[2J",
    b'"',
    b"{",
    b"]",
    b"\x1a",
    b"\xff" * 8,
    b"\x00" * 64,
)
_MOST: Final = 64  # bytes that one change adds or takes away, unless it cuts


def spoil_bytes(content: bytes, chance: random.Random) -> bytes:
    """Return the bytes with one change."""
    return chance.choice(_CHANGES)(content, chance)


def _place(content: bytes, chance: random.Random) -> int:
    return chance.randrange(len(content) + 1)


def _piece(content: bytes, chance: random.Random) -> tuple[int, int]:
    start = _place(content, chance)
    return start, min(len(content), start + chance.randint(1, _MOST))


def _flip(content: bytes, chance: random.Random) -> bytes:
    if not content:
        return b"\x01"
    changed = bytearray(content)
    changed[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _insert(content: bytes, chance: random.Random) -> bytes:
    place = _place(content, chance)
    return content[:place] + chance.choice(_STRANGE) + content[place:]


def _overwrite(content: bytes, chance: random.Random) -> bytes:
    place, strange = _place(content, chance), chance.choice(_STRANGE)
    return content[:place] + strange + content[place + len(strange) :]


def _remove(content: bytes, chance: random.Random) -> bytes:
    start, end = _piece(content, chance)
    return content[:start] + content[end:]


def _repeat(content: bytes, chance: random.Random) -> bytes:
    start, end = _piece(content, chance)
    return content[:end] + content[start:end] * chance.choice((1, 2, 100)) + content[end:]


def _move(content: bytes, chance: random.Random) -> bytes:
    start, end = _piece(content, chance)
    rest = content[:start] + content[end:]
    place = _place(rest, chance)
    return rest[:place] + content[start:end] + rest[place:]


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: _place(content, chance)]


def _cut_beginning(content: bytes, chance: random.Random) -> bytes:
    return content[_place(content, chance) :]


def _double(content: bytes, _chance: random.Random) -> bytes:
    return content + content


_CHANGES: Final[tuple[Callable[[bytes, random.Random], bytes], ...]] = (
    _flip,
    _flip,
    _insert,
    _overwrite,
    _remove,
    _repeat,
    _move,
    _cut,
    _cut_beginning,
    _double,
)
