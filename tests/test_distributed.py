"""Labels in the workers of real engines: batches in and out, pickles, shared memory."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any, assert_type

import datasets
import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import npbert
from npbert.distributed import AddedCells, Classifier
from npbert.pipelines import TextClassificationPipeline, cached
from tests.support.oracles import make_folder

REVIEWS = ["I love this film.", None, "I want my two hours back.", "", "東京 é"]
IDS = np.arange(5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    labels = {0: "BAD", 1: "SO-SO", 2: "GOOD"}
    return make_folder(tmp_path_factory.mktemp("model"), id2label=labels)


# ---------------------------------------------------------------------------------- batches


def as_dict() -> dict[str, Any]:
    return {"id": IDS, "review": np.array(REVIEWS, object)}


BATCHES = {
    "dict": as_dict(),
    "dict with NaN": {"id": IDS, "review": pd.Series(REVIEWS, dtype=object).fillna(np.nan).array},
    "dict with NA": {"id": IDS, "review": pd.Series(REVIEWS, dtype="string").to_numpy()},
    "dict with float32": {
        "id": IDS,
        "review": np.array(
            [np.float32("nan") if text is None else text for text in REVIEWS], object
        ),
    },
    "DataFrame": pd.DataFrame(as_dict(), index=[9, 3, 3, 1, 0]),
    "DataFrame of objects": pd.DataFrame({"id": IDS, "review": pd.Series(REVIEWS, dtype=object)}),
    "Table": pa.table({"id": IDS, "review": REVIEWS}),
    "Table of chunks": pa.concat_tables(
        [
            pa.table({"id": IDS[:2], "review": REVIEWS[:2]}),
            pa.table({"id": IDS[2:], "review": REVIEWS[2:]}),
        ]
    ),
    "RecordBatch": pa.RecordBatch.from_pydict({"id": IDS, "review": REVIEWS}),
}


def rows_of(batch: Any) -> list[dict[str, Any]]:
    """Return the rows of any kind of batch, with None for a null."""
    if isinstance(batch, (pa.Table, pa.RecordBatch)):
        return list(batch.to_pylist())
    frame = pd.DataFrame(batch).astype(object)
    return list(frame.where(frame.notna(), None).to_dict("records"))


def assert_labelled(rows: list[dict[str, Any]], folder: Path) -> None:
    """Check that each row has the label of its text, and a null if it has no text."""
    texts = [row["review"] for row in rows]
    given = [text for text in texts if text]
    expected = iter(npbert.classify(given, folder))
    for row in rows:
        if not row["review"]:
            assert (row["label"], row["score"]) == (None, None)
        else:
            result = next(expected)
            assert row["label"] == result["label"]
            assert row["score"] == pytest.approx(result["score"], abs=1e-5)


@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_comes_out_as_it_went_in(folder: Path, name: str) -> None:
    batch = BATCHES[name]
    before = pickle.dumps(batch)
    labelled = Classifier(folder, column="review")(batch)
    assert type(labelled) is type(batch)
    assert pickle.dumps(batch) == before
    rows = rows_of(labelled)
    assert [list(row) for row in rows] == [["id", "review", "label", "score"]] * 5
    assert [row["id"] for row in rows] == list(IDS)
    assert [row["review"] for row in rows] == REVIEWS
    assert_labelled(rows, folder)


def test_type_checkers_know_a_labelled_batch(folder: Path) -> None:
    """A type checker reads the first assertion. The others check that the values agree."""
    labelled = Classifier(folder, column="review")({"review": ["good"], "id": ["a"]})
    assert_type(labelled, dict[str, list[str] | AddedCells])
    assert isinstance(labelled["id"], list)
    assert isinstance(labelled["label"], np.ndarray)


def test_types_do_not_depend_on_the_rows(folder: Path) -> None:
    """A batch without texts or rows has the same types, because engines join batches."""
    label = Classifier(folder, column="review", top_k=None)
    for n_rows in (0, 2):
        texts: list[str | None] = [None] * n_rows
        frame = label(pd.DataFrame({"review": pd.Series(texts, dtype=object)}))
        assert list(map(str, frame.dtypes[1:])) == ["string", *["float64"] * 4]
        table = label(pa.table({"review": pa.array(texts, pa.string())}))
        assert list(map(str, table.schema.types)) == ["string", "string", *["double"] * 4]
        arrays = label({"review": np.array(texts, object)})
        assert [array.dtype for array in arrays.values()] == [object, object, *[np.float64] * 4]


@pytest.mark.parametrize("top_k", [2, None])
def test_scores_of_more_labels(folder: Path, top_k: int | None) -> None:
    labelled = Classifier(folder, column="review", prefix="our_", top_k=top_k)(as_dict())
    scores = ["our_score_BAD", "our_score_SO-SO", "our_score_GOOD"]
    assert list(labelled) == ["id", "review", "our_label", "our_score", *scores]
    for row in rows_of(labelled):
        found = {name: row[name] for name in scores if row[name] is not None}
        if not row["review"]:
            assert found == {}
            continue
        expected = npbert.classify(row["review"], folder, top_k=top_k)
        assert found == pytest.approx(
            {f"our_score_{result['label']}": result["score"] for result in expected}, abs=1e-5
        )


@pytest.mark.parametrize("name", ["cache_dir", "revision", "prefix", "long_text"])
def test_a_misspelt_argument_is_told_the_nearest_one(name: str) -> None:
    misspelt: Any = {name.replace("e", "", 1).replace("g", "j"): "x"}
    with pytest.raises(TypeError, match=f"did you mean '{name}'"):
        Classifier("mini", **misspelt)


def test_a_large_batch_is_worked_in_chunks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    outcomes = TextClassificationPipeline.outcomes

    def counted(self: Any, items: Any, numbers: Any, options: Any) -> Any:
        sizes.append(len(items))
        return outcomes(self, items, numbers, options)

    monkeypatch.setattr(TextClassificationPipeline, "outcomes", counted)
    texts = [f"text {number}" for number in range(2500)]
    labelled = Classifier(folder, column="review")({"review": np.array(texts)})
    assert sizes == [1024, 1024, 452]
    assert_labelled(rows_of(labelled), folder)


BAD_BATCHES: list[tuple[Any, type[Exception], str]] = [
    ([1], TypeError, "batch is a list, expected a dict of arrays, a pandas.DataFrame or a pyarrow"),
    ({"text": ["a"]}, ValueError, "the batch has no column 'review'; its columns are: text"),
    ({"review": ["a", 0.5]}, TypeError, r"text 1 of the batch is 0\.5"),
    ({"review": "I love it"}, TypeError, "'review' is a str, expected an array.*batched=True"),
    (pd.DataFrame({0: ["a"]}), ValueError, "the batch has no column 'review'; its columns are: 0"),
    (
        pd.DataFrame([["a", "b"]], columns=["review", "review"]),
        ValueError,
        "the batch has more than one column 'review'",
    ),
    ({"review": ["a"], "score": [1]}, ValueError, "has a column 'score' already.* prefix"),
    ({"review": ["a", 3]}, TypeError, "text 1 of the batch is 3"),
    ({"review": ["a", "film " * 600]}, ValueError, r"text 1 \(counted from 0\) is 602 tokens"),
]


@pytest.mark.parametrize(
    ("batch", "error", "message"), BAD_BATCHES, ids=lambda value: str(value)[:20]
)
def test_bad_batches(folder: Path, batch: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Classifier(folder, column="review")(batch)


def test_two_labels_of_one_name_have_no_column_each(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, id2label={0: "BAD", 1: "GOOD", 2: "GOOD"})
    assert len(Classifier(folder, column="review")(as_dict())["label"]) == len(REVIEWS)
    with pytest.raises(ValueError, match=r"more than one label 'GOOD'.* leave out top_k"):
        Classifier(folder, column="review", top_k=2)(as_dict())


BAD_ARGUMENTS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"model": npbert}, TypeError, "model is a module, expected a folder or a name"),
    ({"topk": 2}, TypeError, "'topk'; did you mean 'top_k'"),
    ({"threads": 0}, ValueError, "threads is 0"),
    ({"long_text": "cut"}, ValueError, "long_text is 'cut'"),
    ({"device": 0}, ValueError, "device is 0"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), BAD_ARGUMENTS, ids=str)
def test_bad_arguments_fail_before_any_worker_starts(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Classifier(**{"model": "mini", **arguments})


def test_data_sets_that_map_batches(folder: Path) -> None:
    data = datasets.Dataset.from_dict(as_dict())
    labelled = data.map(Classifier(folder, column="review"), batched=True, batch_size=2)
    assert labelled.column_names == ["id", "review", "label", "score"]
    assert_labelled(
        [row | {"score": row["score"] if row["label"] else None} for row in labelled], folder
    )


# -------------------------------------------------------------------------------- processes


def test_what_travels_is_names(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    for model in (folder, str(folder), f"./{folder.name}", folder.name):
        label = Classifier(model, column="review", long_text="truncate")
        label(as_dict())
        pickled = pickle.dumps(label)
        assert len(pickled) < 1000
        with monkeypatch.context() as elsewhere:
            elsewhere.chdir("/")
            assert_labelled(rows_of(pickle.loads(pickled)(as_dict())), folder)


def test_subfolders_and_variants(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "model" / "last"
    shutil.copytree(folder, inside)
    (inside / "model.safetensors").rename(inside / "model.fp16.safetensors")
    monkeypatch.chdir(tmp_path)
    classifier = Classifier("./model", subfolder="last", variant="fp16")
    monkeypatch.chdir("/")  # a worker has another folder
    batch = {"text": ["a good film"]}
    labelled, expected = pickle.loads(pickle.dumps(classifier))(batch), Classifier(folder)(batch)
    assert {name: list(cells) for name, cells in labelled.items()} == {
        name: list(cells) for name, cells in expected.items()
    }


def test_a_process_loads_the_model_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached._loaded.cache_clear()
    n_loaded = 0
    make = npbert.pipeline

    def counted(*arguments: Any, **options: Any) -> Any:
        nonlocal n_loaded
        n_loaded += 1
        return make(*arguments, **options)

    monkeypatch.setattr(cached, "pipeline", counted)
    with ThreadPoolExecutor(4) as pool:
        labels = [Classifier(folder, column="review") for _ in range(4)]
        for labelled in pool.map(lambda label: label(as_dict()), labels):
            assert_labelled(rows_of(labelled), folder)
    npbert.classify("film", str(folder))
    assert n_loaded == 1


def label_and_wait(pickled: bytes, done: Any, leave: Any) -> None:
    label = pickle.loads(pickled)
    label({"review": ["A film."] * 20})
    done.release()
    leave.wait()


@pytest.mark.skipif(not hasattr(psutil.Process, "memory_maps"), reason="this system hides its maps")
def test_workers_share_the_weights(tmp_path: Path) -> None:
    """Four processes map one file, and none of them has a page of the file for itself."""
    folder = make_folder(tmp_path, dim=256, n_heads=4, hidden_dim=1024)
    weights = folder / "model.safetensors"
    context = multiprocessing.get_context("spawn")
    done, leave = context.Semaphore(0), context.Event()
    pickled = pickle.dumps(Classifier(folder, column="review"))
    workers = [
        context.Process(target=label_and_wait, args=(pickled, done, leave)) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    try:
        assert all(done.acquire(timeout=60) for _ in workers)
        maps = [
            memory
            for worker in workers
            for memory in psutil.Process(worker.pid).memory_maps()
            if memory.path == os.path.realpath(weights)
        ]
    finally:
        leave.set()
        for worker in workers:
            worker.join()
    assert len(maps) == 4
    assert sum(memory.private_dirty for memory in maps) == 0
    seen, counted_once = sum(memory.rss for memory in maps), sum(memory.pss for memory in maps)
    assert seen > 3 * counted_once
    assert counted_once <= weights.stat().st_size + 4096


# ---------------------------------------------------------------------------------- engines

ENGINE_ROWS = [
    {"id": number, "review": None if number % 7 == 0 else f"number {number} of many films"}
    for number in range(2000)
]


@pytest.mark.engine
@pytest.mark.skipif(not find_spec("ray"), reason="Ray Data: pip install -e '.[ray]'")
def test_a_killed_worker_costs_no_row(folder: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "reviews.parquet", tmp_path / "labelled"
    pq.write_table(pa.Table.from_pylist(ENGINE_ROWS), source)
    checkout = Path(__file__).parents[1]  # where the workers find the script
    script = [sys.executable, "-m", "tests.support.label_with_ray"]
    done = subprocess.run(
        [*script, *map(str, (folder, source, target, tmp_path))],
        cwd=checkout,
        env=os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(checkout)},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "killed").exists()
    assert len(list(tmp_path.glob("worker-*"))) >= 2
    for way in ("tasks", "actors"):
        rows = [
            json.loads(line)
            for line in Path(f"{target}.{way}").read_text(encoding="utf-8").splitlines()
        ]
        assert [{"id": row["id"], "review": row["review"]} for row in rows] == ENGINE_ROWS
        assert_labelled(rows, folder)
