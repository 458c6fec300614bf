"""Arrays of objects, on one line or on many, are read element by element."""

from __future__ import annotations

import codecs
import json
from typing import Any

import pandas
import pytest

from npbert.tables import json_stream
from npbert.tables.decoding import Encoding
from npbert.tables.formats import read_table, serializer_for
from tests.support.tables import rows_of, serialize_all, source_of, texts_of

ROWS: list[dict[str, Any]] = [
    {"text": 'a "quoted" ] film', "n": [1, {"a": []}]},
    {"text": "é, 東京 😀\n", "n": None},
    {"text": None, "n": 1.5},
    {"text": "x" * 300, "n": -1},
]


@pytest.fixture(params=[1, 7, 1 << 16])
def _small_blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "_BLOCK_CHARACTERS", request.param)


@pytest.mark.usefixtures("_small_blocks")
@pytest.mark.parametrize("indent", [None, 0, 2])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8, b" \r\n\t"])
@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_arrays(indent: int | None, mark: bytes, ensure_ascii: bool) -> None:
    content = mark + json.dumps(ROWS, indent=indent, ensure_ascii=ensure_ascii).encode()
    table = read_table(source_of(content, "in.json"))
    assert table.columns == ["text", "n"]
    assert rows_of(table) == ROWS
    table = read_table(source_of(content, "in.json"))
    made = serialize_all(serializer_for("jsonl", table.columns), table.chunks)
    assert [json.loads(line) for line in made.splitlines()] == ROWS


def test_arrays_of_pandas() -> None:
    frame = pandas.DataFrame({"text": ["one", "two"]})
    content = frame.to_json(orient="records", indent=1).encode()
    assert texts_of(read_table(source_of(content, "in.json"))) == ["one", "two"]
    assert texts_of(read_table(source_of(b"[]", "in.json"))) == []
    assert texts_of(read_table(source_of(b" [ ]\n", "in.json"))) == []


def test_arrays_in_another_encoding() -> None:
    content = json.dumps(ROWS, ensure_ascii=False).encode("utf-16-le")
    with pytest.raises(ValueError, match=r"NUL|not UTF-8|not JSON"):
        texts_of(read_table(source_of(content, "in.json")))
    content = '[{"text": "é"}]'.encode("cp1252")
    with pytest.raises(ValueError, match=r"in\.json: not UTF-8: .* name the file's own with --enc"):
        texts_of(read_table(source_of(content, "in.json")))
    table = read_table(source_of(content, "in.json"), encoding=Encoding("cp1252"))
    assert texts_of(table) == ["é"]


BAD: list[tuple[bytes, str]] = [
    (b'[{"text": "one"}, {"text": }]', "element 1 (counted from 0): not JSON: Expecting value"),
    (b'[{"text": "one"}, 3]', "element 1 (counted from 0): a int, expected a JSON object"),
    (b'[["one"]]', "element 0 (counted from 0): a list, expected a JSON object"),
    (b'[{"text": "one"}, {"text": "tw', "element 1 (counted from 0): not JSON: Unterminated"),
    (b'[{"text": "one"}', "element 1 (counted from 0): not JSON: Expecting value"),
    (b'[{"text": "one"},]', "element 1 (counted from 0): not JSON: nothing stands on one side of"),
    (b'[{"text": "one"},\n\n]', "element 1 (counted from 0): not JSON: nothing stands on one side"),
    (b'[, {"text": "one"}]', "element 0 (counted from 0): not JSON: nothing stands on one side of"),
    (b"[ ,]", "element 0 (counted from 0): not JSON: nothing stands on one side of a comma"),
    (
        b'[{"text": "one"} {"text": "two"}]',
        "element 1 (counted from 0): not JSON: there is no comma",
    ),
    (
        b'[{"text": "one"},, {"text": "two"}]',
        "element 1 (counted from 0): not JSON: Expecting value",
    ),
    (b'[{"text": 5}]', "element 0 (counted from 0): 'text' is 5, expected a string or null"),
    (
        b'[{"a": 1, "b": 2}]',
        "up to element 0 (counted from 0), has no column 'text'; there is: 'a', 'b'",
    ),
    (b"[" * 100_000, "element 0 (counted from 0): cannot be read: maximum recursion depth"),
    (b'[{"text": "one"}]\n[{"text": "two"}]', "something follows the array"),
    (b'[{"text": "one"}]   x', "something follows the array"),
    (b'[{"text": "a", "text": "b"}]', "cannot be read: the key 'text' is there more than once"),
    (b'{\n"text": "one"}\n{"text": tw', "element 1 (counted from 0): not JSON: Expecting value"),
    (b'{\n"text": "one"}\n3', "element 1 (counted from 0): a int, expected a JSON object"),
    (b'{\n"text": "one"', "element 0 (counted from 0): not JSON: Expecting"),
]


@pytest.mark.usefixtures("_small_blocks")
@pytest.mark.parametrize(("content", "message"), BAD)
def test_bad_arrays(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=r"^in\.json") as refused:
        texts_of(read_table(source_of(content, "in.json")))
    assert message in str(refused.value)


def test_an_error_is_found_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without reading the rest of the file, which may be large."""
    monkeypatch.setattr(json_stream, "_BLOCK_CHARACTERS", 100)
    content = b'[{"text": "one"}, {"text": two}, ' + b'{"text": "three"}, ' * 10_000
    source = source_of(content, "in.json")
    with pytest.raises(ValueError, match=r"element 1 .*: not JSON: Expecting value"):
        texts_of(read_table(source))
    assert source.stream.tell() < 1000


@pytest.mark.usefixtures("_small_blocks")
@pytest.mark.parametrize("indent", [0, 1, 4])
@pytest.mark.parametrize("between", ["\n", "\r\n\r\n", "", ",\n"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8, b"\n "])
def test_objects_over_several_lines(indent: int, between: str, mark: bytes) -> None:
    """As jq prints them."""
    content = mark + between.join(json.dumps(row, indent=indent) for row in ROWS).encode()
    assert rows_of(read_table(source_of(content, "in.json"))) == ROWS
    assert rows_of(read_table(source_of(content + b"\n\n", "in.jsonl"))) == ROWS


def test_what_is_a_stream() -> None:
    for head in (b"[", b" \n[{", b"\xef\xbb\xbf[1]", b"{\n", b"\n {\t\r\n", b"\xef\xbb\xbf{\n"):
        assert json_stream.is_stream(head)
    for head in (b"", b"{", b'{"text": [\n', b"{}\n", b'"[', b"\xef\xbb[", b"{ }\n{\n"):
        assert not json_stream.is_stream(head)
