"""The bytes of a text file → its lines."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, NamedTuple

# A line, a cell or a JSON object of more characters is an error: a file of 1 MB can unpack to a
# line that takes all memory. Texts that a model reads whole have some thousand.
MOST_CHARACTERS: Final = 1 << 25
ERRORS: Final = ("strict", "replace", "ignore")  # what to do with a byte of another encoding

_BYTE_ORDER_MARK: Final = "\ufeff"
_UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


# The value of `Encoding.errors` with which a byte of another encoding becomes half of a surrogate
# pair, so that `undecoded_byte` finds it; see PEP 383.
ESCAPED: Final = "surrogateescape"
_ESCAPES: Final = re.compile("[\udc80-\udcff]")


class Encoding(NamedTuple):
    """How the bytes of a file become text.

    Attributes
    ----------
    name : str
        One of the encodings that Python knows.
    errors : str
        What to do with bytes that are no text in this encoding, as in `open`: "strict" raises an
        error, "replace" puts U+FFFD in their place, "ignore" leaves them out, and `ESCAPED` keeps
        them for `undecoded_byte`.
    """

    name: str = "utf-8"
    errors: str = "strict"


DEFAULT_ENCODING: Final = Encoding()


def decode_lines(
    stream: BinaryIO, name: str, encoding: Encoding, newline: str, *, are_texts: bool = False
) -> Iterator[str]:
    """Yield the lines of a file, with their line ends.

    Parameters
    ----------
    stream : binary file
        It is not closed.
    name : str
        What error messages call the file.
    encoding : Encoding
        A byte-order mark at the beginning of the file is removed.
    newline : str
        What ends a line, as in `open`.
    are_texts : bool
        Whether each line is a text. Then a file whose lines end in carriage returns is an error.

    Raises
    ------
    ValueError
        If the file is in another encoding, or a line is too long. The message has the number of
        the line.
    """
    is_utf_8 = codecs.lookup(encoding.name).name == "utf-8"
    text = io.TextIOWrapper(
        stream, "utf-8-sig" if is_utf_8 else encoding.name, encoding.errors, newline
    )
    number = 0
    is_ascii = True
    try:
        while line := text.readline(MOST_CHARACTERS + 1):
            number += 1
            if len(line) > MOST_CHARACTERS:
                raise ValueError(
                    f"{name}, line {number}: a line of more than {MOST_CHARACTERS:,} characters; "
                    "is it a file of texts?"
                )
            if number == 1:
                if not is_utf_8:  # of UTF-8, the decoder has removed it
                    line = line.removeprefix(_BYTE_ORDER_MARK)
                _check_first_line(line, name, encoding, are_texts)
            is_ascii = is_ascii and line.isascii()
            yield line
    except UnicodeError as error:
        if not isinstance(error, UnicodeDecodeError):  # such as UTF-16 without a byte-order mark
            raise ValueError(
                f"{name}: not {encoding.name.upper()}: {error}; name the order of the bytes: "
                f"--encoding {encoding.name}-le or {encoding.name}-be"
            ) from error
        # The lines before the bad byte that were decoded in the same block were not yielded.
        before = error.object[: error.start].decode(error.encoding, "replace")
        number += len(list(io.StringIO(before + "?", newline=newline)))
        advice = "name the file's own with --encoding"
        if is_utf_8:
            advice = _advice_for(error, is_ascii and before.isascii())
        raise ValueError(
            f"{name}, line {number}: not {encoding.name.upper()} "
            f"(byte 0x{error.object[error.start]:02x}); {advice}"
        ) from error
    finally:
        if not stream.closed:
            text.detach()  # else the stream would be closed, and it belongs to the caller


def undecoded_byte(text: str) -> int | None:
    """Return the first byte of a text that could not be decoded, or None; see `ESCAPED`."""
    found = None if text.isascii() else _ESCAPES.search(text)
    return None if found is None else ord(found[0]) - 0xDC00


def describe_byte(byte: int) -> str:
    """Return the words for a byte that could not be decoded."""
    return f"the byte 0x{byte:02x} is no text in this encoding"


def decoded(stream: BinaryIO, name: str, encoding: Encoding) -> Callable[[int], str]:
    """Return a function that reads so many characters of a file, for files without lines.

    Parameters
    ----------
    stream : binary file
    name : str
        What error messages call the file.
    encoding : Encoding
        A byte-order mark at the beginning of the file is removed.

    Returns
    -------
    callable
        Raises a ValueError if the file is in another encoding.
    """
    decode = codecs.getincrementaldecoder(encoding.name)(encoding.errors).decode
    is_first = True

    def read(n_characters: int) -> str:
        nonlocal is_first
        content = stream.read(n_characters)
        try:
            text = decode(content, final=not content)
        except UnicodeError as error:
            raise ValueError(
                f"{name}: not {encoding.name.upper()}: {error}; name the file's own with --encoding"
            ) from error
        if is_first and text:
            text = text.removeprefix(_BYTE_ORDER_MARK)
            is_first = False
        # A few bytes can be only a part of a character.
        return text if text or not content else read(n_characters)

    return read


def _check_first_line(line: str, name: str, encoding: Encoding, are_texts: bool) -> None:
    """Raise a ValueError if a first line shows that a file is no text, or another kind of text."""
    if "\0" in line:
        guess = _utf_16_of(line.encode(errors="replace"))
        advice = f"perhaps --encoding {guess}" if guess else "is it a text file?"
        raise ValueError(
            f"{name}, line 1: there are NUL characters, which a text in {encoding.name.upper()} "
            f"does not have; {advice}"
        )
    # In a file that has newlines, a carriage return within a line belongs to the text.
    if are_texts and "\r" in line[:-1] and not line.endswith("\n"):
        raise ValueError(
            f"{name} has carriage returns and no newline, so it would be one text; make the "
            "carriage returns newlines: tr '\\r' '\\n' < FILE | npbert classify -"
        )


def _advice_for(error: UnicodeDecodeError, is_ascii: bool) -> str:
    """Return what to do about a file that is not UTF-8."""
    content: bytes = error.object
    if content.startswith(_UTF_16_MARKS):
        return "name the file's own with --encoding, perhaps utf-16"
    guess = _utf_16_of(content)
    if guess is not None:
        return f"name the file's own with --encoding, perhaps {guess}"
    behind = content[error.start :].decode(errors="ignore")
    if is_ascii and behind.isascii():
        return "name the file's own with --encoding, perhaps cp1252 or latin-1"
    return (
        "other characters of the file are UTF-8, so another encoding would spoil them; mend the "
        "line, or give --encoding-errors replace or --bad-rows skip"
    )


def _utf_16_of(content: bytes) -> str | None:
    """Return the kind of UTF-16 in which every other byte of mostly Latin letters is 0."""
    most = len(content) // 4  # half of the bytes at even places, or at odd places
    first, second = content[::2].count(0) > most, content[1::2].count(0) > most
    if first == second:
        return None
    return "utf-16-be" if first else "utf-16-le"
