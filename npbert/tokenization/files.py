"""The files of a tokenizer ⇄ a tokenizer of the `tokenizers` library, and settings."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import tokenizers
from tokenizers import normalizers

from npbert.checkpoints.small_files import (
    MOST_BYTES_OF_VOCABULARY,
    check_small_file,
    read_small_file,
)
from npbert.messages import enumerate_names, enumerate_values, shown
from npbert.tokenization import bert_rules
from npbert.tokenization.costly_parts import refuse_costly_parts
from npbert.tokenization.panicking_parts import refuse_panicking_parts, refuse_unreadable_parts
from npbert.tokenization.schema import SPECIAL_TOKENS
from npbert.tokenization.settings import (
    SETTINGS_FILE,
    Settings,
    TokenizerClass,
    read_class,
    read_settings,
)
from npbert.tokenization.special_tokens import (
    SpecialTokens,
    describe_token,
    take_special_tokens,
)

VOCAB_FILE: Final = "vocab.txt"
TOKENIZER_FILE: Final = "tokenizer.json"

_DEFAULT_CLASS: Final = "DistilBertTokenizer"
# The classes of a tokenizer that tokenizer.json alone describes; the second is release 5's name.
_PLAIN_CLASSES: Final = ("PreTrainedTokenizerFast", "TokenizersBackend")
_TRUNCATION_ERROR: Final = "Truncation error"  # the library's words
_OF_NORMALIZER: Final = {
    "do_lower_case": "lowercase",
    "strip_accents": "strip_accents",
    "tokenize_chinese_chars": "handle_chinese_chars",
}


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
        If there is neither of the files, if the one that is there cannot be used, or if vocab.txt
        belongs to a tokenizer of another class.

    Warns
    -----
    UserWarning
        If the class is one of BERT's, but tokenizer.json has parts that are not BERT's.
    """
    settings = read_settings(folder, changes)
    rebuild = bool(settings.pop("rebuild", False))
    its_class = read_class(folder, settings)
    tokens = take_special_tokens(settings, folder, changes, are_of_bert=its_class.is_bert)
    settings["tokenizer_class"] = its_class.name or (
        _DEFAULT_CLASS if its_class.is_bert else _PLAIN_CLASSES[0]
    )
    path = folder / TOKENIZER_FILE
    if path.exists():
        backend = _read_tokenizer_json(path, settings)
        if rebuild:
            _require_bert(its_class, path)
            backend = _rebuilt(backend, tokens, settings, path)
        else:
            _keep_normalizer(backend, settings, changes, path, its_class)
            left_out = [token.content for token in tokens.left_out(backend).values()]
            tokens.add_to(backend)
            if its_class.is_bert:
                others = bert_rules.other_parts(backend, settings)
                if left_out:
                    others.append(f"added_tokens ({enumerate_names(left_out)})")
                _warn_of_other_parts(others, backend, settings, path)
    elif (folder / VOCAB_FILE).exists():
        if its_class.name in _PLAIN_CLASSES:
            raise ValueError(
                f"{folder}: {its_class.source}, which a {TOKENIZER_FILE} describes, and there is "
                "none; copy it too"
            )
        if not its_class.is_bert:
            raise ValueError(
                f"{folder}: {its_class.source}, which is no tokenizer of BERT, so npbert cannot "
                f"know what {VOCAB_FILE} means. If transformers can write a {TOKENIZER_FILE} "
                "(AutoTokenizer.from_pretrained(model).save_pretrained(folder)), npbert reads it"
            )
        backend = _read_vocab(folder / VOCAB_FILE, tokens, settings)
    else:
        raise ValueError(
            f"{folder}: no {TOKENIZER_FILE} and no {VOCAB_FILE}, so there is no tokenizer; "
            "copy the tokenizer with which the model was trained"
        )
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
    from npbert.checkpoints.saving import write_files

    # The settings of a copy are changed, and not those of the backend that others may use.
    whole = tokenizers.Tokenizer.from_str(backend.to_str())
    whole.no_truncation()
    whole.no_padding()
    # Without a value, a special token is that of BERT, so where there is none, this is written too.
    known = {
        name: value
        for name, value in settings.items()
        if value not in (None, [], {}) or SPECIAL_TOKENS.get(name)
    }
    known.pop("auto_map", None)  # the code that it names is not in the new folder
    # Where this key is, nobody reads special_tokens_map.json and added_tokens.json, which another
    # tokenizer may have left in the folder.
    known["added_tokens_decoder"] = {
        number: describe_token(token) for number, token in whole.get_added_tokens_decoder().items()
    }
    as_json = json.dumps(known, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    contents = {
        # Halves of surrogate pairs become JSON's own escapes.
        SETTINGS_FILE: as_json.encode(errors="backslashreplace").decode(),
        TOKENIZER_FILE: whole.to_str(pretty=True),
    }
    return write_files(folder, contents)


# ----------------------------------------------------------------------------- the backend


def _read_tokenizer_json(path: Path, settings: Settings) -> tokenizers.Tokenizer:
    refuse_unreadable_parts(read_small_file(path, MOST_BYTES_OF_VOCABULARY), path)
    with explain_errors(f"{path} cannot be read as a tokenizer"):
        backend = tokenizers.Tokenizer.from_file(str(path))
    refuse_costly_parts(backend, path)
    refuse_panicking_parts(backend, path)
    for part, side in ((backend.padding, "padding_side"), (backend.truncation, "truncation_side")):
        if part is not None:
            settings.setdefault(side, part["direction"])
    backend.no_padding()
    backend.no_truncation()
    return backend


def _keep_normalizer(
    backend: tokenizers.Tokenizer,
    settings: Settings,
    changes: Mapping[str, object],
    path: Path,
    its_class: TokenizerClass,
) -> None:
    """Give BERT's normalizer the settings of its class; every other normalizer stays as it is.

    Raises
    ------
    ValueError
        If the caller has given a setting that would change nothing.
    """
    normalizer = backend.normalizer
    is_bert = isinstance(normalizer, normalizers.BertNormalizer)
    if is_bert and its_class.is_bert:
        backend.normalizer = bert_rules.make_normalizer(settings, normalizer.clean_text)
        return
    for name, attribute in _OF_NORMALIZER.items():
        if name in changes and not (is_bert and getattr(normalizer, attribute) == changes[name]):
            raise ValueError(
                f"{name} is {changes[name]!r}, but {path} has a normalizer of its own "
                f"({type(normalizer).__name__}), which this would not change; leave it out"
                + (", or pass rebuild=True for the rules of BERT" if its_class.is_bert else "")
            )


def _require_bert(its_class: TokenizerClass, path: Path) -> None:
    if not its_class.is_bert:
        raise ValueError(
            f"rebuild is True, but {its_class.source}, which is no tokenizer of BERT, so only "
            f"{path} says what its rules are; leave rebuild out"
        )


def _rebuilt(
    backend: tokenizers.Tokenizer, tokens: SpecialTokens, settings: Settings, path: Path
) -> tokenizers.Tokenizer:
    """Make a tokenizer by BERT's rules from the vocabulary and the added tokens of another one."""
    whole = bert_rules.make_backend(backend.get_vocab(with_added_tokens=False), settings)
    left_out = tokens.left_out(backend)
    of_file = backend.get_added_tokens_decoder().items()
    kept = {number: token for number, token in of_file if number not in left_out}
    tokens._replace(numbered={**kept, **tokens.numbered}).add_to(whole)
    _post_process(whole, settings, path)
    return whole


def _read_vocab(path: Path, tokens: SpecialTokens, settings: Settings) -> tokenizers.Tokenizer:
    """Set up BERT's tokenizer over a file of one word piece per line."""
    check_small_file(path, MOST_BYTES_OF_VOCABULARY)
    with explain_errors(f"{path} is not a UTF-8 text file"):
        backend = bert_rules.make_backend(path, settings)
    tokens.add_numbered_to(backend)
    _post_process(backend, settings, path)
    tokens.add_named_to(backend)
    return backend


def _post_process(backend: tokenizers.Tokenizer, settings: Settings, path: Path) -> None:
    """Let BERT's special tokens stand around every text, or raise a ValueError if one is missing.

    transformers would add a missing token to the vocabulary, with an id for which the model has no
    vector. Where a token is null, it would put the token of a fixed id there, whatever this is.
    """
    lacking = bert_rules.lacking_tokens(backend, settings)
    for name, token in lacking.items():
        if not token:
            raise ValueError(
                f"{path.parent}: {name} is {token!r}, expected a token of the vocabulary, because "
                f"the rules of BERT need one; leave the key out to have {SPECIAL_TOKENS[name]}"
            )
        if name != "unk_token" and not bert_rules.fits_template(token):
            raise ValueError(
                f"{path.parent}: {name} is {shown(token)}, expected a token without a blank and a "
                "colon, and without a $ at its beginning: the tokenizers library can put no other "
                "one around a text"
            )
    if lacking:
        raise ValueError(
            f"{path} lacks the special tokens {enumerate_values(lacking.values())}; is it a "
            "vocabulary?"
        )
    backend.post_processor = bert_rules.make_post_processor(backend, settings)


def _warn_of_other_parts(
    others: list[str], backend: tokenizers.Tokenizer, settings: Settings, path: Path
) -> None:
    """Warn once of all parts of tokenizer.json that transformers 5 would replace."""
    if not others:
        return
    without_cls = ""
    with explain_errors(f"{path} cannot be used as a tokenizer"):
        first = backend.encode("").ids[:1]
    if first != [backend.token_to_id(settings["cls_token"] or "")]:
        without_cls = (
            f" It puts no {settings['cls_token'] or '[CLS]'} before a text, so a head for "
            "classification reads the first word of the text in its place."
        )
    warnings.warn(
        f"{path} is not what transformers 5 makes of {settings['tokenizer_class']}, which "
        f"replaces: {', '.join(others)}. npbert keeps the file, as transformers 4 "
        f"did.{without_cls} Pass rebuild=True to AutoTokenizer.from_pretrained for the rules of "
        "transformers 5",
        stacklevel=5,
    )


@contextmanager
def explain_errors(what: str, of_cut: str = "") -> Iterator[None]:
    """Turn an error of the tokenizers library into a ValueError that begins with `what`.

    It begins with `of_cut` if the library says that it cannot cut the text.

    The library raises a plain `Exception`. If its Rust code panics, it raises a `BaseException`;
    `panicking_parts` refuses the parts that are known to do so.
    """
    try:
        yield
    except BaseException as error:
        if type(error) is not Exception and type(error).__name__ != "PanicException":
            raise  # an ordinary error, which has a class of its own
        if of_cut and str(error).startswith(_TRUNCATION_ERROR):
            what = of_cut
        raise ValueError(f"{what}: {error}") from error
