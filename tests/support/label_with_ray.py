"""Label a parquet file with Ray Data, and kill a worker while it works.

python -m tests.support.label_with_ray MODEL INPUT OUTPUT SCRATCH_FOLDER
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import ray

from npbert.distributed import Classifier

KILLED_AT = 700  # the worker that first gets the batch with this row is killed


def main(model: str, source: str, target: str, scratch: str) -> None:
    label = Classifier(model, column="review")
    log = Path(scratch)

    def label_and_die_once(batch: dict[str, Any]) -> dict[str, Any]:
        (log / f"worker-{os.getpid()}").touch()
        if KILLED_AT in batch["id"] and not (log / "killed").exists():
            (log / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return label(batch)

    ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1")
    rows = ray.data.read_parquet(source).repartition(8)
    by_tasks = rows.map_batches(label_and_die_once, batch_size=128)
    by_tasks.sort("id").to_pandas().to_json(f"{target}.tasks", orient="records", lines=True)
    rows = rows.materialize()  # the tasks end here, so actors can have both processors
    by_actors = rows.map_batches(
        Classifier,
        fn_constructor_args=(model,),
        fn_constructor_kwargs={"column": "review"},
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=2),
    )
    by_actors.sort("id").to_pandas().to_json(f"{target}.actors", orient="records", lines=True)
    ray.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
