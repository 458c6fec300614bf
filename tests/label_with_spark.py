"""Label a parquet file with Spark.

python -m tests.label_with_spark MODEL INPUT OUTPUT
"""

from __future__ import annotations

import sys

from pyspark.sql import SparkSession
from pyspark.sql.types import DoubleType, StringType, StructField, StructType

from npbert.distributed import Classifier


def main(model: str, source: str, target: str) -> None:
    settings = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1"}
    spark = SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
    label = Classifier(model, column="review")
    rows = spark.read.parquet(source).repartition(4)
    added = [StructField("label", StringType()), StructField("score", DoubleType())]
    schema = StructType([*rows.schema, *added])
    for way in ("mapInPandas", "mapInArrow"):
        labelled = getattr(rows, way)(lambda batches: map(label, batches), schema)
        found = labelled.orderBy("id").toPandas()
        found.to_json(f"{target}.{way}", orient="records", lines=True)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
