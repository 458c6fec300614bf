"""How many bytes the rows of a parquet file take, which can be far more than the file has."""

from __future__ import annotations

import os
from typing import Any, BinaryIO, Final, NamedTuple

from npbert.tables.rows import ArrowTable

# pyarrow comes without types, so this name only tells the reader what a value is.
ParquetFile = Any  # pyarrow.parquet.ParquetFile

# How many bytes the rows of a file may take: so many, or so many times its own, if that is more.
_MOST_BYTES: Final = 1 << 30
_MOST_TIMES: Final = 1000
# Encodings in which a text that is there again takes a few bits. Of the first ones, pyarrow can
# give the text and the number of each row; of the other, it cannot.
_DICTIONARIES: Final = frozenset(("PLAIN_DICTIONARY", "RLE_DICTIONARY"))
_PREFIXES: Final = "DELTA_BYTE_ARRAY"
_ROWS_AT_ONCE: Final = 64  # with the largest text that such a column can have


class Unpacked(NamedTuple):
    """The bytes that the repeated texts of a row group take.

    Attributes
    ----------
    largest : int
        Those of the largest text.
    total : int
        Those of all texts that can be counted.
    """

    largest: int = 0
    total: int = 0


class RepeatedTexts:
    """The columns whose texts a file has once each, and then only the numbers of the texts.

    A text of a megabyte that is there two million times takes 5 KB in such a file.

    Parameters
    ----------
    content : binary file
    file : pyarrow.parquet.ParquetFile
        The reader of the same content.

    Attributes
    ----------
    most_bytes : int
        How many bytes the rows of the file may take.
    """

    def __init__(self, content: BinaryIO, file: ParquetFile) -> None:
        from pyarrow import parquet

        metadata = file.metadata
        self.most_bytes = max(_MOST_BYTES, _MOST_TIMES * content.seek(0, os.SEEK_END))
        self._metadata = metadata
        columns = [metadata.schema.column(number) for number in range(len(metadata.schema))]
        self._paths = {
            number: column.path
            for number, column in enumerate(columns)
            if column.physical_type == "BYTE_ARRAY"
        }
        self._reader = file
        self._file = parquet.ParquetFile(
            content, metadata=metadata, read_dictionary=[*self._paths.values()]
        )

    def unpacked(self, number: int, n_rows: int) -> Unpacked:
        """Return the bytes that the texts of a row group take, of which none is unpacked.

        Parameters
        ----------
        number : int
            The number of the row group.
        n_rows : int
            How many rows to look at at a time.
        """
        # Of a damaged description of a column, a reader says that it is damaged. Where nobody reads
        # before, pyarrow ends the process (abort) when it is asked for the description.
        paths = [*self._paths.values()]
        next(self._reader.iter_batches(1, row_groups=[number], columns=paths), None)
        group = self._metadata.row_group(number)
        found = Unpacked()
        counted = []
        for index, path in self._paths.items():
            column = group.column(index)
            encodings = {*column.encodings}
            if _PREFIXES in encodings or ("." in path and encodings & _DICTIONARIES):
                # No text is larger than all bytes of the column.
                largest = column.total_uncompressed_size // _ROWS_AT_ONCE
                found = found._replace(largest=max(found.largest, largest))
            elif encodings & _DICTIONARIES:
                counted.append(path)
        return self._count(number, counted, n_rows, found) if counted else found

    def _count(self, number: int, paths: list[str], n_rows: int, found: Unpacked) -> Unpacked:
        from pyarrow import types
        from pyarrow.compute import call_function

        for batch in self._file.iter_batches(n_rows, row_groups=[number], columns=paths):
            for column in batch.columns:
                if types.is_dictionary(column.type):
                    by_index = call_function("binary_length", [column.dictionary])
                    lengths = by_index.take(column.indices)
                    largest = call_function("max", [lengths]).as_py()
                    total = call_function("sum", [lengths]).as_py()
                    found = Unpacked(max(found.largest, largest or 0), found.total + (total or 0))
        return found


def bytes_of(batch: ArrowTable) -> int:
    """Return the bytes of rows, without those of dictionaries, which several batches share."""
    from pyarrow import types

    return sum(column.nbytes for column in batch.columns if not types.is_dictionary(column.type))
