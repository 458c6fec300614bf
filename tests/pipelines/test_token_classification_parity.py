"""Token classification beside the pipeline of transformers."""

from __future__ import annotations

import warnings
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from differential.chance import Chance
from differential.other_tokenizers import KINDS as OTHER_TOKENIZERS
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.pipelines.token_classification import AggregationStrategy

import npbert
from npbert.pipelines.token_classification import _Token, _without_overlaps
from tests.support.pipelines import (
    NER_LABELS,
    SENTENCES,
    Sides,
    assert_alike,
    make_folder_for,
    pipelines,
)
from tests.support.tokenizers import replace_vocabulary

NO_MARKS = (
    "the tokens of this tokenizer do not say whether they continue a word, so each that has no "
    "space before it does, even a comma; aggregation_strategy='simple' joins tokens, not words"
)
THEIR_NOTICE = "Tokenizer does not support real words, using fallback heuristic"
STRATEGIES = ("none", "simple", "first", "average", "max")


def test_spellings_of_strategies(ner: Sides, tmp_path: Path) -> None:
    ours, theirs = ner
    assert ours.task == "token-classification"
    for strategy in ("SIMPLE", "Max", None, *AggregationStrategy):
        assert_alike(*(side(SENTENCES, aggregation_strategy=strategy) for side in (ours, theirs)))
    folder = make_folder_for(tmp_path, "ForTokenClassification", NER_LABELS)
    made_with: dict[str, Any] = {"aggregation_strategy": "max", "ignore_labels": ["PER"]}
    chosen = pipelines("ner", folder, **made_with)
    nothing = dict.fromkeys(made_with)  # None leaves what the pipeline was made with
    assert_alike(*(side(SENTENCES, **nothing) for side in chosen))
    assert chosen.ours(SENTENCES, **nothing) == chosen.ours(SENTENCES) != ours(SENTENCES)
    late = npbert.pipeline("ner", folder, stride=5)
    with pytest.raises(ValueError, match="stride is given, but aggregation_strategy is 'none'"):
        late("a text")
    assert_alike(
        late(SENTENCES, aggregation_strategy="simple"),
        theirs(SENTENCES, aggregation_strategy="simple"),
    )


def test_labels_that_are_numbers(tmp_path: Path) -> None:
    labels: Any = list(range(7))
    folder = make_folder_for(tmp_path, "ForTokenClassification", labels)
    ours, theirs = pipelines("token-classification", folder)
    assert_alike(ours(SENTENCES), theirs(SENTENCES))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_is_outside_of_entities_is_left_out(tmp_path: Path, strategy: str) -> None:
    labels = ["B-X", "O", "I-X", "B-Y", "I-Y", "Z", "I-Z"]  # few of which the model finds
    folder = make_folder_for(tmp_path, "ForTokenClassification", labels)
    ours, theirs = pipelines("token-classification", folder, aggregation_strategy=strategy)
    found = ours(SENTENCES[0])
    assert_alike(found, theirs(SENTENCES[0]))
    assert 0 < len(found) < len(ours(SENTENCES[0], ignore_labels=[]))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_labels_with_many_hyphens(tmp_path: Path, strategy: str) -> None:
    labels = ["B-a-b", "I-x-y", "a-b", "B-", "I-", "-", "x-y"]  # the model finds two, x-y both
    folder = make_folder_for(tmp_path, "ForTokenClassification", labels)
    ours, theirs = pipelines("token-classification", folder, aggregation_strategy=strategy)
    assert_alike(ours(SENTENCES), theirs(SENTENCES))


def test_offsets_of_the_caller(ner: Sides) -> None:
    offsets = [(0, 0), (1, 2), (2, 5), (5, 6), (0, 0)]
    for pairs in (offsets, [offsets]):
        ours, theirs = (side("Maria lives.", offset_mapping=pairs) for side in ner)
        assert_alike(ours, theirs)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("strategy", list(AggregationStrategy)[1:])
def test_entities_of_any_labels(ner: Sides, data: st.DataObject, strategy: Any) -> None:
    """The scores are drawn too, since a random model finds few of its labels in texts."""
    of_label = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75]), min_size=7, max_size=7)
    words = st.sampled_from(["un", "##able", "film", ","])
    drawn = data.draw(st.lists(st.tuples(words, of_label, st.booleans()), max_size=8))
    tokens = [
        _Token(word, np.array(scores, np.float32), 5 * number, 5 * number + 4, number, is_subword)
        for number, (word, scores, is_subword) in enumerate(drawn)
    ]
    entities = ner.ours._entities(tokens, strategy.value)
    assert_alike(entities, ner.theirs.aggregate([asdict(token) for token in tokens], strategy))


ENTITIES = st.builds(
    lambda start, length, score, word: {
        "entity_group": "PER",
        "score": score,
        "word": word,
        "start": start,
        "end": start + length,
    },
    st.integers(0, 6),
    st.integers(1, 3),
    st.sampled_from([0.5, 0.75]),
    st.sampled_from("ab"),
)


