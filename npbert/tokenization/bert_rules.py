"""The rules of BERT's tokenizer: how a text becomes words, pieces and, between tokens, a row.

A tokenizer has five parts (Devlin et al. 2018, arXiv:1810.04805, section 3, describes what BERT's
do). The normalizer cleans the text. The pre-tokenizer splits it into words. The model splits words
into word pieces. The post-processor puts `[CLS]` and `[SEP]` around them. The decoder goes the way
back.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from npbert.tokenization.settings import Settings

_PIECE_PREFIX: Final = "##"
_LONGEST_WORD: Final = 100  # characters; a longer word is an unknown one


def make_backend(vocab: Path | dict[str, int], settings: Settings) -> tokenizers.Tokenizer:
    """Make a tokenizer by the rules of BERT, without its post-processor.

    Parameters
    ----------
    vocab : Path or dict of str to int
        The word pieces and their ids. In a file, there is one piece per line, without the blanks at
        its end, and its id is the number of the line, counted from 0.
    settings : dict

    Returns
    -------
    tokenizers.Tokenizer
    """
    unk_token = settings["unk_token"] or ""
    if isinstance(vocab, Path):
        model = models.WordPiece.from_file(str(vocab), unk_token=unk_token)
    else:
        model = models.WordPiece(vocab, unk_token=unk_token)
    backend = tokenizers.Tokenizer(model)
    backend.normalizer = make_normalizer(settings)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix=_PIECE_PREFIX)
    return backend


def make_normalizer(settings: Settings, clean_text: bool = True) -> normalizers.BertNormalizer:
    """Make the normalizer of BERT from the settings that it has."""
    return normalizers.BertNormalizer(
        clean_text=clean_text,
        handle_chinese_chars=settings.get("tokenize_chinese_chars", True),
        strip_accents=settings.get("strip_accents"),
        lowercase=settings.get("do_lower_case", True),
    )


def make_post_processor(
    backend: tokenizers.Tokenizer, settings: Settings
) -> processors.TemplateProcessing:
    """Make the post-processor of BERT: `[CLS] A [SEP]`, and for a pair `[CLS] A [SEP] B [SEP]`.

    The backend must have both special tokens.
    """
    cls, sep = settings["cls_token"], settings["sep_token"]
    return processors.TemplateProcessing(
        single=f"{cls}:0 $A:0 {sep}:0",
        pair=f"{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1",
        special_tokens=[(token, backend.token_to_id(token)) for token in (cls, sep)],
    )


def fits_template(token: str) -> bool:
    """Tell whether a token can stand in a template of the tokenizers library, by its own name."""
    return not (token.startswith("$") or " " in token or ":" in token)


def lacking_tokens(backend: tokenizers.Tokenizer, settings: Settings) -> dict[str, str | None]:
    """Return the special tokens that BERT's rules need, but that the vocabulary does not have.

    Parameters
    ----------
    backend : tokenizers.Tokenizer
    settings : dict

    Returns
    -------
    dict of str to str or None
        The tokens by their names, such as `cls_token`.
    """
    needed = {name: settings[name] for name in ("unk_token", "sep_token", "cls_token")}
    return {
        name: token
        for name, token in needed.items()
        if token is None
        or backend.token_to_id(token) is None
        or (name != "unk_token" and not fits_template(token))
    }


def other_parts(backend: tokenizers.Tokenizer, settings: Settings) -> list[str]:
    """List the parts of a tokenizer that are not those of BERT's rules.

    Parameters
    ----------
    backend : tokenizers.Tokenizer
        A tokenizer as tokenizer.json describes it.
    settings : dict

    Returns
    -------
    list of str
        Each part with what it is, such as ``normalizer (Lowercase)``.
    """
    others = []
    model = backend.model
    if not isinstance(model, models.WordPiece):
        others.append(f"model ({type(model).__name__})")
    elif model.max_input_chars_per_word != _LONGEST_WORD:
        others.append(f"model (max_input_chars_per_word {model.max_input_chars_per_word})")
    elif model.continuing_subword_prefix != _PIECE_PREFIX:
        others.append(f"model (continuing_subword_prefix {model.continuing_subword_prefix!r})")
    elif model.unk_token != settings["unk_token"]:
        others.append(f"model (unk_token {model.unk_token!r})")
    expected: dict[str, list[Any]] = {
        "normalizer": [make_normalizer(settings)],
        "pre_tokenizer": [pre_tokenizers.BertPreTokenizer()],
        "post_processor": [],
        "decoder": [decoders.WordPiece(prefix=_PIECE_PREFIX)],
    }
    if not lacking_tokens(backend, settings):
        sep, cls = settings["sep_token"], settings["cls_token"]
        ids: Any = [(token, backend.token_to_id(token)) for token in (sep, cls)]
        expected["post_processor"] = [
            make_post_processor(backend, settings),
            processors.BertProcessing(*ids),  # an older way to say the same
        ]
    for name, choices in expected.items():
        state = _state_of(getattr(backend, name))
        states = [_state_of(choice) for choice in choices]
        if state not in states:
            others.append(f"{name} ({_describe(state, states)})")
    return others


def _state_of(part: Any) -> dict[str, Any]:
    """Return what tokenizer.json says about a part; an empty dict if there is no such part."""
    return {} if part is None else dict(json.loads(part.__getstate__()))


def _describe(state: dict[str, Any], expected: list[dict[str, Any]]) -> str:
    """Return the type of a part, or what is unusual about it if it has the expected type."""
    for choice in expected:
        if state.get("type") == choice["type"]:
            odd = {name: value for name, value in state.items() if value != choice.get(name)}
            if all(isinstance(value, (bool, str, int)) for value in odd.values()):
                return ", ".join(f"{name} {value!r}" for name, value in odd.items())
    return str(state.get("type", "none"))
