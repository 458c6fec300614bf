"""Parquet is written with pyarrow: rows become tables one by one, and at the end one file."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from npbert.messages import excerpt, shown
from npbert.tables import spark_schema
from npbert.tables.rows import ArrowTable, Chunk, Column

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# A row group is written as soon as it has this many rows or bytes.
_GROUP_ROWS: Final = 1 << 16
_GROUP_BYTES: Final = 16 << 20
_LARGE_DICTIONARY_BYTES: Final = 1 << 20

_END_OF_STREAM: Final = b"\xff\xff\xff\xff\0\0\0\0"  # by the specification of Arrow's format

_MAX_EXACT: Final = 2**53  # float64 holds all integers up to here

# pyarrow comes without types, so these names only tell the reader what a value is.
ArrowSchema = Any  # pyarrow.Schema
ArrowArray = Any  # pyarrow.Array or pyarrow.ChunkedArray
ArrowStreamWriter = Any  # pyarrow.RecordBatchStreamWriter
_FieldPath = tuple[str, ...]  # the names that lead to a nested value


class ParquetSerializer:
    """Turns rows into streams of tables in Arrow's own format.

    A parquet file has its table of contents at its end, so a parquet file that is not complete
    cannot be read. Streams can be read from their beginning. At the end, `write_parquet` makes the
    parquet file from them.

    The chunks go into one stream, and not into one stream each. In a dictionary column, such as a
    category of pandas, each cell is a number that points into a dictionary of values. A stream has
    a dictionary once, whole and in its order, however many chunks point into it. A new stream
    begins where a chunk has columns of other types, and where a run is resumed.

    Parameters
    ----------
    columns : list of str
        The names of all columns, for a table without rows, whose chunk does not have them.
    earlier : Path, optional
        The file of what this serializer returned in an earlier run that did not end. The types
        of the new rows have to fit the types of those rows.
    """

    header = b""

    def __init__(self, columns: list[str], earlier: Path | None = None) -> None:
        self._columns = columns
        self._schema = _CommonSchema()
        self._sink = _Sink()
        self._stream: ArrowStreamWriter | None = None
        self._stream_schema: ArrowSchema = None
        if earlier is not None and earlier.stat().st_size:
            self._schema.add_all(earlier)
            self._sink.write(_END_OF_STREAM)  # ends the last stream of the earlier run

    def serialize(self, chunk: Chunk, added: list[Column]) -> bytes:
        """Return the bytes of the rows of a chunk, with columns added.

        Raises
        ------
        ValueError
            If a column has values of several types, or of a type that parquet does not have.
        """
        import pyarrow

        table = chunk.table
        if table is None:
            table = _table_of(chunk) if chunk.rows else self._table_without_rows(added)
        table = with_arrow_columns(table, added)
        table = table.replace_schema_metadata(spark_schema.with_added(table.schema.metadata, added))
        self._schema.add(table, chunk.where)
        if self._stream is None or self._stream_schema != table.schema:
            if self._stream is not None:
                self._stream.close()
            self._stream = pyarrow.ipc.new_stream(self._sink, table.schema)
            self._stream_schema = table.schema
        for batch in table.to_batches() or [_batch_without_rows(table.schema)]:
            self._stream.write_batch(batch)
        return self._sink.take()

    def _table_without_rows(self, added: list[Column]) -> ArrowTable:
        """Return a table without rows for a text format, whose cells are strings."""
        import pyarrow

        names_added = {column.name for column in added}
        fields = [(name, pyarrow.string()) for name in self._columns if name not in names_added]
        return pyarrow.schema(fields).empty_table()


def _batch_without_rows(schema: ArrowSchema) -> ArrowTable:
    import pyarrow

    # The method empty_table of a schema fails for an extension type within a list.
    columns = [pyarrow.nulls(0, field.type) for field in schema]
    return pyarrow.RecordBatch.from_arrays(columns, schema=schema)


class _Sink(io.RawIOBase):
    """A file that keeps what is written to it until it is taken out."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._n_bytes = 0

    def writable(self) -> bool:
        return True

    def write(self, part: ReadableBuffer, /) -> int:
        self._parts.append(bytes(part))
        self._n_bytes += len(self._parts[-1])
        return len(self._parts[-1])

    def tell(self) -> int:
        return self._n_bytes

    def take(self) -> bytes:
        """Return the bytes that were written since this method was called last."""
        content = b"".join(self._parts)
        self._parts.clear()
        return content


