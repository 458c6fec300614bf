"""The explanation of one text: two rounds of experiments with its variants.

In the first round, the model reads the text and its variants without one word each. In the second
round, it reads what the first one has made interesting: the five strongest words in pairs, and
each of them by the other method, masked if it was left out. All variants of a round share packs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from npbert.arguments import look_up_choice
from npbert.explanations.attention import attention_in
from npbert.explanations.experiments import AnyClassifier, Experiments
from npbert.explanations.results import Explanation, Method, Pair, Unit, Word
from npbert.explanations.shapley import Kept, shapley_values
from npbert.explanations.trace import steps_of, trace
from npbert.explanations.words import Span, find_sentences, find_words, leave_out, mask
from npbert.messages import with_noun
from npbert.pipelines.text_classification import TextClassificationOptions

MOST_UNITS: Final = 200
_MOST_CHARACTERS: Final = 100_000  # there is a variant of the text for each of its units
_N_STRONGEST: Final = 5

_FINDERS: Final[Mapping[Unit, Callable[[str], list[Span]]]] = {
    "word": find_words,
    "sentence": find_sentences,
}
# By which method the strongest words are measured once more. There is none for Shapley values,
# which are means over many variants already.
_OTHER_METHODS: Final[Mapping[Method, Method | None]] = {
    "leave-one-out": "mask",
    "mask": "leave-one-out",
    "shapley": None,
}


@dataclass(frozen=True)
class ExplainOptions:
    """The options of `explain`, checked; the function says what each one means.

    Raises
    ------
    ValueError
        If there is no such method or unit.
    """

    label: str | None
    method: Method
    unit: Unit
    steps: bool
    attention: bool

    def __post_init__(self) -> None:
        look_up_choice("method", self.method, _OTHER_METHODS)
        look_up_choice("unit", self.unit, _FINDERS)


class Units(NamedTuple):
    """A text and its words, or its sentences.

    Attributes
    ----------
    text : str
    spans : list of Span
    number : int
        The number of the text in error messages, counted from 0.
    """

    text: str
    spans: list[Span]
    number: int


def read_units(text: str, unit: Unit, number: int) -> Units:
    """Find the words of a text, or its sentences.

    Raises
    ------
    ValueError
        If there is nothing to leave out, or too much.
    """
    where = f"text {number} (counted from 0)"
    if len(text) > _MOST_CHARACTERS:
        raise ValueError(
            f"{where} has {len(text):,} characters, expected at most {_MOST_CHARACTERS:,}; explain "
            "it in parts"
        )
    spans = _FINDERS[unit](text)
    if not spans:
        raise ValueError(f"{where} has no {unit} that could be left out, expected at least one")
    if len(spans) > MOST_UNITS:
        advice = "pass unit='sentence' (--unit sentence) to leave out sentences"
        if unit == "sentence":
            advice = "explain it in parts"
        raise ValueError(
            f"{where} has {with_noun(len(spans), unit)}, expected at most {MOST_UNITS}; {advice}"
        )
    return Units(text, spans, number)


def explain_text(
    classifier: AnyClassifier,
    units: Units,
    options: ExplainOptions,
    call_options: TextClassificationOptions,
) -> Explanation:
    """Explain the label of one text.

    Parameters
    ----------
    classifier : TextClassificationPipeline
    units : Units
        The text, and what is left out of it.
    options : ExplainOptions
    call_options : TextClassificationOptions
        The options of the classifier's calls, which ask for all logits.

    Returns
    -------
    Explanation

    Raises
    ------
    ValueError
        If the text is too long, or is read in windows although steps or attention are asked for.
    """
    study = _Study(classifier, units, options, call_options)
    findings = study.share_out() if options.method == "shapley" else study.look_closer()
    words = tuple(
        Word(units.text[start:end], start, end, effect, without, other_way, error)
        for (start, end), effect, without, other_way, error in zip(
            units.spans,
            findings.effects,
            study.without,
            findings.other_ways,
            findings.errors,
            strict=True,
        )
    )
    whole = study.experiments.whole
    steps = tokens = attention = None
    if options.steps or options.attention:
        if whole.n_parts > 1:
            raise ValueError(
                f"text {units.number} (counted from 0) is read in {whole.n_parts} windows, and "
                "steps and attention are those of one; leave these options out, or pass "
                "long_text='truncate'"
            )
        traced = trace(classifier, units.text, whole.n_tokens if whole.is_cut else None)
        tokens = traced.tokens
        steps = steps_of(classifier, traced, study.label) if options.steps else None
        attention = attention_in(classifier, traced) if options.attention else None
    return Explanation(
        text=units.text,
        label=study.label,
        scores=study.scores,
        lead=study.lead,
        words=words,
        pairs=findings.pairs,
        method=options.method,
        unit=options.unit,
        n_texts=study.experiments.n_texts,
        lead_of_nothing=findings.lead_of_nothing,
        is_cut=whole.is_cut,
        steps=steps,
        tokens=tokens,
        attention=attention,
    )


class _Findings(NamedTuple):
    """What a study has found: the fields of `Explanation`, and for each word those of `Word`."""

    effects: list[float]
    other_ways: Sequence[float | None]
    errors: Sequence[float | None]
    pairs: tuple[Pair, ...] = ()
    lead_of_nothing: float | None = None


class _Study:
    """The experiments with one text. The first round is done when the study is made.

    Attributes
    ----------
    experiments : Experiments
    label : str
        The label that is explained.
    lead : float
        Its lead for the whole text.
    scores : dict of str to float
        The scores of the whole text.
    effects : list of float
        How far the lead falls without each word.
    without : list of dict of str to float
        The scores without each word.
    """

    def __init__(
        self,
        classifier: AnyClassifier,
        units: Units,
        options: ExplainOptions,
        call_options: TextClassificationOptions,
    ) -> None:
        self._units = units
        self._method: Method = options.method
        self._mask_token = classifier.tokenizer.mask_token
        self.experiments = Experiments(classifier, call_options, units.number)
        one_each = [self._varied(self._method, [number]) for number in range(len(units.spans))]
        answers = self.experiments.ask([units.text, *one_each])
        self.label = options.label or answers.best
        self.lead, *leads = answers.leads(self.label)
        self.scores, *self.without = answers.scores()
        self.effects = [self.lead - lead for lead in leads]

    def look_closer(self) -> _Findings:
        """Vary the strongest words in pairs, and each of them by the other method."""
        by_strength = sorted(
            range(len(self.effects)), key=lambda number: abs(self.effects[number]), reverse=True
        )
        strongest = sorted(by_strength[:_N_STRONGEST])
        pairs = [*itertools.combinations(strongest, 2)]
        variants = [self._varied(self._method, pair) for pair in pairs]
        other = _OTHER_METHODS[self._method]
        if other is not None and (other != "mask" or self._mask_token is not None):
            variants += [self._varied(other, [number]) for number in strongest]
        answers = self.experiments.ask(variants)
        effects = [self.lead - lead for lead in answers.leads(self.label)]
        found = [
            Pair(i, j, effect, effect - self.effects[i] - self.effects[j], without)
            for (i, j), effect, without in zip(pairs, effects, answers.scores(), strict=False)
        ]
        found.sort(key=lambda pair: abs(pair.interaction), reverse=True)
        of_strongest = dict(zip(strongest, effects[len(pairs) :], strict=False))
        other_ways = [of_strongest.get(number) for number in range(len(self.effects))]
        return _Findings(self.effects, other_ways, [None] * len(other_ways), tuple(found))

    def share_out(self) -> _Findings:
        """Compute the Shapley value of each word."""
        units = self._units
        everything = frozenset(range(len(units.spans)))

        def leads_of(sets: Sequence[Kept]) -> list[float]:
            variants = [leave_out(units.text, units.spans, everything - kept) for kept in sets]
            return self.experiments.ask(variants).leads(self.label)

        shares = shapley_values(len(everything), leads_of)
        none: list[None] = [None] * len(everything)
        return _Findings(
            shares.values, none, shares.errors or none, lead_of_nothing=shares.lead_of_nothing
        )

    def _varied(self, method: Method, numbers: Iterable[int]) -> str:
        """Return the text without some of its words, or with masks in their places."""
        if method == "mask":
            assert self._mask_token is not None
            return mask(self._units.text, self._units.spans, numbers, self._mask_token)
        return leave_out(self._units.text, self._units.spans, numbers)
