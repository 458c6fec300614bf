"""Parquet: rows → tables with their types → a file.  All of it is pyarrow's work."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from npbert.tables.rows import CHUNK_ROWS, Chunk, Column, Record, Row, Table, split_into_chunks
from npbert.tables.source import Source, import_optional
from npbert.tables.text import choose_text_column

_READ_BYTES: Final = 1 << 20
_BATCH_BYTES: Final = 16 << 20  # about; of the rows that are read at a time
# A row group is written when it has either.
_GROUP_ROWS: Final = 1 << 16
_GROUP_BYTES: Final = 16 << 20

_LONGEST_EXACT: Final = 2**53  # float64 has all integers up to here
_FieldPath = tuple[str, ...]


def read_table(source: Source, column: str | None) -> Table:
    """Read rows, a few at a time.

    Parameters
    ----------
    source : Source
    column : str, optional
        The column of texts.  By default "text", or the only column there is.

    Raises
    ------
    ModuleNotFoundError
        Without pyarrow.
    ValueError
        If it is no parquet file, or has no such column of texts.
    """
    parquet = import_optional("pyarrow.parquet", f"{source.name} is a parquet file")
    content = _seekable(source)
    try:
        # With a buffer of its own size, a row group is not read as a whole.
        file = parquet.ParquetFile(
            content,
            buffer_size=_READ_BYTES,
            pre_buffer=False,
            page_checksum_verification=True,  # of files that have checksums
        )
    except _damage() as error:
        raise ValueError(f"{source.name} is damaged or no parquet file: {error}") from error
    schema = file.schema_arrow
    column = choose_text_column(schema.names, source.name, column)
    kind = schema.field(column).type
    if not _is_text(kind):
        raise ValueError(
            f"{source.name}: the column {column!r} holds {kind}, expected strings; choose another "
            "with --column"
        )
    chunks = _chunks(file, source.name, column)
    return Table("parquet", schema.names, column, chunks, file.metadata.num_rows)


def _seekable(source: Source) -> BinaryIO:
    """A file in which one can jump; what comes from a pipe is put into a temporary one."""
    if not source.is_pipe and not source.is_compressed:
        return source.stream
    copy: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - gone with its last reader
    shutil.copyfileobj(source.stream, copy)
    return copy


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_string_view(kind)
        or types.is_null(kind)
    )


def _chunks(file: Any, name: str, column: str) -> Iterator[Chunk]:
    import pyarrow

    read: list[Any] = []  # batches, of which no chunk has been made yet

    def records() -> Iterator[Record]:
        for batch in file.iter_batches(batch_size=_batch_rows(file.metadata)):
            read.append(batch)
            for row in _rows(batch):
                yield row[column], row

    n_rows = 0
    try:
        for chunk in split_into_chunks(records()):
            table = pyarrow.Table.from_batches(read) if read else _without_rows(file.schema_arrow)
            n_rows += len(chunk.rows)
            read[:] = table.slice(len(chunk.rows)).to_batches()
            yield chunk._replace(table=table.slice(0, len(chunk.rows)))
    except _damage() as error:
        raise ValueError(f"{name}, after row {n_rows}: cannot be read: {error}") from error


def _batch_rows(metadata: Any) -> int:
    """How many rows to read at a time: fewer where they are wide."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    widths = [group.total_byte_size / group.num_rows for group in groups if group.num_rows]
    return min(max(int(_BATCH_BYTES / max([1, *widths])), 1), CHUNK_ROWS)


def _damage() -> tuple[type[Exception], ...]:
    """What pyarrow raises for files that are damaged, or have what Python has no values for."""
    import pyarrow

    return (pyarrow.ArrowException, OSError, UnicodeDecodeError, OverflowError)


def _rows(batch: Any) -> list[Row]:
    """Rows of Python's own values; days and times as str, since Python does not have them all."""
    import pyarrow

    schema = pyarrow.schema([_with_times_as_text(field) for field in batch.schema])
    rows: list[Row] = batch.cast(schema, safe=False).to_pylist()
    return rows


