"""The part of a tokenizer that needs no text: loading, saving, and the padding of ids."""

from __future__ import annotations

import math
import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, Self, Unpack, overload

import tokenizers

from npbert.arguments import PORTED_NAMES, reject_unknown, without_ported
from npbert.checkpoints.sources import (
    CONFIG_FILE,
    HUB_OPTIONS,
    TOKENIZER_FILES,
    ModelSource,
    split_hub_options,
)
from npbert.messages import enumerate_names, with_noun
from npbert.tokenization.batch_encoding import BatchEncoding, IdsT, IntArray
from npbert.tokenization.files import (
    TOKENIZER_FILE,
    VOCAB_FILE,
    read_tokenizer,
    write_tokenizer,
)
from npbert.tokenization.inputs import are_arrays, read_columns
from npbert.tokenization.options import (
    SETTING_NAMES,
    PaddingChoice,
    Side,
    TokenizerOptions,
    TokenizerSettings,
    read_side,
)
from npbert.tokenization.padding import read_padding
from npbert.tokenization.settings import Settings
from npbert.tokenization.truncation import UNLIMITED, read_limit
from npbert.tokenization.vocabulary import Vocabulary

_IGNORED_OPTIONS: Final = ("config", "verbose")


class PretrainedTokenizer(Vocabulary):
    """The part of a tokenizer that needs no text: loading, saving, and the padding of ids.

    Parameters
    ----------
    backend : tokenizers.Tokenizer
        The tokenizer of the `tokenizers` library.
    settings : dict
        As from `read_tokenizer`.
    name_or_path : str
        The folder from which the tokenizer was read.
    **others
        There are none. Code that makes a tokenizer of vocab.txt itself, as older releases of
        transformers do, gives settings here, and gets an error that names `from_pretrained`.

    Attributes
    ----------
    name_or_path : str
        The folder from which the tokenizer was read.
    model_max_length : int
        The most tokens that the model can read; a huge number where the folder states no limit.
    padding_side, truncation_side : "right" or "left"
        The side on which rows are padded, and on which long texts are cut.
    model_input_names : list of str
        A call gives an `attention_mask` if this list has it.
    split_special_tokens : bool
        The default of this argument of a call.
    do_lower_case : bool
        Whether the settings say that text is in lower case for the model. If tokenizer.json has a
        normalizer of another kind than BERT's, then that decides alone.
    init_kwargs : dict
        The settings with which the tokenizer was made.
    backend, is_fast, init_inputs, vocab_files_names, pad_token_type_id
        For ported code that reads them. They have the same values for every tokenizer.

    Notes
    -----
    `Vocabulary` describes the attributes of the special tokens, such as `cls_token`.
    """

    is_fast = True
    backend = "tokenizers"
    init_inputs: tuple[()] = ()
    pad_token_type_id = 0
    vocab_files_names: ClassVar[dict[str, str]] = {
        "vocab_file": VOCAB_FILE,
        "tokenizer_file": TOKENIZER_FILE,
    }

    def __init__(
        self,
        backend: tokenizers.Tokenizer | None = None,
        settings: Settings | None = None,
        name_or_path: str = "",
        **others: object,
    ) -> None:
        if not isinstance(backend, tokenizers.Tokenizer) or settings is None or others:
            given = ", ".join(others) if backend is None and others else repr(backend)
            raise TypeError(
                f"a {type(self).__name__} cannot be made of {given}; load it from the folder "
                f"that has vocab.txt: {type(self).__name__}.from_pretrained(folder)"
            )
        super().__init__(backend, settings)
        self.name_or_path = name_or_path
        self.init_kwargs = dict(settings)
        self.do_lower_case = bool(settings.get("do_lower_case", True))
        # How texts are cut and padded is a setting of the backend, which all threads share. While
        # one thread makes its settings and tokenizes, no other thread may change them.
        self._lock = threading.Lock()
        _tokenizers.add(self)
        longest = settings.get("model_max_length") or settings.get("max_len")  # its old name
        limit: float = longest or math.inf
        self.model_max_length = UNLIMITED if limit == math.inf else int(limit)
        self.split_special_tokens = bool(settings.get("split_special_tokens"))
        self.model_input_names: list[str] = list(
            settings.get("model_input_names") or ("input_ids", "attention_mask")
        )
        self.padding_side: Side = read_side("padding_side", settings.get("padding_side", "right"))
        self.truncation_side: Side = read_side(
            "truncation_side", settings.get("truncation_side", "right")
        )

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state
        self._lock = threading.Lock()  # a new one: locks cannot be pickled
        _tokenizers.add(self)

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        **options: Unpack[TokenizerOptions],
    ) -> Self:
        """Load the tokenizer of a model.

        Parameters
        ----------
        pretrained_model_name_or_path : str or Path
            A folder, a bundled name ("mini"), or a hub id.
        **options
            `revision`, `subfolder`, `variant`, `cache_dir`, `local_files_only`, `token` and
            `disable_mmap` (see `HubOptions`); settings in place of those in the files,
            such as ``do_lower_case=False`` (see `TokenizerSettings`); and keywords of ported
            code that change nothing here, such as `use_fast` (see `PortedOptions`).

        Returns
        -------
        Tokenizer

        Raises
        ------
        OSError
            If the model cannot be found or fetched.
        TypeError
            If a keyword is unknown.
        ValueError
            If the files cannot be used.
        """
        known = (*HUB_OPTIONS, *SETTING_NAMES, *PORTED_NAMES)
        of_hub, others = split_hub_options(options)
        others = without_ported(others)
        others = {name: value for name, value in others.items() if name not in _IGNORED_OPTIONS}
        unknown = [name for name in others if name not in SETTING_NAMES]
        reject_unknown(f"{cls.__name__}.from_pretrained()", unknown, known)
        folder = ModelSource(pretrained_model_name_or_path, **of_hub).resolve(
            weights=False,
            any_of=(CONFIG_FILE, *TOKENIZER_FILES),  # a saved tokenizer has no config.json
        )
        return cls.from_folder(folder, **others)

    @classmethod
    def from_folder(cls, folder: Path, **changes: Unpack[TokenizerSettings]) -> Self:
        """Read the files of a tokenizer.

        Parameters
        ----------
        folder : Path
            A folder with tokenizer.json or vocab.txt.
        **changes
            Settings in place of those in the files; see `TokenizerSettings`.

        Returns
        -------
        Tokenizer

        Raises
        ------
        ValueError
            If files are missing, or cannot be used.
        """
        backend, settings = read_tokenizer(folder, changes)
        try:
            return cls(backend, settings, str(folder))
        except ValueError as error:
            raise ValueError(f"{folder}: {error}") from error

    def save_pretrained(self, save_directory: str | Path) -> tuple[str, ...]:
        """Write tokenizer.json and tokenizer_config.json.

        Parameters
        ----------
        save_directory : str or Path
            The folder. It is made if it does not exist.

        Returns
        -------
        tuple of str
            The paths of the files.

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

    @property
    def max_len_single_sentence(self) -> int:
        """`model_max_length` without the special tokens around a text."""
        return self.model_max_length - self.num_special_tokens_to_add()

    @property
    def max_len_sentences_pair(self) -> int:
        """`model_max_length` without the special tokens around a pair."""
        return self.model_max_length - self.num_special_tokens_to_add(pair=True)

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        """Return the number of special tokens around a text, or around a pair."""
        return int(self._backend.num_special_tokens_to_add(pair))

    # Each overload is one type of result.
    @overload
    def pad(
        self,
        encoded_inputs: Mapping[str, object] | Sequence[Mapping[str, object]],
        padding: PaddingChoice = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: Side | None = None,
        return_attention_mask: bool | None = None,
        *,
        return_tensors: Literal["np"],
        verbose: bool = True,
    ) -> BatchEncoding[IntArray]: ...
    @overload  # what a tokenizer gave: the rows stay of their type
    def pad(
        self,
        encoded_inputs: BatchEncoding[IdsT],
        padding: PaddingChoice = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: Side | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: None = None,
        verbose: bool = True,
    ) -> BatchEncoding[IdsT]: ...
    @overload  # several rows
    def pad(
        self,
        encoded_inputs: Sequence[Mapping[str, object]],
        padding: PaddingChoice = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: Side | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: None = None,
        verbose: bool = True,
    ) -> BatchEncoding[list[list[int]]]: ...
    @overload  # a dict of columns of any type
    def pad(
        self,
        encoded_inputs: Mapping[str, object],
        padding: PaddingChoice = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: Side | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: Literal["np"] | None = None,
        verbose: bool = True,
    ) -> BatchEncoding: ...
    def pad(
        self,
        encoded_inputs: object,
        padding: bool | str = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: Side | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: Literal["np"] | None = None,
        verbose: bool = True,  # noqa: ARG002
    ) -> BatchEncoding:
        """Pad rows of ids that are already tokenized.

        Parameters
        ----------
        encoded_inputs : dict of columns, or list of dicts of one row
            At least the first of `model_input_names` must be there, which is `input_ids`.
        padding, max_length, pad_to_multiple_of, padding_side
            As in a tokenizer's call.
        return_attention_mask : bool, optional
            Whether to add `attention_mask`. By default, `model_input_names` decides.
        return_tensors : "np", optional
            Give arrays and not lists. This is the default if the rows are arrays.
        verbose : bool
            Ignored; ported code may give it.

        Returns
        -------
        BatchEncoding

        Raises
        ------
        ValueError
            If `input_ids` are missing, or columns have different lengths.
        """
        main = self.model_input_names[0]
        columns = read_columns(encoded_inputs, main)
        ids = columns[main]
        if not ids:
            return BatchEncoding({**columns, "attention_mask": []})
        is_batch = isinstance(ids[0], (list, tuple))
        if not is_batch:
            columns = {name: [column] for name, column in columns.items()}
            ids = columns[main]
        uneven = [name for name, column in columns.items() if len(column) != len(ids)]
        if uneven:
            raise ValueError(
                f"{uneven[0]} has {with_noun(len(columns[uneven[0]]), 'row')}, expected "
                f"{len(ids)}, one for each row of {main}"
            )
        if self._wants_mask(return_attention_mask):
            columns.setdefault("attention_mask", [[1] * len(row) for row in ids])
        limit = read_limit(max_length, self.model_max_length)
        side = padding_side or self.padding_side
        pad = read_padding(padding, limit, pad_to_multiple_of, side, truncation=None)
        if pad is not None:
            pad.pad_columns(columns, main, self._require_pad_token()[0])
        if not is_batch:
            columns = {name: column[0] for name, column in columns.items()}
        if return_tensors is None and are_arrays(encoded_inputs, main):
            return_tensors = "np"
        return BatchEncoding(columns).convert_to_tensors(return_tensors)

    def require_embeddings(self, n_embeddings: int) -> None:
        """Raise a ValueError if an added token has an id for which a model has no embedding.

        The padding token and the mask token may have such an id. Most tasks need neither, and a
        vocabulary that lacks one of them gets it at its end.
        """
        optional = (self.pad_token, self.mask_token)
        beyond = [
            f"{token!r} (id {number})"
            for token, number in self.get_added_vocab().items()
            if number >= n_embeddings and token not in optional
        ]
        if beyond:
            raise ValueError(
                f"the tokenizer of {self.name_or_path} has added tokens for which the model has no "
                f"embedding: {enumerate_names(beyond)}; the model knows the ids 0 to "
                f"{n_embeddings - 1}. Use the tokenizer that was saved with the model"
            )

    def _require_pad_token(self) -> tuple[int, str]:
        """Return the id and the text of the padding token, or raise a ValueError."""
        number, token = self.pad_token_id, self.pad_token
        if number is None or token is None:
            raise ValueError(
                f"rows cannot be padded: pad_token is {token!r}, expected a token that the "
                "vocabulary has; set tokenizer.pad_token to one, or do not pad"
            )
        return number, token

    def _wants_mask(self, asked: bool | None) -> bool:
        return "attention_mask" in self.model_input_names if asked is None else asked


# A fork waits until no other thread tokenizes. In the process that it makes, the locks inside of
# the `tokenizers` library would otherwise stay locked.
_tokenizers: weakref.WeakSet[PretrainedTokenizer] = weakref.WeakSet()
_forking = threading.Lock()
_held: list[PretrainedTokenizer] = []


def _hold_tokenizers() -> None:
    _forking.acquire()
    _held.extend(_tokenizers)
    for tokenizer in _held:
        tokenizer._lock.acquire()


def _release_tokenizers() -> None:
    for tokenizer in _held:
        tokenizer._lock.release()
    _held.clear()
    _forking.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_hold_tokenizers,
        after_in_parent=_release_tokenizers,
        after_in_child=_release_tokenizers,
    )
