"""Ids → texts, and the tokens of the vocabulary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, overload

import numpy as np
import tokenizers
from numpy.typing import NDArray
from tokenizers.models import BPE

from npbert.tokenization.inputs import Several, as_plain_ids, require_ids
from npbert.tokenization.schema import SPECIAL_TOKENS
from npbert.tokenization.settings import Settings

# What `clean_up_tokenization_spaces` replaces, as in transformers.
_SPACES: Final = (
    *((f" {mark}", mark) for mark in ".?!,"),
    (" ' ", "'"),
    *((f" {end}", end) for end in ("n't", "'m", "'s", "'ve", "'re")),
)

_CLEANS_BPE: Final = "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output"

# Stands beside a type whose values may be None, but hardly ever are, so that a caller need not ask.
# Typeshed does the same.
MaybeNone: TypeAlias = Any
Integer = int | np.integer[Any]
Integers = NDArray[np.integer[Any]]


class SpecialToken:
    """An attribute such as `pad_token`: a str, or None if the tokenizer has no such token."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, vocabulary: None, owner: type) -> Self: ...
    @overload
    def __get__(self, vocabulary: Vocabulary, owner: type) -> str | None: ...
    def __get__(self, vocabulary: Vocabulary | None, owner: type) -> Self | str | None:
        if vocabulary is None:
            return self
        token: str | None = vocabulary._settings[self._name]
        return token

    def __set__(self, vocabulary: Vocabulary, token: str | None) -> None:
        if token is not None and vocabulary._backend.token_to_id(str(token)) is None:
            raise _not_in_vocabulary(self._name, token)
        vocabulary._settings[self._name] = None if token is None else str(token)


