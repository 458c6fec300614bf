"""The special tokens and the added tokens, from all the places where releases have kept them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import tokenizers
from tokenizers import AddedToken

from npbert.messages import shown
from npbert.tokenization import schema
from npbert.tokenization.schema import (
    SPECIAL_TOKENS,
    TOKEN_FLAGS,
    check_token_text,
    read_checked,
    read_token_id,
)
from npbert.tokenization.settings import SETTINGS_FILE, Settings

SPECIAL_TOKENS_FILE: Final = "special_tokens_map.json"
ADDED_TOKENS_FILE: Final = "added_tokens.json"


class SpecialTokens(NamedTuple):
    """The tokens that the files of a tokenizer name beside its vocabulary.

    Attributes
    ----------
    numbered : dict of int to AddedToken
        The tokens to which the files give an id.
    source : Path
        The file that gives these ids.
    named : dict of str to AddedToken
        The special tokens by the names of their attributes, such as `pad_token`.
    extra : list of AddedToken
        The special tokens that have no such name.
    """

    numbered: dict[int, AddedToken]
    source: Path
    named: dict[str, AddedToken]
    extra: list[AddedToken]

    def left_out(self, backend: tokenizers.Tokenizer) -> dict[int, AddedToken]:
        """Return the added tokens of tokenizer.json that transformers 5 would not take over.

        If tokenizer_config.json lists the added tokens, transformers 5 knows no others.
        """
        if self.source.name != SETTINGS_FILE:
            return {}
        listed = [*self.numbered.values(), *self.named.values(), *self.extra]
        texts = {token.content for token in listed}
        of_file = backend.get_added_tokens_decoder().items()
        return {number: token for number, token in of_file if token.content not in texts}

    def add_to(self, backend: tokenizers.Tokenizer) -> None:
        """Make all of these tokens known to a backend; see the two methods that follow."""
        self.add_numbered_to(backend)
        self.add_named_to(backend)

    def add_numbered_to(self, backend: tokenizers.Tokenizer) -> None:
        """Make the numbered tokens known; a backend that knows a token takes its flags.

        Raises
        ------
        ValueError
            If a token does not get the id that the files give it.
        """
        names = {token.content for token in self.named.values()}
        # All in one call, because each call sorts all tokens that the backend has.
        tokens = [token for _, token in sorted(self.numbered.items())]
        for token in tokens:
            token.special = token.special or token.content in names
        backend.add_tokens(tokens)
        for number, token in self.numbered.items():
            found = backend.token_to_id(token.content)
            if found != number:
                raise ValueError(
                    f"{self.source}: {shown(token.content)} should be token {number}, but the "
                    f"vocabulary gives it {found}; are these files of one tokenizer?"
                )

    def add_named_to(self, backend: tokenizers.Tokenizer) -> None:
        """Make all other tokens known; one that is not in the vocabulary gets the next free id."""
        known = {token.content for token in backend.get_added_tokens_decoder().values()}
        named = [token for token in self.named.values() if token.content not in known]
        for token in named:
            token.special = True
        extra = [token for token in self.extra if token.content not in known]
        backend.add_tokens([*named, *extra])


def take_special_tokens(
    settings: Settings, folder: Path, given: Mapping[str, object], *, are_of_bert: bool
) -> SpecialTokens:
    """Read all special and added tokens, and leave their texts in the settings.

    Parameters
    ----------
    settings : dict
        As from `read_settings`. Afterwards the attributes of special tokens are a str or None,
        `extra_special_tokens` is a list of str, and `model_specific_special_tokens` is a dict.
    folder : Path
        The folder with the files of older releases.
    given : mapping
        The settings that the caller of `from_pretrained` has given.
    are_of_bert : bool
        Whether a special token that no file names is that of BERT; otherwise there is none.

    Returns
    -------
    SpecialTokens

    Raises
    ------
    ValueError
        If a file is not JSON, or the value of a key is of the wrong type.
    """
    numbered, source = _numbered_tokens(settings, folder, given)
    # Those of special_tokens_map.json have their name of release 4 until now. So, as in
    # transformers, the tokens of added_tokens.json do not count as special because of it.
    late = settings.pop("additional_special_tokens", None)
    settings.setdefault("extra_special_tokens", late)
    texts = {token.content: token for token in numbered.values()}
    for name, default in SPECIAL_TOKENS.items():
        settings.setdefault(name, default if are_of_bert else None)
    named = {}
    for name in (*SPECIAL_TOKENS, *settings["model_specific_special_tokens"]):
        is_standard = name in SPECIAL_TOKENS
        place = settings if is_standard else settings["model_specific_special_tokens"]
        if place[name] is not None:
            token = _make_token(place[name], special=True)
            named[name] = texts.get(token.content, token)
            place[name] = token.content
    extra = [_make_token(token, special=True) for token in settings["extra_special_tokens"] or ()]
    settings["extra_special_tokens"] = [token.content for token in extra]
    return SpecialTokens(numbered, source, named, extra)


def _numbered_tokens(
    settings: Settings, folder: Path, given: Mapping[str, object]
) -> tuple[dict[int, AddedToken], Path]:
    """Return the tokens that have ids, and their file; take tokens of older files into `settings`.

    The order of the steps is that of transformers, because later ones replace earlier ones.
    """
    # The name of release 4.
    if not settings.get("extra_special_tokens") and "additional_special_tokens" in settings:
        settings["extra_special_tokens"] = settings.pop("additional_special_tokens")
    settings["model_specific_special_tokens"] = (
        _take_named(settings) or settings.get("model_specific_special_tokens") or {}
    )
    decoder = settings.pop("added_tokens_decoder", None)
    if decoder is not None:
        tokens = {int(number): _make_token(token) for number, token in decoder.items()}
        return tokens, folder / SETTINGS_FILE
    of_map = read_checked(folder / SPECIAL_TOKENS_FILE, schema.SPECIAL_TOKENS_MAP)
    for name, value in of_map.items():
        if given.get(name):
            continue
        if name == "extra_special_tokens" and isinstance(value, list):
            known = settings.get(name) or []
            settings[name] = [*known, *(token for token in value if token not in known)]
        elif name.endswith("_token") and isinstance(value, Mapping) and "content" in value:
            settings[name] = _make_token(value)
        else:
            settings[name] = value
    settings["model_specific_special_tokens"] = _take_named(settings) | (
        settings["model_specific_special_tokens"] or {}
    )
    special = {_text_of(settings.get(name)) for name in SPECIAL_TOKENS}
    special |= {_text_of(token) for token in settings.get("extra_special_tokens") or ()}
    path = folder / ADDED_TOKENS_FILE
    tokens = {
        number: AddedToken(text, normalized=text not in special, special=text in special)
        for text, number in _read_added_tokens(path).items()
    }
    return tokens, path


def _read_added_tokens(path: Path) -> dict[str, int]:
    numbers = {}
    for text, number in read_checked(path, {}).items():
        check_token_text(f"{path}: a key", text)
        numbers[text] = read_token_id(f"{path}: the id of {shown(text)}", number)
    return numbers


def _take_named(settings: Settings) -> dict[str, Any]:
    """Take the special tokens that have names of their own, such as `image_token`."""
    named = {
        name: settings.pop(name)
        for name in [*settings]
        if name.endswith("_token") and name not in SPECIAL_TOKENS and _is_token(settings[name])
    }
    if isinstance(settings.get("extra_special_tokens"), dict):
        named |= settings.pop("extra_special_tokens")
    return named


def _is_token(value: object) -> bool:
    """Tell whether the value of a key that ends with "_token" is a token.

    transformers marks a token's object with its type. Other values are settings, such as the true
    of `add_bos_token`.
    """
    is_marked = isinstance(value, Mapping) and value.get("__type") == "AddedToken"
    return is_marked or isinstance(value, (str, AddedToken))


def _make_token(token: str | Mapping[str, Any] | AddedToken, special: bool = False) -> AddedToken:
    """Return a token that is given as a text, with its flags in an object, or as an AddedToken."""
    if isinstance(token, AddedToken):
        return token
    if isinstance(token, str):
        return AddedToken(token, special=special, normalized=not special)
    flags = {name: token[name] for name in TOKEN_FLAGS if name in token}
    return AddedToken(token["content"], **{"special": special, **flags})


def describe_token(token: AddedToken) -> dict[str, str | bool]:
    """Return the text of a token and its flags, as tokenizer_config.json has them."""
    return {"content": token.content, **{name: getattr(token, name) for name in TOKEN_FLAGS}}


def _text_of(token: Any) -> str | None:
    """Return the text of a token in any of its forms."""
    if isinstance(token, Mapping):
        token = token.get("content")
    return None if token is None else str(getattr(token, "content", token))
