"""Text → token ids, with the call conventions of transformers.

The `tokenizers` library does the work: normalizing, splitting and WordPiece (Devlin et al.
2018, arXiv:1810.04805, section 3.1).  Here it is set up from a model folder, and its results
become padded arrays.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import tokenizers
from tokenizers import Encoding, decoders, models, normalizers, pre_tokenizers, processors

from npbert.arguments import as_list, check_text, reject_unknown, take_harmless
from npbert.hub import resolve

VOCAB_FILE: Final = "vocab.txt"
TOKENIZER_FILE: Final = "tokenizer.json"
TOKENIZER_CONFIG_FILE: Final = "tokenizer_config.json"
ADDED_TOKENS_FILE: Final = "added_tokens.json"

_SPECIAL_TOKENS: Final = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
_NO_LIMIT: Final = 10**20  # transformers writes about 1e30 where a tokenizer has no limit
_TRUNCATIONS: Final = {
    True: "longest_first",
    "longest_first": "longest_first",
    "only_first": "only_first",
    "only_second": "only_second",
    False: None,
    None: None,
    "do_not_truncate": None,
}
_PADDINGS: Final = {
    True: "longest",
    "longest": "longest",
    "max_length": "max_length",
    False: None,
    "do_not_pad": None,
}


class BatchEncoding(dict[str, Any]):
    """What a tokenizer returns: a dict whose keys are attributes too.

    ``input_ids`` and ``attention_mask`` have shape (batch, seq), int64, with
    ``return_tensors="np"``; otherwise they are lists, of ints for one text and of lists of
    ints for several.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            there = ", ".join(self)
            raise AttributeError(f"{name!r} was not asked for; there is: {there}") from None


