"""From texts to labels that the caller chooses, by a model of natural-language inference."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from string import Formatter
from typing import Any, ClassVar, Final, Unpack, overload

import numpy as np

from npbert.arguments import ArrowColumn, Indexed, Sized, as_list, check_text
from npbert.distilbert.activations import Array
from npbert.distilbert.model import Pack
from npbert.messages import shown, with_noun
from npbert.models.heads import DistilBertForSequenceClassification
from npbert.models.outputs import softmax
from npbert.pipelines.base import Call, Pipeline, TokenizedInput, read_text
from npbert.pipelines.options import CallOptions, Options
from npbert.pipelines.results import Texts, ZeroShotResult
from npbert.tokenization.tokenizer import Tokenizer

Labels = str | Sized[str] | ArrowColumn


class ZeroShotTemplateOptions(CallOptions, total=False):
    """The options of zero-shot-classification, without the labels; see also `CallOptions`.

    Attributes
    ----------
    hypothesis_template : str
        The sentence that a text entails or does not entail, with {} in place of the label; by
        default "This example is {}.".
    multi_label : bool
        Whether each label is true or false on its own. By default, exactly one label is true, and
        the sum of the scores is 1.
    """

    hypothesis_template: str
    multi_label: bool


class ZeroShotCallOptions(ZeroShotTemplateOptions, total=False):
    """The options of zero-shot-classification, with the labels among them.

    Attributes
    ----------
    candidate_labels : str or list of str
        The labels to choose from; a str is split at its commas.
    """

    candidate_labels: Labels


@dataclass(frozen=True)
class ZeroShotOptions(Options):
    """The options of zero-shot-classification, checked; see `ZeroShotCallOptions`."""

    candidate_labels: tuple[str, ...] | None = None
    hypothesis_template: str = "This example is {}."
    multi_label: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_template(self.hypothesis_template)

    @classmethod
    def _normalized(cls, given: dict[str, Any]) -> dict[str, Any]:
        labels = given.get("candidate_labels")
        if labels is None:
            return given
        if isinstance(labels, str):
            labels = [label.strip() for label in labels.split(",") if label.strip()]
        items = as_list(labels)
        if items is None:
            raise TypeError(
                f"candidate_labels is a {type(labels).__name__}, expected a list of labels"
            )
        texts = (check_text(label, f"label {number}") for number, label in enumerate(items))
        return {**given, "candidate_labels": tuple(texts)}

    def _strategy(self) -> bool | str:
        # A long text is cut, and its hypothesis is not, unless `long_text` forbids it.
        if self.truncation is None and self.long_text != "error":
            return "only_first"
        return super()._strategy()

    @cached_property
    def hypotheses(self) -> list[str]:
        """One sentence per label.

        Raises
        ------
        ValueError
            If there is no label.
        """
        if not self.candidate_labels:
            raise ValueError(
                "candidate_labels is missing or empty; expected the labels to choose from"
            )
        return [self.hypothesis_template.format(label) for label in self.candidate_labels]


_MOST_WIDTH: Final = 1000  # characters, to which a place of a template can stretch a label


def _check_template(template: object) -> None:
    """Raise an error if a template is not a sentence with one place for a label."""
    expected = "expected a sentence with {} where the label goes, once"
    if not isinstance(template, str):
        raise TypeError(
            f"hypothesis_template is {shown(template)} ({type(template).__name__}), {expected}"
        )
    places: list[tuple[str, str]] = []
    try:
        places = [
            (name, form or "")
            for _, name, form, _ in Formatter().parse(template)
            if name is not None
        ]
        _check_places(places)
        sentence = template.format("label")
    except KeyError as error:
        reason = f"{{{error.args[0]}}} is a name, and labels have none"
    except IndexError:
        reason = f"it has {with_noun(len(places), 'place')} for labels"
    except (ValueError, AttributeError, TypeError) as error:
        reason = str(error)
    else:
        if sentence != template.format("other"):
            return
        reason = "it has no place for a label"
    raise ValueError(f"hypothesis_template is {shown(template)}, {expected}: {reason}")


def _check_places(places: Iterable[tuple[str, str]]) -> None:
    """Raise a ValueError for places that take a part of a label, or that would make it long.

    A template may come from a stranger, and ``{:>999999999}`` asks for as many characters.
    """
    for name, form in places:
        if "." in name or "[" in name:
            raise ValueError(f"{{{name}}} takes a part of a label")
        if any(int(number) > _MOST_WIDTH for number in re.findall(r"\d+", form)):
            raise ValueError(f"{{:{form}}} asks for more than {_MOST_WIDTH:,} characters")


_ENTAILMENT: Final = "entail"  # what the model's label for entailment begins with
_NOT_FOUND: Final = -1


class ZeroShotClassificationPipeline(Pipeline[str, ZeroShotOptions, ZeroShotResult]):
    """A pipeline that labels texts with labels of your choice; `npbert.pipeline` makes it.

    Warns
    -----
    UserWarning
        If none of the model's own labels says "entailment".

    Notes
    -----
    Each label is put into a sentence, the hypothesis, such as "This example is sport.". The model
    says how well the text entails the hypothesis: Yin et al. 2019, arXiv:1909.00161.
    """

    task = "zero-shot-classification"
    options_class = ZeroShotOptions
    _expected: ClassVar[str] = "a str"

    def __init__(
        self,
        model: DistilBertForSequenceClassification,
        tokenizer: Tokenizer,
        **given: Unpack[ZeroShotCallOptions],
    ) -> None:
        super().__init__(model, tokenizer, **given)
        if self.entailment_id == _NOT_FOUND:
            labels = ", ".join(map(str, self.model.config.id2label.values()))
            warnings.warn(
                f"none of the model's labels ({labels}) says 'entailment', so the last one is "
                "taken for it; choose a model that was fine-tuned on NLI",
                stacklevel=3,
            )

    @property
    def entailment_id(self) -> int:
        """The number of the model's label for entailment; -1, the last one, if none says so."""
        for label, number in self.model.config.label2id.items():
            if label.lower().startswith(_ENTAILMENT):
                return number
        return _NOT_FOUND

    @overload
    def __call__(
        self,
        sequences: str,
        candidate_labels: Labels | None = ...,
        **options: Unpack[ZeroShotTemplateOptions],
    ) -> ZeroShotResult: ...
    @overload
    def __call__(
        self,
        sequences: Texts,
        candidate_labels: Labels | None = ...,
        **options: Unpack[ZeroShotTemplateOptions],
    ) -> list[ZeroShotResult]: ...
    @overload
    def __call__(
        self,
        sequences: Iterable[str] | Indexed[str],
        candidate_labels: Labels | None = ...,
        **options: Unpack[ZeroShotTemplateOptions],
    ) -> Iterator[ZeroShotResult]: ...

    def __call__(
        self,
        sequences: object,
        candidate_labels: Labels | None = None,
        **options: Unpack[ZeroShotTemplateOptions],
    ) -> Any:
        """Label texts.

        Parameters
        ----------
        sequences : str, list or iterator
            A text; several texts; or an iterator over texts.
        candidate_labels : str or list of str, optional
            The labels to choose from; a str is split at its commas. The default is the labels that
            were given when the pipeline was made.
        **options
            See `ZeroShotTemplateOptions`; they count for this call. A long text is cut, with a
            warning.

        Returns
        -------
        dict, list or iterator
            For one text, ``{"sequence": str, "labels": [str, …], "scores": [float, …]}``, with the
            best label first. For several texts, a list of these. An iterator gives an iterator.

        Raises
        ------
        TypeError
            If an input is not a text, or a keyword is unknown.
        ValueError
            If a text is empty or too long, if there is no label, or if an option cannot be
            honoured.

        Warns
        -----
        UserWarning
            If texts were cut.
        """
        given: dict[str, Any] = dict(options)
        if candidate_labels is not None:
            given["candidate_labels"] = candidate_labels
        return self._answer(sequences, self.options_for(given))

    def _read_input(self, item: object, number: int, _options: ZeroShotOptions) -> str:
        text = read_text(item, number)
        if not text:
            raise ValueError(f"text {number} (counted from 0) is empty, expected words")
        return text

    def _texts_of(self, item: str, options: ZeroShotOptions) -> list[tuple[str, str]]:
        return [(item, hypothesis) for hypothesis in options.hypotheses]

    def _n_characters(self, item: str, options: ZeroShotOptions) -> int:
        return len(item) * len(options.hypotheses)

    def _compute_rows(self, pack: Pack) -> list[Array]:
        return list(self.model.forward_pack(pack))  # one row (labels of the model,) per pair

    def _make_result(
        self, tokenized: TokenizedInput[str], rows: list[Array], call: Call[ZeroShotOptions]
    ) -> ZeroShotResult:
        logits = np.stack(rows)  # (candidates, labels of the model)
        labels: tuple[str, ...] = call.options.candidate_labels or ()
        if call.options.multi_label or len(labels) == 1:
            contradiction = -1 if self.entailment_id == 0 else 0
            scores = softmax(logits[:, [contradiction, self.entailment_id]])[:, 1]
        else:
            scores = softmax(logits[:, self.entailment_id])
        order = scores.argsort()[::-1]
        return {
            "sequence": tokenized.item,
            "labels": [str(labels[number]) for number in order],
            "scores": [float(score) for score in scores[order]],
        }
