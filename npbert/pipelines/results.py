"""The types of what pipelines take and return: dicts with known keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NotRequired, TypedDict

from npbert.arguments import ArrowColumn, Sized


class TextPair(TypedDict):
    """Two texts that get one label together, as in transformers."""

    text: str
    text_pair: NotRequired[str | None]


TextInput = str | TextPair | Mapping[str, str]
TextInputs = Sized[TextInput] | ArrowColumn  # several of them, all in memory
Texts = Sized[str] | ArrowColumn


class LabelScore(TypedDict):
    """One label of a text, and its score."""

    label: str
    score: float


class TokenEntity(TypedDict):
    """One token with its label; `start` and `end` count characters of the text."""

    entity: str
    score: float
    index: int
    word: str
    start: int
    end: int


class Entity(TypedDict):
    """Neighbouring tokens with one label; `start` and `end` count characters of the text."""

    entity_group: str
    score: float
    word: str
    start: int
    end: int


class FilledMask(TypedDict):
    """One word for a mask: its probability, its id, the word, and the text with the word in it."""

    score: float
    token: int
    token_str: str
    sequence: str


FilledMasks = list[FilledMask] | list[list[FilledMask]]  # of a text with one mask, or with several


class QuestionAnswer(TypedDict):
    """One answer; `start` and `end` count characters of the context."""

    score: float
    start: int
    end: int
    answer: str


class ZeroShotResult(TypedDict):
    """The labels of a text in the order of their scores, best first."""

    sequence: str
    labels: list[str]
    scores: list[float]


Features = list[list[list[float]]]  # (1, seq, dim)

# Some types of results depend on an option that may be given when a pipeline is made, so the
# pipelines are generic in these types. The defaults make `npbert.TextClassificationPipeline` a
# complete type. Python itself has defaults of type variables since release 3.13.
if TYPE_CHECKING:
    from typing_extensions import TypeVar

    LabelsT = TypeVar("LabelsT", default=LabelScore)  # or list[LabelScore]
    EntityT = TypeVar("EntityT", default=TokenEntity)  # or Entity
    AnswersT = TypeVar("AnswersT", default=QuestionAnswer)  # or a list of these, too
    FeaturesT = TypeVar("FeaturesT", default=Features)  # or Array
else:
    from typing import TypeVar

    LabelsT, EntityT = TypeVar("LabelsT"), TypeVar("EntityT")
    AnswersT, FeaturesT = TypeVar("AnswersT"), TypeVar("FeaturesT")
