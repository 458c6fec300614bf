"""Files with blanks behind the delimiter: read as pandas reads them, and the same afterwards."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npbert.tables.dialect import Dialect
from npbert.tables.formats import read_table, serializer_for
from tests.support.tables import rows_of, serialize_all, source_of

SKIPPING = Dialect(skips_initial_space=True)


def passed_through(content: bytes, dialect: Dialect) -> bytes:
    table = read_table(source_of(content, "in.csv"), dialect=dialect)
    assert table.dialect is not None
    return serialize_all(serializer_for("csv", table.columns, table.dialect), table.chunks)


def read_by_pandas(content: bytes, **options: bool) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, **options)


@pytest.mark.parametrize(
    "dialect", [SKIPPING, SKIPPING._replace(escape="\\")], ids=["doubled", "escaped"]
)
def test_blanks_before_cells(dialect: Dialect) -> None:
    content = b'id, text, n\n1, "b, c", 2 \n  2,  d  e,"  f"\n'
    assert rows_of(read_table(source_of(content, "in.csv"), dialect=dialect)) == [
        {"id": "1", "text": "b, c", "n": "2 "},
        {"id": "2", "text": "d  e", "n": "  f"},
    ]
    written = passed_through(content, dialect)
    assert b'"b, c",2 \n' in written
    assert b'"  f"' in written
    assert passed_through(written, dialect) == written
    before, after = (read_by_pandas(each, skipinitialspace=True) for each in (content, written))
    pd.testing.assert_frame_equal(before, after)


CELLS = st.one_of(
    st.text(st.sampled_from(" ab.\t"), max_size=5),
    st.text(st.sampled_from(' ab,\n"'), max_size=5).map(
        lambda text: '"{}"'.format(text.replace('"', '""'))
    ),
)
ROWS = st.lists(
    st.tuples(st.sampled_from(["", " ", "   "]), CELLS, CELLS), min_size=1, max_size=4
).map(lambda rows: "".join(f"1,{blank}{cell},{blank}{last}\n" for blank, cell, last in rows))


@given(ROWS)
def test_blanks_by_pandas(rows: str) -> None:
    content = f"id,text,x\n{rows}".encode()
    expected = read_by_pandas(content, skipinitialspace=True)
    table = read_table(source_of(content, "in.csv"), dialect=SKIPPING)
    cells = [[row["id"], row["text"] or "", row["x"]] for row in rows_of(table)]
    assert cells == expected.to_numpy().tolist()
    after = read_by_pandas(passed_through(content, SKIPPING), skipinitialspace=True)
    pd.testing.assert_frame_equal(after, expected)


def test_blanks_belong_to_cells_by_default() -> None:
    content = b"id,text\n1,  a \n2,\tb\n"
    assert passed_through(content, Dialect()) == content
