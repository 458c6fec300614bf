"""The padding of ids, compared with transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.tokenizers import FLAGS, TEXTS, Sides, load, make_tokenizer


@settings(max_examples=150, deadline=None)
@given(
    texts=st.lists(TEXTS, min_size=1, max_size=4),
    options=st.fixed_dictionaries(
        {},
        optional={
            "padding": st.sampled_from([True, False, "longest", "max_length"]),
            "max_length": st.sampled_from([40, 64]),
            "pad_to_multiple_of": st.sampled_from([1, 8]),
            "padding_side": st.sampled_from(["left", "right"]),
        },
    ),
    asked=st.fixed_dictionaries(
        {"return_token_type_ids": FLAGS},
        optional={"return_special_tokens_mask": FLAGS, "return_attention_mask": FLAGS},
    ),
    form=st.sampled_from(["batch", "rows", "one"]),
)
@pytest.mark.filterwarnings("ignore:`max_length` is ignored")
def test_pad(
    sides: Sides, texts: list[str], options: dict[str, Any], asked: dict[str, Any], form: str
) -> None:
    results = []
    for side in sides:
        encoded: Any = side(texts, truncation=True, **asked)
        if form == "rows":
            encoded = [{name: encoded[name][row] for name in encoded} for row in range(len(texts))]
        elif form == "one":
            encoded = side(texts[0], truncation=True, **asked)
        results.append(dict(side.pad(encoded, **options)))
    assert results[0] == results[1]


def test_pad_makes_arrays(sides: Sides) -> None:
    rows = [{"input_ids": [101, 102]}, {"input_ids": [101, 7592, 102]}]
    ours, theirs = (side.pad(rows, return_tensors="np") for side in sides)
    assert list(ours) == list(theirs)
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name])
    again = sides[0].pad(ours, pad_to_multiple_of=4)
    theirs_again = sides[1].pad(dict(theirs), pad_to_multiple_of=4)
    assert again["input_ids"].tolist() == theirs_again["input_ids"].tolist()
    assert again["input_ids"].tolist() == [[101, 102, 0, 0], [101, 7592, 102, 0]]
    with pytest.raises(ValueError, match="padded, so their texts are not known"):
        ours.tokens()


def test_columns_that_are_no_ids(sides: Sides) -> None:
    rows = [{"input_ids": [1], "labels": 0.5}, {"input_ids": [1, 2], "labels": 1.5}]
    for result in (side.pad(rows, return_tensors="np") for side in sides):
        assert result["labels"].tolist() == [0.5, 1.5]
        assert result["labels"].dtype.kind == "f"
        assert result["input_ids"].dtype == np.int64
    for one in (side.pad({"input_ids": [1, 2]}, return_tensors="np") for side in sides):
        assert one["input_ids"].shape == (2,)


def test_pad_with_another_first_name(tmp_path: Path) -> None:
    names = ["ids", "attention_mask"]
    rows = {"ids": [[101, 102], [101, 7592, 102]]}
    ours, theirs = (
        dict(side.pad(rows)) for side in load(make_tokenizer(tmp_path, model_input_names=names))
    )
    assert ours == theirs
    assert ours["ids"] == [[101, 102, 0], [101, 7592, 102]]
