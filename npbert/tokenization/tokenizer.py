"""Text → token ids, with the call conventions of transformers.

The `tokenizers` library does the work: it normalizes a text, splits it into words, and splits the
words into word pieces (Devlin et al. 2018, arXiv:1810.04805, section 3.1). This module makes the
library's settings from the arguments of a call, and lists and arrays from its results.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Unpack, overload

import tokenizers
from tokenizers import Encoding

from npbert.arguments import reject_unknown
from npbert.tokenization.batch_encoding import BatchEncoding, IntArray, read_encodings
from npbert.tokenization.files import explain_errors
from npbert.tokenization.inputs import AnyTexts, Input, SeveralWords, Texts, Words, read_inputs
from npbert.tokenization.long_texts import shorten_texts
from npbert.tokenization.options import Side, TokenizerCallOptions
from npbert.tokenization.padding import Padding, read_padding
from npbert.tokenization.pretrained import PretrainedTokenizer
from npbert.tokenization.truncation import Truncation, read_limit, read_truncation


class Tokenizer(PretrainedTokenizer):
    """A tokenizer that is called as in transformers. `from_pretrained` makes it.

    Several threads can share one.

    Notes
    -----
    `PretrainedTokenizer` describes the attributes, and `Vocabulary` those of the special tokens.
    """

    # Each overload is one type of result. The options come by their names here; their places
    # count too when Python runs, but not all of them are those of transformers.
    @overload
    def __call__(
        self,
        text: AnyTexts,
        text_pair: AnyTexts | None = None,
        add_special_tokens: bool = True,
        *,
        return_tensors: Literal["np"],
        is_split_into_words: bool = False,
        return_overflowing_tokens: bool = False,
        **options: Unpack[TokenizerCallOptions],
    ) -> BatchEncoding[IntArray]: ...
    @overload  # one text
    def __call__(
        self,
        text: str,
        text_pair: str | None = None,
        add_special_tokens: bool = True,
        *,
        return_tensors: None = None,
        is_split_into_words: Literal[False] = False,
        return_overflowing_tokens: Literal[False] = False,
        **options: Unpack[TokenizerCallOptions],
    ) -> BatchEncoding[list[int]]: ...
    @overload  # the words of one text
    def __call__(
        self,
        text: Words,
        text_pair: Words | None = None,
        add_special_tokens: bool = True,
        *,
        return_tensors: None = None,
        is_split_into_words: Literal[True],
        return_overflowing_tokens: Literal[False] = False,
        **options: Unpack[TokenizerCallOptions],
    ) -> BatchEncoding[list[int]]: ...
    @overload  # several texts
    def __call__(
        self,
        text: Texts,
        text_pair: Texts | None = None,
        add_special_tokens: bool = True,
        *,
        return_tensors: None = None,
        is_split_into_words: Literal[False] = False,
        return_overflowing_tokens: bool = False,
        **options: Unpack[TokenizerCallOptions],
    ) -> BatchEncoding[list[list[int]]]: ...
    @overload  # the words of several texts
    def __call__(
        self,
        text: SeveralWords,
        text_pair: SeveralWords | None = None,
        add_special_tokens: bool = True,
        *,
        return_tensors: None = None,
        is_split_into_words: Literal[True],
        return_overflowing_tokens: bool = False,
        **options: Unpack[TokenizerCallOptions],
    ) -> BatchEncoding[list[list[int]]]: ...
    @overload  # the parts of texts
    def __call__(
        self,
        text: AnyTexts,
        text_pair: AnyTexts | None = None,
        add_special_tokens: bool = True,
        *,
        return_tensors: None = None,
        is_split_into_words: bool = False,
        return_overflowing_tokens: Literal[True],
        **options: Unpack[TokenizerCallOptions],
    ) -> BatchEncoding[list[list[int]]]: ...
    @overload  # what decides it is known only when Python runs
    def __call__(
        self,
        text: AnyTexts,
        text_pair: AnyTexts | None = None,
        add_special_tokens: bool = True,
        *,
        return_tensors: Literal["np"] | None = None,
        is_split_into_words: bool = False,
        return_overflowing_tokens: bool = False,
        **options: Unpack[TokenizerCallOptions],
    ) -> BatchEncoding: ...
    def __call__(
        self,
        text: object,
        text_pair: object = None,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str | None = None,
        max_length: int | None = None,
        stride: int = 0,
        is_split_into_words: bool = False,
        pad_to_multiple_of: int | None = None,
        padding_side: Side | None = None,
        return_tensors: Literal["np"] | None = None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_overflowing_tokens: bool = False,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_length: bool = False,
        split_special_tokens: bool | None = None,
        **others: object,
    ) -> BatchEncoding:
        """Tokenize one text or several.

        Parameters
        ----------
        text : str, or list of str
            A tuple, a NumPy array, or a pandas or pyarrow column counts as a list. An item may be
            a pair of texts.
        text_pair : str or list of str, optional
            The second text of each pair.
        add_special_tokens : bool
            Whether to put `[CLS]` and `[SEP]` around the text.
        padding : bool or str
            True or "longest" pads to the longest row of the batch, "max_length" to `max_length`.
        truncation : bool or str, optional
            True or "longest_first", "only_first" and "only_second" cut long texts.
        max_length : int, optional
            The most tokens of a row, special ones included. By default this is
            `model_max_length`. If it is given alone, long texts are cut.
        stride : int
            The number of tokens that a part of a long text shares with the part before it.
        is_split_into_words : bool
            Whether `text` is a list of words, or a list of lists of words.
        pad_to_multiple_of : int, optional
            Round the padded length up to a multiple of this.
        padding_side : "right" or "left", optional
            Used in place of the attribute.
        return_tensors : "np", optional
            Give arrays and not lists.
        return_token_type_ids : bool, optional
            Whether to add `token_type_ids`, which DistilBERT does not use.
        return_attention_mask : bool, optional
            Whether to add `attention_mask`. By default, `model_input_names` decides.
        return_overflowing_tokens : bool
            Whether to give the parts that were cut off as rows of their own. The column
            `overflow_to_sample_mapping` then has the number of each row's text.
        return_special_tokens_mask : bool
            Whether to add `special_tokens_mask`, which is 1 at special tokens.
        return_offsets_mapping : bool
            Whether to add `offset_mapping`, the characters (start, end) of each token.
        return_length : bool
            Whether to add `length`, the number of tokens of each row.
        split_special_tokens : bool, optional
            Whether to read special tokens that are written in the text as ordinary text. By
            default, tokenizer_config.json decides.
        **others
            `verbose`, which changes nothing here.

        Returns
        -------
        BatchEncoding

        Raises
        ------
        TypeError
            If a text is not a str, or a keyword is unknown.
        ValueError
            If an option cannot be honoured, or rows of different lengths should become an array.
        """
        others.pop("verbose", None)
        reject_unknown("tokenizer()", others, _CALL_KEYWORDS)
        if truncation is None and max_length is not None and padding is False:
            truncation = True
        limit = read_limit(max_length, self.model_max_length)
        cut = read_truncation(truncation, limit, stride, self.truncation_side)
        pad = read_padding(
            padding, limit, pad_to_multiple_of, padding_side or self.padding_side, cut
        )
        inputs, is_batch = read_inputs(text, text_pair, is_split_into_words)
        self._require_room(cut, inputs, add_special_tokens)
        with self._set_up(cut, pad, split_special_tokens) as backend:
            encodings: list[Encoding] = backend.encode_batch(
                inputs,
                is_pretokenized=is_split_into_words,
                add_special_tokens=add_special_tokens,
            )
        encoding = read_encodings(
            encodings,
            {
                "token_type_ids": bool(return_token_type_ids),
                "attention_mask": self._wants_mask(return_attention_mask),
                "special_tokens_mask": return_special_tokens_mask,
                "offset_mapping": return_offsets_mapping,
                "length": return_length,
            },
            with_overflow=return_overflowing_tokens,
            is_batch=is_batch or return_tensors is not None,
        )
        return encoding.convert_to_tensors(return_tensors)

    @overload
    def encode(
        self,
        text: str | Words,
        text_pair: str | Words | None = None,
        add_special_tokens: bool = True,
        *,
        return_tensors: Literal["np"],
        is_split_into_words: bool = False,
        **options: Unpack[TokenizerCallOptions],
    ) -> IntArray: ...
    @overload
    def encode(
        self,
        text: str,
        text_pair: str | None = None,
        add_special_tokens: bool = True,
        *,
        return_tensors: None = None,
        is_split_into_words: Literal[False] = False,
        **options: Unpack[TokenizerCallOptions],
    ) -> list[int]: ...
    @overload
    def encode(
        self,
        text: Words,
        text_pair: Words | None = None,
        add_special_tokens: bool = True,
        *,
        return_tensors: None = None,
        is_split_into_words: Literal[True],
        **options: Unpack[TokenizerCallOptions],
    ) -> list[int]: ...
    def encode(self, text: Any, text_pair: Any = None, *arguments: Any, **options: Any) -> Any:
        """Return the ids of one text, which are the `input_ids` of a call with these arguments."""
        return self(text, text_pair, *arguments, **options)["input_ids"]

    def tokenize(
        self,
        text: str,
        pair: str | None = None,
        add_special_tokens: bool = False,
        **options: Unpack[TokenizerCallOptions],
    ) -> list[str]:
        """Return the word pieces of one text as strings.

        Parameters
        ----------
        text : str
            The text.
        pair : str, optional
            A second text.
        add_special_tokens : bool
            Whether to put `[CLS]` and `[SEP]` around the text.
        **options
            As in the call.

        Returns
        -------
        list of str
        """
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
        keeps_rest: bool = True,
    ) -> list[Encoding]:
        """Tokenize texts and pairs into the encodings of the `tokenizers` library.

        Parameters
        ----------
        inputs : sequence of str, of lists of words, or of pairs of either
            The texts, which must have been checked.
        truncation, max_length
            As in the call. But `max_length` alone does not cut.
        with_offsets : bool
            Whether the tokens know their characters. Without this it is faster.
        stride, is_split_into_words
            As in the call.
        keeps_rest : bool
            Whether a text that is cut needs all its other parts. Without them, a very long text
            takes far less memory and time.

        Returns
        -------
        list of tokenizers.Encoding
            One per input. A text that was cut has its other parts in `overflowing`. Without
            `keeps_rest`, this has at least one of them.
        """
        limit = read_limit(max_length, self.model_max_length)
        cut = read_truncation(truncation, limit, stride, self.truncation_side)
        self._require_room(cut, inputs)
        with self._set_up(cut) as backend:
            encode = backend.encode_batch if with_offsets else backend.encode_batch_fast
            if cut is not None and not keeps_rest:
                inputs = shorten_texts(inputs, backend, cut, keep_offsets=with_offsets)
            encodings: list[Encoding] = encode(list(inputs), is_pretokenized=is_split_into_words)
        return encodings

    # ------------------------------------------------------------------- the backend

    @contextmanager
    def _set_up(
        self,
        truncation: Truncation | None,
        padding: Padding | None = None,
        split_special_tokens: bool | None = None,
    ) -> Iterator[tokenizers.Tokenizer]:
        """Give the backend the settings of a call, and keep other threads away from it."""
        backend = self._backend
        what = f"the text cannot be tokenized with the tokenizer of {self.name_or_path}"
        of_cut = what
        if truncation is not None:
            of_cut = (
                f"truncation={truncation.strategy!r} cannot cut to max_length "
                f"{truncation.max_length}"
            )
        with self._lock, explain_errors(what, of_cut):
            if truncation is None:
                backend.no_truncation()
            else:
                truncation.set_up(backend)
            if padding is None:
                backend.no_padding()
            else:
                padding.set_up(backend, *self._require_pad_token())
            if split_special_tokens is None:
                split_special_tokens = self.split_special_tokens
            backend.encode_special_tokens = split_special_tokens
            yield backend

    def _require_room(
        self,
        truncation: Truncation | None,
        inputs: Sequence[Input],
        add_special_tokens: bool = True,
    ) -> None:
        """Raise a ValueError if texts are cut so short that nothing is left of them."""
        if truncation is not None:
            has_pairs = any(isinstance(item, tuple) for item in inputs)
            n_special = self.num_special_tokens_to_add(has_pairs) if add_special_tokens else 0
            truncation.require_room(n_special)


AutoTokenizer = Tokenizer
DistilBertTokenizer = Tokenizer
DistilBertTokenizerFast = Tokenizer

_CALL_KEYWORDS = tuple(
    name for name in Tokenizer.__call__.__annotations__ if name not in ("others", "return")
)
