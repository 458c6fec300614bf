"""Ids → texts, and the tokens that there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import tokenizers

from npbert.tokenization.files import SPECIAL_TOKENS, Settings

# As `clean_up_tokenization_spaces` does in transformers.
_SPACES: Final = (
    *((f" {mark}", mark) for mark in ".?!,"),
    (" ' ", "'"),
    *((f" {end}", end) for end in ("n't", "'m", "'s", "'ve", "'re")),
)


class Vocabulary:
    """The part of a tokenizer that needs no text: tokens, their ids, and decoding.

    Parameters
    ----------
    backend : tokenizers.Tokenizer
    settings : dict
        As from `read_tokenizer`.

    Attributes
    ----------
    unk_token, sep_token, pad_token, cls_token, mask_token, bos_token, eos_token : str or None
        Special tokens; for each there is its id, such as `pad_token_id`.
    """

    def __init__(self, backend: tokenizers.Tokenizer, settings: Settings) -> None:
        self._backend = backend
        self._settings = settings

    def decode(
        self,
        token_ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        spaces_between_special_tokens: bool = True,  # noqa: ARG002
    ) -> Any:
        """Text of one row of ids, or list of texts of several rows.

        Parameters
        ----------
        token_ids : int, list or array of int, or list or array of rows
        skip_special_tokens : bool
            Leave out `[CLS]`, `[PAD]` and the like.
        clean_up_tokenization_spaces : bool, optional
            Take out spaces before punctuation; by default what tokenizer_config.json says.
        spaces_between_special_tokens : ignored

        Returns
        -------
        str or list of str
        """
        ids = plain_ids(token_ids)
        if isinstance(ids, list) and ids and isinstance(ids[0], (list, tuple)):
            return [
                self.decode(row, skip_special_tokens, clean_up_tokenization_spaces) for row in ids
            ]
        ids = [ids] if isinstance(ids, int) else list(ids)
        check_ids(ids)
        text = str(self._backend.decode(ids, skip_special_tokens=skip_special_tokens))
        if clean_up_tokenization_spaces is None:
            clean_up_tokenization_spaces = self._settings.get("clean_up_tokenization_spaces")
        return _without_spaces(text) if clean_up_tokenization_spaces else text

    def batch_decode(self, sequences: Any, *arguments: Any, **options: Any) -> list[str]:
        """Texts of several rows of ids; see `decode`."""
        texts = self.decode(sequences, *arguments, **options)
        return [texts] if isinstance(texts, str) else texts

    def convert_tokens_to_ids(self, tokens: Any) -> Any:
        """Id of a token, or ids of several; unknown ones have that of `unk_token`."""
        if isinstance(tokens, str):
            number = self._backend.token_to_id(tokens)
            return self.unk_token_id if number is None else number
        return [self.convert_tokens_to_ids(token) for token in tokens]

    def convert_ids_to_tokens(self, ids: Any, skip_special_tokens: bool = False) -> Any:
        """Token of an id, or tokens of several; None for an id that there is not."""
        ids = plain_ids(ids)
        check_ids([ids] if isinstance(ids, int) else ids)
        if isinstance(ids, int):
            return self._backend.id_to_token(ids)
        skipped = set(self.all_special_ids) if skip_special_tokens else ()
        return [self._backend.id_to_token(number) for number in ids if number not in skipped]

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """Text of word pieces."""
        return str(self._backend.decoder.decode(tokens))

    def __len__(self) -> int:
        return int(self._backend.get_vocab_size(with_added_tokens=True))

    def __bool__(self) -> bool:
        return True

    @property
    def vocab_size(self) -> int:
        """Size of the vocabulary without tokens that were added to it."""
        return int(self._backend.get_vocab_size(with_added_tokens=False))

    def get_vocab(self) -> dict[str, int]:
        """Id of every token."""
        return dict(self._backend.get_vocab(with_added_tokens=True))

    def get_added_vocab(self) -> dict[str, int]:
        """Id of every token that was added, special ones among them."""
        added = self._backend.get_added_tokens_decoder().items()
        return {token.content: number for number, token in sorted(added)}

    @property
    def backend_tokenizer(self) -> tokenizers.Tokenizer:
        """The tokenizer of the `tokenizers` library; its settings change with every call."""
        return self._backend

    @property
    def vocab(self) -> dict[str, int]:
        """Id of every token."""
        return self.get_vocab()

    @property
    def special_tokens_map(self) -> dict[str, str]:
        """Special tokens by the name of their attribute."""
        return {name: self._settings[name] for name in SPECIAL_TOKENS if self._settings[name]}

    @property
    def all_special_tokens(self) -> list[str]:
        """Special tokens, each once."""
        extra = self._settings.get("extra_special_tokens") or []
        return list(dict.fromkeys([*self.special_tokens_map.values(), *map(str, extra)]))

    @property
    def all_special_ids(self) -> list[int]:
        """Ids of `all_special_tokens`."""
        return [self.convert_tokens_to_ids(token) for token in self.all_special_tokens]

    def get_special_tokens_mask(
        self, token_ids_0: list[int], already_has_special_tokens: bool = True
    ) -> list[int]:
        """1 for every special token among some ids, 0 for the others."""
        if not already_has_special_tokens:
            raise ValueError(
                "already_has_special_tokens is False, expected True; the mask of a text comes "
                "from tokenizer(text, return_special_tokens_mask=True)"
            )
        special = set(self.all_special_ids)
        return [int(number in special) for number in token_ids_0]

    @property
    def added_tokens_decoder(self) -> dict[int, tokenizers.AddedToken]:
        """Tokens that were added, special ones among them, by their ids."""
        return dict(sorted(self._backend.get_added_tokens_decoder().items()))

    def __getattr__(self, name: str) -> Any:
        """Special tokens and their ids: `cls_token`, `cls_token_id`."""
        token_name = name.removesuffix("_id")
        if token_name not in SPECIAL_TOKENS:
            raise AttributeError(f"'Tokenizer' object has no attribute {name!r}")
        token = self._settings[token_name]
        if token is None or name == token_name:
            return token
        return self._backend.token_to_id(token)

    def __setattr__(self, name: str, value: Any) -> None:
        """Another token of the vocabulary as a special one: ``pad_token = "[MASK]"``."""
        token_name = name.removesuffix("_id")
        if token_name not in SPECIAL_TOKENS:
            object.__setattr__(self, name, value)
            return
        is_id = name != token_name
        token = self._backend.id_to_token(value) if is_id and value is not None else value
        if value is not None and (token is None or self._backend.token_to_id(str(token)) is None):
            raise ValueError(f"{name} is {value!r}, expected a token that the vocabulary has")
        self._settings[token_name] = None if token is None else str(token)


def check_ids(ids: Any) -> None:
    """Raise ValueError if one of `ids` is no integer that could be a token."""
    for number in ids:
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 2**32:
            raise ValueError(f"{number!r} is no token id, expected an integer from 0")


def plain_ids(ids: Any) -> Any:
    """Ids as ints and lists."""
    if isinstance(ids, Mapping):
        ids = ids["input_ids"]
    if isinstance(ids, (np.ndarray, np.integer)):
        return ids.tolist()
    if isinstance(ids, (list, tuple)):
        return [plain_ids(item) for item in ids]
    return ids


def _without_spaces(text: str) -> str:
    """`text` without the spaces before punctuation and English endings."""
    for spaced, joined in _SPACES:
        text = text.replace(spaced, joined)
    return text
