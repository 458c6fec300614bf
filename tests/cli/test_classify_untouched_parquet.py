"""Columns of a parquet file that are only passed through come out as they went in.

Other programs compare the files: pandas, duckdb and pyarrow itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from npbert.tables import rows
from npbert.tables.parquet_writing import ParquetSerializer
from tests.support.arrow_types import every_type
from tests.support.command_line import Classify

Label = Callable[..., Path]
# Types that pandas cannot read, or that it reads in another way if there is a null in a row group.
NOT_IN_PANDAS = {
    "string_view",
    "binary_view",
    "list_view",
    "large_list_view",
    "list_of_uuids",
    "fixed_list",
    "struct_of_fixed_lists",
}
SPARK_KEY = b"org.apache.spark.sql.parquet.row.metadata"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "in.parquet"


@pytest.fixture
def label(classify: Classify, source: Path) -> Label:
    """Label in.parquet, and return the path of the output."""

    def run(*arguments: str, says: str = "") -> Path:
        target = source.with_name("out.parquet")
        code, out, err = classify("--input", str(source), "--output", str(target), *arguments)
        assert (code, out) == (0, "")
        assert says in err
        assert says or err.count("\n") == 1
        return target

    return run


def assert_equal_for_pyarrow(source: Path, target: Path) -> None:
    before, after = pq.read_table(source), pq.read_table(target)
    names = before.column_names
    assert after.column_names[: len(names)] == names
    after = pa.Table.from_arrays(
        after.columns[: len(names)],
        schema=pa.schema([after.schema.field(n) for n in range(len(names))], after.schema.metadata),
    )
    assert after.schema.equals(before.schema, check_metadata=True)
    for name, old, new in zip(names, before.columns, after.columns, strict=True):
        assert str(new.to_pylist()) == str(old.to_pylist()), name  # as text, a NaN equals a NaN
        if pa.types.is_dictionary(old.type):
            assert (
                new.unify_dictionaries()
                .chunk(0)
                .dictionary.equals(old.unify_dictionaries().chunk(0).dictionary)
            ), name


def assert_equal_for_duckdb(source: Path, target: Path) -> None:
    def read(path: Path, what: str) -> list[Any]:
        rows: list[Any] = duckdb.execute(f"{what} FROM read_parquet(?)", [str(path)]).fetchall()
        return rows

    types = read(source, "DESCRIBE SELECT *")
    assert read(target, "DESCRIBE SELECT *")[: len(types)] == types
    cells = [
        [repr(row[: len(types)]) for row in read(path, "SELECT *")] for path in (source, target)
    ]
    assert cells[0] == cells[1]


def assert_equal_for_pandas(source: Path, target: Path, **options: Any) -> None:
    columns = pq.read_schema(source).names
    if "list_of_uuids" in columns:
        columns = [name for name in columns if name not in NOT_IN_PANDAS]
        options["columns"] = columns
    before, after = (pandas.read_parquet(path, **options) for path in (source, target))
    after = after.iloc[:, : before.shape[1]]
    pandas.testing.assert_frame_equal(after, before)


def assert_equal(source: Path, target: Path) -> None:
    assert_equal_for_pyarrow(source, target)
    assert_equal_for_duckdb(source, target)
    assert_equal_for_pandas(source, target, dtype_backend="pyarrow")


# ------------------------------------------------------------------------------- all types


@pytest.mark.parametrize("arguments", [[], ["--top-k", "all", "--prefix", "our_"]])
@pytest.mark.parametrize("row_group_size", [1, 2, 10])
def test_every_type(label: Label, source: Path, arguments: list[str], row_group_size: int) -> None:
    pq.write_table(every_type(), source, row_group_size=row_group_size)
    assert_equal(source, label(*arguments))


def test_no_rows_of_every_type(label: Label, source: Path) -> None:
    pq.write_table(every_type()[:0], source)
    assert_equal(source, label())


STORED: list[dict[str, Any]] = [
    {"compression": codec} for codec in ("none", "snappy", "gzip", "brotli", "zstd", "lz4")
] + [
    {"data_page_version": "2.0"},
    {"version": "1.0"},
    {"use_dictionary": False},
    {"store_schema": False},
    {"use_byte_stream_split": ["double"], "use_dictionary": False},
]


@pytest.mark.parametrize("options", STORED, ids=str)
def test_every_way_to_store(label: Label, source: Path, options: dict[str, Any]) -> None:
    table = every_type()
    if options.get("version"):  # it lacks unsigned integers and nanoseconds
        table = table.select(["text", "int8", "double", "string", "list", "struct"])
    pq.write_table(table, source, **options)
    assert_equal(source, label())


def test_a_run_that_is_resumed(
    label: Label, classify: Classify, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several chunks, the first ones of a run that was interrupted."""
    monkeypatch.setattr(rows, "CHUNK_ROWS", 4)
    pq.write_table(pa.concat_tables([every_type()] * 6), source, row_group_size=7)
    serialize = ParquetSerializer.serialize

    def interrupted(self: ParquetSerializer, chunk: rows.Chunk, added: list[rows.Column]) -> bytes:
        if chunk.start == 8:
            raise KeyboardInterrupt
        return serialize(self, chunk, added)

    with monkeypatch.context() as patch:
        patch.setattr(ParquetSerializer, "serialize", interrupted)
        target = source.with_name("out.parquet")
        code, _, err = classify("--input", str(source), "--output", str(target))
    assert code == 130
    assert "8 rows are kept" in err
    assert_equal(source, label("--resume"))


