"""Try an installed npbert: that it labels texts, and what its extras are for.

python scripts/try_installed.py
python scripts/try_installed.py files serve ray spark
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.request import Request, urlopen

import npbert

TEXTS = ["I love this film.", "I want my two hours back."]
LABELS = ["POSITIVE", "NEGATIVE"]
NPBERT = [sys.executable, "-m", "npbert"]


def try_npbert() -> None:
    """Label texts on the command line, and in Python."""
    command = [*NPBERT, "classify", "--model", "mini", *TEXTS]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    assert [json.loads(line)["label"] for line in done.stdout.splitlines()] == LABELS
    assert [found["label"] for found in npbert.classify(TEXTS, model="mini")] == LABELS


def try_files() -> None:
    """Label a parquet file twice; the second run adds to what the first one wrote."""
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"text": TEXTS}), "in.parquet")
    for source, target, prefix in (("in", "once", ""), ("once", "twice", "more_")):
        files = ["--input", f"{source}.parquet", "--output", f"{target}.parquet"]
        command = [*NPBERT, "classify", "--model", "mini", *files, "--prefix", prefix]
        subprocess.run([*command, "--column", "text"], check=True)
    once, twice = (parquet.read_table(f"{name}.parquet") for name in ("once", "twice"))
    assert once["label"].to_pylist() == LABELS
    assert twice.select(once.column_names).equals(once)
    assert twice["more_label"].equals(once["label"])


def try_serve() -> None:
    """Start a service, and ask it."""
    command = [*NPBERT, "serve", "--model", "mini", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") as service:
        try:
            assert service.stderr is not None
            found = re.search(r" on (http://\S+)", service.stderr.readline())
            assert found, "the service does not say where it is"
            for path in ("/", "/openapi.json", "/metrics"):
                with urlopen(found[1] + path, timeout=20) as answer:
                    assert answer.status == 200
            body = json.dumps({"inputs": TEXTS[0]}).encode()
            request = Request(f"{found[1]}/predict", body, {"content-type": "application/json"})
            with urlopen(request, timeout=20) as answer:
                assert json.load(answer)[0]["label"] == LABELS[0]
        finally:
            service.terminate()


def try_ray() -> None:
    """Label rows in the workers of Ray Data."""
    import ray

    from npbert.distributed import Classifier

    ray.init(num_cpus=1, include_dashboard=False, _node_ip_address="127.0.0.1")
    rows = ray.data.from_items([{"text": text} for text in TEXTS])
    labelled = rows.map_batches(Classifier("mini"), batch_format="pyarrow").take_all()
    assert {row["text"]: row["label"] for row in labelled} == dict(zip(TEXTS, LABELS, strict=True))
    ray.shutdown()


def try_spark() -> None:
    """Label rows in the workers of Spark."""
    from pyspark.sql import SparkSession

    from npbert.distributed import Classifier

    os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    rows = spark.getOrCreate().createDataFrame([(text,) for text in TEXTS], ["text"])
    label = Classifier("mini")
    schema = "text string, label string, score double"
    labelled = rows.mapInPandas(lambda frames: map(label, frames), schema).collect()
    assert {row.text: row.label for row in labelled} == dict(zip(TEXTS, LABELS, strict=True))


TRIES = {"files": try_files, "serve": try_serve, "ray": try_ray, "spark": try_spark}


def main(extras: list[str]) -> None:
    """Try npbert, and some of its extras."""
    print(f"npbert {npbert.__version__} in {Path(npbert.__file__).parent}")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try_npbert()
        for extra in extras:
            TRIES[extra]()
            print(f"{extra}: it works")
        os.chdir(Path(__file__).parent)  # on Windows, the folder of a process cannot be removed


if __name__ == "__main__":
    main(sys.argv[1:])
