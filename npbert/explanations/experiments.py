"""What a classifier says of the variants of one text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np

from npbert.arguments import repeated_names
from npbert.distilbert.activations import Array
from npbert.distilbert.packs import NoTokenError
from npbert.messages import enumerate_values, shown
from npbert.pipelines.base import Outcome
from npbert.pipelines.results import LabelScore
from npbert.pipelines.text_classification import (
    FUNCTIONS,
    TextClassificationOptions,
    TextClassificationPipeline,
)

AnyClassifier = (
    TextClassificationPipeline[LabelScore] | TextClassificationPipeline[list[LabelScore]]
)


class Answers(NamedTuple):
    """What a classifier says of some texts.

    Attributes
    ----------
    logits : float32 array (texts, labels)
    labels : list of str
        The names of the labels.
    function : "softmax", "sigmoid" or "none"
        What turns logits into scores.
    """

    logits: Array
    labels: list[str]
    function: str

    @property
    def best(self) -> str:
        """The best label of the first text."""
        return self.labels[int(self.logits[0].argmax())]

    def scores(self) -> list[dict[str, float]]:
        """Return the score of every label, for each text."""
        rows = FUNCTIONS[self.function](self.logits)  # (texts, labels)
        return [dict(zip(self.labels, row, strict=True)) for row in rows.tolist()]

    def leads(self, label: str) -> list[float]:
        """Return how far a label leads, for each text.

        The lead is the logit of the label minus the mean of the other logits. If labels do not
        exclude each other, or if there is only one, it is the logit alone. Probabilities would not
        do: close to 1 they hardly change, however much the logits do.
        """
        logits = self.logits.astype(np.float64)  # (texts, labels)
        index = self.labels.index(label)
        own = logits[:, index]  # (texts,)
        if self.function != "softmax" or len(self.labels) == 1:
            return cast("list[float]", own.tolist())
        rest = np.delete(logits, index, axis=1).mean(axis=1)  # (texts,)
        return cast("list[float]", (own - rest).tolist())


class Experiments:
    """Shows a classifier the variants of one text.

    Parameters
    ----------
    classifier : TextClassificationPipeline
    options : TextClassificationOptions
        The options of its calls, which ask for all logits.
    number : int
        The number of the text in error messages, counted from 0.

    Attributes
    ----------
    n_texts : int
        The number of variants that the classifier has read.
    whole : Outcome
        What the first variant took, which is the text as it is.
    """

    whole: Outcome[LabelScore | list[LabelScore]]

    def __init__(
        self, classifier: AnyClassifier, options: TextClassificationOptions, number: int
    ) -> None:
        self._classifier = classifier
        self._options = options
        self._number = number
        self._labels = label_names(classifier)
        self.n_texts = 0

    def ask(self, texts: Sequence[str]) -> Answers:
        """Show the classifier some variants, all in one call, so that they share packs.

        Raises
        ------
        ValueError
            If a text is too long, or has no token.
        """
        numbers = [self._number] * len(texts)
        try:
            outcomes = self._classifier.outcomes(texts, numbers, self._options)
        except NoTokenError as error:
            raise ValueError(
                f"{error}. The tokenizer of this model adds no special tokens, so words must stay "
                "in each variant of the text: explain a longer one, and not by Shapley values"
            ) from error
        if not self.n_texts:
            self.whole = outcomes[0]
        self.n_texts += len(texts)
        columns = {label: number for number, label in enumerate(self._labels)}
        logits = np.empty((len(texts), len(columns)), np.float32)
        for row, outcome in zip(logits, outcomes, strict=True):
            for of_label in cast("list[LabelScore]", outcome.result):  # of all labels, best first
                row[columns[str(of_label["label"])]] = of_label["score"]
        return Answers(logits, self._labels, self._classifier.function_to_apply)


def label_names(classifier: AnyClassifier) -> list[str]:
    """Return the names of a classifier's labels, in the order of its logits.

    Raises
    ------
    ValueError
        If two labels have the same name.
    """
    names = [str(label) for label in classifier.model.config.id2label.values()]
    if repeated := repeated_names(names):
        raise ValueError(
            f"the model has more than one label {shown(repeated[0])}, so it would be unclear which "
            "one is explained; rename them in its config.json"
        )
    return names


def check_label(label: str | None, classifier: AnyClassifier) -> None:
    """Raise a ValueError if a classifier does not have a label; None stands for the best one."""
    names = label_names(classifier)
    if label is not None and label not in names:
        raise ValueError(f"label is {shown(label)}, expected one of: {enumerate_values(names)}")
