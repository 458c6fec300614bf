"""The names of options are the same, wherever they stand."""

from __future__ import annotations

import inspect

from npbert.tokenization.options import SETTING_NAMES, TokenizerCallOptions
from npbert.tokenization.schema import SPECIAL_TOKENS
from npbert.tokenization.tokenizer import Tokenizer
from npbert.tokenization.vocabulary import SpecialToken, SpecialTokenId, Vocabulary

# The overloads of the call name these, because most of them decide the type of its result.
IN_OVERLOADS = {
    *("self", "text", "text_pair", "add_special_tokens", "return_tensors"),
    *("is_split_into_words", "return_overflowing_tokens"),
}


def test_options_of_a_call() -> None:
    """The call takes the options of its type, and `verbose`, which changes nothing."""
    names = set(inspect.signature(Tokenizer.__call__).parameters) - {"others"}
    assert names | {"verbose"} == IN_OVERLOADS | set(TokenizerCallOptions.__annotations__)
    assert not IN_OVERLOADS & set(TokenizerCallOptions.__annotations__)


def test_special_tokens() -> None:
    """Each one may be given when a tokenizer is loaded, and is an attribute, as is its id."""
    attributes = vars(Vocabulary).items()
    assert set(SPECIAL_TOKENS) <= set(SETTING_NAMES)
    assert [name for name, value in attributes if isinstance(value, SpecialToken)] == [
        *SPECIAL_TOKENS
    ]
    assert [name for name, value in attributes if isinstance(value, SpecialTokenId)] == [
        f"{name}_id" for name in SPECIAL_TOKENS
    ]
