"""A column of every Arrow type that parquet can hold, with values at the edges of the type."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

UNITS = ["s", "ms", "us", "ns"]
_ID = uuid.UUID(int=5).bytes
_LONG = "longer than twelve characters"
_ORDERED = pa.dictionary(pa.int8(), pa.string(), ordered=True)
_STRUCT = pa.struct({"a": pa.int8(), "b": pa.list_(pa.struct({"c": pa.string()}))})
_DECIMALS = [Decimal("1.1"), None, Decimal("-9.9")]

_VALUES: dict[str, tuple[list[Any], Any]] = {
    **{f"int{n}": ([-(2 ** (n - 1)), None, 2 ** (n - 1) - 1], f"int{n}") for n in (8, 16, 32, 64)},
    **{f"uint{n}": ([0, None, 2**n - 1], f"uint{n}") for n in (8, 16, 32, 64)},
    "half": ([np.float16(-0.0), None, np.float16("nan")], pa.float16()),
    "float": ([-0.0, None, float("nan")], pa.float32()),
    "double": ([float("-inf"), float("nan"), -0.0], pa.float64()),
    "decimal32": (_DECIMALS, pa.decimal32(5, 1)),
    "decimal64": (_DECIMALS, pa.decimal64(15, 1)),
    "decimal128": (_DECIMALS, pa.decimal128(38, 4)),
    "decimal256": (_DECIMALS, pa.decimal256(76, 4)),
    "bool": ([True, None, False], pa.bool_()),
    "string": (["é", None, ""], pa.string()),
    "large_string": (["a", None, ""], pa.large_string()),
    "string_view": (["a", None, _LONG], pa.string_view()),
    "binary": ([b"a", None, b"\xff"], pa.binary()),
    "large_binary": ([b"a", None, b"\xff"], pa.large_binary()),
    "binary_view": ([b"a", None, _LONG.encode()], pa.binary_view()),
    "fixed_binary": ([b"ab", None, b"\xff\0"], pa.binary(2)),
    "date32": ([1, None, -700_000], pa.date32()),
    "date64": ([86_400_000, None, -86_400_000], pa.date64()),
    **{f"time32[{unit}]": ([1, None, 2], pa.time32(unit)) for unit in UNITS[:2]},
    **{f"time64[{unit}]": ([1, None, 2], pa.time64(unit)) for unit in UNITS[2:]},
    **{
        f"timestamp[{unit}, {zone}]": ([1, None, -2], pa.timestamp(unit, zone))
        for unit in UNITS
        for zone in (None, "UTC", "Europe/Berlin", "+05:30")
    },
    **{f"duration[{unit}]": ([1, None, -2], pa.duration(unit)) for unit in UNITS},
    "list": ([[1, None], None, []], pa.list_(pa.int8())),
    "list_of_no_nulls": ([[1], None, []], pa.list_(pa.field("i", pa.int8(), nullable=False))),
    "large_list": ([[1], None, []], pa.large_list(pa.int8())),
    "list_view": ([[1], None, []], pa.list_view(pa.int8())),
    "large_list_view": ([[1], None, []], pa.large_list_view(pa.int8())),
    "fixed_list": ([[1, None], None, [2, 3]], pa.list_(pa.int8(), 2)),
    "list_of_nulls": ([[None], None, []], pa.list_(pa.null())),
    "list_of_binary": ([[b"\xff"], None, []], pa.list_(pa.binary())),
    "map": ([[("b", 1), ("a", None)], None, []], pa.map_(pa.string(), pa.int8())),
    "sorted_map": ([[("a", 1)], None, []], pa.map_(pa.string(), pa.int8(), keys_sorted=True)),
    "struct": ([{"a": 1, "b": [{"c": "x"}]}, None, {"a": None, "b": None}], _STRUCT),
    "struct_of_fixed_lists": (
        [{"a": [1, 2]}, None, {"a": None}],
        pa.struct({"a": pa.list_(pa.int8(), 2)}),
    ),
    "struct_with_metadata": (
        [{"a": 1}, None, {"a": 2}],
        pa.struct([pa.field("a", pa.int8(), nullable=False, metadata={"k": "v"})]),
    ),
    "null": ([None] * 3, pa.null()),
    **{
        f"dictionary[{index}]": (["b", None, "a"], pa.dictionary(getattr(pa, index)(), pa.string()))
        for index in ("int8", "uint16", "int32", "int64")
    },
    "ordered_dictionary": (["b", None, "a"], _ORDERED),
    "dictionary_of_large_strings": (
        ["b", None, "a"],
        pa.dictionary(pa.int32(), pa.large_string()),
    ),
    "dictionary_of_integers": ([5, None, 3], pa.dictionary(pa.int32(), pa.int64())),
    "dictionary_of_fractions": ([0.5, None, 0.25], pa.dictionary(pa.int32(), pa.float32())),
    "dictionary_of_binary": ([b"\xff", None, b"a"], pa.dictionary(pa.int32(), pa.binary())),
    "dictionary_of_flags": ([True, None, False], pa.dictionary(pa.int8(), pa.bool_())),
    "list_of_dictionaries": (
        [["b"], None, ["a", "b"]],
        pa.list_(pa.dictionary(pa.int32(), pa.string())),
    ),
    "uuid": ([_ID, None, _ID], pa.uuid()),
    "json": (['{"a":1}', None, "1"], pa.json_()),
    "bool8": ([1, None, 0], pa.bool8()),
    "opaque": ([b"x", None, b"y"], pa.opaque(pa.binary(), "type", "vendor")),
    "tensor": ([[0.5] * 4] * 3, pa.fixed_shape_tensor(pa.float32(), (2, 2))),
    "list_of_uuids": ([[_ID], None, []], pa.list_(pa.uuid())),
    "": ([1, None, 2], pa.int8()),
    "a.b, \"c\"\n'é'": ([1, None, 2], pa.int8()),
    "long " * 60: ([1, None, 2], pa.int8()),
}


def _array(values: list[Any], kind: Any) -> Any:
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
    if kind == pa.list_(pa.uuid()):
        return pa.array(values, pa.list_(pa.binary(16))).cast(kind)
    return pa.array(values, kind)


def every_type() -> Any:
    """Return a table with metadata, three rows, and a column "text" before those of all types."""
    columns = {"text": pa.array(["one", None, "two"])}
    columns |= {name: _array(*column) for name, column in _VALUES.items()}
    fields = [
        pa.field(name, array.type, metadata={"of": name[:5], "b": "\xff"})
        for name, array in columns.items()
    ]
    numbers = pa.array([3, 1, 2])
    fields.append(pa.field("never null", numbers.type, nullable=False))
    schema = pa.schema(fields, metadata={"author": "é", b"\xff": b"\0"})
    return pa.Table.from_arrays([*columns.values(), numbers], schema=schema)
