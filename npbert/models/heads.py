"""Models under the names that transformers gives them: padded arrays in, outputs out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Self

import numpy as np

from npbert.arguments import reject_unknown, take_harmless
from npbert.batching import packs_of
from npbert.checkpoint import find_non_finite, load_parameters
from npbert.config import DistilBertConfig, loading_changes
from npbert.hub import CONFIG_FILE, resolve
from npbert.model import (
    Array,
    Encoder,
    Linear,
    Pack,
    Reader,
    SequenceClassifier,
    Take,
    WordPredictor,
    attention_of,
    classify_sequence,
    classify_tokens,
    encode,
    hidden_states,
    predict_words,
    read_all,
    read_first,
)
from npbert.outputs import (
    BaseModelOutput,
    MaskedLMOutput,
    ModelOutput,
    MultipleChoiceModelOutput,
    QuestionAnsweringModelOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)
from npbert.padding import (
    Trace,
    check_first_is_seen,
    padded_attentions,
    padded_hidden_states,
    read_padded,
    to_padded,
)
from npbert.safetensors_files import CheckpointError
from npbert.threads import available_cpus, run


class PreTrainedModel(ABC):
    """What all models share: loading, the checks of their input, the call.

    Parameters
    ----------
    config : DistilBertConfig
    encoder : Encoder
    head
        Parameters of the head; None for the bare encoder.

    Attributes
    ----------
    device, dtype : str
        "cpu" and "float32": npbert computes nowhere else and in nothing else.

    Notes
    -----
    Models hold no state but their weights, so threads can share one.
    """

    device: ClassVar[str] = "cpu"
    dtype: ClassVar[str] = "float32"
    head_name: ClassVar[str | None] = None
    _axes: ClassVar[tuple[str, ...]] = ("batch", "seq")
    _reads_first: ClassVar[bool] = False  # does the head read `[CLS]` alone?

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
        config: DistilBertConfig | str | Path | None = None,
        **others: Any,
    ) -> Self:
        """Load a model.

        Parameters
        ----------
        pretrained_model_name_or_path : str or Path
            A folder, a bundled name ("mini"), or a hub id.
        revision, cache_dir, local_files_only, token
            As in huggingface_hub; see `npbert.hub.resolve`.
        config : DistilBertConfig, str or Path, optional
            Instead of config.json, or the name of the model that has it.
        **others
            Values in place of those in config.json, such as ``output_attentions=True``; and
            keywords of ported code that change nothing here, such as ``dtype="auto"``.

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
        changes = loading_changes(f"{cls.__name__}.from_pretrained()", others)
        if isinstance(config, (str, Path)):
            config = DistilBertConfig.from_pretrained(
                config,
                cache_dir=cache_dir,
                local_files_only=local_files_only,
                token=token,
                **changes,
            )
        elif config is not None and changes:
            raise ValueError(f"config and {min(changes)} are both given; put it into the config")
        folder = resolve(
            pretrained_model_name_or_path,
            revision=revision,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            token=token,
            check_config=DistilBertConfig.from_json_file,
        )
        if config is None:
            config = DistilBertConfig.from_json_file(folder / CONFIG_FILE, changes)
        return cls(config, *load_parameters(folder, config, cls._load_head, cls.head_name))

    def __call__(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        inputs_embeds: Any = None,
        *,
        position_ids: Any = None,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        return_dict: bool | None = None,
        token_type_ids: Any = None,  # noqa: ARG002
        **unknown: Any,
    ) -> Any:
        """Compute padded rows of token ids.

        Parameters
        ----------
        input_ids : int array (batch, seq)
            For multiple choice (batch, choices, seq), as all that follow.
        attention_mask : array (batch, seq) of 0 and 1, optional
            0 hides a token; all are seen by default.
        inputs_embeds : float array (batch, seq, dim), optional
            Vectors in place of those of `input_ids`, of which one or the other is given.
        position_ids : int array (batch, seq), (1, seq) or (seq,), optional
            Place of each token; by default that of its column.
        output_hidden_states, output_attentions : bool, optional
            Add these fields to the result; they cost memory, and attentions time.
        return_dict : bool, optional
            False gives a tuple of the fields that have a value.
        token_type_ids : ignored
            Tokenizers made for BERT send them; DistilBERT has no token types.

        Returns
        -------
        ModelOutput
            See the class of the model for its kind.

        Raises
        ------
        TypeError
            If `input_ids` are no integers, or a keyword is unknown.
        ValueError
            If shapes, ids, lengths or the mask cannot be honoured.
        """
        given = [name for name in unknown if name not in _ABSENT or unknown[name] is not None]
        reject_unknown(f"{type(self).__name__}()", given, _CALL_KEYWORDS)
        config = self.config
        texts, mask = read_padded(
            config, input_ids, attention_mask, inputs_embeds, position_ids, self._axes
        )
        if self._reads_first:
            check_first_is_seen(mask)
        n_threads = available_cpus()
        packs = list(packs_of(texts, n_threads=n_threads))
        more: dict[str, tuple[Array, ...]] = {}
        want_hidden = _given(output_hidden_states, config.output_hidden_states)
        want_attentions = _given(output_attentions, config.output_attentions)
        if want_hidden or want_attentions:
            traces = run(partial(self._trace, attentions=want_attentions), packs, n_threads)
            rows = [trace.rows for trace in traces]
            if want_hidden:
                more["hidden_states"] = padded_hidden_states(traces, mask, config)
            if want_attentions:
                more["attentions"] = padded_attentions(traces, mask, config)
        else:
            rows = run(self.forward_pack, packs, n_threads)
        nothing = self._apply_head(np.zeros((config.dim, 0), np.float32))  # (0, outputs)
        output = self._output(np.concatenate([nothing, *rows]), mask, more)
        return output if _given(return_dict, config.return_dict) else output.to_tuple()

    def forward(self, *arguments: Any, **options: Any) -> Any:
        """The call itself."""
        return self(*arguments, **options)

    @property
    def num_labels(self) -> int:
        """As in the config."""
        return self.config.num_labels

    def eval(self) -> Self:
        """Return the model: it is always in the state for inference."""
        return self

    def cpu(self) -> Self:
        """Return the model: it is always on the CPU."""
        return self

    def float(self) -> Self:
        """Return the model: it is always in float32."""
        return self

    def to(self, device: str) -> Self:
        """Return the model, which is on the CPU; other devices raise a ValueError."""
        take_harmless({"device": device})
        return self

    def forward_pack(self, pack: Pack, reader: Reader | None = None) -> Array:
        """Compute one pack.

        Parameters
        ----------
        pack : Pack
        reader : callable, optional
            The tokens whose output is wanted; by default those that the head needs.

        Returns
        -------
        float32 array (columns, outputs)
            A row for each text or for each token, as the head has it.

        Raises
        ------
        CheckpointError
            If the result is not finite, naming the tensors to blame.
        """
        columns = encode(self.encoder, pack, reader or self._reader)
        return self._checked(self._apply_head(columns))

    @property
    def _reader(self) -> Reader:
        return read_first if self._reads_first else read_all

    @staticmethod
    @abstractmethod
    def _load_head(take: Take, config: DistilBertConfig) -> Any:
        """Parameters of the head."""

    @abstractmethod
    def _apply_head(self, columns: Array) -> Array:
        """Rows of outputs (columns, outputs) from the encoder's columns (dim, columns)."""

    @abstractmethod
    def _output(self, rows: Array, mask: np.ndarray, more: Any) -> ModelOutput:
        """What the call returns, from all rows of outputs."""

    def _trace(self, pack: Pack, attentions: bool) -> Trace:
        """One pack, and all that is computed on the way."""
        steps = list(hidden_states(self.encoder, pack, read_all))
        looks: list[list[Array]] = []
        if attentions:
            looks = [
                list(attention_of(layer.attention, x, pack.starts))
                for layer, x in zip(self.encoder.layers, steps[:-1], strict=True)
            ]
        rows = self._apply_head(self._reader(steps[-1], pack.starts).x)
        return Trace(self._checked(rows), steps, looks)

    def _checked(self, rows: Array) -> Array:
        if not np.isfinite(rows).all():
            bad = find_non_finite(self.encoder) + find_non_finite(self.head)
            cause = (
                f"there are NaN or infinite values in {', '.join(bad)}"
                if bad
                else "all weights are finite, but so large that float32 overflows"
            )
            raise CheckpointError(f"the model's output is not finite: {cause}; use another file")
        return rows


