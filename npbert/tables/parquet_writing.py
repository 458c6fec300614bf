"""Parquet is written with pyarrow: rows become tables one by one, and at the end one file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from npbert.tables.rows import ArrowTable, Chunk, Column

# A row group is written as soon as it has this many rows or bytes.
_GROUP_ROWS: Final = 1 << 16
_GROUP_BYTES: Final = 16 << 20

_MAX_EXACT: Final = 2**53  # float64 holds all integers up to here

# pyarrow comes without types, so these names only tell the reader what a value is.
ArrowSchema = Any  # pyarrow.Schema
ArrowArray = Any  # pyarrow.Array or pyarrow.ChunkedArray
ArrowStream = Any  # pyarrow.RecordBatchStreamReader
_FieldPath = tuple[str, ...]  # the names that lead to a nested value


class ParquetSerializer:
    """Turns rows into tables, each of which is one stream in Arrow's own format.

    A parquet file has its table of contents at its end, so a parquet file that is not complete
    cannot be read. Streams can be read one by one. At the end, `write_parquet` makes the parquet
    file from them.

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
        if earlier is not None:
            self._schema.add_all(earlier)

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
        table = with_arrow_columns(_with_short_dictionaries(table), added)
        self._schema.add(table, chunk.where)
        stream = pyarrow.BufferOutputStream()
        with pyarrow.ipc.new_stream(stream, table.schema) as writer:
            writer.write_table(table)
        content: bytes = stream.getvalue().to_pybytes()
        return content

    def _table_without_rows(self, added: list[Column]) -> ArrowTable:
        """Return a table without rows for a text format, whose cells are strings."""
        import pyarrow

        names_added = {column.name for column in added}
        fields = [(name, pyarrow.string()) for name in self._columns if name not in names_added]
        return pyarrow.schema(fields).empty_table()


def write_parquet(rows: Path, target: Path) -> None:
    """Make a parquet file from the bytes that a `ParquetSerializer` returned.

    Parameters
    ----------
    rows : Path
        The file of these bytes, one chunk after the other.
    target : Path
        The parquet file. If it exists, it is replaced.
    """
    import pyarrow
    from pyarrow import parquet

    schema = _CommonSchema()
    schema.add_all(rows)
    nothing = schema.of_all.empty_table()  # brings the types that all rows have in common
    with (
        target.open("wb") as file,  # Python opens it, because pyarrow's paths have to be UTF-8
        parquet.ParquetWriter(file, schema.of_all, write_page_checksum=True) as writer,
    ):
        group = [nothing]
        for stream in _read_streams(rows):
            group.append(stream.read_all())
            if (
                sum(table.num_rows for table in group) >= _GROUP_ROWS
                or sum(table.nbytes for table in group) >= _GROUP_BYTES
            ):
                writer.write_table(pyarrow.concat_tables(group, promote_options="permissive"))
                group = [nothing]
        if len(group) > 1:
            writer.write_table(pyarrow.concat_tables(group, promote_options="permissive"))


def _read_streams(rows: Path) -> Iterator[ArrowStream]:
    """Yield a reader for each of the Arrow streams that stand in a file one after the other.

    A stream begins where the stream before it ends. So when the caller asks for the next reader,
    what the caller has not read of the last stream is read and dropped.
    """
    import pyarrow

    n_bytes = rows.stat().st_size
    with rows.open("rb") as file:
        while file.tell() < n_bytes:
            stream = pyarrow.ipc.open_stream(file)
            yield stream
            for _ in stream:
                pass


def with_arrow_columns(table: ArrowTable, added: Iterable[Column]) -> ArrowTable:
    """Return a pyarrow.Table or pyarrow.RecordBatch with columns added."""
    import pyarrow

    kinds = {str: pyarrow.string(), float: pyarrow.float64()}
    for column in added:
        values = pyarrow.array(column.values, kinds[column.kind])
        table = table.append_column(column.name, values)
    return table


def _with_short_dictionaries(table: ArrowTable) -> ArrowTable:
    """Return the table with dictionaries that hold only the values of its own rows.

    In a dictionary column, each cell is a number that points into a dictionary of values. A chunk
    is a slice of a larger table, and its dictionaries still hold the values of all rows of that
    table. They would be written again with every chunk.
    """
    from pyarrow import types

    for number, field in enumerate(table.schema):
        if types.is_dictionary(field.type):
            # A cast to the plain values and back makes a new dictionary.
            column = table.column(number).cast(field.type.value_type).cast(field.type)
            table = table.set_column(number, field, column)
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
            raise ValueError(_no_common_type(chunk.where, f"{name!r}: {error}")) from error
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
            raise ValueError(_no_common_type(where, str(error))) from error
        for batch in table.to_batches():
            self._exact.update(_paths_of_large_integers(batch))
        nothing = [column.chunk(0) for column in both.empty_table().columns]
        for path, values in _leaves(nothing, both.names):
            if path in self._exact and types.is_floating(values.type):
                what = f"{path[0]!r}: fractions, and integers beyond 2**53"
                raise ValueError(_no_common_type(where, what))
        self.of_all = both

    def add_all(self, rows: Path) -> None:
        """Widen the schema so that it fits all tables in a file of streams."""
        for stream in _read_streams(rows):
            self.add(stream.read_all(), str(rows))


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
