"""Rows without a text get no label, in every format by the same rule."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from tests.support.command_line import Classify

BLANKS = ["", " ", "\t", "\u00a0\u3000"]
GOOD = "A good film."


def lines(texts: list[str]) -> bytes:
    return "".join(f"{text}\n" for text in texts).encode()


def csv_rows(texts: list[str]) -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([["id", "text"], *enumerate(texts)])
    return stream.getvalue().encode()


def json_rows(texts: list[str]) -> bytes:
    return "".join(json.dumps({"text": text}) + "\n" for text in texts).encode()


def parquet_rows(texts: Sequence[Any], kind: Any = None) -> bytes:
    stream = io.BytesIO()
    parquet.write_table(pyarrow.table({"text": pyarrow.array(list(texts), kind)}), stream)
    return stream.getvalue()


FORMATS: dict[str, Callable[[list[str]], bytes]] = {
    "txt": lines,
    "csv": csv_rows,
    "jsonl": json_rows,
    "parquet": parquet_rows,
}


def labels_of(classify: Classify, path: Path, *options: str) -> tuple[list[str | None], str]:
    """Label a file to JSON lines, and return the labels and what stands on standard error."""
    code, out, err = classify("--input", str(path), "--format", "jsonl", *options)
    assert code == 0, err
    return [json.loads(line)["label"] for line in out.splitlines()], err


@pytest.mark.parametrize("ending", FORMATS)
def test_blank_texts(classify: Classify, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"in.{ending}"
    path.write_bytes(FORMATS[ending]([GOOD, *BLANKS, GOOD]))
    labels, err = labels_of(classify, path)
    assert labels == ["GOOD", *[None] * len(BLANKS), "GOOD"]
    assert err == "npbert: 6 rows done, 4 null, 0 truncated to 512 tokens\n"


@pytest.mark.parametrize("ending", FORMATS)
def test_words_that_stand_for_no_text(classify: Classify, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"in.{ending}"
    path.write_bytes(FORMATS[ending]([GOOD, r"\N", "NULL", "n/a"]))
    labels, _ = labels_of(classify, path)
    assert None not in labels
    labels, err = labels_of(classify, path, "--null", r"\N", "--null", "NULL")
    assert labels[:3] == ["GOOD", None, None]
    assert labels[3] is not None
    assert "4 rows done, 2 null" in err


def test_numbers_that_are_none(classify: Classify, tmp_path: Path) -> None:
    """pandas writes NaN for a null."""
    path = tmp_path / "in.jsonl"
    path.write_text(f'{{"text": NaN}}\n{{"text": "{GOOD}"}}\n{{"text": null}}\n{{}}\n')
    assert labels_of(classify, path, "--column", "text")[0] == [None, "GOOD", None, None]
    path.write_text('{"text": NaN}\n{"text": 0.5}\n')
    code, _, err = classify("--input", str(path))
    assert code == 1
    assert "line 2: 'text' is 0.5, expected a string or null" in err


@pytest.mark.parametrize("values", [[], [None], [float("nan"), None]])
def test_parquet_on_an_empty_day(classify: Classify, tmp_path: Path, values: list[Any]) -> None:
    """Where no row has a text, pandas makes a column of fractions."""
    path = tmp_path / "in.parquet"
    path.write_bytes(parquet_rows(values, pyarrow.float64()))
    assert labels_of(classify, path)[0] == [None] * len(values)
    path.write_bytes(parquet_rows([*values, 0.5], pyarrow.float64()))
    code, _, err = classify("--input", str(path), "--format", "jsonl")
    assert code == 1
    where = f"row {len(values)} (counted from 0): 'text' is 0.5, expected a string or null"
    assert where in err


@pytest.mark.parametrize("kind", [pyarrow.binary(), pyarrow.large_binary()], ids=str)
def test_parquet_with_strings_as_bytes(classify: Classify, tmp_path: Path, kind: Any) -> None:
    path, made = tmp_path / "in.parquet", tmp_path / "out.parquet"
    path.write_bytes(parquet_rows([GOOD, None, "é"], kind))
    assert labels_of(classify, path)[0][:2] == ["GOOD", None]
    assert classify("--input", str(path), "--output", str(made))[0] == 0
    labelled = parquet.read_table(made)
    assert labelled.schema.field("text").type == kind
    assert labelled["text"].to_pylist() == [GOOD.encode(), None, "é".encode()]
    path.write_bytes(parquet_rows([GOOD, b"\xff"], kind))
    code, _, err = classify("--input", str(path), "--format", "jsonl")
    assert code == 1
    assert "row 1 (counted from 0): 'text' holds bytes that are not UTF-8 text" in err
