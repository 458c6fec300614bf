"""JSON is spoiled: values of other types, repeated keys, deep nesting, huge numbers.

A tree has an object as a list of pairs, so that a key can be there twice. A `Raw` is a text that
stands in the file as it is, because Python's json module would not write it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

Tree = Any  # None, bool, int, float, str, Raw, list of Tree, or Pairs
Place = tuple[list[Any], int]  # a list and an index in it; of `Pairs`, the item is a pair


class Pairs(list[tuple[str, Tree]]):
    """An object."""


class Raw(str):
    """A text that stands in the file as it is."""

    __slots__ = ()


_DEEP: Final = (50, 1_000, 100_000)
_VALUES: Final[tuple[Tree, ...]] = (
    *(None, True, False, 0, -1, 1, 2, 7, 1000, 2**31, 2**32 + 3, 2**63, 2**64, -(2**63)),
    *(0.0, 0.5, 1e30, -1e300, Raw("NaN"), Raw("Infinity"), Raw("-Infinity"), Raw("1e999")),
    *(Raw("1" + "0" * 400), Raw("9" * 5_000), Raw("-0"), Raw("1.0")),
    *("", "a", " ", "[CLS]", "[UNK]", "##a", "\0", "\ud800", "\x1b[2J", "é" * 300, "x" * 20_000),
    *("..", "../secret", "/etc/passwd", "true", "0", "-1", "NaN", "float32", "gelu", "right"),
    *([], Pairs(), [[]], [None], [0], ["a", "a"], Pairs([("a", 1)]), Pairs([("content", "[X]")])),
    *(Raw("[" * n + "]" * n) for n in _DEEP),
    *(Raw('{"a":' * n + "1" + "}" * n) for n in _DEEP),
)


def read(text: str) -> Tree:
    """Return the tree of a JSON text."""
    return json.loads(text, object_pairs_hook=Pairs)


def write(tree: Tree) -> str:
    """Return the JSON text of a tree."""
    if isinstance(tree, Raw):
        return str(tree)
    if isinstance(tree, Pairs):
        items = (f"{json.dumps(key)}: {write(value)}" for key, value in tree)
        return "{" + ", ".join(items) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(map(write, tree)) + "]"
    return json.dumps(tree)


def encode(tree: Tree) -> bytes:
    """Return the bytes of a file that holds a tree."""
    return write(tree).encode()


def spoil_tree(tree: Tree, chance: random.Random, keys: Sequence[str] = ()) -> Tree:
    """Return the tree with one change; the tree itself is changed, too.

    Parameters
    ----------
    tree : Tree
    chance : random.Random
    keys : sequence of str
        Keys that have a meaning in this file, for those that are added or renamed.
    """
    root = [tree]
    places = [*_places(root)]
    chance.choice(_CHANGES)(chance.choice(places), places, chance, keys)
    return root[0] if root else None


def any_value(chance: random.Random) -> Tree:
    """Return a value that few files have."""
    return chance.choice(_VALUES)


def _places(values: list[Any]) -> Iterator[Place]:
    waiting = [values]
    while waiting:
        found = waiting.pop()
        for index, item in enumerate(found):
            yield found, index
            value = item[1] if isinstance(found, Pairs) else item
            if isinstance(value, list):
                waiting.append(value)


def _get(place: Place) -> Tree:
    values, index = place
    return values[index][1] if isinstance(values, Pairs) else values[index]


def _set(place: Place, value: Tree) -> None:
    values, index = place
    values[index] = (values[index][0], value) if isinstance(values, Pairs) else value


Change = Callable[[Place, list[Place], random.Random, Sequence[str]], None]


def _replace(place: Place, _: list[Place], chance: random.Random, __: Sequence[str]) -> None:
    _set(place, any_value(chance))


def _copy(place: Place, places: list[Place], chance: random.Random, _: Sequence[str]) -> None:
    _set(place, read_again(_get(chance.choice(places))))


def read_again(tree: Tree) -> Tree:
    """Return a copy of a tree that shares no list with it."""
    if isinstance(tree, Pairs):
        return Pairs((key, read_again(value)) for key, value in tree)
    return [*map(read_again, tree)] if isinstance(tree, list) else tree


def _swap(place: Place, places: list[Place], chance: random.Random, _: Sequence[str]) -> None:
    other = chance.choice(places)
    one, two = read_again(_get(place)), read_again(_get(other))
    _set(place, two)
    _set(other, one)


def _delete(place: Place, _: list[Place], __: random.Random, ___: Sequence[str]) -> None:
    values, index = place
    del values[index]


def _rename(place: Place, places: list[Place], chance: random.Random, keys: Sequence[str]) -> None:
    values, index = place
    if isinstance(values, Pairs):
        others = [pair[0] for group, number in places for pair in (group[number],)
                  if isinstance(group, Pairs)]  # fmt: skip
        name = chance.choice([*others, *keys, values[index][0] + "x", values[index][0].upper()])
        values[index] = (name, values[index][1])
    else:
        values.append(any_value(chance))


def _add(place: Place, places: list[Place], chance: random.Random, keys: Sequence[str]) -> None:
    objects = [values for values, _ in places if isinstance(values, Pairs)]
    values: list[Any] = place[0]
    if objects:
        values = chance.choice(objects) if chance.random() < 0.3 else objects[0]
    if isinstance(values, Pairs):
        repeated = [key for key, _ in values]
        values.append((chance.choice([*keys, *repeated, "x"]), any_value(chance)))
    else:
        values.append(any_value(chance))


def _nudge(place: Place, _: list[Place], chance: random.Random, __: Sequence[str]) -> None:
    value = _get(place)
    if isinstance(value, bool):
        _set(place, not value)
    elif isinstance(value, (int, float)):
        as_float = float(value) if abs(value) < 1e300 else 0.5
        _set(place, chance.choice((value + 1, value - 1, -value, value * 2, as_float, str(value))))
    elif isinstance(value, str):
        _set(
            place, chance.choice((value + "x", value.upper(), value[:-1], value * 2, value + "\0"))
        )
    elif isinstance(value, list) and value:
        chance.shuffle(value)


def _wrap(place: Place, _: list[Place], chance: random.Random, __: Sequence[str]) -> None:
    value = _get(place)
    _set(place, [value] if chance.random() < 0.5 else Pairs([("content", value)]))


def _multiply(place: Place, _: list[Place], chance: random.Random, __: Sequence[str]) -> None:
    value = _get(place)
    n_times = chance.choice((2, 100, 1000))
    if isinstance(value, Pairs):
        value.extend([(f"{key}{n}", item) for n in range(n_times) for key, item in [*value]])
    elif isinstance(value, list):
        value.extend([*value] * n_times)
    else:
        _set(place, [value] * n_times)


_CHANGES: Final[tuple[Change, ...]] = (
    *(_replace, _replace, _replace, _copy, _swap, _delete, _rename, _add, _add, _nudge, _nudge),
    *(_wrap, _multiply),
)
