"""How a model and its parts show themselves: as a tree with shapes and numbers of parameters."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Final, NamedTuple

import numpy as np

_INDENT: Final = "  "
_GAP: Final = 4  # columns between the tree and the counts


class Branch(NamedTuple):
    """One line of a tree.

    Attributes
    ----------
    text : str
        The line, indented as far as it is below the top of the tree.
    counted : str
        How many parameters stand in this line and below it; empty where there is nothing to count.
    """

    text: str
    counted: str = ""


class Parameters:
    """The base of the parts of a model: the classes in model.py that hold weights.

    In Python and in notebooks, such a part shows itself as a tree. The names in the tree lead to
    the arrays: ``encoder.layers[0].ffn.lin1.weight``.
    """

    def __repr__(self) -> str:
        return draw_tree(grow_tree(type(self).__name__, _children_of(self)))


def grow_tree(title: str, children: Mapping[str, object]) -> list[Branch]:
    """Return the lines of a tree: a title, the children, and a closing bracket.

    Parameters
    ----------
    title : str
        The class of the object.
    children : mapping from str to object
        The fields of the object: arrays, other parts, tuples of parts, functions or numbers.

    Returns
    -------
    list of Branch
        A single one, if all children are arrays.
    """
    count = f"{sum(map(count_parameters, children.values())):,}"
    arrays = {name: child for name, child in children.items() if isinstance(child, np.ndarray)}
    if len(arrays) == len(children):
        shapes = ", ".join(f"{name}={array.shape}" for name, array in arrays.items())
        return [Branch(f"{title}({shapes})", count)]
    below = [line for name, child in children.items() for line in _grow_branch(name, child)]
    inside = [Branch(_INDENT + text, counted) for text, counted in below]
    return [Branch(f"{title}(", count), *inside, Branch(")")]


def draw_tree(lines: list[Branch]) -> str:
    """Return the lines of a tree as one text, with the counts in a column at the right."""
    texts, counts = zip(*lines, strict=True)
    width = max(map(len, texts)) + _GAP
    count_width = max(map(len, counts))
    drawn = [f"{text:<{width}}{count:>{count_width}}".rstrip() for text, count in lines]
    return "\n".join([f"{drawn[0]} parameters", *drawn[1:]])


def count_parameters(value: object) -> int:
    """Count the numbers in the arrays of a part, or of a tuple of parts."""
    if isinstance(value, np.ndarray):
        return value.size
    if isinstance(value, tuple):
        return sum(map(count_parameters, value))
    return sum(map(count_parameters, _children_of(value).values()))


def _children_of(part: object) -> dict[str, object]:
    if not is_dataclass(part):
        return {}
    return {field.name: getattr(part, field.name) for field in fields(part)}


def _grow_branch(name: str, value: object) -> list[Branch]:
    """Return the lines of one child, the first of which begins with its name."""
    if isinstance(value, np.ndarray):
        lines = [Branch(str(value.shape), f"{value.size:,}")]
    elif isinstance(value, tuple):
        lines = [Branch("tuple(", f"{count_parameters(value):,}"), *_grow_items(value), Branch(")")]
    elif is_dataclass(value):
        lines = grow_tree(type(value).__name__, _children_of(value))
    else:
        lines = [Branch(getattr(value, "__name__", str(value)))]  # a function, or a number
    (text, count), *below = lines
    return [Branch(f"({name}): {text}", count), *below]


def _grow_items(items: tuple[object, ...]) -> Iterator[Branch]:
    """Yield the lines of a tuple of parts, where neighbours with the same tree are drawn once."""
    trees = [grow_tree(type(item).__name__, _children_of(item)) for item in items]
    first = 0
    for (head, *below), alike in itertools.groupby(trees):
        number = len(list(alike))
        names = f"{first}-{first + number - 1}" if number > 1 else f"{first}"
        times = f"{number} x " if number > 1 else ""
        yield Branch(f"{_INDENT}({names}): {times}{head.text}", f"{times}{head.counted}")
        yield from (Branch(_INDENT + text, count) for text, count in below)
        first += number
