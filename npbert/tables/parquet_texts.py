"""Which column of a parquet file has the texts, and what the text of a cell is."""

from __future__ import annotations

from typing import Any

from npbert.messages import excerpt, shown
from npbert.tables.rows import default_text_column, is_nan, missing_column, reject_repeated

# pyarrow comes without types, so these names only tell the reader what a value is.
ArrowSchema = Any  # pyarrow.Schema
ArrowType = Any  # pyarrow.DataType


def choose_texts(schema: ArrowSchema, name: str, column: str | None) -> str:
    """Return the name of the column of texts, or the names that lead to it, joined by dots.

    Parameters
    ----------
    schema : pyarrow.Schema
    name : str
        What error messages call the file.
    column : str, optional
        What the caller asked for. By default it is "text", or the only column of the file.

    Raises
    ------
    ValueError
        If the file does not have the column, or if it does not hold strings.
    """
    reject_repeated(schema.names, name)
    column = column or default_text_column(schema.names)
    kind = _type_of(schema, name, column)
    if kind is None:
        raise missing_column(schema.names, name, column)
    if not (_is_text(kind) or _may_be_null(kind)):
        raise ValueError(
            f"{name}: the column {shown(column)} holds {excerpt(kind)}, expected strings; choose "
            "another with --column"
        )
    return column


def _type_of(schema: ArrowSchema, name: str, column: str) -> ArrowType | None:
    """Return the type of a column, or of a field within its structs; None if it is not there."""
    from pyarrow import types

    if column in schema.names:
        return schema.field(column).type
    first, *inner = column.split(".")
    if first not in schema.names:
        return None
    kind, path = schema.field(first).type, first
    for field in inner:
        if not types.is_struct(kind):
            raise ValueError(
                f"{name}: the column {shown(path)} holds {excerpt(kind)}, expected a struct that "
                f"holds {shown(column)}; choose another with --column"
            )
        number = kind.get_field_index(field)
        if number < 0:
            return None
        kind, path = kind.field(number).type, f"{path}.{field}"
    return kind


def _is_text(kind: ArrowType) -> bool:
    """Tell whether a column has strings, or bytes, as which some programs store strings."""
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_string_view(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_binary_view(kind)
        or types.is_fixed_size_binary(kind)
        or types.is_null(kind)
    )


def _may_be_null(kind: ArrowType) -> bool:
    """Tell whether a column can be one of texts in which no row has a text: pandas writes NaN."""
    from pyarrow import types

    return bool(types.is_floating(kind))


def text_of(value: object, where: str) -> str | None:
    """Return the text of a cell, or None if it is a null or NaN.

    Raises
    ------
    ValueError
        If it holds bytes that are not UTF-8, or something else than a text.
    """
    if value is None or isinstance(value, str):
        return value
    if is_nan(value):
        return None
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{where} holds bytes that are not UTF-8 text ({error}); choose another column "
                "with --column"
            ) from error
    raise ValueError(
        f"{where} is {shown(value)}, expected a string or null; choose another --column"
    )
