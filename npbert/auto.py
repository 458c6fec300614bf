"""Models under the names that transformers gives them: padded arrays in, outputs out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from npbert.arguments import reject_unknown, take_harmless
from npbert.batching import check_tokens, from_padded, packs_of, to_padded
from npbert.checkpoint import CheckpointError, find_non_finite, load_parameters
from npbert.config import DistilBertConfig
from npbert.hub import resolve
from npbert.model import (
    Array,
    Encoder,
    IntArray,
    Pack,
    SequenceClassifier,
    Take,
    classify_sequence,
    encode,
    read_all,
)
from npbert.outputs import BaseModelOutput, SequenceClassifierOutput
from npbert.threads import available_cpus, run


class PreTrainedModel(ABC):
    """What all models share: loading, and the checks of their input.

    Parameters
    ----------
    config : DistilBertConfig
    encoder : Encoder
    head
        Parameters of the head; None for the bare encoder.

    Notes
    -----
    Models hold no state but their weights, so threads can share one.
    """

    head_name: ClassVar[str | None] = None

    def __init__(self, config: DistilBertConfig, encoder: Encoder, head: Any = None) -> None:
        self.config = config
        self.encoder = encoder
        self.head = head

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        token: str | bool | None = None,
        **others: Any,
    ) -> Self:
        """Load a model.

        Parameters
        ----------
        pretrained_model_name_or_path : str or Path
            A folder, a bundled name ("mini"), or a hub id.
        revision, cache_dir, local_files_only, token
            As in huggingface_hub; see `npbert.hub.resolve`.
        **others
            Keywords of ported code that change nothing here, such as ``dtype="auto"``.

        Returns
        -------
        model

        Raises
        ------
        OSError
            If the model cannot be found or fetched.
        CheckpointError
            If its weights are damaged, or do not fit its config or this class.
        ValueError
            If its config cannot be honoured.
        """
        known = ("revision", "cache_dir", "local_files_only", "token", "dtype", "torch_dtype")
        reject_unknown(f"{cls.__name__}.from_pretrained()", take_harmless(others), known)
        folder = resolve(
            pretrained_model_name_or_path,
            revision=revision,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            token=token,
        )
        config = DistilBertConfig.from_json_file(folder / "config.json")
        return cls(config, *load_parameters(folder, config, cls._load_head, cls.head_name))

    @staticmethod
    @abstractmethod
    def _load_head(take: Take, config: DistilBertConfig) -> Any:
        """Parameters of the head."""

    @abstractmethod
    def _forward(self, pack: Pack) -> Array:
        """What this model computes of one pack."""

    def forward_pack(self, pack: Pack) -> Array:
        """Compute one pack.

        Returns
        -------
        float32 array
            (batch, labels) logits of a classifier; (dim, tokens) of the bare encoder.

        Raises
        ------
        CheckpointError
            If the result is not finite, naming the tensors to blame.
        """
        result = self._forward(pack)
        if not np.isfinite(result).all():
            bad = find_non_finite(self.encoder) + find_non_finite(self.head)
            cause = (
                f"there are NaN or infinite values in {', '.join(bad)}"
                if bad
                else "all weights are finite, but so large that float32 overflows"
            )
            raise CheckpointError(f"the model's output is not finite: {cause}; use another file")
        return result

    def _compute(
        self, input_ids: Any, attention_mask: Any, unknown: dict[str, Any]
    ) -> tuple[list[Array], np.ndarray]:
        """Results of the packs of some padded rows, and their mask (batch, seq)."""
        reject_unknown(f"{type(self).__name__}()", unknown, _CALL_KEYWORDS)
        ids = _integers("input_ids", input_ids)
        mask = _mask(attention_mask, ids.shape)
        self._check_mask(mask)
        texts = from_padded(ids, mask)
        for row, text in enumerate(texts):
            check_tokens(text, self.config, f"input_ids row {row}")
        n_threads = available_cpus()
        packs = list(packs_of(texts, n_threads=n_threads))
        return run(self.forward_pack, packs, n_threads), mask

    def _check_mask(self, mask: np.ndarray) -> None:
        empty = np.flatnonzero(~mask.any(axis=1))
        if empty.size:
            raise ValueError(
                f"attention_mask hides every token of row {empty[0]}; expected at least one 1 a row"
            )


_CALL_KEYWORDS = ("input_ids", "attention_mask", "token_type_ids")


class DistilBertModel(PreTrainedModel):
    """The encoder without a head.  See `PreTrainedModel`."""

    @staticmethod
    def _load_head(_take: Take, _config: DistilBertConfig) -> None:
        return None

    def _forward(self, pack: Pack) -> Array:
        return encode(self.encoder, pack, read_all)

    def __call__(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        token_type_ids: Any = None,  # noqa: ARG002
        **unknown: Any,
    ) -> BaseModelOutput:
        """Encode padded rows of token ids.

        Parameters
        ----------
        input_ids : int array (batch, seq)
        attention_mask : array (batch, seq) of 0 and 1, optional
            0 hides a token; all are seen by default.
        token_type_ids : ignored
            Tokenizers made for BERT send them; DistilBERT has no token types.

        Returns
        -------
        BaseModelOutput
            `last_hidden_state` float32 (batch, seq, dim), zeros at hidden tokens.

        Raises
        ------
        TypeError
            If `input_ids` are no integers, or a keyword is unknown.
        ValueError
            If shapes, ids, lengths or the mask cannot be honoured.
        """
        columns, mask = self._compute(input_ids, attention_mask, unknown)
        nothing = np.zeros((self.config.dim, 0), np.float32)
        return BaseModelOutput(to_padded(np.concatenate([nothing, *columns], axis=1), mask))


class DistilBertForSequenceClassification(PreTrainedModel):
    """Encoder and a head that gives each text a logit a label.  See `PreTrainedModel`."""

    head_name = "sequence classification"
    _load_head = staticmethod(SequenceClassifier.load)

    def _forward(self, pack: Pack) -> Array:
        return classify_sequence(self.head, self.encoder, pack)

    def _check_mask(self, mask: np.ndarray) -> None:
        super()._check_mask(mask)
        hidden = np.flatnonzero(~mask[:, :1].all(axis=1))
        if hidden.size:
            raise ValueError(
                f"attention_mask hides position 0 of row {hidden[0]}, the [CLS] token that this "
                "head reads; pad on the right"
            )

    def __call__(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        token_type_ids: Any = None,  # noqa: ARG002
        **unknown: Any,
    ) -> SequenceClassifierOutput:
        """Classify padded rows of token ids.

        Parameters and errors are those of `DistilBertModel`; position 0 of a row must not
        be hidden.

        Returns
        -------
        SequenceClassifierOutput
            `logits` float32 (batch, labels).
        """
        logits, _ = self._compute(input_ids, attention_mask, unknown)
        nothing = np.zeros((0, self.config.num_labels), np.float32)
        return SequenceClassifierOutput(np.concatenate([nothing, *logits]))


AutoModel = DistilBertModel
AutoModelForSequenceClassification = DistilBertForSequenceClassification


def _integers(name: str, value: Any) -> IntArray:
    """`value` as an int64 array (batch, seq)."""
    if value is None:
        raise ValueError(f"{name} is missing; try model(**tokenizer(texts, return_tensors='np'))")
    if (
        isinstance(value, Sequence)
        and len({len(row) for row in value if hasattr(row, "__len__")}) > 1
    ):
        raise ValueError(
            f"{name} has rows of different lengths; pass padding=True to the tokenizer"
        )
    array = np.asarray(value)
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"{name} has dtype {array.dtype}, expected integers")
    if array.ndim != 2:
        hint = "; for one text put it in a list: [input_ids]" if array.ndim == 1 else ""
        raise ValueError(f"{name} has shape {array.shape}, expected (batch, seq){hint}")
    return array.astype(np.int64, copy=False)


def _mask(value: Any, shape: tuple[int, ...]) -> np.ndarray:
    """An attention mask as a bool array of the given shape."""
    if value is None:
        return np.ones(shape, bool)
    array = np.asarray(value)
    if array.shape != shape:
        raise ValueError(
            f"attention_mask has shape {array.shape}, expected that of input_ids, {shape}"
        )
    if array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        raise ValueError("attention_mask has other values than 0 (hidden) and 1 (seen)")
    return array.astype(bool)
