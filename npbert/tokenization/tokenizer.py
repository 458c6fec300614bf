"""Text → token ids, with the call conventions of transformers.

The `tokenizers` library does the work: normalizing, splitting and WordPiece (Devlin et al.
2018, arXiv:1810.04805, section 3.1).  Here its settings are made from the arguments of a
call, and its results become lists and arrays.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import tokenizers
from tokenizers import Encoding

from npbert.arguments import (
    HARMLESS_NAMES,
    check_count,
    check_stride,
    choice,
    reject_unknown,
    take_harmless,
)
from npbert.checkpoints.hub import (
    CONFIG_FILE,
    HUB_OPTIONS,
    TOKENIZER_FILES,
    ModelSource,
    split_hub_options,
)
from npbert.tokenization.batch_encoding import BatchEncoding
from npbert.tokenization.files import (
    SPECIAL_TOKENS,
    Settings,
    clear_errors,
    read_tokenizer,
    write_tokenizer,
)
from npbert.tokenization.inputs import columns_of, inputs_of, padded, rounded_up
from npbert.tokenization.vocabulary import Vocabulary

_NO_LIMIT: Final = 10**20  # a larger model_max_length is none
_UNLIMITED: Final = int(1e30)  # what transformers writes for it
_TRUNCATIONS: Final = {
    True: "longest_first",
    "longest_first": "longest_first",
    "only_first": "only_first",
    "only_second": "only_second",
    False: None,
    None: None,
    "do_not_truncate": None,
}
PADDINGS: Final = {
    True: "longest",
    "longest": "longest",
    "max_length": "max_length",
    False: None,
    "do_not_pad": None,
}


_SIDES: Final = ("right", "left")
# Settings that may be given when a tokenizer is loaded.
_LOADING: Final = (
    "model_max_length",
    "padding_side",
    "truncation_side",
    "do_lower_case",
    "strip_accents",
    "tokenize_chinese_chars",
    "clean_up_tokenization_spaces",
    "split_special_tokens",
    "model_input_names",
    "extra_special_tokens",
    *SPECIAL_TOKENS,
)
# Columns of a result: by the argument that asks for it, its name and how to read it.
_COLUMNS: Final[dict[str, tuple[str, Callable[[Encoding], Any]]]] = {
    "return_token_type_ids": ("token_type_ids", lambda encoding: encoding.type_ids),
    "return_attention_mask": ("attention_mask", lambda encoding: encoding.attention_mask),
    "return_special_tokens_mask": (
        "special_tokens_mask",
        lambda encoding: encoding.special_tokens_mask,
    ),
    "return_offsets_mapping": ("offset_mapping", lambda encoding: encoding.offsets),
    "return_length": ("length", lambda encoding: len(encoding.ids)),
}
_PAD_VALUES: Final = {"attention_mask": 0, "token_type_ids": 0, "special_tokens_mask": 1}

Input = str | Sequence[str] | tuple[Any, Any]  # a text, its words, or a pair of either


class _Padding(NamedTuple):
    """To the longest of the batch if `length` is None."""

    length: int | None
    multiple_of: int | None
    side: str


class Tokenizer(Vocabulary):
    """A tokenizer, called as in transformers.  Made by `from_pretrained`.

    Threads can share one.

    Attributes
    ----------
    name_or_path : str
        The folder that it was read from.
    model_max_length : int
        Most tokens that the model can read; huge where the folder states no limit.
    padding_side, truncation_side : str
        "right" or "left".
    model_input_names : list of str
        `attention_mask` is among the results of a call if it is here.
    split_special_tokens : bool
        What a call does that does not say.

    For those of special tokens see `Vocabulary`.
    """

    is_fast = True
    pad_token_type_id = 0

    def __init__(
        self, backend: tokenizers.Tokenizer, settings: Settings, name_or_path: str = ""
    ) -> None:
        super().__init__(backend, settings)
        self.name_or_path = name_or_path
        # Truncation and padding are settings of the shared backend, so setting them and
        # encoding must not be torn apart by another thread.
        self._lock = threading.Lock()
        longest = settings.get("model_max_length") or settings.get("max_len")  # its old name
        self.model_max_length = int(longest or _UNLIMITED)
        self.split_special_tokens = bool(settings.get("split_special_tokens"))
        self.model_input_names = list(
            settings.get("model_input_names") or ("input_ids", "attention_mask")
        )
        self.padding_side = _side("padding_side", settings.get("padding_side", "right"))
        self.truncation_side = _side("truncation_side", settings.get("truncation_side", "right"))
        if self.pad_token_id is None:
            raise ValueError(f"the tokenizer has no padding token {self.pad_token!r}")

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state
        self._lock = threading.Lock()  # of its own: locks cannot be pickled

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        **options: Any,
    ) -> Tokenizer:
        """Load the tokenizer of a model.

        Parameters
        ----------
        pretrained_model_name_or_path : str or Path
            A folder, a bundled name ("mini"), or a hub id.
        **options
            `revision`, `cache_dir`, `local_files_only` and `token`, as in huggingface_hub (see
            `HubOptions`). Settings in place of what the files say: `model_max_length`,
            `padding_side`, `truncation_side`, `do_lower_case`, `strip_accents`,
            `tokenize_chinese_chars`,
            `clean_up_tokenization_spaces`, `split_special_tokens`, `model_input_names`,
            `extra_special_tokens`, and special tokens such as `pad_token`; and keywords of
            ported code that change nothing here, such as `use_fast`.

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
        known = (*HUB_OPTIONS, *_LOADING, *HARMLESS_NAMES)
        of_hub, others = split_hub_options(options)
        others = take_harmless(others)
        others.pop("config", None)  # a tokenizer needs nothing of it
        changes = {name: others.pop(name) for name in _LOADING if name in others}
        reject_unknown(f"{cls.__name__}.from_pretrained()", others, known)
        folder = ModelSource(pretrained_model_name_or_path, **of_hub).resolve(
            weights=False,
            any_of=(CONFIG_FILE, *TOKENIZER_FILES),  # a saved tokenizer has no config.json
        )
        return cls.from_folder(folder, **changes)

    @classmethod
    def from_folder(cls, folder: Path, **changes: Any) -> Tokenizer:
        """Read a tokenizer's files; `changes` are settings in place of those in them.

        Raises
        ------
        ValueError
            If there are none, or some that cannot be used.
        """
        backend, settings = read_tokenizer(folder, changes)
        try:
            return cls(backend, settings, str(folder))
        except ValueError as error:
            raise ValueError(f"{folder}: {error}") from error

    # ------------------------------------------------------------------ texts to ids

    def __call__(
        self,
        text: Any,
        text_pair: Any = None,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str | None = None,
        max_length: int | None = None,
        stride: int = 0,
        is_split_into_words: bool = False,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_tensors: str | None = None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_overflowing_tokens: bool = False,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_length: bool = False,
        split_special_tokens: bool | None = None,
        **unknown: Any,
    ) -> BatchEncoding:
        """Tokenize one text or several.

        Parameters
        ----------
        text : str, or list of str
            A tuple, a NumPy array, or a pandas or pyarrow column counts as a list.  An item
            may be a pair of texts.
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
        stride : int
            Tokens that a part of a long text shares with the part before it.
        is_split_into_words : bool
            `text` is a list of words, or a list of such lists.
        pad_to_multiple_of : int, optional
            Round the padded length up.
        padding_side : "right" or "left", optional
            Instead of the attribute.
        return_tensors : "np", optional
            Arrays instead of lists.
        return_token_type_ids : bool, optional
            Add `token_type_ids`, which DistilBERT does not use.
        return_attention_mask : bool, optional
            Whether to add `attention_mask`; by default if it is in `model_input_names`.
        return_overflowing_tokens : bool
            Give the parts that were cut off as rows of their own, and say in
            `overflow_to_sample_mapping` which text each row is of.
        return_special_tokens_mask : bool
            Add `special_tokens_mask`: 1 at special tokens.
        return_offsets_mapping : bool
            Add `offset_mapping`: the characters (start, end) of each token.
        return_length : bool
            Add `length`: the tokens of each row.
        split_special_tokens : bool, optional
            Read special tokens that are written in the text as ordinary text; by default
            what tokenizer_config.json says.
        **unknown
            `verbose`, which changes nothing here.

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
        unknown.pop("verbose", None)
        reject_unknown("tokenizer()", unknown, _CALL_KEYWORDS)
        wanted = {
            "return_token_type_ids": return_token_type_ids,
            "return_attention_mask": self._wants_mask(return_attention_mask),
            "return_special_tokens_mask": return_special_tokens_mask,
            "return_offsets_mapping": return_offsets_mapping,
            "return_length": return_length,
        }
        strategy, limit, pad_to = self._strategies(
            padding, truncation, max_length, pad_to_multiple_of, padding_side
        )
        inputs, is_batch = inputs_of(text, text_pair, is_split_into_words)
        encodings = self._encode(
            inputs,
            strategy,
            limit,
            pad_to,
            stride=stride,
            add_special_tokens=add_special_tokens,
            is_pretokenized=is_split_into_words,
            split_special_tokens=split_special_tokens,
        )
        parts = [[encoding] for encoding in encodings]
        if return_overflowing_tokens:
            parts = [[encoding, *encoding.overflowing] for encoding in encodings]
        rows = [part for of_text in parts for part in of_text]
        columns: dict[str, Any] = {"input_ids": [row.ids for row in rows]}
        for argument, (name, read) in _COLUMNS.items():
            if wanted[argument]:
                columns[name] = list(map(read, rows))
        if return_overflowing_tokens:
            columns["overflow_to_sample_mapping"] = [
                number for number, of_text in enumerate(parts) for _ in of_text
            ]
        elif not is_batch and return_tensors is None:
            columns = {
                name: column[0] if isinstance(column[0], list) else column
                for name, column in columns.items()
            }
        return BatchEncoding(columns, rows).convert_to_tensors(return_tensors)

    def encode(self, text: Any, text_pair: Any = None, *arguments: Any, **options: Any) -> Any:
        """Ids of one text: the `input_ids` of a call with these arguments."""
        return self(text, text_pair, *arguments, **options)["input_ids"]

    def tokenize(
        self,
        text: str,
        pair: str | None = None,
        add_special_tokens: bool = False,
        **options: Any,
    ) -> list[str]:
        """Word pieces of one text as strings."""
        return self(text, pair, add_special_tokens, **options).tokens()

    def encode_batch(
        self,
        inputs: Sequence[Input],
        *,
        truncation: bool | str | None = None,
        max_length: int | None = None,
        with_offsets: bool = False,
        stride: int = 0,
        is_split_into_words: bool = False,
    ) -> list[Encoding]:
        """Tokenize texts and pairs into the encodings of the `tokenizers` library.

        Parameters are those of the call.  A text that was cut has `overflowing` parts.
        Without `with_offsets` it is faster, and no token knows its characters.
        """
        strategy = choice("truncation", truncation, _TRUNCATIONS)
        return self._encode(
            inputs,
            strategy,
            self._limit(max_length),
            None,
            stride=stride,
            is_pretokenized=is_split_into_words,
            with_offsets=with_offsets,
        )

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        """How many special tokens stand around a text, or around a pair."""
        return int(self._backend.num_special_tokens_to_add(pair))

    @property
    def max_len_single_sentence(self) -> int:
        """`model_max_length` without the special tokens around a text."""
        return self.model_max_length - self.num_special_tokens_to_add()

    @property
    def max_len_sentences_pair(self) -> int:
        """`model_max_length` without the special tokens around a pair."""
        return self.model_max_length - self.num_special_tokens_to_add(pair=True)

    # ----------------------------------------------------------------------- padding

    def pad(
        self,
        encoded_inputs: Any,
        padding: bool | str = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
        verbose: bool = True,  # noqa: ARG002
    ) -> BatchEncoding:
        """Pad rows of ids that are tokenized already.

        Parameters
        ----------
        encoded_inputs : dict of rows, or list of dicts of a row
            With `input_ids` at least.
        padding, max_length, pad_to_multiple_of, padding_side, return_tensors
            As in a call.
        return_attention_mask : bool, optional
            Whether to add `attention_mask`; by default if it is in `model_input_names`.
        verbose : ignored

        Returns
        -------
        BatchEncoding

        Raises
        ------
        ValueError
            If `input_ids` are missing, or columns have different lengths.
        """
        columns = columns_of(encoded_inputs)
        ids = columns["input_ids"]
        if not ids:
            return BatchEncoding({**columns, "attention_mask": []})
        is_batch = isinstance(ids[0], (list, tuple))
        if not is_batch:
            columns = {name: [column] for name, column in columns.items()}
            ids = columns["input_ids"]
        uneven = [name for name, column in columns.items() if len(column) != len(ids)]
        if uneven:
            raise ValueError(f"{uneven[0]} has {len(columns[uneven[0]])} rows, expected {len(ids)}")
        if self._wants_mask(return_attention_mask):
            columns.setdefault("attention_mask", [[1] * len(row) for row in ids])
        _, _, pad_to = self._strategies(
            padding, False, max_length, pad_to_multiple_of, padding_side
        )
        if pad_to is not None:
            width = max(map(len, ids)) if pad_to.length is None else pad_to.length
            width = rounded_up(width, pad_to.multiple_of)
            values = {"input_ids": self.pad_token_id, **_PAD_VALUES}
            for name in columns.keys() & values.keys():
                columns[name] = [
                    padded(list(row), width, values[name], pad_to.side) for row in columns[name]
                ]
        if not is_batch:
            columns = {name: column[0] for name, column in columns.items()}
        return BatchEncoding(columns).convert_to_tensors(return_tensors)

    def save_pretrained(self, save_directory: str | Path) -> tuple[str, ...]:
        """Write tokenizer.json and tokenizer_config.json.

        Returns
        -------
        tuple of str
            Paths of the files.

        Raises
        ------
        FileExistsError
            If the folder has files of these names that hold something else.
        """
        state = {
            "model_max_length": self.model_max_length,
            "padding_side": self.padding_side,
            "truncation_side": self.truncation_side,
        }
        with self._lock:
            return write_tokenizer(Path(save_directory), self._backend, self._settings | state)

    # ----------------------------------------------------------------------- the work

    def _encode(
        self,
        inputs: Sequence[Input],
        strategy: str | None,
        limit: int | None,
        pad_to: _Padding | None,
        *,
        stride: int = 0,
        add_special_tokens: bool = True,
        is_pretokenized: bool = False,
        split_special_tokens: bool | None = None,
        with_offsets: bool = True,
    ) -> list[Encoding]:
        """Set up the backend and let it tokenize."""
        backend = self._backend
        if strategy is not None and limit is not None:
            self._check_room(inputs, limit, stride, add_special_tokens)
        encode = backend.encode_batch if with_offsets else backend.encode_batch_fast
        with (
            self._lock,
            clear_errors(f"truncation={strategy!r} cannot cut to max_length {limit}"),
        ):
            if strategy is None or limit is None:
                backend.no_truncation()
            else:
                backend.enable_truncation(
                    limit, stride=stride, strategy=strategy, direction=self.truncation_side
                )
            if pad_to is None:
                backend.no_padding()
            else:
                backend.enable_padding(
                    direction=pad_to.side,
                    pad_id=self.pad_token_id,
                    pad_token=self.pad_token,
                    length=pad_to.length,
                    pad_to_multiple_of=pad_to.multiple_of,
                )
            if split_special_tokens is None:
                split_special_tokens = self.split_special_tokens
            backend.encode_special_tokens = split_special_tokens
            encodings: list[Encoding] = encode(
                list(inputs),
                is_pretokenized=is_pretokenized,
                add_special_tokens=add_special_tokens,
            )
        return encodings

    def _wants_mask(self, asked: bool | None) -> bool:
        return "attention_mask" in self.model_input_names if asked is None else asked

    def _strategies(
        self,
        padding: bool | str,
        truncation: bool | str | None,
        max_length: int | None,
        pad_to_multiple_of: int | None,
        padding_side: str | None,
    ) -> tuple[str | None, int | None, _Padding | None]:
        """How to truncate, to how many tokens, and how to pad."""
        pads = choice("padding", padding, PADDINGS)
        if truncation is None and max_length is not None and padding is False:
            truncation = True
        strategy = choice("truncation", truncation, _TRUNCATIONS)
        limit = self._limit(max_length)
        if pad_to_multiple_of is not None:
            check_count("pad_to_multiple_of", pad_to_multiple_of)
        side = _side("padding_side", padding_side or self.padding_side)
        if pads is None or (pads == "max_length" and limit is None):
            return strategy, limit, None
        if strategy and pad_to_multiple_of and limit and limit % pad_to_multiple_of:
            raise ValueError(
                f"max_length {limit} is no multiple of pad_to_multiple_of {pad_to_multiple_of}, so "
                "a text cannot be cut to the one and padded to the other"
            )
        length = limit if pads == "max_length" else None
        return strategy, limit, _Padding(length, pad_to_multiple_of, side)

    def _limit(self, max_length: int | None) -> int | None:
        """`max_length`, or the model's; None where neither sets a limit."""
        if max_length is None:
            return self.model_max_length if self.model_max_length < _NO_LIMIT else None
        check_count("max_length", max_length)
        return int(max_length)

    def _check_room(
        self,
        inputs: Sequence[Input],
        limit: int,
        stride: int,
        add_special_tokens: bool,
    ) -> None:
        has_pairs = any(isinstance(item, tuple) for item in inputs)
        n_special = self._backend.num_special_tokens_to_add(has_pairs) * add_special_tokens
        if limit <= n_special:
            raise ValueError(
                f"max_length is {limit}, which leaves no room for text beside {n_special} special "
                f"tokens; expected at least {n_special + 1}"
            )
        check_stride(stride)
        if stride >= limit - n_special:
            raise ValueError(
                f"stride is {stride}, expected less than the {limit - n_special} tokens that "
                f"max_length {limit} leaves for text"
            )


AutoTokenizer = Tokenizer
DistilBertTokenizer = Tokenizer
DistilBertTokenizerFast = Tokenizer

_CALL_KEYWORDS = tuple(
    name for name in Tokenizer.__call__.__annotations__ if name not in ("unknown", "return")
)


def _side(name: str, value: Any) -> str:
    if value not in _SIDES:
        raise ValueError(f"{name} is {value!r}, expected 'right' or 'left'")
    return str(value)