def _with_times_as_text(field: Any) -> Any:
    """A field with str in the place of days and times, however deep; durations in microseconds."""
    import pyarrow
    from pyarrow import types

    kind = field.type
    if types.is_duration(kind):
        kind = pyarrow.duration("us")
    elif types.is_temporal(kind):
        kind = pyarrow.string()
    elif types.is_struct(kind):
        kind = pyarrow.struct([_with_times_as_text(part) for part in kind])
    elif types.is_map(kind):
        key, item = _with_times_as_text(kind.key_field), _with_times_as_text(kind.item_field)
        kind = pyarrow.map_(key, item)
    elif types.is_list(kind):
        kind = pyarrow.list_(_with_times_as_text(kind.value_field))
    elif types.is_large_list(kind):
        kind = pyarrow.large_list(_with_times_as_text(kind.value_field))
    elif types.is_fixed_size_list(kind):
        kind = pyarrow.list_(_with_times_as_text(kind.value_field), kind.list_size)
    return field.with_type(kind)


class ParquetSerializer:
    """Rows → tables, one after the other, each as a stream of Arrow's own format.

    A parquet file has its table of contents at its end, so one that is not complete cannot
    be read.  Streams can; `write_parquet` makes the file of them.

    Parameters
    ----------
    columns : list of str
        Those of a table without rows, which says no more of them.
    earlier : Path, optional
        What was encoded before, in a run that did not end.
    """

    header = b""

    def __init__(self, columns: list[str], earlier: Path | None = None) -> None:
        self._columns = columns
        self._schema = _Schema()
        if earlier is not None:
            self._schema.add_all(earlier)

    def serialize(self, chunk: Chunk, added: list[Column]) -> bytes:
        """The rows of a chunk, with columns added.

        Raises
        ------
        ValueError
            If a column has values of several types, or of one that parquet has not.
        """
        import pyarrow

        table = chunk.table
        if table is None:
            table = _table(chunk) if chunk.rows else self._table_without_rows(added)
        table = with_arrow_columns(_with_short_dictionaries(table), added)
        self._schema.add(table, chunk.where)
        stream = pyarrow.BufferOutputStream()
        with pyarrow.ipc.new_stream(stream, table.schema) as writer:
            writer.write_table(table)
        content: bytes = stream.getvalue().to_pybytes()
        return content

    def _table_without_rows(self, added: list[Column]) -> Any:
        """No rows of a text format, whose cells are strings."""
        import pyarrow

        names_added = {column.name for column in added}
        fields = [(name, pyarrow.string()) for name in self._columns if name not in names_added]
        return _without_rows(pyarrow.schema(fields))


def _with_short_dictionaries(table: Any) -> Any:
    """A table whose dictionaries have what its rows have, not what all rows of the file have."""
    from pyarrow import types

    for number, field in enumerate(table.schema):
        if types.is_dictionary(field.type):
            column = table.column(number).cast(field.type.value_type).cast(field.type)
            table = table.set_column(number, field, column)
    return table


def with_arrow_columns(table: Any, added: list[Column]) -> Any:
    """A Table or RecordBatch with columns added."""
    import pyarrow

    kinds = {str: pyarrow.string(), float: pyarrow.float64()}
    for column in added:
        values = pyarrow.array(column.values, kinds[column.kind])
        table = table.append_column(column.name, values)
    return table


def write_parquet(rows: Path, target: Path) -> None:
    """Make a parquet file of the tables that `ParquetSerializer` has encoded.

    Parameters
    ----------
    rows : Path
        What `ParquetSerializer` gave, one after the other.
    target : Path
        Written, or written over.
    """
    import pyarrow
    from pyarrow import parquet

    schema = _Schema()
    schema.add_all(rows)
    nothing = _without_rows(schema.of_all)
    with (
        target.open("wb") as file,  # by Python, whose paths can be of any bytes
        parquet.ParquetWriter(file, schema.of_all, write_page_checksum=True) as writer,
    ):
        group = [nothing]
        for stream in _streams(rows):
            group.append(stream.read_all())
            if (
                sum(table.num_rows for table in group) >= _GROUP_ROWS
                or sum(table.nbytes for table in group) >= _GROUP_BYTES
            ):
                writer.write_table(pyarrow.concat_tables(group, promote_options="permissive"))
                group = [nothing]
        if len(group) > 1:
            writer.write_table(pyarrow.concat_tables(group, promote_options="permissive"))