# Of transformers' calls: None is all that they can be here.
_ABSENT = ("labels", "head_mask", "start_positions", "end_positions", "past_key_values")
_CALL_KEYWORDS = tuple(set(PreTrainedModel.__call__.__annotations__) - {"unknown", "return"})


class DistilBertModel(PreTrainedModel):
    """The encoder without a head: `BaseModelOutput`.  See `PreTrainedModel`."""

    @staticmethod
    def _load_head(_take: Take, _config: DistilBertConfig) -> None:
        return None

    def _apply_head(self, columns: Array) -> Array:
        return columns.T

    def _output(self, rows: Array, mask: np.ndarray, more: Any) -> BaseModelOutput:
        return BaseModelOutput(to_padded(rows, mask), **more)


class DistilBertForSequenceClassification(PreTrainedModel):
    """Encoder and a head that gives each text a logit a label: `SequenceClassifierOutput`.

    See `PreTrainedModel`; position 0 of a row, `[CLS]`, must not be hidden.
    """

    head_name = "sequence classification"
    _reads_first = True

    @staticmethod
    def _load_head(take: Take, config: DistilBertConfig) -> SequenceClassifier:
        return SequenceClassifier.load(take, config.dim, config.num_labels)

    def _apply_head(self, columns: Array) -> Array:
        return classify_sequence(self.head, columns)

    def _output(self, rows: Array, _mask: np.ndarray, more: Any) -> SequenceClassifierOutput:
        return SequenceClassifierOutput(rows, **more)


