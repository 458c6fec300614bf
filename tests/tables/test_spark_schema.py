"""Spark reads the files that npbert makes of files of Spark: all columns, and their values."""

from __future__ import annotations

from pathlib import Path

import pytest

from npbert.tables.formats import read_table
from npbert.tables.parquet_writing import ParquetSerializer
from npbert.tables.source import open_source
from tests.support.parquet import write_file
from tests.support.tables import LABELS

QUERY = """
SELECT * FROM VALUES
    ('one', timestamp'9999-12-31 00:00:00', timestamp_ntz'2024-02-29 23:59:58', interval 2 days),
    (NULL, timestamp'1600-01-01 00:00:00', NULL, interval 3 days)
AS (text, at, local, span)
"""


@pytest.mark.engine
def test_spark_reads_all_columns(tmp_path: Path) -> None:
    sql = pytest.importorskip("pyspark.sql")
    spark = sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    session = spark.getOrCreate()
    before = session.sql(QUERY)
    before.coalesce(1).write.parquet(str(tmp_path / "in"))
    (source,) = (tmp_path / "in").glob("*.parquet")
    with open_source(str(source)) as opened:
        (chunk,) = read_table(opened).chunks
        made = write_file(tmp_path, ParquetSerializer([]).serialize(chunk, LABELS))
    after = session.read.parquet(str(made))
    assert after.dtypes == [*before.dtypes, ("label", "string"), ("score", "double")]
    assert after.drop("label", "score").collect() == before.collect()
    assert [(row.label, row.score) for row in after.collect()] == [("GOOD", 0.75), (None, None)]
    session.stop()
