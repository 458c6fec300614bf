"""JSON files that hold a whole table in one value, and how to make rows of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from npbert.messages import shown
from npbert.tables.rows import Row


class Shape(NamedTuple):
    """A way to hold a whole table in one JSON value.

    Attributes
    ----------
    description : str
        What error messages say about the value.
    rows : str
        The expression in Python that makes rows of the value, which it calls ``t``.
    """

    description: str
    rows: str


_COLUMNS: Final = Shape(
    "pandas' to_json() with its default, orient='columns'",
    "({k: c[n] for k, c in t.items()} for n in next(iter(t.values())))",
)
_INDEX: Final = Shape("pandas' to_json(orient='index')", "t.values()")
_SPLIT: Final = Shape(
    "pandas' to_json(orient='split')", "(dict(zip(t['columns'], r)) for r in t['data'])"
)
_TABLE: Final = Shape("pandas' to_json(orient='table')", "t['data']")
_LISTS: Final = Shape(
    "an object with one list per column", "(dict(zip(t, r)) for r in zip(*t.values()))"
)
_CELLS: Final = Shape(
    "an array with one list of cells per row, whose columns get their numbers as names",
    "(dict(enumerate(r)) for r in t)",
)
_STRINGS: Final = Shape("an array of strings", "({'text': r} for r in t)")


def advice_for_object(row: Row, column: str) -> str:
    """Return what an error message says of the only object of a file if it seems to hold a table.

    Parameters
    ----------
    row : dict
        The object, which is not a row with a text.
    column : str
        The key of the texts.

    Returns
    -------
    str
        A part of a sentence that names the shape, and a command that makes rows of the file. It is
        empty if the object does not seem to be a table.
    """
    return _advice_of(_shape_of_pandas(row) or _shape_of_columns(row, column))


def advice_for_array(element: object) -> str:
    """Return what an error message says of an array whose first element is not an object."""
    if isinstance(element, list):
        return _advice_of(_CELLS)
    return _advice_of(_STRINGS if isinstance(element, str) else None)


def _advice_of(shape: Shape | None) -> str:
    if shape is None:
        return ""
    program = "import json, sys; t = json.load(sys.stdin); "
    program += f"[print(json.dumps(r)) for r in {shape.rows}]"
    return (
        f"; this seems to be {shape.description}; make one object per line of it: "
        f'python -c "{program}" < FILE > rows.jsonl'
    )


def _shape_of_pandas(row: Row) -> Shape | None:
    """Return the shape of an object that has its rows in one list."""
    if isinstance(row.get("data"), list):
        if isinstance(row.get("columns"), list):
            return _SPLIT
        schema = row.get("schema")
        if isinstance(schema, dict) and "fields" in schema:
            return _TABLE
    keys = [key for key, cell in row.items() if _is_list_of_objects(cell)]
    if len(keys) == 1 and keys[0].isidentifier():
        return Shape(f"an object around a list of rows, {shown(keys[0])}", f"t['{keys[0]}']")
    return None


def _is_list_of_objects(cell: object) -> bool:
    return isinstance(cell, list) and bool(cell) and isinstance(cell[0], dict)


def _shape_of_columns(row: Row, column: str) -> Shape | None:
    """Return the shape of an object whose values are all its columns, or all its rows."""
    objects = [cell for cell in row.values() if isinstance(cell, dict)]
    if objects and len(objects) == len(row):
        keys = objects[0].keys()
        if any(cell.keys() != keys for cell in objects):
            return None
        if _are_numbers(keys):
            return _COLUMNS
        if _are_numbers(row) or column in keys:
            return _INDEX
        return _COLUMNS if column in row else None
    lists = [cell for cell in row.values() if isinstance(cell, list)]
    if lists and len(lists) == len(row) and len(set(map(len, lists))) == 1:
        return _LISTS
    return None


def _are_numbers(keys: Iterable[str]) -> bool:
    """Tell whether keys are numbers, as pandas numbers rows; it also does so with moments."""
    return all(key.removeprefix("-").isdigit() for key in keys)
