"""The special tokens and the added tokens, from all the places where releases have kept them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import tokenizers
from tokenizers import AddedToken

from npbert.tokenization.settings import SETTINGS_FILE, Settings, read_json

SPECIAL_TOKENS_FILE: Final = "special_tokens_map.json"
ADDED_TOKENS_FILE: Final = "added_tokens.json"

# The attributes in the order of transformers, with the text of each token that BERT has.
SPECIAL_TOKENS: Final = {
    "bos_token": None,
    "eos_token": None,
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
_FLAGS: Final = ("single_word", "lstrip", "rstrip", "normalized", "special")


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
        for number, token in sorted(self.numbered.items()):
            token.special = token.special or token.content in names
            backend.add_tokens([token])
            found = backend.token_to_id(token.content)
            if found != number:
                raise ValueError(
                    f"{self.source}: {token.content!r} should be token {number}, but the "
                    f"vocabulary gives it {found}; are these files of one tokenizer?"
                )

    def add_named_to(self, backend: tokenizers.Tokenizer) -> None:
        """Make all other tokens known; one that is not in the vocabulary gets the next free id."""
        known = {token.content for token in backend.get_added_tokens_decoder().values()}
        for token in self.named.values():
            if token.content not in known:
                token.special = True
                backend.add_tokens([token])
        backend.add_tokens([token for token in self.extra if token.content not in known])


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
        If a file is not JSON, or a token is neither a text nor an object with its text.
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
            token = _make_token(place[name], f"{folder}: {name}", special=True)
            named[name] = texts.get(token.content, token)
            place[name] = token.content
    where = f"{folder}: extra_special_tokens"
    extra = [
        _make_token(token, where, special=True) for token in settings["extra_special_tokens"] or ()
    ]
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
        tokens = {
            int(number): _make_token(token, f"{folder}: token {number} of added_tokens_decoder")
            for number, token in decoder.items()
        }
        return tokens, folder / SETTINGS_FILE
    for name, value in read_json(folder / SPECIAL_TOKENS_FILE).items():
        if given.get(name):
            continue
        if name == "extra_special_tokens" and isinstance(value, list):
            known = settings.get(name) or []
            settings[name] = [*known, *(token for token in value if token not in known)]
        else:
            settings[name] = value
    settings["model_specific_special_tokens"] = (
        _take_named(settings) | settings["model_specific_special_tokens"]
    )
    special = {_text_of(settings.get(name)) for name in SPECIAL_TOKENS}
    special |= {_text_of(token) for token in settings.get("extra_special_tokens") or ()}
    path = folder / ADDED_TOKENS_FILE
    tokens = {
        number: AddedToken(text, normalized=text not in special, special=text in special)
        for text, number in read_json(path).items()
    }
    return tokens, path


def _take_named(settings: Settings) -> dict[str, Any]:
    """Take the special tokens that have names of their own, such as `image_token`."""
    named = {
        name: settings.pop(name)
        for name in [*settings]
        if name.endswith("_token")
        and name not in SPECIAL_TOKENS
        and isinstance(settings[name], (str, dict, AddedToken))
    }
    if isinstance(settings.get("extra_special_tokens"), dict):
        named |= settings.pop("extra_special_tokens")
    return named


def _make_token(token: object, where: str, special: bool = False) -> AddedToken:
    """Return a token that is given as a text, with its flags in an object, or as an AddedToken."""
    if isinstance(token, AddedToken):
        return token
    if isinstance(token, str):
        return AddedToken(token, special=special, normalized=not special)
    if isinstance(token, Mapping) and isinstance(token.get("content"), str):
        flags = {name: token[name] for name in _FLAGS if name in token}
        return AddedToken(token["content"], **{"special": special, **flags})
    raise ValueError(f"{where} is {token!r}, expected a token's text")


def _text_of(token: Any) -> str | None:
    """Return the text of a token in any of its forms."""
    if isinstance(token, Mapping):
        token = token.get("content")
    return None if token is None else str(getattr(token, "content", token))
