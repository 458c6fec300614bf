"""The way from tokens to characters and back, and copies, compared with transformers."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.tokenizers import TEXTS, Sides


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=3))
def test_the_way_to_characters_and_back(sides: Sides, texts: list[tuple[str, str]]) -> None:
    ours, theirs = (side(texts, padding=True) for side in sides)
    assert ours.n_sequences == theirs.n_sequences
    for row in range(len(texts)):
        assert ours.tokens(row) == theirs.tokens(row)
        assert ours.word_ids(row) == theirs.word_ids(row)
        assert ours.sequence_ids(row) == theirs.sequence_ids(row)
        assert ours[row].ids == theirs[row].ids
        for place in range(len(ours.tokens(row))):
            for method in ("token_to_sequence", "token_to_word", "token_to_chars"):
                result = getattr(ours, method)(row, place)
                assert result == getattr(theirs, method)(row, place)
                if row == 0:
                    assert result == getattr(ours, method)(place)
                    from_end = place - len(ours.tokens(row))
                    assert result == getattr(ours, method)(row, from_end)
        for sequence in (0, 1):
            for place in range(len(texts[row][sequence])):
                for method in ("char_to_token", "char_to_word"):
                    result = getattr(ours, method)(row, place, sequence)
                    assert result == getattr(theirs, method)(row, place, sequence)
            for word in {*ours.word_ids(row)} - {None}:
                result = ours.word_to_tokens(row, word, sequence)
                assert result == theirs.word_to_tokens(row, word, sequence)
                if result is not None:
                    span = ours.word_to_chars(row, word, sequence)
                    assert span == theirs.word_to_chars(row, word, sequence)
                    assert (span.start, span.end) == span


def test_an_encoding_is_changed_and_copied(sides: Sides) -> None:
    for side in sides:
        encoding = side(["one", "two"])
        encoding.data["labels"] = [0, 1]
        assert encoding.labels == [0, 1]
        twin = encoding.copy()
        assert twin.tokens(1) == encoding.tokens(1)
        twin["labels"] = [4, 5]
        assert encoding["labels"] == [0, 1]
        merged = encoding | {"labels": [2, 3]}
        assert (merged.labels, encoding.labels) == ([2, 3], [0, 1])
        assert merged.input_ids == encoding.input_ids