def write_parquet(rows: Path, target: Path) -> None:
    """Make a parquet file from the bytes that a `ParquetSerializer` returned.

    Parameters
    ----------
    rows : Path
        The file of these bytes, one chunk after the other.
    target : Path
        The parquet file. If it exists, it is replaced.
    """
    from pyarrow import parquet

    schema = _CommonSchema()
    schema.add_all(rows)
    with (
        target.open("wb") as file,  # Python opens it, because pyarrow's paths have to be UTF-8
        parquet.ParquetWriter(file, schema.of_all, write_page_checksum=True) as writer,
    ):
        written = _WrittenDictionaries()
        for group in _groups(_read_tables(rows)):
            for table in _joined([written.shortened(table) for table in group], schema.of_all):
                writer.write_table(table)
            written.add(group)


def _joined(tables: list[ArrowTable], schema: ArrowSchema) -> list[ArrowTable]:
    """Return one table with all rows, or several if their dictionaries do not fit into one."""
    import pyarrow

    # The empty table brings the types that all rows have in common.
    parts = [pyarrow.Table.from_batches([_batch_without_rows(schema)]), *tables]
    table = pyarrow.concat_tables(parts, promote_options="permissive")
    try:
        return [_with_common_dictionaries(table)]
    except pyarrow.ArrowInvalid:  # more values than the type of the cells can number
        middle = len(tables) // 2
        if not middle:
            raise
        return _joined(tables[:middle], schema) + _joined(tables[middle:], schema)


def _groups(tables: Iterable[ArrowTable]) -> Iterator[list[ArrowTable]]:
    """Yield the tables that make one row group of the parquet file."""
    group: list[ArrowTable] = []
    for table in tables:
        group.append(table)
        if (
            sum(table.num_rows for table in group) >= _GROUP_ROWS
            or sum(map(_n_bytes, group)) >= _GROUP_BYTES
        ):
            yield group
            group = []
    if group:
        yield group


def _n_bytes(table: ArrowTable) -> int:
    """Return the size of the rows of a table without the dictionaries that they point into."""
    n_bytes: int = table.nbytes - sum(found.nbytes for _, found in _dictionaries_of(table))
    return n_bytes


def _dictionaries_of(table: ArrowTable) -> Iterator[tuple[str, ArrowArray]]:
    """Yield each dictionary of a table, after the name of its column."""
    from pyarrow import types

    for name, column in zip(table.column_names, table.columns, strict=True):
        if types.is_dictionary(column.type):
            yield from ((name, chunk.dictionary) for chunk in column.chunks)


class _WrittenDictionaries:
    """The large dictionaries that the parquet file has, so that it has each of them once.

    The first row group that uses a dictionary has all of its values in their order. A reader of
    the whole file finds them there, also those that no cell has. With a large dictionary, the
    groups after it have only the values of their own cells. Otherwise a dictionary of a million
    values would be written again with every group.
    """

    def __init__(self) -> None:
        self._places: set[tuple[object, ...]] = set()

    def add(self, tables: list[ArrowTable]) -> None:
        """Take note of the dictionaries of tables that have been written."""
        self._places |= {
            _place_of(name, dictionary)
            for table in tables
            for name, dictionary in _dictionaries_of(table)
            if dictionary.nbytes > _LARGE_DICTIONARY_BYTES
        }

    def shortened(self, table: ArrowTable) -> ArrowTable:
        """Return a table whose columns do not repeat a dictionary that has been written."""
        for name, dictionary in _dictionaries_of(table):
            if _place_of(name, dictionary) in self._places:
                number = table.column_names.index(name)
                field = table.schema.field(number)
                # A cast to the plain values and back makes a new dictionary.
                column = table.column(number).cast(field.type.value_type).cast(field.type)
                table = table.set_column(number, field, column)
        return table


def _place_of(name: str, dictionary: ArrowArray) -> tuple[object, ...]:
    """Return what tells a dictionary from all others: where it is in memory.

    The tables of one stream share a dictionary until another one replaces it.
    """
    buffers = [buffer.address for buffer in dictionary.buffers() if buffer is not None]
    return (name, len(dictionary), *buffers)


def _with_common_dictionaries(table: ArrowTable) -> ArrowTable:
    """Return a table each of whose dictionary columns points into one dictionary.

    It has the values of the first dictionary, and then the new ones of the others. The writer
    keeps only the first dictionary of a row group in its order, so there must be no other one.
    """
    import pyarrow
    from pyarrow import types

    for number, field in enumerate(table.schema):
        if types.is_dictionary(field.type):
            # The empty table in front has an empty dictionary.
            chunks = [chunk for chunk in table.column(number).chunks if len(chunk)]
            column = pyarrow.chunked_array(chunks, field.type).unify_dictionaries()
            table = table.set_column(number, field, column)
    return table


