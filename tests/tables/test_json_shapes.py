"""JSON files that hold a whole table in one value: their advice makes rows that have the texts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas
import pytest

from npbert.tables.formats import read_table
from npbert.tables.rows import Table
from npbert.tables.source import open_source
from tests.support.tables import source_of, texts_of

TEXTS = ['It\'s "good"; 東京 😀\n', None, "7"]
FRAME = pandas.DataFrame({"text": TEXTS, "n": [1, 2, 3]})
RECORDS = FRAME.to_dict(orient="records")
MOMENTS = FRAME.set_index(pandas.Index(["-31536000000", "1704067200000", "1704153600000"]))
DATES = FRAME.set_index(pandas.to_datetime(["1969-01-01", "2024-01-01", "2024-01-02"]))

# The content of a file, the column of texts, and what the error calls the content.
SHAPES: list[tuple[str, str | None, str]] = [
    (FRAME.to_json(), None, r"orient='columns'"),
    (FRAME[["text"]].to_json(), None, r"orient='columns'"),
    (MOMENTS.to_json(), None, r"orient='columns'"),
    (DATES.to_json(date_format="iso"), None, r"orient='columns'"),
    (FRAME.set_index(pandas.Index(["a", "b", "c"])).to_json(), None, r"orient='columns'"),
    (FRAME.rename(columns={"text": "review"}).to_json(), "review", r"orient='columns'"),
    (FRAME.to_json(orient="index"), None, r"orient='index'"),
    (MOMENTS.to_json(orient="index"), None, r"orient='index'"),
    (DATES.to_json(orient="index", date_format="iso"), None, r"orient='index'"),
    (FRAME.set_index(pandas.Index(["a", "b", "c"])).to_json(orient="index"), None, "'index'"),
    (FRAME.to_json(orient="split"), None, r"orient='split'"),
    (FRAME.to_json(orient="split", index=False), None, r"orient='split'"),
    (FRAME.to_json(orient="table"), None, r"orient='table'"),
    (FRAME.to_json(orient="values"), "0", "an array with one list of cells per row"),
    (json.dumps(FRAME.to_dict(orient="list")), None, "an object with one list per column"),
    (json.dumps({"data": RECORDS}), None, "an object around a list of rows, 'data'"),
    (json.dumps({"data": RECORDS}), "data.text", "an object around a list of rows, 'data'"),
    (json.dumps({"n": 1, "rows": RECORDS, "more": []}), None, "around a list of rows, 'rows'"),
    (json.dumps(TEXTS[:1] + TEXTS[2:]), None, "an array of strings"),
]


def read(path: Path, column: str | None) -> Table:
    with open_source(str(path)) as source:
        table = read_table(source, column=column)
        return table._replace(chunks=iter(list(table.chunks)))


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(("content", "column", "description"), SHAPES)
def test_the_advice_makes_rows(
    content: str, column: str | None, description: str, indent: int | None, tmp_path: Path
) -> None:
    path = tmp_path / "in.json"
    path.write_text(json.dumps(json.loads(content), indent=indent), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"; this seems to be .*{description}") as refused:
        read(path, column)
    message = str(refused.value)
    assert message.isprintable()
    command = message[message.index("python -c") :]
    command = command.replace("python", sys.executable, 1).replace("FILE", "in.json")
    subprocess.run(command, shell=True, check=True, cwd=tmp_path)
    table = read(tmp_path / "rows.jsonl", column and column.removeprefix("data."))
    texts = TEXTS if "strings" not in description else [TEXTS[0], TEXTS[2]]
    assert texts_of(table) == texts


@pytest.mark.parametrize(
    ("content", "column"),
    [
        ({"text": "one", "data": RECORDS}, None),
        ({"text": "one", "columns": ["a"], "data": [[1]]}, None),
        ({"data": {"text": "one"}, "more": {"text": "two"}}, "data.text"),
        ({"0": {"text": "one"}, "1": {"text": "two"}}, "0.text"),
        ({"text": "one", "schema": {"fields": []}}, None),
    ],
)
def test_rows_with_a_text_are_rows(content: dict[str, Any], column: str | None) -> None:
    for indent in (None, 1):
        source = source_of(json.dumps(content, indent=indent).encode(), "in.json")
        assert texts_of(read_table(source, column=column)) == ["one"]


@pytest.mark.parametrize(
    "content",
    [
        {"meta": {"a": 1}, "other": {"b": 2}},
        {"id": 1, "tags": ["a"]},
        {"a": {"0": 1}, "b": {"1": 2}},
        {"a": [1], "b": [1, 2]},
        {"a": [], "b": {}},
        {"o'); exit(1); ('": RECORDS, "id": 1},
        {},
        {"text": 5},
    ],
)
def test_other_objects_get_no_advice(content: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^in\.json, ") as refused:
        texts_of(read_table(source_of(json.dumps(content).encode(), "in.json")))
    assert "seems to be" not in str(refused.value)


def test_several_rows_are_no_table() -> None:
    content = b'{"n": 3}\n{"id": {"0": 2}, "n": 1}\n{"id": {"0": 1}}\n'
    with pytest.raises(ValueError, match=r"up to line 3, has no column 'txet'") as refused:
        read_table(source_of(content, "in.json"), column="txet")
    assert "seems to be" not in str(refused.value)
