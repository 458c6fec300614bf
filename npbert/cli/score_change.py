"""How much the numbers of a model change on some texts where its weights change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from npbert.distilbert.activations import Array
from npbert.messages import with_noun
from npbert.models.base import PreTrainedModel
from npbert.models.heads import (
    DistilBertForMaskedLM,
    DistilBertForMultipleChoice,
    DistilBertForSequenceClassification,
)
from npbert.models.outputs import softmax
from npbert.pipelines.text_classification import FUNCTIONS, TextClassificationPipeline
from npbert.tokenization.tokenizer import Tokenizer

AnyModel = PreTrainedModel[Any, Any]

_CHUNK_TEXTS: Final = 16
# By the class of the model: what its numbers are, and what the largest of them chooses.
_NUMBERS: Final = {
    "DistilBertForSequenceClassification": ("scores", "label"),
    "DistilBertForTokenClassification": ("scores", "label of a token"),
    "DistilBertForMaskedLM": ("scores", "likeliest word"),
    "DistilBertForQuestionAnswering": ("scores", "likeliest end of an answer"),
    "DistilBertForMultipleChoice": ("logits", None),
    "DistilBertModel": ("vectors", None),
}
MODEL_CLASSES: Final = tuple(_NUMBERS)


@dataclass
class ScoreChange:
    """How much the numbers of a model changed on some texts.

    Attributes
    ----------
    numbers : str
        What the numbers are, such as "scores".
    choice : str or None
        What the largest number of a row chooses, such as "label".
    largest : float
        The largest change of a number.
    n_choices : int
        The number of rows whose choice changed.
    n_texts : int
    """

    numbers: str
    choice: str | None
    largest: float = 0.0
    n_choices: int = 0
    n_texts: int = 0

    def __str__(self) -> str:
        how = f"change by at most {self.largest:.2g}" if self.largest else "do not change"
        described = f"{how} on {with_noun(self.n_texts, 'text')}"
        if self.choice is None or not self.largest:
            return described
        if not self.n_choices:
            return f"{described}; no {self.choice} changes"
        times = "once" if self.n_choices == 1 else f"{self.n_choices:,} times"
        return f"{described}; the {self.choice} changes {times}"


def measure_change(
    before: AnyModel, after: AnyModel, tokenizer: Tokenizer, texts: Sequence[str]
) -> ScoreChange:
    """Compute the numbers of two models on the same texts, and compare them.

    Parameters
    ----------
    before, after : model
        Two models of the same class and sizes.
    tokenizer : Tokenizer
    texts : sequence of str
        Texts that are too long for the model are cut.

    Returns
    -------
    ScoreChange
    """
    change = ScoreChange(*_NUMBERS[type(before).__name__])
    # A masked language model has 30,522 numbers for every token.
    step = 1 if isinstance(before, DistilBertForMaskedLM) else _CHUNK_TEXTS
    for start in range(0, len(texts), step):
        chunk = texts[start : start + step]
        both = (_numbers(model, tokenizer, chunk) for model in (before, after))
        for old, new in zip(*both, strict=True):
            change.largest = max(change.largest, float(np.abs(old - new).max(initial=0)))
            change.n_choices += int(np.count_nonzero(old.argmax(-1) != new.argmax(-1)))
        change.n_texts += len(chunk)
    return change


def _numbers(model: AnyModel, tokenizer: Tokenizer, texts: Sequence[str]) -> Iterator[Array]:
    """Yield the numbers that a model has for some texts, one row per text, token or choice."""
    inputs = tokenizer(
        list(texts),
        padding=True,
        truncation=True,
        max_length=min(tokenizer.model_max_length, model.config.max_position_embeddings),
        return_tensors="np",
    )
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    if isinstance(model, DistilBertForMultipleChoice):
        ids, mask = ids[:, None], mask[:, None]  # every text is the only choice
    output = model(ids, mask, return_dict=True, output_hidden_states=False, output_attentions=False)
    function = FUNCTIONS["none"]
    if isinstance(model, DistilBertForSequenceClassification):
        function = FUNCTIONS[TextClassificationPipeline(model, tokenizer).function_to_apply]
    elif _NUMBERS[type(model).__name__][0] == "scores":
        function = softmax
    for name in output:
        yield function(output[name])