class SpecialTokenId:
    """An attribute such as `pad_token_id`: an int, or None if the tokenizer has no such token."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name
        self._token_name = name.removesuffix("_id")

    @overload
    def __get__(self, vocabulary: None, owner: type) -> Self: ...
    @overload
    def __get__(self, vocabulary: Vocabulary, owner: type) -> int | None: ...
    def __get__(self, vocabulary: Vocabulary | None, owner: type) -> Self | int | None:
        if vocabulary is None:
            return self
        token = vocabulary._settings[self._token_name]
        return None if token is None else vocabulary._backend.token_to_id(token)

    def __set__(self, vocabulary: Vocabulary, number: int | None) -> None:
        token = None if number is None else vocabulary._backend.id_to_token(number)
        if token is None and number is not None:
            raise _not_in_vocabulary(self._name, number)
        vocabulary._settings[self._token_name] = token


def _not_in_vocabulary(name: str, value: object) -> ValueError:
    return ValueError(f"{name} is {value!r}, expected a token that the vocabulary has")


class Vocabulary:
    """The part of a tokenizer that needs no text: tokens, their ids, and decoding.

    Parameters
    ----------
    backend : tokenizers.Tokenizer
        The tokenizer of the `tokenizers` library.
    settings : dict
        As from `read_tokenizer`.

    Attributes
    ----------
    unk_token, sep_token, pad_token, cls_token, mask_token, bos_token, eos_token : str or None
        The special tokens. Each has an id too, such as `pad_token_id`. Another token of the
        vocabulary takes the place when it is assigned: ``tokenizer.pad_token = "[MASK]"``.
    """

    bos_token = SpecialToken()
    eos_token = SpecialToken()
    unk_token = SpecialToken()
    sep_token = SpecialToken()
    pad_token = SpecialToken()
    cls_token = SpecialToken()
    mask_token = SpecialToken()
    bos_token_id = SpecialTokenId()
    eos_token_id = SpecialTokenId()
    unk_token_id = SpecialTokenId()
    sep_token_id = SpecialTokenId()
    pad_token_id = SpecialTokenId()
    cls_token_id = SpecialTokenId()
    mask_token_id = SpecialTokenId()

    def __init__(self, backend: tokenizers.Tokenizer, settings: Settings) -> None:
        self._backend = backend
        self._settings = settings

    # Type checkers do not see this method. Otherwise every misspelt attribute would have a type.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> str | int | None:
            """Return a special token that the files name, such as `image_token`, or its id."""
            # While an unpickled or copied tokenizer has no attributes yet, there are no settings.
            tokens = self.__dict__.get("_settings", {}).get("model_specific_special_tokens", {})
            token_name = name.removesuffix("_id")
            if token_name not in tokens:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            token = str(tokens[token_name])
            return token if name == token_name else self._backend.token_to_id(token)

    @overload
    def decode(
        self,
        token_ids: Integer | Sequence[Integer],
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        spaces_between_special_tokens: bool = True,
    ) -> str: ...
    @overload
    def decode(
        self,
        token_ids: Sequence[Sequence[Integer]] | Sequence[Integers],
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        spaces_between_special_tokens: bool = True,
    ) -> list[str]: ...
    @overload  # The number of an array's axes is not part of its type.
    def decode(
        self,
        token_ids: Integers | Mapping[str, object],
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        spaces_between_special_tokens: bool = True,
    ) -> str | list[str]: ...
    def decode(
        self,
        token_ids: object,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        spaces_between_special_tokens: bool = True,  # noqa: ARG002
    ) -> str | list[str]:
        """Return the text of one row of ids, or a list of the texts of several rows.

        Parameters
        ----------
        token_ids : int, list or array of int, list or array of rows, or BatchEncoding
            The ids. Of a BatchEncoding these are its `input_ids`.
        skip_special_tokens : bool
            Whether to leave out `[CLS]`, `[PAD]` and the other special tokens.
        clean_up_tokenization_spaces : bool, optional
            Whether to remove the spaces before punctuation. By default, tokenizer_config.json
            decides. As in transformers, the spaces of a BPE tokenizer stay, since they are those
            of the text.
        spaces_between_special_tokens : bool
            Ignored; ported code may give it.

        Returns
        -------
        str or list of str
        """
        ids = as_plain_ids(token_ids)
        if isinstance(ids, list) and ids and isinstance(ids[0], (list, tuple)):
            return [
                self.decode(row, skip_special_tokens, clean_up_tokenization_spaces) for row in ids
            ]
        ids = [ids] if isinstance(ids, int) else list(ids)
        require_ids(ids)
        text = str(self._backend.decode(ids, skip_special_tokens=skip_special_tokens))
        if clean_up_tokenization_spaces is None:
            clean_up_tokenization_spaces = self._settings.get("clean_up_tokenization_spaces")
        if not clean_up_tokenization_spaces or self._spaces_stay():
            return text
        return _remove_spaces(text)

    def _spaces_stay(self) -> bool:
        return isinstance(self._backend.model, BPE) and not self._settings.get(_CLEANS_BPE)

    def batch_decode(
        self,
        sequences: Integer | Sequence[object] | Integers | Mapping[str, object],
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        spaces_between_special_tokens: bool = True,  # noqa: ARG002
    ) -> list[str]:
        """Return the texts of several rows of ids.

        Parameters
        ----------
        sequences : list or array of rows, or BatchEncoding
            One row alone gives a list of one text, and an empty list an empty list.
        skip_special_tokens, clean_up_tokenization_spaces, spaces_between_special_tokens
            As in `Vocabulary.decode`.

        Returns
        -------
        list of str
        """
        ids: Any = as_plain_ids(sequences)
        if ids == []:
            return []  # and not the text of one row without ids, as transformers 5.23 has it
        texts: str | list[str] = self.decode(ids, skip_special_tokens, clean_up_tokenization_spaces)
        return [texts] if isinstance(texts, str) else texts

    @overload
    def convert_tokens_to_ids(self, tokens: str) -> int | None: ...
    @overload
    def convert_tokens_to_ids(self, tokens: Several[str]) -> list[int | MaybeNone]: ...
    def convert_tokens_to_ids(
        self, tokens: str | Several[str]
    ) -> int | list[int | MaybeNone] | None:
        """Return the id of a token, or the ids of several.

        An unknown token has the id of `unk_token`. This is None if the tokenizer has no such token.
        """
        if isinstance(tokens, str):
            number = self._backend.token_to_id(tokens)
            return self.unk_token_id if number is None else number
        return [self.convert_tokens_to_ids(token) for token in tokens]

    @overload
    def convert_ids_to_tokens(
        self, ids: Integer, skip_special_tokens: bool = False
    ) -> str | None: ...
    @overload
    def convert_ids_to_tokens(
        self, ids: Sequence[Integer] | Integers, skip_special_tokens: bool = False
    ) -> list[str | MaybeNone]: ...
    def convert_ids_to_tokens(
        self, ids: Integer | Sequence[Integer] | Integers, skip_special_tokens: bool = False
    ) -> str | list[str | MaybeNone] | None:
        """Return the token of an id, or the tokens of several.

        An id that no token has gives None.
        """
        numbers = as_plain_ids(ids)
        require_ids([numbers] if isinstance(numbers, int) else numbers)
        if isinstance(numbers, int):
            return self._backend.id_to_token(numbers)
        skipped = set(self.all_special_ids) if skip_special_tokens else ()
        return [self._backend.id_to_token(number) for number in numbers if number not in skipped]

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """Return the text of word pieces."""
        decoder = self._backend.decoder
        return " ".join(tokens) if decoder is None else str(decoder.decode(tokens))

    def __len__(self) -> int:
        return int(self._backend.get_vocab_size(with_added_tokens=True))

    def __bool__(self) -> bool:
        return True

    @property
    def vocab_size(self) -> int:
        """The number of tokens in the vocabulary, without those that were added to it."""
        return int(self._backend.get_vocab_size(with_added_tokens=False))

    def get_vocab(self) -> dict[str, int]:
        """Return the id of every token."""
        return dict(self._backend.get_vocab(with_added_tokens=True))

    def get_added_vocab(self) -> dict[str, int]:
        """Return the id of every token that was added, special tokens included."""
        added = self._backend.get_added_tokens_decoder().items()
        return {token.content: number for number, token in sorted(added)}

    @property
    def backend_tokenizer(self) -> tokenizers.Tokenizer:
        """The tokenizer of the `tokenizers` library; its settings change with every call."""
        return self._backend

    @property
    def vocab(self) -> dict[str, int]:
        """The id of every token."""
        return self.get_vocab()

    @property
    def special_tokens_map(self) -> dict[str, str]:
        """The special tokens, by the names of their attributes."""
        names = (*SPECIAL_TOKENS, *self._settings["model_specific_special_tokens"])
        tokens = {name: getattr(self, name) for name in names}
        return {name: token for name, token in tokens.items() if token is not None}

    @property
    def extra_special_tokens(self) -> list[str]:
        """The special tokens that are not an attribute. Tokens of the vocabulary can be set."""
        return list(self._settings["extra_special_tokens"])

    @extra_special_tokens.setter
    def extra_special_tokens(self, tokens: Sequence[str | tokenizers.AddedToken] | None) -> None:
        texts = [getattr(token, "content", token) for token in tokens or ()]
        for text in texts:
            if not isinstance(text, str) or self._backend.token_to_id(text) is None:
                raise _not_in_vocabulary("extra_special_tokens", text)
        self._settings["extra_special_tokens"] = texts

    @property
    def extra_special_tokens_ids(self) -> list[int]:
        """The ids of `extra_special_tokens`, which can be set, too."""
        return self.convert_tokens_to_ids(self.extra_special_tokens)

    @extra_special_tokens_ids.setter
    def extra_special_tokens_ids(self, numbers: Sequence[int] | None) -> None:
        tokens = [self._backend.id_to_token(number) for number in numbers or ()]
        if None in tokens:
            raise _not_in_vocabulary("extra_special_tokens_ids", numbers)
        self.extra_special_tokens = [str(token) for token in tokens]

    @property
    def all_special_tokens(self) -> list[str]:
        """The special tokens, each of them once."""
        return list(dict.fromkeys([*self.special_tokens_map.values(), *self.extra_special_tokens]))

    @property
    def all_special_ids(self) -> list[int]:
        """The ids of `all_special_tokens`."""
        return self.convert_tokens_to_ids(self.all_special_tokens)

    def get_special_tokens_mask(
        self, token_ids_0: list[int], already_has_special_tokens: bool = True
    ) -> list[int]:
        """Return 1 for every id of a special token and 0 for every other id.

        Parameters
        ----------
        token_ids_0 : list of int
            The ids of one row.
        already_has_special_tokens : bool
            It must be True: the ids must have their special tokens.

        Returns
        -------
        list of int
        """
        if not already_has_special_tokens:
            raise ValueError(
                "already_has_special_tokens is False, expected True; the mask of a text comes "
                "from tokenizer(text, return_special_tokens_mask=True)"
            )
        special = set(self.all_special_ids)
        return [int(number in special) for number in token_ids_0]

    @property
    def added_tokens_decoder(self) -> dict[int, tokenizers.AddedToken]:
        """The tokens that were added, special tokens included, by their ids."""
        return dict(sorted(self._backend.get_added_tokens_decoder().items()))


def _remove_spaces(text: str) -> str:
    """Return the text without the spaces before punctuation and English endings."""
    for spaced, joined in _SPACES:
        text = text.replace(spaced, joined)
    return text