@settings(max_examples=300, deadline=None)
@given(entities=st.lists(ENTITIES, max_size=8))
def test_which_of_the_entities_that_overlap_is_kept(ner: Sides, entities: list[Any]) -> None:
    expected = ner.theirs.aggregate_overlapping_entities(entities)
    assert list(_without_overlaps(entities)) == expected


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("ignored", [None, [], ["PER", "I-PER"]])
def test_entities(ner: Sides, strategy: str, ignored: list[str] | None) -> None:
    ours, theirs = ner
    options: dict[str, Any] = {"aggregation_strategy": strategy}
    if ignored is not None:
        options["ignore_labels"] = ignored
    for inputs in (SENTENCES, SENTENCES[0], SENTENCES[:1]):
        assert_alike(ours(inputs, **options), theirs(inputs, **options))
    words = [text.split() for text in SENTENCES[:3]]
    options["is_split_into_words"] = True
    for split in (words, words[0]):
        assert_alike(ours(split, **options), theirs(split, **options))
    options["delimiter"] = "--"
    assert_alike(ours(words, **options), theirs(words, **options))


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=60), strategy=st.sampled_from(STRATEGIES))
def test_entities_of_any_text(ner: Sides, text: str, strategy: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        return
    ours, theirs = ner
    result = ours(text, aggregation_strategy=strategy)
    assert_alike(result, theirs(text, aggregation_strategy=strategy))


@pytest.mark.parametrize("stride", [0, 2, 5])
@pytest.mark.parametrize("strategy", STRATEGIES[1:])
def test_entities_of_long_texts(tmp_path: Path, stride: int, strategy: str) -> None:
    folder = make_folder_for(tmp_path, "ForTokenClassification", NER_LABELS, model_max_length=16)
    ours, theirs = pipelines("ner", folder)
    options = {"aggregation_strategy": strategy, "stride": stride}
    for text in (" ".join(SENTENCES) * 3, f"{SENTENCES[0]} in two parts", "short"):
        assert_alike(ours(text, **options), theirs(text, **options))
    with pytest.raises(ValueError, match=r"expected at most 16; pass stride=.* or long_text="):
        ours(" ".join(SENTENCES))
    with pytest.warns(UserWarning, match="1 of 1 text had more than 16 tokens"):
        cut = ours(" ".join(SENTENCES), long_text="truncate", aggregation_strategy=strategy)
    assert_alike(cut, theirs(" ".join(SENTENCES), aggregation_strategy=strategy))


def test_entities_of_parts_that_are_padded_on_the_left(tmp_path: Path) -> None:
    """The last part of a long text has other positions then, because it is shorter."""
    settings: dict[str, Any] = {"model_max_length": 16, "padding_side": "left"}
    folder = make_folder_for(tmp_path, "ForTokenClassification", NER_LABELS, **settings)
    ours, theirs = pipelines("ner", folder, aggregation_strategy="simple", ignore_labels=[])
    for text in (" ".join(SENTENCES), "short"):
        assert_alike(ours(text, stride=3), theirs(text, stride=3))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_added_tokens(tmp_path: Path, strategy: str) -> None:
    """In the text, they can have blanks around them and letters that the vocabulary lacks."""
    added = {
        "100": {"content": "[UNK]", "special": True},
        "101": {"content": "[CLS]", "special": True},
        "102": {"content": "[SEP]", "special": True},
        "0": {"content": "[PAD]", "special": True},
        "103": {"content": "[MASK]", "special": True},
        "1": {"content": "[unused0]", "lstrip": True, "rstrip": True, "normalized": False},
        "2": {"content": "[unused1]", "normalized": True},
    }
    folder = make_folder_for(
        tmp_path, "ForTokenClassification", NER_LABELS, added_tokens_decoder=added
    )
    ours, theirs = pipelines("ner", folder, aggregation_strategy=strategy, ignore_labels=[])
    text = "one  [unused0]  two [UNUSED1] three"
    assert_alike(ours(text), theirs(text))
    assert "[unused0]" in [entity["word"] for entity in ours(text, aggregation_strategy="none")]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", OTHER_TOKENIZERS)
def test_other_tokenizers(tmp_path: Path, kind: str, seed: int) -> None:
    """If their tokens have no marks, these are joined to words by their places in the text."""
    settings: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]"}
    folder = make_folder_for(tmp_path, "ForTokenClassification", NER_LABELS, **settings)
    words = ["Hug", "New", "York", "un", "able", "lives", "S", "ã", *"aefglmnorst'.,?"]
    made = OTHER_TOKENIZERS[kind](Chance(seed), words)
    replace_vocabulary(folder, made)
    has_marks = bool(getattr(made.model, "continuing_subword_prefix", None))
    sides = pipelines("ner", folder, ignore_labels=[])
    split = [text.split() for text in SENTENCES[:3]]
    for strategy in STRATEGIES:
        warns = strategy in ("first", "average", "max") and not has_marks
        found: list[Any] = []
        for side, message in zip(sides, (NO_MARKS, THEIR_NOTICE), strict=True):
            side = partial(side, aggregation_strategy=strategy)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                found.append([side(SENTENCES[:3]), side(split, is_split_into_words=True)])
            assert {str(one.message) for one in caught} == ({message} if warns else set())
        assert_alike(*found)
