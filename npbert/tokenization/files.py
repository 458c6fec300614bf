"""The files of a tokenizer ⇄ a tokenizer of the `tokenizers` library, and settings."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import tokenizers
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, processors

VOCAB_FILE: Final = "vocab.txt"
TOKENIZER_FILE: Final = "tokenizer.json"
SETTINGS_FILE: Final = "tokenizer_config.json"
SPECIAL_TOKENS_FILE: Final = "special_tokens_map.json"
ADDED_TOKENS_FILE: Final = "added_tokens.json"

# In the order of transformers, with the text of each token that BERT has.
SPECIAL_TOKENS: Final = {
    "bos_token": None,
    "eos_token": None,
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
_DEFAULT_CLASS: Final = "DistilBertTokenizer"
# These classes take tokenizer.json as it is. BERT's classes take the normalizer from the settings.
_PLAIN_CLASSES: Final = ("PreTrainedTokenizerFast", "TokenizersBackend")

# The contents of tokenizer_config.json, which can hold any JSON. The keys that npbert reads are
# those of `TokenizerSettings`, and names that older releases of transformers wrote.
Settings = dict[str, Any]


def read_tokenizer(
    folder: Path, changes: Mapping[str, object]
) -> tuple[tokenizers.Tokenizer, Settings]:
    """Read tokenizer.json or, if there is no such file, vocab.txt.

    Parameters
    ----------
    folder : Path
        The folder with the files.
    changes : dict
        Settings that take the place of those in tokenizer_config.json.

    Returns
    -------
    backend : tokenizers.Tokenizer
        The tokenizer, which neither truncates nor pads.
    settings : dict
        The settings of tokenizer_config.json, with the changes. The special tokens are str.

    Raises
    ------
    ValueError
        If there is neither of the files, or the one that is there cannot be used.
    """
    settings = {**_read_settings(folder), **changes}
    if isinstance(settings["extra_special_tokens"], dict):  # attribute names and tokens
        settings["extra_special_tokens"] = list(settings["extra_special_tokens"].values())
    if (folder / TOKENIZER_FILE).exists():
        backend = _read_tokenizer_json(folder / TOKENIZER_FILE, settings)
    elif (folder / VOCAB_FILE).exists():
        backend = _read_vocab(folder / VOCAB_FILE, settings)
    else:
        raise ValueError(
            f"{folder}: no {TOKENIZER_FILE} and no {VOCAB_FILE}, so there is no tokenizer; "
            "copy the tokenizer with which the model was trained"
        )
    for name in SPECIAL_TOKENS:
        settings[name] = _text_of(settings.get(name))
    # These come from special_tokens_map.json. transformers too reads them only at this point.
    late = settings.pop("additional_special_tokens", None) or []
    texts = [str(_text_of(token)) for token in late]
    backend.add_special_tokens([text for text in texts if backend.token_to_id(text) is None])
    extra = settings["extra_special_tokens"] or late
    settings["extra_special_tokens"] = [*map(_text_of, extra)] if isinstance(extra, list) else None
    return backend, settings


def write_tokenizer(
    folder: Path, backend: tokenizers.Tokenizer, settings: Settings
) -> tuple[str, ...]:
    """Write tokenizer.json and tokenizer_config.json, and replace no file with other contents.

    Returns
    -------
    tuple of str
        The paths of the files.

    Raises
    ------
    FileExistsError
        If a file with one of these names holds something else.
    """
    # The settings of a copy are changed, and not those of the backend that others may use.
    whole = tokenizers.Tokenizer.from_str(backend.to_str())
    whole.no_truncation()
    whole.no_padding()
    known = {"tokenizer_class": _DEFAULT_CLASS} | settings
    known.pop("added_tokens_decoder", None)  # tokenizer.json has them
    known = {name: value for name, value in known.items() if value is not None}
    contents = {
        SETTINGS_FILE: json.dumps(known, indent=2, sort_keys=True, ensure_ascii=False) + "\n",
        TOKENIZER_FILE: whole.to_str(pretty=True),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        path = folder / name
        if path.exists() and path.read_text(encoding="utf-8") != text:
            raise FileExistsError(
                f"{path} exists and holds something else; choose another folder, or remove it"
            )
    for name, text in contents.items():
        _write_whole(folder / name, text)
    return tuple(str(folder / name) for name in contents)


def _write_whole(path: Path, text: str) -> None:
    """Write a file that appears under its name only when it is complete."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        # mkstemp makes private files. Set the mode that open() would have set.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    finally:
        with suppress(FileNotFoundError):  # it has been moved into place
            os.unlink(temporary)


# ----------------------------------------------------------------------------- the backend


def _read_tokenizer_json(path: Path, settings: Settings) -> tokenizers.Tokenizer:
    with explain_errors(f"{path} cannot be read as a tokenizer"):
        backend = tokenizers.Tokenizer.from_file(str(path))
    for part, side in ((backend.padding, "padding_side"), (backend.truncation, "truncation_side")):
        if part is not None:
            settings.setdefault(side, part["direction"])
    backend.no_padding()
    backend.no_truncation()
    is_bert = isinstance(backend.normalizer, normalizers.BertNormalizer)
    if is_bert and settings.get("tokenizer_class") not in _PLAIN_CLASSES:
        backend.normalizer = _make_normalizer(settings)
    return backend