# --------------------------------------------------------------------------- other writers


def test_frames_of_pandas(label: Label, source: Path) -> None:
    frame = pandas.DataFrame(
        {
            "text": pandas.array(["one", None], dtype="string"),
            "n": pandas.array([1, None], dtype="Int64"),
            "size": pandas.Categorical(["small", None], ["tiny", "small", "large"], ordered=True),
            "at": pandas.to_datetime(["2024-02-29 23:59:58.123456789", None]),
            "span": pandas.to_timedelta(["1 day", None]),
            "objects": [[1, 2], None],
        },
        index=pandas.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["key", None]),
    )
    frame.attrs = {"source": "a survey"}
    frame.to_parquet(source)
    target = label()
    assert_equal(source, target)
    assert_equal_for_pandas(source, target)
    assert pandas.read_parquet(target).attrs == frame.attrs


OF_DUCKDB = """
COPY (
    SELECT text, 1::UTINYINT a, 2::HUGEINT b, 'x'::BLOB c, uuid() d, '{"a":1}'::JSON e,
        'a'::ENUM('b', 'a') f, DATE '0001-01-01' g, TIME '01:02:03' h,
        TIMESTAMP '9999-12-31 00:00:00' i, TIMESTAMP_NS '2020-01-01 00:00:00.123456789' j,
        TIMESTAMPTZ '2020-01-01 00:00:00+00' k, [1, NULL] l, {'a': 1, 'b': [NULL, 'x']} m,
        MAP {'a': 1} n, 1.5::DECIMAL(38, 2) o, 1.5::DECIMAL(4, 1) p, '101'::BIT q, NULL::INT r
    FROM (VALUES ('one'), (NULL)) AS t(text)
) TO '%s' (FORMAT parquet, KV_METADATA {author: 'é'}, %s)
"""


@pytest.mark.parametrize("options", ["COMPRESSION zstd", "PARQUET_VERSION v2", "FIELD_IDS 'auto'"])
def test_files_of_duckdb(label: Label, source: Path, options: str) -> None:
    duckdb.execute(OF_DUCKDB % (source, options))
    assert_equal(source, label())


@pytest.mark.parametrize(
    ("value", "before", "after"),
    [
        ("INTERVAL '1 month 2 days'", "Interval", "None"),
        ("TIMETZ '01:02:03'", "Time in UTC", "Time"),
    ],
)
def test_types_that_pyarrow_does_not_know(
    label: Label, source: Path, value: str, before: str, after: str
) -> None:
    """The bytes are kept, and a warning says that their type is not."""
    duckdb.execute(f"COPY (SELECT 'one' AS text, {value} AS x) TO '{source}' (FORMAT parquet)")
    target = label(
        says=f"npbert: {source}: pyarrow does not know the parquet type {before} of the column "
        f"'x', and writes the same values with the type {after}; where that is not enough, store "
        "the column as strings first\n"
    )
    assert_equal_for_pyarrow(source, target)


def spark_field(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "nullable": True, "metadata": {}} | more


def test_files_of_spark(label: Label, source: Path) -> None:
    """Spark finds the added columns in a schema of its own, and its times are counted in μs."""
    fields = [spark_field("text", "string", metadata={"é": 1}), spark_field("at", "timestamp")]
    schema = json.dumps({"type": "struct", "fields": fields}).encode()
    years = pa.array(["0001-01-01", "9999-12-31"]).cast(pa.timestamp("us"))
    table = pa.table({"text": ["one", None], "at": years})
    table = table.replace_schema_metadata({SPARK_KEY: schema, "org.apache.spark.version": "4"})
    pq.write_table(table, source, use_deprecated_int96_timestamps=True)
    target = label("--top-k", "1")
    assert_equal_for_duckdb(source, target)
    assert pq.read_table(target)["at"].type == pa.timestamp("us")
    assert pq.read_table(target)["at"].to_pylist() == years.to_pylist()
    metadata = pq.read_metadata(target).metadata
    assert metadata[b"org.apache.spark.version"] == b"4"
    scores = ["score", "score_BAD", "score_SO-SO", "score_GOOD"]
    added = [spark_field("label", "string"), *(spark_field(name, "double") for name in scores)]
    assert json.loads(metadata[SPARK_KEY]) == {"type": "struct", "fields": fields + added}


@pytest.mark.parametrize("schema", [b"", b"[]", b"\xff", b'{"fields": 1}', b"{}"])
def test_what_is_no_schema_of_spark_is_kept(label: Label, source: Path, schema: bytes) -> None:
    table = pa.table({"text": ["one"]}).replace_schema_metadata({SPARK_KEY: schema})
    pq.write_table(table, source)
    assert_equal(source, label())


def test_an_encrypted_file_is_refused(classify: Classify, source: Path) -> None:
    """A file whose footer is encrypted begins with PARE, and not with PAR1."""
    source.write_bytes(b"PARE" + bytes(100) + b"PARE")
    code, out, err = classify(
        "--input", str(source), "--output", str(source.with_name("o.parquet"))
    )
    assert (code, out) == (1, "")
    assert err == (
        f"npbert: error: {source} is an encrypted parquet file; decrypt it with the program that "
        "has its key\n"
    )
