"""The operations and the forward pass: by hand first, then what must hold for any weights."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

import npbert
from npbert.distilbert.model import (
    Attention,
    LayerNorm,
    Linear,
    attend,
    classify_sequence,
    encode,
    heads_at_once,
    layer_norm,
    linear,
    select,
    select_all,
    select_first,
)
from npbert.distilbert.packs import TokenSequence, packs_of
from tests.support.oracles import make_model

Array = NDArray[np.float32]


def floats(values: object) -> Array:
    return np.array(values, np.float32)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> npbert.DistilBertForSequenceClassification:
    folder = make_model(tmp_path_factory.mktemp("model"), dim=48, n_heads=4, n_layers=3)
    return npbert.DistilBertForSequenceClassification.from_pretrained(folder)


def random_texts(lengths: list[int], seed: int = 0) -> list[TokenSequence]:
    rng = np.random.default_rng(seed)
    return [TokenSequence(rng.integers(0, 97, n), np.arange(n)) for n in lengths]


# ---------------------------------------------------------------------------------- by hand


def test_linear_by_hand() -> None:
    parameters = Linear(weight=floats([[1, 2], [3, 4], [5, 6]]), bias=floats([10, 20, 30]))
    y = linear(parameters, floats([[1, 0], [0, 1]]))
    np.testing.assert_array_equal(y, [[11, 12], [23, 24], [35, 36]])


def test_layer_norm_by_hand() -> None:
    # Column 0: mean 2, variance 1 -> -1, 1. Column 1: mean 5, variance 9 -> 1, -1.
    x = floats([[1, 8], [3, 2]])
    result = layer_norm(LayerNorm(weight=floats([2, 3]), bias=floats([10, 0])), x)
    np.testing.assert_allclose(result, [[8, 12], [3, -3]], rtol=1e-6)
    assert result is x


def test_layer_norm_sums_with_care() -> None:
    """One long sum of 768 terms would give an error of 4.6e-7."""
    x = np.random.default_rng(0).normal(1, 1, (768, 100)).astype(np.float32)
    wide = x.astype(np.float64)
    expected = (wide - wide.mean(axis=0)) / wide.std(axis=0)
    normed = layer_norm(LayerNorm(np.ones(768, np.float32), np.zeros(768, np.float32)), x)
    assert np.sqrt(np.mean((normed - expected) ** 2)) < 1.5e-7


def test_layer_norm_of_a_constant_column_is_its_bias() -> None:
    parameters = LayerNorm(weight=floats([1] * 32), bias=floats([0.5] * 32))
    np.testing.assert_array_equal(layer_norm(parameters, np.full((32, 3), 7, np.float32)), 0.5)


def test_layer_norm_of_columns_that_are_nearly_constant() -> None:
    """Their variance is as small as the epsilon, which then halves it: 1e-12 / (1e-12 + 1e-12)."""
    x = floats([[1e-6, 5e-7], [-1e-6, -5e-7]])
    normed = layer_norm(LayerNorm(floats([1, 1]), floats([0, 0])), x)
    expected = [[1 / math.sqrt(2), 0.2**0.5], [-1 / math.sqrt(2), -(0.2**0.5)]]
    np.testing.assert_allclose(normed, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("selected", "seq", "groups"),
    [
        (256, 256, [(0, 4), (4, 8)]),
        (512, 256, [(0, 2), (2, 4), (4, 6)]),
        (512, 512, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]),
        (512, 1024, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]),
        (0, 512, [(0, 262_144)]),
    ],
)
def test_the_scores_of_a_group_of_heads_fit_into_a_megabyte(
    selected: int, seq: int, groups: list[tuple[int, int]]
) -> None:
    query, key = (np.empty((5, 1, n), np.float32) for n in (selected, seq))
    assert [(some.start, some.stop) for some in heads_at_once(query, key)] == groups


def test_attention_by_hand() -> None:
    """One head of two dimensions, with identity projections, reads two texts in one pack."""
    identity = Linear(weight=np.eye(2, dtype=np.float32), bias=floats([0, 0]))
    doubled = Linear(weight=2 * np.eye(2, dtype=np.float32), bias=floats([0, 1]))
    parameters = Attention(1, q_lin=identity, k_lin=identity, v_lin=identity, out_lin=doubled)
    x = floats([[1, 0, 5], [0, 1, 5]])  # text 0: e1, e2; text 1: (5, 5)
    starts = np.array([0, 2, 3])
    # The token e1 looks at itself with the score 1/sqrt(2), and at e2 with the score 0.
    p = math.exp(1 / math.sqrt(2)) / (math.exp(1 / math.sqrt(2)) + 1)
    expected = [[2 * p, 2 * (1 - p), 10], [2 * (1 - p) + 1, 2 * p + 1, 11]]
    np.testing.assert_allclose(
        attend(parameters, x, starts, select_all(x, starts)), expected, rtol=1e-6
    )


def test_heads_look_at_their_own_dimensions() -> None:
    """Two heads of one dimension each are two attentions side by side."""
    rng = np.random.default_rng(0)
    identity = Linear(weight=np.eye(2, dtype=np.float32), bias=floats([0, 0]))
    single = Linear(weight=floats([[1]]), bias=floats([0]))
    x = floats(rng.normal(size=(2, 5)))
    starts = np.array([0, 5])
    both = attend(
        Attention(2, identity, identity, identity, identity), x, starts, select_all(x, starts)
    )
    for head in range(2):
        row = x[head : head + 1]
        one = attend(
            Attention(1, single, single, single, single), row, starts, select_all(row, starts)
        )
        np.testing.assert_allclose(both[head], one[0], rtol=1e-5)


# --------------------------------------------------------------- what holds for any weights


def test_float32_from_end_to_end(model: npbert.DistilBertForSequenceClassification) -> None:
    """A float64 anywhere in the forward pass would make the result float64."""
    (pack,) = packs_of(random_texts([4, 9]))
    for selector in (select_all, select_first):
        assert encode(model.encoder, pack, selector).dtype == np.float32
    cls = encode(model.encoder, pack, select_first)
    assert classify_sequence(model.head, cls).dtype == np.float32


def test_reading_only_cls_changes_no_number(
    model: npbert.DistilBertForSequenceClassification,
) -> None:
    (pack,) = packs_of(random_texts([4, 9, 1, 30]))
    everything = encode(model.encoder, pack, select_all)
    first = encode(model.encoder, pack, select_first)
    assert everything.shape == (48, 44)
    assert first.shape == (48, 4)
    np.testing.assert_allclose(first, everything[:, pack.starts[:-1]], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("chosen", [[0, 3, 4, 12, 13], [13], [5, 6], []])
def test_reading_some_tokens_changes_no_number(
    model: npbert.DistilBertForSequenceClassification, chosen: list[int]
) -> None:
    (pack,) = packs_of(random_texts([4, 9, 1, 30]))
    everything = encode(model.encoder, pack, select_all)
    some = encode(model.encoder, pack, select(np.array(chosen, np.int64)))
    np.testing.assert_allclose(some, everything[:, chosen], rtol=1e-5, atol=1e-5)


def test_texts_of_a_pack_do_not_see_each_other(
    model: npbert.DistilBertForSequenceClassification,
) -> None:
    texts = random_texts([4, 9, 6])
    changed = [texts[0], *random_texts([9], seed=1), texts[2]]
    before = model.forward_pack(next(packs_of(texts)))
    after = model.forward_pack(next(packs_of(changed)))
    np.testing.assert_array_equal(before[[0, 2]], after[[0, 2]])
    assert np.abs(before[1] - after[1]).max() > 1e-2


def test_the_place_of_a_token_counts(model: npbert.DistilBertForSequenceClassification) -> None:
    ids = np.array([5, 6, 7, 8])
    forwards = model(ids[None]).logits
    assert np.abs(forwards - model(ids[None, [0, 2, 1, 3]]).logits).max() > 1e-3


def test_the_same_call_twice_is_bitwise_equal(
    model: npbert.DistilBertForSequenceClassification,
) -> None:
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 97, (200, 40))
    np.testing.assert_array_equal(model(ids).logits, model(ids).logits)


def test_a_number_that_overflows_is_not_divided_away() -> None:
    """An infinite variance would turn a column into the bias, a finite and wrong answer."""
    ones = LayerNorm(np.ones(4, np.float32), np.zeros(4, np.float32))
    x = np.array([[1, 1e20], [2, 0], [3, 0], [4, 0]], np.float32)
    with np.errstate(over="ignore"):
        result = layer_norm(ones, x)
    assert np.isfinite(result[:, 0]).all()
    assert np.isnan(result[:, 1]).all()
