"""Texts with `[MASK]` → words for it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from npbert.arguments import as_list, check_count, check_text
from npbert.distilbert.activations import Array
from npbert.distilbert.model import Pack, select
from npbert.models.heads import DistilBertForMaskedLM
from npbert.models.outputs import softmax
from npbert.pipelines.base import Job, Options, Pipeline, flattened, without_none
from npbert.tokenization.tokenizer import Tokenizer


@dataclass(frozen=True)
class FillMaskOptions(Options):
    """How to fill masks.  The arguments are described at `FillMaskPipeline`."""

    top_k: int = 5
    targets: str | tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_count("top_k", self.top_k)


class FillMaskPipeline(Pipeline):
    """Words for `[MASK]`, best first.  Made by `pipeline`; see `Pipeline`."""

    task = "fill-mask"
    options_class = FillMaskOptions
    model: DistilBertForMaskedLM
    _expected: ClassVar[str] = "a str with a mask"

    def __init__(self, model: DistilBertForMaskedLM, tokenizer: Tokenizer, **options: Any) -> None:
        if tokenizer.mask_token_id is None:
            raise ValueError("the tokenizer has no mask token, so there is nothing to fill")
        super().__init__(model, tokenizer, **options)

    def __call__(self, inputs: Any, **options: Any) -> Any:
        """Fill masks.

        Parameters
        ----------
        inputs : str, list or iterator
            A text with one or more `[MASK]`; several of these; or an iterator over them.
        top_k : int, optional
            How many words for each mask (5).
        targets : str or list of str, optional
            The only words to choose from.
        tokenizer_kwargs : dict, optional
            `truncation`, `max_length` and `padding` of a text.
        **options
            `truncation`, `max_length`, `long_text`, `batch_size`, `threads`: see `pipeline`.

        Returns
        -------
        list or iterator
            For a text with one mask a list of ``{"score": float, "token": int,
            "token_str": str, "sequence": str}``, best first; for one with several masks a
            list of such lists; for several texts a list of these, but for a list of one
            text what that text gives.

        Raises
        ------
        TypeError
            If an input is no text, or a keyword is unknown.
        ValueError
            If a text has no mask or is too long, or an option cannot be honoured.
        """
        results = self._call(inputs, options)
        return results[0] if isinstance(inputs, list) and len(inputs) == 1 else results

    @staticmethod
    def _plain(options: dict[str, Any]) -> dict[str, Any]:
        flat = without_none(flattened(options, "tokenizer_kwargs"), "top_k", "targets")
        if flat.get("targets") is not None:
            targets = flat["targets"]
            words = [targets] if isinstance(targets, str) else as_list(targets)
            if words is None:
                raise TypeError(f"targets is a {type(targets).__name__}, expected a list of words")
            flat["targets"] = tuple(
                check_text(word, f"target {number}") for number, word in enumerate(words)
            )
        return flat

    def _jobs(self, items: list[Any], options: Any, numbers: Sequence[int]) -> list[Job]:
        jobs = super()._jobs(items, options, numbers)
        for number, job in zip(numbers, jobs, strict=True):
            if self.tokenizer.mask_token_id not in job.parts[0].ids:
                raise ValueError(
                    f"text {number} (counted from 0) has no {self.tokenizer.mask_token} "
                    "(or it was cut off); put one where a word is wanted"
                )
        return jobs

    def _rows(self, pack: Pack) -> list[Array]:
        masks = np.flatnonzero(pack.input_ids == self.tokenizer.mask_token_id)
        logits = self.model.forward_pack(pack, select(masks))  # (masks, vocab)
        return np.split(logits, np.searchsorted(masks, pack.starts[1:-1]))

    def _result(self, job: Job, rows: list[Array], options: Any) -> Any:
        (logits,) = rows  # (masks, vocab)
        ids = np.array(job.parts[0].ids)
        places = np.flatnonzero(ids == self.tokenizer.mask_token_id)
        probs = softmax(logits)
        allowed = self._target_ids(options.targets)
        results = []
        for place, of_mask in zip(places, probs, strict=True):
            tokens = allowed[np.argsort(-of_mask[allowed], kind="stable")[: options.top_k]]
            filled = partial(self._filled, ids, int(place), of_mask, len(places))
            results.append([filled(int(token)) for token in tokens])
        return results[0] if len(results) == 1 else results

    def _filled(
        self, ids: np.ndarray, place: int, probs: Array, n_masks: int, token: int
    ) -> dict[str, Any]:
        filled = ids.copy()
        filled[place] = token
        return {
            "score": float(probs[token]),
            "token": token,
            "token_str": self.tokenizer.decode([token]),
            # The other masks are special tokens too, and should be seen.
            "sequence": self.tokenizer.decode(filled, skip_special_tokens=n_masks == 1),
        }

    def _target_ids(self, targets: Any) -> np.ndarray:
        """Ids to choose from, in ascending order."""
        if targets is None:
            return np.arange(self.model.config.vocab_size)
        vocab = self.tokenizer.get_vocab()
        chosen = set()
        for target in targets:
            if target in vocab:
                chosen.add(vocab[target])
                continue
            pieces = self.tokenizer(target, add_special_tokens=False)["input_ids"]
            if not pieces:
                warnings.warn(f"target {target!r} is no word, so it is left out", stacklevel=6)
                continue
            first = self.tokenizer.convert_ids_to_tokens(pieces[0])
            warnings.warn(
                f"target {target!r} is not in the vocabulary; {first!r} stands for it",
                stacklevel=6,
            )
            chosen.add(pieces[0])
        if not chosen:
            raise ValueError("targets has no word of the vocabulary, expected at least one")
        return np.array(sorted(chosen))