class DistilBertForMultipleChoice(PreTrainedModel):
    """Encoder and a head that gives each choice a logit: `MultipleChoiceModelOutput`.

    All arrays have an axis more: `input_ids` is (batch, choices, seq).
    """

    head_name = "multiple choice"
    _axes = ("batch", "choices", "seq")
    _reads_first = True

    @staticmethod
    def _load_head(take: Take, config: DistilBertConfig) -> SequenceClassifier:
        return SequenceClassifier.load(take, config.dim, n_labels=1)

    def _apply_head(self, columns: Array) -> Array:
        return classify_sequence(self.head, columns)

    def _output(self, rows: Array, mask: np.ndarray, more: Any) -> MultipleChoiceModelOutput:
        return MultipleChoiceModelOutput(rows.reshape(mask.shape[:-1]), **more)


class DistilBertForTokenClassification(PreTrainedModel):
    """Encoder and a head that gives each token a logit a label: `TokenClassifierOutput`.

    See `PreTrainedModel`.
    """

    head_name = "token classification"

    @staticmethod
    def _load_head(take: Take, config: DistilBertConfig) -> Linear:
        return Linear.load(take, "classifier", config.num_labels, config.dim)

    def _apply_head(self, columns: Array) -> Array:
        return classify_tokens(self.head, columns)

    def _output(self, rows: Array, mask: np.ndarray, more: Any) -> TokenClassifierOutput:
        return TokenClassifierOutput(to_padded(rows, mask), **more)


class DistilBertForQuestionAnswering(PreTrainedModel):
    """Encoder and a head for the start and end of an answer: `QuestionAnsweringModelOutput`.

    See `PreTrainedModel`.
    """

    head_name = "question answering"

    @staticmethod
    def _load_head(take: Take, config: DistilBertConfig) -> Linear:
        return Linear.load(take, "qa_outputs", 2, config.dim)

    def _apply_head(self, columns: Array) -> Array:
        return classify_tokens(self.head, columns)

    def _output(self, rows: Array, mask: np.ndarray, more: Any) -> QuestionAnsweringModelOutput:
        logits = to_padded(rows, mask, fill=float(np.finfo(np.float32).min))  # (batch, seq, 2)
        return QuestionAnsweringModelOutput(logits[..., 0], logits[..., 1], **more)


class DistilBertForMaskedLM(PreTrainedModel):
    """Encoder and a head that gives each token a logit a word piece: `MaskedLMOutput`.

    See `PreTrainedModel`.
    """

    head_name = "masked language modelling"
    _load_head = staticmethod(WordPredictor.load)

    def _apply_head(self, columns: Array) -> Array:
        return predict_words(self.head, columns)

    def _output(self, rows: Array, mask: np.ndarray, more: Any) -> MaskedLMOutput:
        return MaskedLMOutput(to_padded(rows, mask), **more)


class AutoModelForCausalLM:
    """There is none: DistilBERT reads both sides of a word."""

    @staticmethod
    def from_pretrained(*_: Any, **__: Any) -> NoReturn:
        """Raise a ValueError that says why."""
        raise ValueError(
            "DistilBERT cannot generate text: every token looks at those after it too, so there "
            "is no causal language model of this architecture. For the word behind a [MASK] "
            "use AutoModelForMaskedLM or pipeline('fill-mask')"
        )


AutoModel = DistilBertModel
AutoModelForMaskedLM = DistilBertForMaskedLM
AutoModelForMultipleChoice = DistilBertForMultipleChoice
AutoModelForQuestionAnswering = DistilBertForQuestionAnswering
AutoModelForSequenceClassification = DistilBertForSequenceClassification
AutoModelForTokenClassification = DistilBertForTokenClassification


def _given(argument: bool | None, default: bool) -> bool:
    return default if argument is None else argument
