"""Files of weights are spoiled: the header, the places and types of tensors, and the numbers."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from fuzz.spoiled_bytes import spoil_bytes
from fuzz.spoiled_json import Pairs, Raw, Tree, encode, read, read_again, spoil_tree

_DTYPES: Final = (
    *("F32", "F64", "F16", "BF16", "I8", "U8", "BOOL", "I16", "I32", "I64", "U64", "F8_E4M3"),
    *("F4", "F8_E8M0", "C64", "f32", "", "X" * 1000),
)
_LENGTHS: Final = (
    0,
    1,
    2,
    7,
    8,
    99_000_000,
    100_000_000,
    100_000_001,
    2**31,
    2**32,
    2**63,
    2**64 - 1,
)
_SIZES: Final = (
    0,
    1,
    2,
    3,
    2**16,
    2**31,
    2**32,
    2**61,
    2**62,
    2**63,
    2**64 - 1,
    -1,
    1.0,
    None,
    "8",
)
_NUMBERS: Final = (np.nan, np.inf, -np.inf, 3e38, -3e38, 1e20, 1e-40, -0.0, 1e10, 0.0)
_KEYS: Final = ("__metadata__", "dtype", "shape", "data_offsets", "classifier.bias")


class Weights(NamedTuple):
    """The parts of a safetensors file."""

    entries: Tree  # Pairs
    values: bytes

    def pack(self, length: int | None = None, padding: bytes = b"") -> bytes:
        """Return the bytes of the file."""
        header = encode(self.entries) + padding
        n_bytes = len(header) if length is None else length
        return n_bytes.to_bytes(8, "little") + header + self.values


def unpack(content: bytes) -> Weights:
    """Return the parts of a file."""
    end = 8 + int.from_bytes(content[:8], "little")
    return Weights(read(content[8:end].decode()), content[end:])


def spoil_weights(content: bytes, chance: random.Random) -> bytes:
    """Return a file of weights with one change."""
    if chance.random() < 0.15:
        return spoil_bytes(content, chance)
    try:
        weights = unpack(content)
    except (ValueError, RecursionError):  # an earlier change has made it something else
        return spoil_bytes(content, chance)
    if not isinstance(weights.entries, Pairs):
        return spoil_bytes(content, chance)
    return chance.choice(_CHANGES)(weights, chance)


def rewrite_weights(content: bytes, chance: random.Random) -> bytes:
    """Return a file of weights that says the same in another way."""
    return chance.choice(_REWRITES)(unpack(content), chance)


def _header(weights: Weights, chance: random.Random) -> bytes:
    return weights._replace(entries=spoil_tree(weights.entries, chance, _KEYS)).pack()


def _length(weights: Weights, chance: random.Random) -> bytes:
    right = len(encode(weights.entries))
    return weights.pack(chance.choice((*_LENGTHS, right - 1, right + 1, right * 2, right // 2)))


def _tensor(weights: Weights, chance: random.Random) -> Pairs | None:
    """Return what a header says of some tensor."""
    found = [value for _, value in weights.entries if isinstance(value, Pairs)]
    return chance.choice(found) if found else None


def _set_key(entry: Pairs | None, key: str, change: Callable[[Tree], Tree]) -> None:
    for number, (name, value) in enumerate(entry or ()):
        if name == key and entry is not None:
            entry[number] = (name, change(value))


def _dtype(weights: Weights, chance: random.Random) -> bytes:
    _set_key(_tensor(weights, chance), "dtype", lambda _: chance.choice(_DTYPES))
    return weights.pack()


def _shape(weights: Weights, chance: random.Random) -> bytes:
    def change(shape: Tree) -> Tree:
        sizes = [*shape] if isinstance(shape, list) else []
        if sizes and chance.random() < 0.7:
            sizes[chance.randrange(len(sizes))] = chance.choice(_SIZES)
            return sizes
        return chance.choice(
            (sizes[::-1], [*sizes, 1], [1, *sizes], [], [0] * 40, [1] * 70, [2**16] * 4)
        )

    _set_key(_tensor(weights, chance), "shape", change)
    return weights.pack()


def _offsets(weights: Weights, chance: random.Random) -> bytes:
    other = _tensor(weights, chance)
    elsewhere = next((value for key, value in other or () if key == "data_offsets"), [0, 0])

    def change(offsets: Tree) -> Tree:
        if not (isinstance(offsets, list) and len(offsets) == 2):
            return [0, 0]
        try:
            start, end = map(int, offsets)
        except (TypeError, ValueError, OverflowError):
            return [0, 4]
        by = chance.choice((1, 4, -4, 2**40, 2**63, -1))
        return chance.choice(
            (
                *([start + by, end + by], [start, end + by], [end, start], [start, start]),
                *([start], [start, end, end], elsewhere, [0, Raw("18446744073709551615")]),
            )
        )

    _set_key(_tensor(weights, chance), "data_offsets", change)
    return weights.pack()


def _swap_places(weights: Weights, chance: random.Random) -> bytes:
    one, two = _tensor(weights, chance), _tensor(weights, chance)
    kept = read_again(one)
    if one is not None and two is not None:
        one[:], two[:] = [*two], [*kept]
    return weights.pack()


def _rename(weights: Weights, chance: random.Random) -> bytes:
    number = chance.randrange(len(weights.entries) or 1)
    if weights.entries:
        name, value = weights.entries[number]
        other = chance.choice(weights.entries)[0]
        new = chance.choice(
            (other, name + ".x", "module." + name, "a.distilbert." + name, "", name * 50,
             name.replace("weight", "gamma"), name.removeprefix("distilbert."), "\x1b[2J" + name,
             name.replace("weight", "weight_scale"), "bert." + name)
        )  # fmt: skip
        weights.entries[number] = (new, value)
    return weights.pack()


def _add_tensors(weights: Weights, chance: random.Random) -> bytes:
    end = len(weights.values)
    for number in range(chance.choice((1, 2, 1000))):
        entry = Pairs([("dtype", "F32"), ("shape", [1]), ("data_offsets", [end, end + 4])])
        weights.entries.append((f"extra.{number}", entry))
        end += 4
    return weights._replace(values=weights.values.ljust(end, b"\0")).pack()


def _numbers(weights: Weights, chance: random.Random) -> bytes:
    numbers = np.frombuffer(weights.values[: len(weights.values) // 4 * 4], np.float32).copy()
    if numbers.size:
        for _ in range(chance.choice((1, 1, 3))):
            numbers[chance.randrange(numbers.size)] = chance.choice(_NUMBERS)
    return weights._replace(values=numbers.tobytes()).pack()


def _body(weights: Weights, chance: random.Random) -> bytes:
    return weights._replace(values=spoil_bytes(weights.values, chance)).pack()


def _cut_or_extend(weights: Weights, chance: random.Random) -> bytes:
    content = weights.pack()
    by = chance.choice((1, 4, 100))
    return content[:-by] if chance.random() < 0.5 else content + b"\0" * by


def _same_with_blanks(weights: Weights, chance: random.Random) -> bytes:
    return weights.pack(padding=b" " * chance.randint(1, 100))


def _same_in_other_order(weights: Weights, chance: random.Random) -> bytes:
    entries = Pairs(weights.entries)
    chance.shuffle(entries)
    return weights._replace(entries=entries).pack()


def _same_with_metadata(weights: Weights, _chance: random.Random) -> bytes:
    entries = Pairs((k, v) for k, v in weights.entries if k != "__metadata__")
    entries.insert(0, ("__metadata__", Pairs([("format", "pt"), ("note", "é")])))
    return weights._replace(entries=entries).pack()


def _same_in_float64(weights: Weights, chance: random.Random) -> bytes:
    """The tensors lie in another order, and some of them have twice the bytes."""
    entries, values = Pairs(), b""
    tensors = [(name, dict(entry)) for name, entry in weights.entries if name != "__metadata__"]
    chance.shuffle(tensors)
    for name, entry in tensors:
        start, end = entry["data_offsets"]
        stored = weights.values[start:end]
        if entry["dtype"] == "F32" and chance.random() < 0.5:
            entry["dtype"] = "F64"
            stored = np.frombuffer(stored, np.float32).astype(np.float64).tobytes()
        entry["data_offsets"] = [len(values), len(values) + len(stored)]
        values += stored
        entries.append((name, Pairs(entry.items())))
    entries.append(("__metadata__", Pairs([("format", "pt")])))
    return Weights(entries, values).pack()


_CHANGES: Final = (
    *(_header, _header, _header, _length, _dtype, _shape, _shape, _offsets, _offsets),
    *(_swap_places, _rename, _rename, _add_tensors, _numbers, _numbers, _body, _cut_or_extend),
)
_REWRITES: Final = (
    _same_with_blanks,
    _same_in_other_order,
    _same_with_metadata,
    _same_in_float64,
)
