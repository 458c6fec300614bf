"""The schema that Spark writes into the metadata of its parquet files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

from npbert.tables.rows import Column

# Spark reads the columns that stand under this key, and no others that the file may have.
_KEY: Final = b"org.apache.spark.sql.parquet.row.metadata"
_TYPES: Final = {str: "string", float: "double"}


def is_of_spark(metadata: Mapping[bytes, bytes] | None) -> bool:
    """Tell whether Spark wrote the file that has this metadata."""
    return _KEY in (metadata or {})


def with_added(
    metadata: Mapping[bytes, bytes] | None, added: Iterable[Column]
) -> Mapping[bytes, bytes] | None:
    """Return the metadata of a parquet file with columns added to the schema of Spark.

    Metadata without such a schema is returned as it is.
    """
    if metadata is None or _KEY not in metadata:
        return metadata
    try:
        schema = json.loads(metadata[_KEY])
        fields = [
            {"name": column.name, "type": _TYPES[column.kind], "nullable": True, "metadata": {}}
            for column in added
        ]
        schema["fields"] = [*schema["fields"], *fields]
    except (ValueError, TypeError, KeyError):  # not a schema, and so Spark does not read it
        return metadata
    return {
        **metadata,
        _KEY: json.dumps(schema, ensure_ascii=False, separators=(",", ":")).encode(),
    }
