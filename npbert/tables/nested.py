"""Texts in objects within objects: ``data.text`` is the key "text" of the object in "data"."""

from __future__ import annotations

from typing import cast

from npbert.messages import shown
from npbert.tables.rows import Row, is_nan


def place_of(row: Row, column: str) -> tuple[Row, str] | None:
    """Return the object that holds the cell of a column, and the key of the cell in this object.

    Parameters
    ----------
    row : dict
    column : str
        A key of the row, or the keys that lead to the cell, joined by dots. A key of the row that
        has dots in itself comes first.

    Returns
    -------
    (dict, str) or None
        None if the row lacks the key, or if an object on the way to it is a null.

    Raises
    ------
    ValueError
        If there is something else than an object on the way, such as a list.
    """
    if column in row:
        return row, column
    *outer, key = column.split(".")
    place = row
    for depth, name in enumerate(outer, 1):
        inner = place.get(name)
        if inner is None or is_nan(inner):
            return None
        if not isinstance(inner, dict):
            raise ValueError(
                f"{shown('.'.join(outer[:depth]))} is {shown(inner)}, expected an object "
                f"that holds {shown(column)}; choose another --column"
            )
        place = cast("Row", inner)
    return (place, key) if key in place else None
