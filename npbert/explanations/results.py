"""What `explain` returns: an explanation of one text, with its words, pairs and steps."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from npbert.distilbert.activations import Array

Method = Literal["leave-one-out", "mask", "shapley"]
Unit = Literal["word", "sentence"]

_NOTES: Final[Mapping[Method, str]] = {
    "leave-one-out": "Each row is an experiment, the text without that {unit}: a large effect is "
    "a fact about this model, and a small one does not prove that the {unit} is unimportant, "
    "since another may say the same.",
    "mask": "Each row is an experiment, the text with a mask in place of that {unit}: a large "
    "effect is a fact about this model, and a small one does not prove that the {unit} is "
    "unimportant, since another may say the same.",
    "shapley": "Each effect is the {unit}'s share of the whole, a mean over many shortened texts "
    "that nobody would write: it is a fact about this model, and not about the language.",
}


class WordDict(TypedDict):
    """A `Word` in the JSON form of an explanation."""

    text: str
    start: int
    end: int
    effect: float
    without: dict[str, float]
    other_way: float | None
    error: float | None


class PairDict(TypedDict):
    """A `Pair` in the JSON form of an explanation."""

    first: int
    second: int
    effect: float
    interaction: float
    without: dict[str, float]


class StepDict(TypedDict):
    """A `Step` in the JSON form of an explanation."""

    name: str
    what: str
    shape: list[int]
    lead: float | None
    where: str
    formula: str
    numbers: list[float]
    chapter: str


class ExplanationDict(TypedDict):
    """An `Explanation` in its JSON form."""

    text: str
    label: str
    scores: dict[str, float]
    lead: float
    words: list[WordDict]
    pairs: list[PairDict]
    method: Method
    unit: Unit
    lead_of_nothing: float | None
    is_cut: bool
    note: str
    steps: NotRequired[list[StepDict]]
    tokens: NotRequired[list[str]]
    attention: NotRequired[list[list[list[list[float]]]]]


@dataclass(frozen=True)
class Word:
    """One word of a text, or one sentence, and what it does to the label.

    Attributes
    ----------
    text : str
        The word, which is ``explanation.text[start:end]``.
    start, end : int
        Where it stands, in characters of the text.
    effect : float
        How far the lead of the label falls without the word. A positive effect speaks for the
        label. With the method "shapley" it is the word's share of the whole.
    without : dict of str to float
        The scores that remain: those of the text without the word, or with a mask in its place.
    other_way : float, optional
        The effect by the other experiment: with a mask in place of the word if `effect` is that of
        leaving it out, and the other way round. Only the five strongest words have it.
    error : float, optional
        The standard error of a sampled Shapley value.
    """

    text: str
    start: int
    end: int
    effect: float
    without: dict[str, float]
    other_way: float | None = None
    error: float | None = None

    @property
    def is_doubtful(self) -> bool:
        """Whether leaving the word out and masking it disagree about the sign of its effect."""
        return self.other_way is not None and self.other_way * self.effect < 0

    def to_dict(self) -> WordDict:
        """Return the word as JSON has it."""
        return {
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "effect": self.effect,
            "without": dict(self.without),
            "other_way": self.other_way,
            "error": self.error,
        }


@dataclass(frozen=True)
class Pair:
    """Two words, and what they do to the label together.

    Attributes
    ----------
    first, second : int
        The numbers of the words in `words` of the explanation, counted from 0.
    effect : float
        How far the lead of the label falls without both of them.
    interaction : float
        `effect` minus the effects of the two words alone. It is 0 where they have nothing to do
        with each other, and far from 0 where one counts only because of the other.
    without : dict of str to float
        The scores of the text without both of them.
    """

    first: int
    second: int
    effect: float
    interaction: float
    without: dict[str, float]

    def to_dict(self) -> PairDict:
        """Return the pair as JSON has it."""
        return {
            "first": self.first,
            "second": self.second,
            "effect": self.effect,
            "interaction": self.interaction,
            "without": dict(self.without),
        }


@dataclass(frozen=True)
class Step:
    """One step on the way from a text to its label.

    Attributes
    ----------
    name : str
    what : str
        What is computed.
    shape : tuple of int
        The shape of the array that comes out of it.
    lead : float, optional
        The lead of the label if the head read `[CLS]` as it stands after this step. The head was
        trained to read it after the last layer.
    where : str
        The function that computes it: the file in the package, and the line.
    formula : str
        What it computes, with the names of the parameters in the checkpoint. It can have two lines.
    numbers : tuple of float
        What comes out, for this text: the first eight ids; the first eight numbers of the vector of
        `[CLS]`; or the logits or scores of the first eight labels.
    chapter : str
        The page of the course that explains it, as a path in the repository.
    """

    name: str
    what: str
    shape: tuple[int, ...]
    lead: float | None
    where: str
    formula: str
    numbers: tuple[float, ...]
    chapter: str

    def to_dict(self) -> StepDict:
        """Return the step as JSON has it."""
        return {
            "name": self.name,
            "what": self.what,
            "shape": list(self.shape),
            "lead": self.lead,
            "where": self.where,
            "formula": self.formula,
            "numbers": list(self.numbers),
            "chapter": self.chapter,
        }


@dataclass(frozen=True, repr=False)
class Explanation:
    """Which words of a text made its label; `explain` returns it.

    ``str(explanation)`` is what ``npbert explain`` shows on a terminal, and a notebook shows it as
    HTML without JavaScript.

    Attributes
    ----------
    text : str
        The text.
    label : str
        The label that is explained.
    scores : dict of str to float
        The score of every label for the whole text, as `classify` gives them.
    lead : float
        How far the label leads: its logit minus the mean of the other logits. Where every label
        has a score of its own (regression, and texts with several labels), the lead is the logit.
    words : tuple of Word
        The words, or the sentences, in the order of the text.
    pairs : tuple of Pair
        All pairs of the five strongest words, the strongest interaction first.
    method : str
        "leave-one-out", "mask" or "shapley".
    unit : str
        "word" or "sentence".
    n_texts : int
        The number of texts that the model read for this explanation.
    lead_of_nothing : float, optional
        The lead for the empty text. Shapley values have the sum `lead` - `lead_of_nothing`.
    is_cut : bool
        Whether the text was too long, so that the model read only its beginning.
    steps : tuple of Step, optional
        The way of the text through the model, if it was asked for.
    tokens : tuple of str, optional
        The tokens, if steps or attention were asked for.
    attention : float32 array (layers, heads, seq, seq), optional
        ``[layer, head, i, j]`` says how much token ``i`` looks at token ``j``, if it was asked
        for.
    """

    text: str
    label: str
    scores: dict[str, float]
    lead: float
    words: tuple[Word, ...]
    pairs: tuple[Pair, ...]
    method: Method
    unit: Unit
    n_texts: int
    lead_of_nothing: float | None = None
    is_cut: bool = False
    steps: tuple[Step, ...] | None = None
    tokens: tuple[str, ...] | None = None
    attention: Array | None = field(default=None, compare=False)

    @property
    def note(self) -> str:
        """What such an explanation is, and what it is not, in one sentence."""
        return _NOTES[self.method].format(unit=self.unit)

    def strongest(self) -> list[Word]:
        """Return the words in the order of their effects' sizes, the largest first."""
        return sorted(self.words, key=lambda word: abs(word.effect), reverse=True)

    def to_dict(self) -> ExplanationDict:
        """Return the explanation as JSON has it: ``npbert explain --format json`` prints this.

        Returns
        -------
        dict
            Only str, int, float, bool, None, lists and dicts. `steps`, `tokens` and `attention`
            are there if they were asked for.
        """
        content: ExplanationDict = {
            "text": self.text,
            "label": self.label,
            "scores": dict(self.scores),
            "lead": self.lead,
            "words": [word.to_dict() for word in self.words],
            "pairs": [pair.to_dict() for pair in self.pairs],
            "method": self.method,
            "unit": self.unit,
            "lead_of_nothing": self.lead_of_nothing,
            "is_cut": self.is_cut,
            "note": self.note,
        }
        if self.steps is not None:
            content["steps"] = [step.to_dict() for step in self.steps]
        if self.tokens is not None:
            content["tokens"] = list(self.tokens)
        if self.attention is not None:
            content["attention"] = self.attention.tolist()
        return content

    def __str__(self) -> str:
        from npbert.explanations.drawing import draw

        return draw(self, shutil.get_terminal_size().columns)

    def __repr__(self) -> str:
        return (
            f"<Explanation of {self.label!r} ({self.scores[self.label]:.4f}) by {self.method}, "
            f"{len(self.words)} {self.unit}s; print() shows it>"
        )

    def _repr_html_(self) -> str:
        from npbert.explanations.page import to_html

        return to_html(self)