def _without_rows(schema: Any) -> Any:
    """A table; pyarrow's own way does not know tensors and other extensions."""
    import pyarrow

    def column(kind: Any) -> Any:
        if isinstance(kind, pyarrow.BaseExtensionType):
            return pyarrow.ExtensionArray.from_storage(kind, column(kind.storage_type))
        return pyarrow.array([], kind)

    return pyarrow.Table.from_arrays([column(kind) for kind in schema.types], schema=schema)


def _streams(rows: Path) -> Iterator[Any]:
    """Each stream in a file, for which the one before has to be read."""
    import pyarrow

    n_bytes = rows.stat().st_size
    with rows.open("rb") as file:
        while file.tell() < n_bytes:
            stream = pyarrow.ipc.open_stream(file)
            yield stream
            for _ in stream:
                pass


def _table(chunk: Chunk) -> Any:
    """Rows of a text format, with the types that their values have."""
    import pyarrow

    names = dict.fromkeys(name for row in chunk.rows for name in row)
    arrays = {}
    for name in names:
        try:
            arrays[name] = pyarrow.array([row.get(name) for row in chunk.rows])
        except (pyarrow.ArrowException, OverflowError, UnicodeEncodeError) as error:
            raise ValueError(_no_type(chunk.where, f"{name!r}: {error}")) from error
    return pyarrow.table(arrays)


class _Schema:
    """One schema for all rows: nulls and integers give way to what others have.

    Attributes
    ----------
    of_all : pyarrow.Schema
    """

    def __init__(self) -> None:
        import pyarrow

        self.of_all = pyarrow.schema([])
        self._exact: set[_FieldPath] = set()  # where there are integers that float64 has not

    def add(self, table: Any, where: str) -> None:
        """Make room for a table; ValueError if no type has its values and the earlier ones."""
        import pyarrow
        from pyarrow import compute, parquet, types

        try:
            both = pyarrow.unify_schemas(
                [self.of_all or table.schema, table.schema], promote_options="permissive"
            )
            if both != self.of_all:  # not all that Arrow has can be written: no empty structs
                parquet.ParquetWriter(pyarrow.BufferOutputStream(), both).close()
        except pyarrow.ArrowException as error:
            raise ValueError(_no_type(where, str(error))) from error
        for batch in table.to_batches():
            for path, values in _leaves(batch.columns, batch.schema.names):
                if types.is_integer(values.type):
                    ends = compute.min_max(values).as_py().values()
                    if any(abs(end or 0) > _LONGEST_EXACT for end in ends):
                        self._exact.add(path)
        nothing = [column.chunk(0) for column in _without_rows(both).columns]
        for path, values in _leaves(nothing, both.names):
            if path in self._exact and types.is_floating(values.type):
                what = f"{path[0]!r}: fractions, and integers beyond 2**53"
                raise ValueError(_no_type(where, what))
        self.of_all = both

    def add_all(self, rows: Path) -> None:
        """Make room for all that `ParquetSerializer` has encoded."""
        for stream in _streams(rows):
            self.add(stream.read_all(), str(rows))


def _leaves(arrays: list[Any], names: list[str]) -> Iterator[tuple[_FieldPath, Any]]:
    """Values that have no others in them, each after the names that lead there."""
    from pyarrow import types

    found: list[tuple[_FieldPath, Any]]
    found = [((name,), array) for name, array in zip(names, arrays, strict=True)]
    for path, array in found:
        if types.is_struct(array.type):
            parts = [field.name for field in array.type]
            found += [((*path, part), array.field(part)) for part in parts]
        elif types.is_list(array.type):
            found.append(((*path, "[]"), array.flatten()))
        else:
            yield path, array


def _no_type(where: str, what: str) -> str:
    return (
        f"{where}: parquet has one type a column, and none for all of these values ({what}); "
        "write --format jsonl"
    )