def _read_tables(rows: Path) -> Iterator[ArrowTable]:
    """Yield the tables of all streams that stand in a file one after the other."""
    import pyarrow

    n_bytes = rows.stat().st_size
    with rows.open("rb") as file:
        while file.tell() < n_bytes:
            for batch in pyarrow.ipc.open_stream(file):
                yield pyarrow.Table.from_batches([batch])


def with_arrow_columns(table: ArrowTable, added: Iterable[Column]) -> ArrowTable:
    """Return a pyarrow.Table or pyarrow.RecordBatch with columns added."""
    import pyarrow

    kinds = {str: pyarrow.string(), float: pyarrow.float64()}
    for column in added:
        values = pyarrow.array(column.values, kinds[column.kind])
        table = table.append_column(column.name, values)
    return table


def _table_of(chunk: Chunk) -> ArrowTable:
    """Return the rows of a text format as a table, with types that fit their values."""
    import pyarrow

    names = dict.fromkeys(name for row in chunk.rows for name in row)
    arrays = {}
    for name in names:
        try:
            arrays[name] = pyarrow.array([row.get(name) for row in chunk.rows])
        except (pyarrow.ArrowException, OverflowError, UnicodeEncodeError) as error:
            raise ValueError(
                _no_common_type(chunk.where, f"{shown(name)}: {excerpt(error)}")
            ) from error
    return pyarrow.table(arrays)


class _CommonSchema:
    """The schema that all tables have in common: one type per column.

    Where the types of two tables differ, the wider type counts: null becomes any other type, and
    an integer becomes a float64 if no integer is lost.

    Attributes
    ----------
    of_all : pyarrow.Schema
    """

    def __init__(self) -> None:
        import pyarrow

        self.of_all: ArrowSchema = pyarrow.schema([])
        # The columns with integers that float64 cannot hold.
        self._exact: set[_FieldPath] = set()

    def add(self, table: ArrowTable, where: str) -> None:
        """Widen the schema so that it fits one more table.

        Raises
        ------
        ValueError
            If no type can hold both the values of the table and the earlier values of a column.
        """
        import pyarrow
        from pyarrow import parquet, types

        try:
            both = pyarrow.unify_schemas(
                [self.of_all or table.schema, table.schema], promote_options="permissive"
            )
            if both != self.of_all:
                # This fails for types that parquet does not have, such as a struct without fields.
                parquet.ParquetWriter(pyarrow.BufferOutputStream(), both).close()
        except pyarrow.ArrowException as error:
            raise ValueError(_no_common_type(where, excerpt(error))) from error
        for batch in table.to_batches():
            self._exact.update(_paths_of_large_integers(batch))
        for path, values in _leaves(_batch_without_rows(both).columns, both.names):
            if path in self._exact and types.is_floating(values.type):
                what = f"{shown(path[0])}: fractions, and integers beyond 2**53"
                raise ValueError(_no_common_type(where, what))
        self.of_all = both

    def add_all(self, rows: Path) -> None:
        """Widen the schema so that it fits all tables in a file of streams."""
        for table in _read_tables(rows):
            self.add(table, str(rows))


def _paths_of_large_integers(batch: ArrowTable) -> Iterator[_FieldPath]:
    """Yield where a batch has integers that float64 cannot hold."""
    from pyarrow import compute, types

    for path, values in _leaves(batch.columns, batch.schema.names):
        if types.is_integer(values.type):
            # By its name, because type checkers do not know the functions of this module.
            ends = compute.call_function("min_max", [values]).as_py().values()
            if any(abs(end or 0) > _MAX_EXACT for end in ends):
                yield path


def _leaves(arrays: list[ArrowArray], names: list[str]) -> Iterator[tuple[_FieldPath, ArrowArray]]:
    """Yield the arrays that have no other arrays in them, after the names that lead to them."""
    from pyarrow import types

    found: list[tuple[_FieldPath, ArrowArray]]
    found = [((name,), array) for name, array in zip(names, arrays, strict=True)]
    for path, array in found:
        if types.is_struct(array.type):
            parts = [field.name for field in array.type]
            found += [((*path, part), array.field(part)) for part in parts]
        elif types.is_list(array.type):
            found.append(((*path, "[]"), array.flatten()))
        else:
            yield path, array


def _no_common_type(where: str, what: str) -> str:
    """Return the error message for values that cannot be in one column."""
    return (
        f"{where}: a parquet file has one type per column, and none fits all of these values "
        f"({what}); write --format jsonl"
    )
