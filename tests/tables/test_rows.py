"""Where chunks end, and rows that a second thread reads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from npbert.tables.rows import (
    CHUNK_CHARACTERS,
    CHUNK_ROWS,
    ReadAhead,
    Record,
    Row,
    choose_text_column,
    split_into_chunks,
)

# ---------------------------------------------------------------------------------- chunks


def sizes_of(texts: list[str | None]) -> list[int]:
    chunks = list(split_into_chunks((text, Row(text=text)) for text in texts))
    assert [text for chunk in chunks for text in chunk.texts] == texts
    assert all([row["text"] for row in chunk.rows] == chunk.texts for chunk in chunks)
    sizes = [len(chunk.rows) for chunk in chunks]
    assert [chunk.start for chunk in chunks] == [sum(sizes[:n]) for n in range(len(sizes))]
    return sizes


SIZES: list[tuple[list[str | None], list[int]]] = [
    ([], [0]),
    (["x"], [1]),
    (["x"] * 1023, [1023]),
    (["x"] * 1024, [1024]),
    (["x", None, ""] * 1000, [1024, 1024, 952]),
    (["x" * 127_999, "", None, "x", "y"], [4, 1]),
    (["x" * 128_000, "y" * 127_999, "z", ""], [1, 2, 1]),
    (["é" * 50_000] * 7, [3, 3, 1]),
    (["x" * 500_000] * 2, [1, 1]),
]


@pytest.mark.parametrize(("texts", "sizes"), SIZES)
def test_chunks_end_after_1024_rows_or_with_128_000_characters(
    texts: list[str | None], sizes: list[int]
) -> None:
    assert (CHUNK_ROWS, CHUNK_CHARACTERS) == (1024, 128_000)  # resumed runs rely on these numbers
    assert sizes_of(texts) == sizes


def test_chunks_end_where_no_row_is_there_for_now() -> None:
    dry = iter([False, True, True, False])
    records: list[Record] = [(text, {}) for text in "abcd"]
    chunks = list(split_into_chunks(records, lambda: next(dry)))
    assert [(chunk.start, chunk.texts) for chunk in chunks] == [
        (0, ["a", "b"]),
        (2, ["c"]),
        (3, ["d"]),
    ]


@pytest.mark.parametrize("n_rows", [0, 1, 1030])
def test_rows_before_an_error_are_given_out_to_those_who_wait(n_rows: int) -> None:
    """A run that can be resumed does not do so: its chunks must be those of the mended file."""

    def records() -> Iterator[Record]:
        yield from [("x", {})] * n_rows
        raise ValueError("line 7")

    def given(is_dry: Callable[[], bool] | None) -> int:
        n_given = 0
        try:
            for chunk in split_into_chunks(records(), is_dry):
                n_given += len(chunk.rows)
        except ValueError:
            return n_given
        raise AssertionError("the error is gone")

    assert given(lambda: False) == n_rows
    assert given(None) == n_rows // 1024 * 1024


def test_wide_rows_end_a_chunk() -> None:
    rows: list[Row] = [{"text": "x", "pages": ["y" * 500_000]}] * 20
    sizes = [len(chunk.rows) for chunk in split_into_chunks(("x", row) for row in rows)]
    assert sizes == [8, 8, 4]


# ---------------------------------------------------------------- rows that a thread reads


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_errors_come_after_the_rows_before_them(error: type[BaseException]) -> None:
    def records() -> Iterator[Record]:
        yield "one", {"text": "one"}
        raise error("from the thread")

    ahead = ReadAhead(records())
    assert next(ahead) == ("one", {"text": "one"})
    with pytest.raises(error, match="from the thread"):
        next(ahead)
    assert list(ahead) == []


def test_rows_end_for_good() -> None:
    records: list[Record] = [
        (str(number), {}) for number in range(1000)
    ]  # more than are read ahead
    ahead = ReadAhead(records)
    assert list(ahead) == records
    assert list(ahead) == []
    assert not ahead.is_dry()


def test_whether_a_row_is_there() -> None:
    more = threading.Event()

    def records() -> Iterator[Record]:
        yield "one", {}
        more.wait()
        yield "two", {}

    ahead = ReadAhead(records())
    assert next(ahead) == ("one", {})
    assert ahead.is_dry()
    assert ahead.is_dry()
    more.set()
    while ahead.is_dry():
        pass
    assert not ahead.is_dry()  # asking does not take the row away
    assert list(ahead) == [("two", {})]


def test_many_columns_take_no_longer_per_column() -> None:
    """With 60,000 columns, work that grows with their square takes a minute."""
    columns = [f"column {number}" for number in range(60_000)]
    start = time.perf_counter()
    assert choose_text_column(columns, "in", "column 7") == "column 7"
    with pytest.raises(ValueError, match="in: the column 'column 7' is there more than once"):
        choose_text_column([*columns, "column 7"], "in", None)
    assert time.perf_counter() - start < 5