def _read_vocab(path: Path, settings: Settings) -> tokenizers.Tokenizer:
    """Set up BERT's tokenizer, as transformers does, over a file of one word piece per line."""
    with path.open(encoding="utf-8") as lines:
        try:
            vocab = {line.rstrip("\n"): number for number, line in enumerate(lines)}
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is not a UTF-8 text file: {error}") from error
    unk_token = _text_of(settings.get("unk_token")) or ""
    backend = tokenizers.Tokenizer(models.WordPiece(vocab, unk_token=unk_token))
    backend.normalizer = _make_normalizer(settings)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix="##")
    _add_tokens(backend, path.with_name(ADDED_TOKENS_FILE), settings)
    special = [_text_of(settings.get(name)) for name, default in SPECIAL_TOKENS.items() if default]
    missing = [token for token in special if token and backend.token_to_id(token) is None]
    if missing:
        raise ValueError(
            f"{path} lacks the special tokens {', '.join(missing)}; is it a vocabulary?"
        )
    given = [settings[name] for name in SPECIAL_TOKENS if settings[name]]
    backend.add_special_tokens([_make_added_token(token, special=True) for token in given])
    cls, sep = str(_text_of(settings["cls_token"])), str(_text_of(settings["sep_token"]))
    backend.post_processor = processors.TemplateProcessing(
        single=f"{cls}:0 $A:0 {sep}:0",
        pair=f"{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1",
        special_tokens=[(token, backend.token_to_id(token)) for token in (cls, sep)],
    )
    return backend


def _make_normalizer(settings: Settings) -> normalizers.BertNormalizer:
    return normalizers.BertNormalizer(
        handle_chinese_chars=settings.get("tokenize_chinese_chars", True),
        strip_accents=settings.get("strip_accents"),
        lowercase=settings.get("do_lower_case", True),
    )


def _add_tokens(backend: tokenizers.Tokenizer, path: Path, settings: Settings) -> None:
    """Add the tokens that users added to the vocabulary; older releases had a file for them."""
    listed = settings.get("added_tokens_decoder")
    if listed is not None:
        numbered = {int(number): _make_added_token(token) for number, token in listed.items()}
    elif path.exists():
        extra = settings.get("extra_special_tokens") or []
        special = {_text_of(token) for token in [*map(settings.get, SPECIAL_TOKENS), *extra]}
        numbered = {
            int(number): AddedToken(text, normalized=text not in special, special=text in special)
            for text, number in _read_json(path).items()
        }
    else:
        numbered = {}
    for number, token in sorted(numbered.items()):
        add = backend.add_special_tokens if token.special else backend.add_tokens
        add([token])
        if backend.token_to_id(token.content) != number:
            raise ValueError(
                f"{path.parent}: {token.content!r} should be token {number}, but the vocabulary "
                f"gives it {backend.token_to_id(token.content)}; are these files of one tokenizer?"
            )
    extra = settings.get("extra_special_tokens")
    if isinstance(extra, list):
        backend.add_special_tokens([_make_added_token(token, special=True) for token in extra])


# ---------------------------------------------------------------------------- the settings


def _read_settings(folder: Path) -> Settings:
    """Read tokenizer_config.json, and what older releases wrote elsewhere or in another form."""
    settings = _read_json(folder / SETTINGS_FILE)
    if not settings.get("extra_special_tokens"):
        settings["extra_special_tokens"] = settings.pop("additional_special_tokens", None)
    if "added_tokens_decoder" not in settings:
        settings |= _read_json(folder / SPECIAL_TOKENS_FILE)
    for name, default in SPECIAL_TOKENS.items():
        settings.setdefault(name, default)
    return settings


def _read_json(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a JSON file: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} holds a {type(values).__name__}, expected a JSON object")
    return values


def _text_of(token: Any) -> str | None:
    """Return the text of a token, which older files keep in an object of its properties."""
    text: str | None = token["content"] if isinstance(token, dict) else token
    return text


def _make_added_token(token: Any, special: bool = False) -> AddedToken:
    if not isinstance(token, dict):
        return AddedToken(token, special=special, normalized=not special)
    names = ("single_word", "lstrip", "rstrip", "normalized", "special")
    properties = {name: token[name] for name in names if name in token}
    return AddedToken(token["content"], **properties | ({"special": True} if special else {}))


@contextmanager
def explain_errors(what: str) -> Iterator[None]:
    """Turn an error of the tokenizers library into a ValueError that begins with `what`.

    The library raises a plain `Exception`. If its Rust code panics, it raises a `BaseException`.
    """
    try:
        yield
    except BaseException as error:
        if type(error) is not Exception and type(error).__name__ != "PanicException":
            raise  # an ordinary error, which has a class of its own
        raise ValueError(f"{what}: {error}") from error
