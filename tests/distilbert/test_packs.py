"""Packs: which texts share one, and which texts are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npbert.distilbert.packs import TokenSequence, check_tokens, packs_of, without_repeats


def texts_of(lengths: list[int]) -> list[TokenSequence]:
    """Make texts whose ids say which text and which token they are."""
    return [
        TokenSequence(1000 * number + np.arange(n), np.arange(n))
        for number, n in enumerate(lengths)
    ]


@given(st.lists(st.tuples(st.lists(st.integers(0, 2), min_size=1, max_size=3), st.integers(0, 1))))
def test_equal_texts_have_one_place(texts: list[tuple[list[int], int]]) -> None:
    """Texts are equal if they have the same ids at the same positions."""
    sequences = [
        TokenSequence(np.array(ids), np.arange(first, first + len(ids))) for ids, first in texts
    ]
    firsts, places = without_repeats(sequences)
    described = [(text.input_ids.tolist(), int(text.position_ids[0])) for text in firsts]
    assert described == [text for n, text in enumerate(texts) if text not in texts[:n]]
    assert [described[place] for place in places] == texts


@given(
    st.lists(st.integers(1, 60), max_size=40),
    st.integers(1, 100),
    st.one_of(st.none(), st.integers(1, 5)),
)
def test_packs_hold_every_token_once_and_in_order(
    lengths: list[int], max_tokens: int, max_texts: int | None
) -> None:
    texts = texts_of(lengths)
    packs = list(packs_of(texts, max_tokens, max_texts))
    seen = [
        (pack.input_ids[a:b].tolist(), pack.position_ids[a:b].tolist())
        for pack in packs
        for a, b in zip(pack.starts, pack.starts[1:], strict=False)
    ]
    assert seen == [(text.input_ids.tolist(), text.position_ids.tolist()) for text in texts]
    for pack in packs:
        n_texts = len(pack.starts) - 1
        assert n_texts == 1 or len(pack.input_ids) <= max_tokens
        assert max_texts is None or n_texts <= max_texts


def test_packs_end_at_the_boundary_nearest_to_a_fair_share() -> None:
    # 22 tokens need three packs of at most 10. The fair share of the first is 22 / 3 = 7.3
    # tokens, that of the second is (22 - 8) / 2 = 7, and the third has the rest.
    packs = list(packs_of(texts_of([4, 4, 4, 4, 1, 5]), max_tokens=10))
    assert [pack.starts.tolist() for pack in packs] == [[0, 4, 8], [0, 4, 8], [0, 1, 6]]
    # The limit comes before the fair share: 4 + 9 tokens would be too many for one pack.
    packs = list(packs_of(texts_of([4, 4, 4, 9, 1]), max_tokens=10))
    assert [pack.starts.tolist() for pack in packs] == [[0, 4, 8], [0, 4], [0, 9, 10]]
    # The fair share is 6, to which 4 is nearer than 9.
    packs = list(packs_of(texts_of([4, 5, 3]), max_tokens=10))
    assert [pack.starts.tolist() for pack in packs] == [[0, 4], [0, 5, 8]]
    # The fair share is 6. Of two boundaries that are as near, 4 and 8, the later one counts.
    packs = list(packs_of(texts_of([4, 4, 4]), max_tokens=10))
    assert [pack.starts.tolist() for pack in packs] == [[0, 4, 8], [0, 4]]


@pytest.mark.parametrize(
    ("n_texts", "n_threads", "sizes"),
    [
        (48, 1, [720, 720]),
        (48, 2, [720, 720]),
        (60, 3, [600, 600, 600]),
        (60, 4, [450, 450, 450, 450]),
        (60, 2, [450, 450, 450, 450]),  # not [750, 750, 300]
        (20, 2, [300, 300]),
        (15, 2, [450]),  # too little to be worth two threads
        (15, 1, [450]),
    ],
)
def test_every_thread_has_the_same_work(n_texts: int, n_threads: int, sizes: list[int]) -> None:
    packs = packs_of(texts_of([30] * n_texts), n_threads=n_threads)
    assert [len(pack.input_ids) for pack in packs] == sizes


def test_the_least_work_for_another_thread() -> None:
    def sizes(n_texts: int, **options: int) -> list[int]:
        packs = packs_of(texts_of([16] * n_texts), **options)
        return [len(pack.input_ids) for pack in packs]

    assert sizes(32, n_threads=2) == [256, 256]
    assert sizes(31, n_threads=2) == [496]
    assert sizes(32) == [512]


def test_the_first_and_the_last_id_and_position_are_right() -> None:
    text = TokenSequence(np.array([0, 9]), np.array([3, 4]))
    check_tokens(text, vocab_size=10, max_position_embeddings=5, where="")


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([], "input 7 has no token"),
        ([1, 2, 3, 4, 5, 6], "input 7 is 6 tokens long, expected at most 5"),
        ([1, -1], "token id -1 at position 1, expected 0 to 9"),
        ([0, -1], "token id -1 at position 1, expected 0 to 9"),
        ([3, 4, 10], "token id 10 at position 2, expected 0 to 9"),
    ],
)
def test_what_has_no_embedding_is_refused(ids: list[int], message: str) -> None:
    text = TokenSequence(np.array(ids, np.int64), np.arange(len(ids)))
    with pytest.raises(ValueError, match=message):
        check_tokens(text, vocab_size=10, max_position_embeddings=5, where="input 7")
