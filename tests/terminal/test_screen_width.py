"""The columns that texts take on a terminal, and texts that are cut to them."""

from __future__ import annotations

import pytest

from npbert.terminal.screen_width import cut, pad, printable, width_of, wrap

# Each of these is one cluster.
CLUSTERS = [
    ("a", 1),
    ("é", 1),
    ("e\u0301", 1),
    ("e\u0301\u0323\u20dd", 1),
    ("日", 2),
    ("ｱ", 1),
    ("Ａ", 2),
    ("か\u3099", 2),
    ("한", 2),
    ("\u1112\u1161\u11ab", 2),  # the same syllable in three characters
    ("ש\u05b8", 1),
    ("ส\u0e31", 1),
    ("न\u093f", 2),  # a vowel that stands beside its consonant
    ("क\u094d\u200dष", 2),
    ("…", 1),
    ("█", 1),
    ("😀", 2),
    ("❤", 1),
    ("❤\ufe0f", 2),
    ("1\ufe0f\u20e3", 2),
    ("👍🏽", 2),
    ("👩‍👩‍👧‍👦", 2),
    ("👩🏽‍⚕️", 2),
    ("🏴‍☠️", 2),
    ("🙂‍↔️", 2),
    ("🇩🇪", 2),
]
IDS = [ascii(cluster)[1:-1] for cluster, _ in CLUSTERS]


@pytest.mark.parametrize(("cluster", "width"), CLUSTERS, ids=IDS)
def test_the_width_of_a_cluster(cluster: str, width: int) -> None:
    assert "".join(printable(cluster)) == cluster
    assert width_of(cluster) == width
    assert width_of(f"x{cluster * 3}y") == 2 + 3 * width
    assert pad(cluster, 4) == cluster + " " * (4 - width)


@pytest.mark.parametrize(("cluster", "width"), CLUSTERS, ids=IDS)
def test_a_cluster_is_never_divided(cluster: str, width: int) -> None:
    text = cluster * 4
    for room in range(1, 4 * width):
        shown = cut(text, room)
        assert width_of(shown) <= room
        assert shown == cluster * ((room - 1) // width) + "…"
    assert cut(text, 4 * width) == text


def test_two_flags_are_two_clusters() -> None:
    assert width_of("🇩🇪🇫🇷") == 4
    assert cut("🇩🇪🇫🇷", 3) == "🇩🇪…"


def test_no_more_is_read_than_fits() -> None:
    characters = iter("日" * 1000)
    assert cut(characters, 5) == "日日…"
    assert len(list(characters)) == 1000 - 4


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc\u2028d\x1b[2Je\x9b", "a b c d [2Je "),
        ("no\u00a0break \ud83d half", "no break   half"),
        ("\ufeffto\u00adday\u200b \u202eright\u2066", "today right"),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_what_a_terminal_cannot_show(text: str, shown: str) -> None:
    assert "".join(printable(text)) == shown


MARK = "\u0301"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a" + MARK * 30 + "b", "a" + MARK * 30 + "b"),
        ("a" + MARK * 100_000 + "b", "a" + MARK * 30 + "b"),
        ("a" + (MARK * 30 + "\u202e\ufeff") * 1000 + "b", "a" + MARK * 30 + "b"),
        ("a" + "\u200d\u0338\u20dd" * 1000, "a" + "\u200d\u0338\u20dd" * 10),
        ((MARK * 31 + "b") * 2, (MARK * 30 + "b") * 2),
    ],
)
def test_a_letter_has_at_most_thirty_marks(text: str, shown: str) -> None:
    assert "".join(printable(text)) == shown


@pytest.mark.parametrize("parts", ["👩\u200d", "👍🏽🏽🏽", "a\u093f"], ids=ascii)
def test_an_endless_cluster_is_cut(parts: str) -> None:
    assert len(cut(printable(parts * 50_000), 10)) < 500


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["one", "two", "three"], ["one two", "three"]),
        (["東京", "空", "x"], ["東京 空", "x"]),
        (["longer than", "a", "b"], ["longer than", "a b"]),
        ([], []),
    ],
)
def test_words_are_wrapped(words: list[str], lines: list[str]) -> None:
    assert [*wrap(words, 7)] == lines
