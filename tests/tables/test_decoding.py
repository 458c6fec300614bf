"""The encodings of text files, and files that are not in the encoding that was named."""

from __future__ import annotations

import codecs
from typing import Any

import pytest

from npbert.tables.decoding import Encoding
from npbert.tables.formats import read_table
from npbert.tables.rows import Table
from tests.support.tables import source_of, texts_of


def table_of(content: bytes, format: str, **options: Any) -> Table:
    return read_table(source_of(content), format, **options)


AS_ROWS = {"lines": "{}\n", "csv": "text\r\n{}\r\n", "jsonl": '{{"text": "{}"}}\n'}


@pytest.mark.parametrize("format", AS_ROWS)
@pytest.mark.parametrize(
    ("encoding", "text", "mark"),
    [
        ("cp1252", "é€", b""),
        ("shift_jis", "日本語", b""),
        ("utf-16", "日é", b""),  # this codec writes a byte-order mark itself
        ("utf-16-le", "日é", b""),
        ("utf-16-be", "日é", b""),
        ("utf-16-be", "日é", codecs.BOM_UTF16_BE),
        ("utf-32", "日é", b""),
        ("U8", "日é", codecs.BOM_UTF8),
    ],
)
def test_encodings(format: str, encoding: str, text: str, mark: bytes) -> None:
    content = mark + AS_ROWS[format].format(text).encode(encoding)
    table = table_of(content, format, encoding=Encoding(encoding))
    assert (table.columns, texts_of(table)) == (["text"], [text])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "shift_jis"])
@pytest.mark.parametrize(
    ("n_before", "end"), [(1, "\n"), (5000, "\n"), (1, "\r\n"), (5000, "\r\n"), (2, "\r")]
)
def test_the_line_of_a_byte_that_cannot_be_decoded(n_before: int, end: str, encoding: str) -> None:
    """The line is right although files are read in blocks that cut characters and line ends."""
    bad = {"utf-8": b"\xff", "utf-16-le": b"\x00\xdc", "shift_jis": b"\xff"}[encoding]
    content = f"text{end}".encode(encoding) + f"日本{end}".encode(encoding) * n_before
    content += "日".encode(encoding) + bad + f"{end}more{end}".encode(encoding)
    byte = f"0x{bad[0]:02x}"
    message = rf"in\.txt, line {n_before + 2}: not {encoding.upper()} \(byte {byte}\); .*--encoding"
    with pytest.raises(ValueError, match=message):
        texts_of(table_of(content, "csv", encoding=Encoding(encoding)))


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        (b"one\n\xe9t\xe9\n", "utf-8", "line 2: not UTF-8 .*, perhaps cp1252 or latin-1$"),
        ("é\n".encode("utf-16"), "utf-8", "line 1: not UTF-8 .*, perhaps utf-16$"),
        (codecs.BOM_UTF16_BE + b"\0a", "UTF8", "not UTF8 .*, perhaps utf-16$"),
        (b"\x81", "cp1252", r"not CP1252 \(byte 0x81\); name the file's own with --encoding$"),
        ("é\n".encode("utf-16-le"), "utf-16", r"in\.txt(, line 1)?: not UTF-16"),
        ("é\n".encode("utf-16")[:-1], "utf-16", "line 1: not UTF-16"),
        (
            b"ab\xc3",
            "utf-8",
            r"line 1: not UTF-8 \(byte 0xc3\)",
        ),  # a character is cut off
    ],
)
def test_another_encoding(content: bytes, encoding: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        texts_of(table_of(content, "lines", encoding=Encoding(encoding)))


@pytest.mark.parametrize("format", ["lines", "csv", "jsonl"])
@pytest.mark.parametrize(
    ("encoding", "text"),
    [("utf-16-le", "one film"), ("utf-16-be", "one film"), ("utf-16-le", "un été à Paris")],
)
def test_utf_16_without_a_mark(format: str, encoding: str, text: str) -> None:
    """It is refused, and what the message advises reads it."""
    content = AS_ROWS[format].format(text).encode(encoding)
    with pytest.raises(ValueError, match=rf"in\.txt, line \d: .*perhaps (--encoding )?{encoding}$"):
        texts_of(table_of(content, format))
    assert texts_of(table_of(content, format, encoding=Encoding(encoding))) == [text]


@pytest.mark.parametrize("format", ["lines", "csv", "tsv"])
def test_what_is_no_text(format: str) -> None:
    header = b"reviews.csv" + bytes(89) + b"0000644\x00\n"  # of a tar archive before POSIX
    message = r"line 1: there are NUL characters, .* UTF-8 does not have; is it a text file\?$"
    with pytest.raises(ValueError, match=message):
        texts_of(table_of(header, format))


def test_carriage_returns_that_end_lines() -> None:
    content = b"one\rtwo\rthree\r"
    message = r"no newline, .* newlines: tr '\\r' '\\n' < FILE \| npbert classify -$"
    with pytest.raises(ValueError, match=message):
        texts_of(table_of(content, "lines"))
    mended = content.replace(b"\r", b"\n")
    assert texts_of(table_of(mended, "lines")) == ["one", "two", "three"]
    assert texts_of(table_of(b"text\r" + content, "csv")) == ["one", "two", "three"]
    assert texts_of(table_of(b"one\r\ntwo\r\n", "lines")) == ["one", "two"]


@pytest.mark.parametrize(
    "content", ["film\né\n".encode() + b"\xe9t\xe9\n", b"film\n\xe9t\xe9\n" + "é\n".encode()]
)
def test_two_encodings_in_one_file(content: bytes) -> None:
    """cp1252 would read every byte, and spoil the letters that are right."""
    message = r"line \d: not UTF-8 .*; other .* give --encoding-errors replace or --bad-rows skip$"
    with pytest.raises(ValueError, match=message):
        texts_of(table_of(content, "lines"))
    replaced = texts_of(table_of(content, "lines", encoding=Encoding(errors="replace")))
    assert sorted(map(str, replaced)) == ["film", "é", "\ufffdt\ufffd"]
    ignored = texts_of(table_of(content, "lines", encoding=Encoding(errors="ignore")))
    assert sorted(map(str, ignored)) == ["film", "t", "é"]


def test_one_mark_is_removed_and_no_other() -> None:
    content = 2 * codecs.BOM_UTF8 + b"a\n"
    assert texts_of(table_of(content, "lines")) == ["\ufeffa"]