class Tokenizer:
    """A tokenizer, called as in transformers.  Made by `AutoTokenizer.from_pretrained`.

    Attributes
    ----------
    model_max_length : int
        Most tokens that the model can read; huge where the folder states no limit.
    pad_token_id : int
        Id that padding is made of.
    padding_side, truncation_side : str
        "right" or "left".
    """

    def __init__(self, backend: tokenizers.Tokenizer, settings: dict[str, Any]) -> None:
        self._backend = backend
        # Truncation is a setting of the shared backend, so setting it and encoding must not
        # be torn apart by another thread.
        self._lock = threading.Lock()
        self.model_max_length = int(settings.get("model_max_length") or _NO_LIMIT)
        self.padding_side = _side(settings, "padding_side")
        self.truncation_side = _side(settings, "truncation_side")
        pad_token = _special_token(settings, "pad_token")
        pad_token_id = backend.token_to_id(pad_token)
        if pad_token_id is None:
            raise ValueError(f"the tokenizer has no padding token {pad_token!r}")
        self.pad_token_id: int = pad_token_id

    @classmethod
    def from_folder(cls, folder: Path) -> Tokenizer:
        """Read tokenizer.json or, where there is none, vocab.txt.

        Raises
        ------
        ValueError
            If there is neither, or one that cannot be used.
        """
        settings = _read_settings(folder / TOKENIZER_CONFIG_FILE)
        if (folder / TOKENIZER_FILE).exists():
            backend = _from_tokenizer_json(folder / TOKENIZER_FILE)
        elif (folder / VOCAB_FILE).exists():
            if (folder / ADDED_TOKENS_FILE).exists():
                raise ValueError(
                    f"{folder}: {ADDED_TOKENS_FILE} beside {VOCAB_FILE} is not supported; save the "
                    f"tokenizer with transformers' save_pretrained, which writes {TOKENIZER_FILE}"
                )
            backend = _from_vocab(folder / VOCAB_FILE, settings)
        else:
            raise ValueError(
                f"{folder}: no {TOKENIZER_FILE} and no {VOCAB_FILE}, so there is no tokenizer; "
                "copy the one that the model was trained with"
            )
        try:
            return cls(backend, settings)
        except ValueError as error:
            raise ValueError(f"{folder}: {error}") from error

    def __call__(
        self,
        text: Any,
        text_pair: Any = None,
        *,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str | None = None,
        max_length: int | None = None,
        return_tensors: str | None = None,
        return_token_type_ids: bool = False,
        return_attention_mask: bool = True,
        **unknown: Any,
    ) -> BatchEncoding:
        """Tokenize one text or several.

        Parameters
        ----------
        text : str, or list of str
            A tuple, a NumPy array, or a pandas or pyarrow column counts as a list.
        text_pair : str or list of str, optional
            Second text of each pair.
        add_special_tokens : bool
            Put `[CLS]` and `[SEP]` around the text.
        padding : bool or str
            True or "longest": to the longest of the batch; "max_length"; False.
        truncation : bool or str, optional
            True or "longest_first", "only_first", "only_second"; False.
        max_length : int, optional
            Tokens of a text, special ones included; `model_max_length` if not given.
            Given alone, it switches truncation on.
        return_tensors : "np", optional
            Arrays instead of lists.
        return_token_type_ids : bool
            Add `token_type_ids`, which DistilBERT does not use.
        return_attention_mask : bool
            Whether to add `attention_mask`.

        Returns
        -------
        BatchEncoding

        Raises
        ------
        TypeError
            If a text is not a str, or a keyword is unknown.
        ValueError
            If an option cannot be honoured, or rows of unequal length should become an
            array.
        """
        reject_unknown("tokenizer()", unknown, _CALL_KEYWORDS)
        if return_tensors not in (None, "np"):
            raise ValueError(f"return_tensors is {return_tensors!r}, expected 'np' or None")
        pad_to = _choice("padding", padding, _PADDINGS)
        if truncation is None and max_length is not None and pad_to is None:
            truncation = True
        inputs = _inputs(text, text_pair)
        encodings = self.encode_batch(
            inputs if isinstance(inputs, list) else [inputs],
            truncation=truncation,
            max_length=max_length,
            add_special_tokens=add_special_tokens,
        )
        columns = {"input_ids": [encoding.ids for encoding in encodings]}
        if return_token_type_ids:
            columns["token_type_ids"] = [encoding.type_ids for encoding in encodings]
        if return_attention_mask:
            columns["attention_mask"] = [encoding.attention_mask for encoding in encodings]
        if pad_to is not None:
            longest = max(map(len, columns["input_ids"]), default=0)
            width = longest if pad_to == "longest" else self._limit(max_length) or 0
            columns = {name: self._pad(name, rows, width) for name, rows in columns.items()}
        if return_tensors == "np":
            return BatchEncoding({name: _array(rows) for name, rows in columns.items()})
        if not isinstance(inputs, list):
            return BatchEncoding({name: rows[0] for name, rows in columns.items()})
        return BatchEncoding(columns)

    def encode_batch(
        self,
        inputs: Sequence[str | tuple[str, str]],
        *,
        truncation: bool | str | None = None,
        max_length: int | None = None,
        add_special_tokens: bool = True,
    ) -> list[Encoding]:
        """Tokenize texts and pairs into the encodings of the `tokenizers` library.

        Parameters are those of the call.  A text that was cut has `overflowing` parts.
        """
        strategy = _choice("truncation", truncation, _TRUNCATIONS)
        limit = self._limit(max_length)
        if strategy is not None and limit is not None:
            self._check_room(inputs, limit, add_special_tokens, strategy)
        with self._lock:
            if strategy is None or limit is None:
                self._backend.no_truncation()
            else:
                self._backend.enable_truncation(
                    limit, strategy=strategy, direction=self.truncation_side
                )
            with _clear_errors(f"truncation={truncation!r} cannot cut to max_length {limit}"):
                return self._backend.encode_batch_fast(
                    list(inputs), add_special_tokens=add_special_tokens
                )

    def _limit(self, max_length: int | None) -> int | None:
        """`max_length`, or the model's; None where neither sets a limit."""
        if max_length is None:
            return self.model_max_length if self.model_max_length < _NO_LIMIT else None
        if not isinstance(max_length, int) or isinstance(max_length, bool) or max_length < 1:
            raise ValueError(f"max_length is {max_length!r}, expected a positive integer")
        return max_length

    def _check_room(
        self,
        inputs: Sequence[str | tuple[str, str]],
        limit: int,
        add_special_tokens: bool,
        strategy: str,
    ) -> None:
        has_pairs = any(isinstance(item, tuple) for item in inputs)
        n_special = self._backend.num_special_tokens_to_add(has_pairs) * add_special_tokens
        if limit <= n_special:
            raise ValueError(
                f"max_length is {limit}, which leaves no room for text beside {n_special} special "
                f"tokens; expected at least {n_special + 1}"
            )
        if strategy == "only_second" and not has_pairs:
            raise ValueError("truncation is 'only_second', but there is no second text; use True")

    def _pad(self, name: str, rows: list[list[int]], width: int) -> list[list[int]]:
        fill = self.pad_token_id if name == "input_ids" else 0
        if self.padding_side == "left":
            return [[fill] * (width - len(row)) + row for row in rows]
        return [row + [fill] * (width - len(row)) for row in rows]


class AutoTokenizer:
    """Entry point under the name that transformers gives it."""

    @staticmethod
    def from_pretrained(
        pretrained_model_name_or_path: str | Path,
        *,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        token: str | bool | None = None,
        **others: Any,
    ) -> Tokenizer:
        """Load the tokenizer of a model.

        Parameters
        ----------
        pretrained_model_name_or_path : str or Path
            A folder, a bundled name ("mini"), or a hub id.
        revision, cache_dir, local_files_only, token
            As in huggingface_hub; see `npbert.hub.resolve`.
        **others
            Keywords of ported code that change nothing here, such as `use_fast`.

        Returns
        -------
        Tokenizer

        Raises
        ------
        OSError
            If the model cannot be found or fetched.
        ValueError
            If its files cannot be used.
        """
        known = ("revision", "cache_dir", "local_files_only", "token", "use_fast")
        reject_unknown("AutoTokenizer.from_pretrained()", take_harmless(others), known)
        folder = resolve(
            pretrained_model_name_or_path,
            revision=revision,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            token=token,
            weights=False,
        )
        return Tokenizer.from_folder(folder)


