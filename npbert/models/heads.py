"""The models of DistilBERT, one class per head, under the names of transformers."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from npbert.checkpoints import parameters
from npbert.distilbert.activations import Array
from npbert.distilbert.model import (
    Linear,
    SequenceClassifier,
    WordPredictor,
    classify_sequence,
    classify_tokens,
    predict_words,
)
from npbert.models.base import PreTrainedModel
from npbert.models.outputs import (
    BaseModelOutput,
    MaskedLMOutput,
    MultipleChoiceModelOutput,
    OutputFields,
    QuestionAnsweringModelOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)
from npbert.models.padding import BoolArray, to_padded


class DistilBertModel(PreTrainedModel[None, BaseModelOutput]):
    """The encoder without a head; a call returns a `BaseModelOutput`. See `PreTrainedModel`."""

    _head_kind = parameters.BARE_ENCODER

    def _apply_head(self, columns: Array) -> Array:
        return columns.T

    def _make_output(self, rows: Array, mask: BoolArray, fields: OutputFields) -> BaseModelOutput:
        return BaseModelOutput(to_padded(rows, mask), **fields)


class DistilBertForSequenceClassification(
    PreTrainedModel[SequenceClassifier, SequenceClassifierOutput]
):
    """The encoder and a head that gives each text one logit per label.

    A call returns a `SequenceClassifierOutput`. Position 0 of a row is `[CLS]`, which the head
    reads, so the mask must not hide it. See `PreTrainedModel`.
    """

    _head_kind = parameters.SEQUENCE_CLASSIFICATION
    _reads_cls_alone = True

    def _apply_head(self, columns: Array) -> Array:
        return classify_sequence(self.head, columns)

    def _make_output(
        self, rows: Array, _mask: BoolArray, fields: OutputFields
    ) -> SequenceClassifierOutput:
        return SequenceClassifierOutput(rows, **fields)


class DistilBertForMultipleChoice(PreTrainedModel[SequenceClassifier, MultipleChoiceModelOutput]):
    """The encoder and a head that gives each choice one logit.

    A call returns a `MultipleChoiceModelOutput`. All arrays have one axis more than those of the
    other models: `input_ids` is (batch, choices, seq). See `PreTrainedModel`.
    """

    _axes = ("batch", "choices", "seq")
    _head_kind = parameters.MULTIPLE_CHOICE
    _reads_cls_alone = True

    def _apply_head(self, columns: Array) -> Array:
        return classify_sequence(self.head, columns)

    def _make_output(
        self, rows: Array, mask: BoolArray, fields: OutputFields
    ) -> MultipleChoiceModelOutput:
        return MultipleChoiceModelOutput(rows.reshape(mask.shape[:-1]), **fields)


class DistilBertForTokenClassification(PreTrainedModel[Linear, TokenClassifierOutput]):
    """The encoder and a head that gives each token one logit per label.

    A call returns a `TokenClassifierOutput`. See `PreTrainedModel`.
    """

    _head_kind = parameters.TOKEN_CLASSIFICATION

    def _apply_head(self, columns: Array) -> Array:
        return classify_tokens(self.head, columns)

    def _make_output(
        self, rows: Array, mask: BoolArray, fields: OutputFields
    ) -> TokenClassifierOutput:
        return TokenClassifierOutput(to_padded(rows, mask), **fields)


class DistilBertForQuestionAnswering(PreTrainedModel[Linear, QuestionAnsweringModelOutput]):
    """The encoder and a head for the start and the end of an answer.

    A call returns a `QuestionAnsweringModelOutput`. See `PreTrainedModel`.
    """

    _head_kind = parameters.QUESTION_ANSWERING

    def _apply_head(self, columns: Array) -> Array:
        return classify_tokens(self.head, columns)

    def _make_output(
        self, rows: Array, mask: BoolArray, fields: OutputFields
    ) -> QuestionAnsweringModelOutput:
        logits = to_padded(rows, mask, fill=float(np.finfo(np.float32).min))  # (batch, seq, 2)
        return QuestionAnsweringModelOutput(logits[..., 0], logits[..., 1], **fields)


class DistilBertForMaskedLM(PreTrainedModel[WordPredictor, MaskedLMOutput]):
    """The encoder and a head that gives each token one logit per word piece.

    A call returns a `MaskedLMOutput`. See `PreTrainedModel`.
    """

    _head_kind = parameters.MASKED_LANGUAGE_MODELLING

    def _apply_head(self, columns: Array) -> Array:
        return predict_words(self.head, columns)

    def _make_output(self, rows: Array, mask: BoolArray, fields: OutputFields) -> MaskedLMOutput:
        return MaskedLMOutput(to_padded(rows, mask), **fields)


class AutoModelForCausalLM:
    """A class that cannot be loaded: DistilBERT reads both sides of a word, and writes no text."""

    @staticmethod
    def from_pretrained(*_: Any, **__: Any) -> NoReturn:
        """Raise a ValueError that says why there is no such model.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError(
            "DistilBERT cannot generate text: every token also looks at the tokens after it, so "
            "there is no causal language model of this architecture. For the word behind a [MASK] "
            "use AutoModelForMaskedLM or pipeline('fill-mask')"
        )


AutoModel = DistilBertModel
AutoModelForMaskedLM = DistilBertForMaskedLM
AutoModelForMultipleChoice = DistilBertForMultipleChoice
AutoModelForQuestionAnswering = DistilBertForQuestionAnswering
AutoModelForSequenceClassification = DistilBertForSequenceClassification
AutoModelForTokenClassification = DistilBertForTokenClassification
