"""Words and sentences are what a reader calls so, and the text without some of them reads well."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npbert.explanations.words import find_sentences, find_words, leave_out, mask

FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"


def words_in(text: str) -> list[str]:
    return [text[start:end] for start, end in find_words(text)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The plot is thin, but", ["The", "plot", "is", "thin", ",", "but"]),
        ("I wouldn't say it’s well-made.", ["I", "wouldn't", "say", "it’s", "well-made", "."]),
        ("thin,but (very) bad!!!", ["thin", ",", "but", "(", "very", ")", "bad", "!!!"]),
        ("3.5 of 10,000 at 9:30.", ["3.5", "of", "10,000", "at", "9:30", "."]),
        ("'tis the boys' film - so", ["'", "tis", "the", "boys", "'", "film", "-", "so"]),
        ("good\U0001f600\U0001f600! 1\ufe0f\u20e3", ["good", "\U0001f600\U0001f600", "!", "1️⃣"]),
        (f"{FAMILY} \U0001f44d\U0001f3fd", [FAMILY, "\U0001f44d\U0001f3fd"]),
        ("東京タワー。", ["東", "京", "タワー", "。"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("می\u200cخواهم فیلم", ["می\u200cخواهم", "فیلم"]),
        ("\x1b[31mred\x07", ["[", "31mred"]),
        ("\u200b\u202e\x00", []),
        (" \n ", []),
        ("", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_in(text) == words


@given(st.text())
def test_words_are_in_order_and_nothing_visible_is_between_them(text: str) -> None:
    end = 0
    for span in find_words(text):
        assert end <= span.start < span.end <= len(text)
        assert not any(character.isalnum() for character in text[end : span.start])
        end = span.end
    assert not any(character.isalnum() for character in text[end:])


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ('Bad.  "No!" It was... so (ok?) Yes', ["Bad.", '"No!"', "It was...", "so (ok?)", "Yes"]),
        ("First line\n\nsecond 3.5 line", ["First line", "second 3.5 line"]),
        ("東京。空！a. b", ["東京。", "空！", "a.", "b"]),
        ("?! x", ["?!", "x"]),
        (". x", [".", "x"]),
        ("one.two! three", ["one.two!", "three"]),
        ('one.\n"two"\r\n three ', ["one.", '"two"', "three"]),
        ("  one  ", ["one"]),
        ("\n", []),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert [text[start:end] for start, end in find_sentences(text)] == sentences


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([], " The film,well (not) bad. "),
        ([0], "film,well (not) bad. "),
        ([1], " The ,well (not) bad. "),
        ([2], " The film well (not) bad. "),
        ([5], " The film,well ( ) bad. "),
        ([8], " The film,well (not) bad"),
        ([4, 5, 6], " The film,well bad. "),
        ([7, 0], "film,well (not) . "),
        (range(9), ""),
    ],
)
def test_leaving_out(numbers: list[int], expected: str) -> None:
    text = " The film,well (not) bad. "
    assert leave_out(text, find_words(text), numbers) == expected


@given(st.text(alphabet="ab .,'-\n東", max_size=30), st.data())
def test_the_other_words_stay(text: str, data: st.DataObject) -> None:
    spans = find_words(text)
    numbers = data.draw(st.sets(st.sampled_from(range(len(spans))))) if spans else set()
    shortened = leave_out(text, spans, numbers)
    kept = [text[start:end] for number, (start, end) in enumerate(spans) if number not in numbers]
    assert "".join(shortened.split()) == "".join("".join(kept).split())


def test_masking() -> None:
    text = "It wouldn't hurt."
    spans = find_words(text)
    assert mask(text, spans, [1], "[MASK]") == "It [MASK] hurt."
    assert mask(text, spans, [3, 0], "[MASK]") == "[MASK] wouldn't hurt[MASK]"


@pytest.mark.parametrize(
    "text",
    [
        "a" + " " * 200_000 + "b",
        "a" + " \n" * 100_000 + "b",
        "!" * 200_000 + "b",
        "a." + '"' * 200_000 + "b",
        "。" * 100_000 + ")" * 100_000,
        "a.b" * 70_000,
    ],
    ids=["blanks", "lines", "marks", "quotes", "brackets", "points"],
)
def test_sentences_are_found_in_linear_time(text: str) -> None:
    began = time.process_time()
    find_sentences(text)
    assert time.process_time() - began < 2