_CALL_KEYWORDS = tuple(
    name for name in Tokenizer.__call__.__annotations__ if name not in ("unknown", "return")
)


def _inputs(text: Any, text_pair: Any) -> str | tuple[str, str] | list[Any]:
    """One text or pair, or a list of them, with every text checked."""
    texts = as_list(text)
    if texts is None:
        first = check_text(text, "text")
        return first if text_pair is None else (first, check_text(text_pair, "text_pair"))
    firsts = [check_text(item, f"text {number}") for number, item in enumerate(texts)]
    if text_pair is None:
        return firsts
    pairs = as_list(text_pair)
    if pairs is None or len(pairs) != len(firsts):
        got = type(text_pair).__name__ if pairs is None else f"{len(pairs)} texts"
        raise ValueError(f"text_pair is {got}, expected a list of {len(firsts)}, one for each text")
    seconds = [check_text(item, f"text_pair {number}") for number, item in enumerate(pairs)]
    return list(zip(firsts, seconds, strict=True))


def _array(rows: list[list[int]]) -> np.ndarray:
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise ValueError(
            f"texts of {min(lengths)} to {max(lengths)} tokens do not make an array; pass "
            "padding=True (and truncation=True for long texts)"
        )
    return np.array(rows, np.int64).reshape(len(rows), max(lengths, default=0))


def _choice(name: str, value: Any, choices: dict[Any, Any]) -> Any:
    # 1 == True in a dict; but a number is surely a mistake, such as truncation=128.
    if (value is not None and not isinstance(value, (bool, str))) or value not in choices:
        known = ", ".join(map(repr, choices))
        raise ValueError(f"{name} is {value!r}, expected one of: {known}")
    return choices[value]


@contextmanager
def _clear_errors(what: str) -> Iterator[None]:
    """Turn the plain `Exception` that the tokenizers library raises into a ValueError."""
    try:
        yield
    except Exception as error:
        if type(error) is not Exception:  # an ordinary error, of a class of its own
            raise
        raise ValueError(f"{what}: {error}") from error


# -------------------------------------------------------------------------- from the files


def _read_settings(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a JSON file: {error}") from error
    if not isinstance(settings, dict):
        raise ValueError(f"{path} holds a {type(settings).__name__}, expected a JSON object")
    return settings


def _special_token(settings: dict[str, Any], name: str) -> str:
    """A special token's text; older files hold it in an object of its properties."""
    token = settings.get(name) or _SPECIAL_TOKENS[name]
    return token["content"] if isinstance(token, dict) else token


def _side(settings: dict[str, Any], name: str) -> str:
    side = settings.get(name, "right")
    if side not in ("right", "left"):
        raise ValueError(f"{name} is {side!r}, expected 'right' or 'left'")
    return str(side)


def _from_tokenizer_json(path: Path) -> tokenizers.Tokenizer:
    with _clear_errors(f"{path} cannot be read as a tokenizer"):
        backend = tokenizers.Tokenizer.from_file(str(path))
    backend.no_padding()
    return backend


def _from_vocab(path: Path, settings: dict[str, Any]) -> tokenizers.Tokenizer:
    """BERT's tokenizer over a list of word pieces, one a line, as transformers sets it up."""
    with path.open(encoding="utf-8") as lines:
        try:
            vocab = {line.rstrip("\n"): number for number, line in enumerate(lines)}
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is not a UTF-8 text file: {error}") from error
    special = {name: _special_token(settings, name) for name in _SPECIAL_TOKENS}
    missing = [token for token in special.values() if token not in vocab]
    if missing:
        raise ValueError(
            f"{path} lacks the special tokens {', '.join(missing)}; is it a vocabulary?"
        )
    backend = tokenizers.Tokenizer(models.WordPiece(vocab, unk_token=special["unk_token"]))
    backend.normalizer = normalizers.BertNormalizer(
        handle_chinese_chars=settings.get("tokenize_chinese_chars", True),
        strip_accents=settings.get("strip_accents"),
        lowercase=settings.get("do_lower_case", True),
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    cls, sep = special["cls_token"], special["sep_token"]
    backend.post_processor = processors.TemplateProcessing(
        single=f"{cls}:0 $A:0 {sep}:0",
        pair=f"{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1",
        special_tokens=[(cls, vocab[cls]), (sep, vocab[sep])],
    )
    backend.add_special_tokens(list(special.values()))
    return backend
