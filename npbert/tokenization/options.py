"""The options of a tokenizer, when it is loaded and when it is called."""

from __future__ import annotations

from typing import Final, Literal, TypedDict

from tokenizers import AddedToken

from npbert.arguments import PortedOptions, look_up_choice
from npbert.checkpoints.sources import HubOptions

Side = Literal["right", "left"]
Token = str | AddedToken
PaddingChoice = bool | Literal["longest", "max_length", "do_not_pad"]
TruncationChoice = (
    bool | Literal["longest_first", "only_first", "only_second", "do_not_truncate"] | None
)
_SIDES: Final[dict[str, Side]] = {"right": "right", "left": "left"}


class TokenizerSettings(TypedDict, total=False):
    """Settings that may be given when a tokenizer is loaded, in place of those in its files.

    Attributes
    ----------
    model_max_length : int
        The most tokens that the model can read.
    padding_side, truncation_side : "right" or "left"
        The side on which rows are padded, and on which long texts are cut.
    do_lower_case : bool
        Whether all text is in lower case for the model.
    strip_accents : bool or None
        Whether accents are removed. None means: if `do_lower_case` is true.
    tokenize_chinese_chars : bool
        Whether each Chinese character is a word.
    clean_up_tokenization_spaces : bool or None
        Whether `Tokenizer.decode` removes the spaces before punctuation.
    split_special_tokens : bool
        Whether special tokens that are written in a text are read as ordinary text.
    model_input_names : list of str
        The columns of a call's result; of these, `attention_mask` alone can be left out.
    extra_special_tokens, additional_special_tokens : list of tokens, dict or None
        Further special tokens. In a dict, they are the values, and their names are attributes of
        the tokenizer. The second name is that of release 4 of transformers.
    bos_token, eos_token, unk_token, sep_token, pad_token, cls_token, mask_token : token or None
        The special tokens. None means that the tokenizer has no token of this kind. A token is a
        str, or a `tokenizers.AddedToken`, which has flags too.
    rebuild : bool
        Whether to take only the vocabulary and the added tokens from tokenizer.json, and to make
        all other parts by the rules of BERT, as release 5 of transformers does. By default the
        file decides everything, as in release 4.
    """

    model_max_length: int
    padding_side: Side
    truncation_side: Side
    do_lower_case: bool
    strip_accents: bool | None
    tokenize_chinese_chars: bool
    clean_up_tokenization_spaces: bool | None
    split_special_tokens: bool
    model_input_names: list[str]
    extra_special_tokens: list[Token] | dict[str, Token] | None
    additional_special_tokens: list[Token] | None
    bos_token: Token | None
    eos_token: Token | None
    unk_token: Token | None
    sep_token: Token | None
    pad_token: Token | None
    cls_token: Token | None
    mask_token: Token | None
    rebuild: bool


SETTING_NAMES: Final = tuple(TokenizerSettings.__annotations__)


class TokenizerOptions(HubOptions, PortedOptions, TokenizerSettings, total=False):
    """What `Tokenizer.from_pretrained` takes beside the model's name.

    Attributes
    ----------
    config, verbose : ignored
        Ported code may give them. The tokenizer needs nothing of the model's config.
    """

    config: object
    verbose: bool


class TokenizerCallOptions(TypedDict, total=False):
    """The options of a tokenizer's call that do not change the type of its result.

    `Tokenizer` describes them.
    """

    padding: PaddingChoice
    truncation: TruncationChoice
    max_length: int | None
    stride: int
    pad_to_multiple_of: int | None
    padding_side: Side | None
    return_token_type_ids: bool | None
    return_attention_mask: bool | None
    return_special_tokens_mask: bool
    return_offsets_mapping: bool
    return_length: bool
    split_special_tokens: bool | None
    verbose: bool


def read_side(name: str, value: object) -> Side:
    """Return `value` if it is a side; otherwise raise a ValueError that names the argument."""
    return look_up_choice(name, value, _SIDES)
