"""How many columns of a terminal a text takes.

A terminal shows a *cluster*, such as a letter with its accents or an emoji of several characters,
in one place. Its width is that of Unicode's property East_Asian_Width. Characters of ambiguous
width count as narrow, as they are outside of old East Asian terminals.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Final

_ZERO_WIDTH_NON_JOINER, _JOINER = "\u200c\u200d"
_EMOJI_STYLE: Final = "\ufe0f"  # variation selector 16
_MARKS_WITHOUT_WIDTH: Final = ("Mn", "Me")  # the categories of marks that are drawn onto letters
_MARKS_WITH_WIDTH: Final = "Mc"  # those that stand beside them
# As many marks may follow a letter as in Unicode's Stream-Safe Text Format
# (https://unicode.org/reports/tr15/#Stream_Safe_Text_Format). No language needs more, and some
# terminals are slow, or draw over other lines, where there are thousands.
_MOST_MARKS: Final = 30
_LONGEST_CLUSTER: Final = 64  # characters; the rest of a longer one counts as others do


def printable(text: str) -> Iterator[str]:
    """Yield the characters of a text that a terminal can show; joiners stay, as emoji need them.

    Control characters and the like become spaces. Other invisible characters, such as those that
    turn the direction of writing, are left out, and so are the marks of a letter that has more
    than thirty of them.
    """
    n_marks = 0
    for character in filter(None, map(_shown, text)):
        n_marks = 0 if _width(character) else n_marks + 1
        if n_marks <= _MOST_MARKS:
            yield character


def _shown(character: str) -> str:
    """Return what is shown of a character: itself, a space, or nothing."""
    if character.isprintable() or character in (_ZERO_WIDTH_NON_JOINER, _JOINER):
        return character
    return "" if unicodedata.category(character) == "Cf" else " "


def make_printable(text: str) -> str:
    """Return a text as a terminal can show it; see `printable`."""
    return "".join(printable(text))


def pad(text: str, width: int) -> str:
    """Return a text with spaces after it, so that it takes `width` columns."""
    return text + " " * (width - width_of(text))


def width_of(text: str) -> int:
    """Return how many columns a printable text takes."""
    return len(text) if text.isascii() else sum(map(_width_of_cluster, _clusters(text)))


def cut(characters: Iterable[str], width: int) -> str:
    """Return a text that takes at most `width` columns; "…" stands for what does not fit.

    Parameters
    ----------
    characters : iterable of str
        Printable characters. Only those that fit are read.
    width : int
        At least 1.
    """
    kept = kept_before_dots = ""
    used = 0
    for cluster in _clusters(characters):
        used += _width_of_cluster(cluster)
        if used > width:
            return kept_before_dots + "…"
        kept += cluster
        if used < width:
            kept_before_dots = kept
    return kept


def wrap(
    words: Iterable[str], width: int, measure: Callable[[str], int] = width_of
) -> Iterator[str]:
    """Yield lines of words with blanks between them, which take at most `width` columns.

    Parameters
    ----------
    words : iterable of str
        A word that is wider than a line has a line of its own.
    width : int
    measure : callable
        Returns how many columns a word takes.
    """
    line, used = "", 0
    for word in words:
        needed = measure(word)
        if line and used + 1 + needed > width:
            yield line
            line, used = "", 0
        line, used = (f"{line} {word}", used + 1 + needed) if line else (word, needed)
    if line:
        yield line


def _clusters(characters: Iterable[str]) -> Iterator[str]:
    cluster = ""
    for character in characters:
        if len(cluster) == _LONGEST_CLUSTER or (cluster and not _is_in_cluster(character, cluster)):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _is_in_cluster(character: str, cluster: str) -> bool:
    """Tell whether a character belongs to the cluster before it."""
    if character.isascii():
        return False
    is_flag = len(cluster) == 1 and _is_regional(cluster) and _is_regional(character)
    return (
        is_flag
        or cluster[-1] == _JOINER
        or _is_skin_tone(character)
        or _is_spacing_mark(character)
        or not _width(character)
    )


def _width_of_cluster(cluster: str) -> int:
    first, others = cluster[0], cluster[1:]
    if _EMOJI_STYLE in others and not first.isalpha():
        return 2
    # Letters can be joined too, and stay beside each other. Emoji are drawn onto the first one.
    beside = (other for other in others if other.isalpha() or _is_spacing_mark(other))
    return _width(first) + sum(map(_width, beside))


def _width(character: str) -> int:
    """Return how many columns a character takes that stands alone."""
    if character.isascii():
        return 1
    if character in (_ZERO_WIDTH_NON_JOINER, _JOINER):
        return 0
    if unicodedata.category(character) in _MARKS_WITHOUT_WIDTH:
        return 0
    if "\u1160" <= character <= "\u11ff" or "\ud7b0" <= character <= "\ud7ff":
        return 0  # the vowels and the last consonants of Korean syllables
    return 2 if _is_regional(character) or unicodedata.east_asian_width(character) in "WF" else 1


def _is_regional(character: str) -> bool:
    """Tell whether a character is half of a flag."""
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _is_skin_tone(character: str) -> bool:
    return "\U0001f3fb" <= character <= "\U0001f3ff"


def _is_spacing_mark(character: str) -> bool:
    return unicodedata.category(character) == _MARKS_WITH_WIDTH
