"""From texts with `[MASK]` to words in its place."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Unpack, overload

import numpy as np

from npbert.arguments import ArrowColumn, Indexed, Sized, as_list, check_count, check_text
from npbert.distilbert.activations import Array
from npbert.distilbert.model import IntArray, Pack, select
from npbert.models.heads import DistilBertForMaskedLM
from npbert.models.outputs import softmax
from npbert.pipelines.base import Call, Pipeline, TokenizedInput, read_text
from npbert.pipelines.options import (
    CallOptions,
    Options,
    TokenizerKwargs,
    drop_none,
    flatten,
)
from npbert.pipelines.results import FilledMask, FilledMasks, Texts
from npbert.tokenization.tokenizer import Tokenizer


class FillMaskCallOptions(CallOptions, total=False):
    """The options of fill-mask; see also `CallOptions`.

    Attributes
    ----------
    top_k : int
        How many words to return for each mask; by default 5.
    targets : str or list of str
        The words to choose from; by default the whole vocabulary.
    tokenizer_kwargs : dict
        `truncation`, `max_length` and `padding`, in a dict of their own.
    """

    top_k: int | None
    targets: str | Sized[str] | ArrowColumn | None
    tokenizer_kwargs: TokenizerKwargs | None


@dataclass(frozen=True)
class FillMaskOptions(Options):
    """The options of fill-mask, checked; see `FillMaskCallOptions`."""

    top_k: int = 5
    targets: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_count("top_k", self.top_k)

    @classmethod
    def _normalized(cls, given: dict[str, Any]) -> dict[str, Any]:
        flat = drop_none(flatten(given, "tokenizer_kwargs"), "top_k", "targets")
        if "targets" in flat:
            targets = flat["targets"]
            words = [targets] if isinstance(targets, str) else as_list(targets)
            if words is None:
                raise TypeError(f"targets is a {type(targets).__name__}, expected a list of words")
            flat["targets"] = tuple(
                check_text(word, f"target {number}") for number, word in enumerate(words)
            )
        return flat


class FillMaskPipeline(Pipeline[str, FillMaskOptions, FilledMasks]):
    """A pipeline that finds words for `[MASK]`, best first; `npbert.pipeline` makes it.

    Raises
    ------
    ValueError
        If the tokenizer has no mask token.
    """

    task = "fill-mask"
    options_class = FillMaskOptions
    model: DistilBertForMaskedLM
    _expected: ClassVar[str] = "a str with a mask"

    def __init__(
        self,
        model: DistilBertForMaskedLM,
        tokenizer: Tokenizer,
        **given: Unpack[FillMaskCallOptions],
    ) -> None:
        token, number = tokenizer.mask_token, tokenizer.mask_token_id
        if number is None or number >= model.config.vocab_size:
            raise ValueError(
                f"the mask token of {tokenizer.name_or_path} is {token!r} (id {number}), expected "
                f"a token with an id below {model.config.vocab_size}, the model's vocab_size; "
                "without it there is nothing to fill"
            )
        super().__init__(model, tokenizer, **given)

    @overload
    def __call__(self, inputs: str, **options: Unpack[FillMaskCallOptions]) -> FilledMasks: ...
    @overload
    def __call__(
        self, inputs: Texts, **options: Unpack[FillMaskCallOptions]
    ) -> FilledMasks | list[FilledMasks]: ...
    @overload
    def __call__(
        self, inputs: Iterable[str] | Indexed[str], **options: Unpack[FillMaskCallOptions]
    ) -> Iterator[FilledMasks]: ...

    def __call__(self, inputs: object, **options: Unpack[FillMaskCallOptions]) -> Any:
        """Find words for masks.

        Parameters
        ----------
        inputs : str, list or iterator
            A text with one or more `[MASK]`; several texts; or an iterator over texts.
        **options
            See `FillMaskCallOptions`; they count for this call.

        Returns
        -------
        list or iterator
            For a text with one mask, a list of ``{"score": float, "token": int, "token_str": str,
            "sequence": str}``, best first. For a text with several masks, a list of such lists,
            one per mask. For several texts, a list of what each text gives. A list of one text
            gives what that text gives. An iterator gives an iterator.

        Raises
        ------
        TypeError
            If an input is not a text, or a keyword is unknown.
        ValueError
            If a text has no mask or is too long, or an option cannot be honoured.

        Warns
        -----
        UserWarning
            If a word of `targets` is not in the vocabulary, or if texts were cut.
        """
        results = self._answer(inputs, self.options_for(options))
        return results[0] if isinstance(inputs, list) and len(inputs) == 1 else results

    def _read_input(self, item: object, number: int, _options: FillMaskOptions) -> str:
        return read_text(item, number)

    def _check_tokenized(
        self, tokenized: TokenizedInput[str], _call: Call[FillMaskOptions], number: int
    ) -> None:
        if self.tokenizer.mask_token_id not in tokenized.parts[0].ids:
            raise ValueError(
                f"text {number} (counted from 0) has no {self.tokenizer.mask_token} "
                "(or it was cut off); put one where a word is wanted"
            )

    def _compute_rows(self, pack: Pack) -> list[Array]:
        masks = np.flatnonzero(pack.input_ids == self.tokenizer.mask_token_id)
        logits = self.model.forward_pack(pack, select(masks))  # (masks, vocab)
        return np.split(logits, np.searchsorted(masks, pack.starts[1:-1]))

    def _make_result(
        self, tokenized: TokenizedInput[str], rows: list[Array], call: Call[FillMaskOptions]
    ) -> FilledMasks:
        (logits,) = rows  # (masks, vocab)
        ids = np.array(tokenized.parts[0].ids, np.int64)
        masks = np.flatnonzero(ids == self.tokenizer.mask_token_id)
        probs = softmax(logits)
        allowed = self._target_ids(call.options.targets)
        results = []
        for mask, of_mask in zip(masks, probs, strict=True):
            best = np.argsort(-of_mask[allowed], kind="stable")[: call.options.top_k]
            filled = partial(self._filled, ids, int(mask), of_mask, len(masks))
            results.append([filled(int(token)) for token in allowed[best]])
        return results[0] if len(results) == 1 else results

    def _filled(
        self, ids: IntArray, mask: int, probs: Array, n_masks: int, token: int
    ) -> FilledMask:
        filled = ids.copy()
        filled[mask] = token
        filled = filled[filled != self.tokenizer.pad_token_id]
        return {
            "score": float(probs[token]),
            "token": token,
            "token_str": self.tokenizer.decode([token]),
            # Masks are special tokens. If the text has other masks, they must not be skipped.
            "sequence": self.tokenizer.decode(filled.tolist(), skip_special_tokens=n_masks == 1),
        }

    def _target_ids(self, targets: tuple[str, ...] | None) -> IntArray:
        """Return the ids to choose from, in ascending order."""
        if targets is None:
            return np.arange(self.model.config.vocab_size)
        vocab = self.tokenizer.get_vocab()
        chosen = set()
        for target in targets:
            if target in vocab:
                chosen.add(vocab[target])
                continue
            # As in transformers, the tokenizer says which side of a word is cut off.
            piece = self.tokenizer(target, None, False, truncation=True, max_length=1)["input_ids"]
            if not piece:
                warnings.warn(f"target {target!r} is not a word, so it is left out", stacklevel=7)
                continue
            token = self.tokenizer.convert_ids_to_tokens(piece[0])
            warnings.warn(
                f"target {target!r} is not in the vocabulary; {token!r} stands for it",
                stacklevel=7,
            )
            chosen.add(piece[0])
        if not chosen:
            raise ValueError("targets has no word of the vocabulary, expected at least one")
        return np.array(sorted(chosen))
