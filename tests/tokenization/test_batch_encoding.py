"""What an encoding says about a column that it does not have."""

from __future__ import annotations

import pytest

from npbert.tokenization.tokenizer import Tokenizer


def test_a_missing_field_says_what_there_is(ours: Tokenizer) -> None:
    with pytest.raises(AttributeError, match="there is: input_ids, attention_mask"):
        _ = ours("a").token_type_ids
