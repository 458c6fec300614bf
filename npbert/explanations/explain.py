"""`explain()`: which words of a text made its label, found by leaving them out."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sized
from pathlib import Path
from typing import Any, Final, Unpack, overload

from npbert.arguments import PORTED_NAMES, Indexed, as_iterator, as_list, reject_unknown
from npbert.checkpoints.sources import HUB_OPTIONS, HubOptions, split_hub_options
from npbert.explanations.experiments import AnyClassifier, check_label
from npbert.explanations.one_text import ExplainOptions, Units, explain_text, read_units
from npbert.explanations.results import Explanation, Method, Unit
from npbert.messages import with_noun
from npbert.models.base import PreTrainedModel
from npbert.pipelines.base import Pipeline, read_text
from npbert.pipelines.cached import loaded_classifier
from npbert.pipelines.factory import TOKENIZER_NEEDED, source_of
from npbert.pipelines.options import CallOptions
from npbert.pipelines.results import Texts
from npbert.pipelines.streams import SizedResults
from npbert.pipelines.text_classification import (
    TextClassificationOptions,
    TextClassificationPipeline,
)

_OWN_NAMES: Final = ("texts", "model", "label", "method", "unit", "steps", "attention")
_NO_PAIRS: Final = "explain() takes single texts, and no pairs"
_CALL_NAMES: Final = tuple(name for name in CallOptions.__annotations__ if name not in PORTED_NAMES)


class ExplainArguments(CallOptions, HubOptions, total=False):
    """The keywords of `explain` that `classify` has too."""


@overload
def explain(
    texts: str,
    model: str | Path | AnyClassifier | None = ...,
    *,
    label: str | None = ...,
    method: Method = ...,
    unit: Unit = ...,
    steps: bool = ...,
    attention: bool = ...,
    **options: Unpack[ExplainArguments],
) -> Explanation: ...
@overload
def explain(
    texts: Texts,
    model: str | Path | AnyClassifier | None = ...,
    *,
    label: str | None = ...,
    method: Method = ...,
    unit: Unit = ...,
    steps: bool = ...,
    attention: bool = ...,
    **options: Unpack[ExplainArguments],
) -> list[Explanation]: ...
@overload
def explain(
    texts: Iterable[str] | Indexed[str],
    model: str | Path | AnyClassifier | None = ...,
    *,
    label: str | None = ...,
    method: Method = ...,
    unit: Unit = ...,
    steps: bool = ...,
    attention: bool = ...,
    **options: Unpack[ExplainArguments],
) -> Iterator[Explanation]: ...


def explain(
    texts: object,
    model: str | Path | AnyClassifier | None = None,
    *,
    label: str | None = None,
    method: Method = "leave-one-out",
    unit: Unit = "word",
    steps: bool = False,
    attention: bool = False,
    **options: Unpack[ExplainArguments],
) -> Any:
    """Show which words of a text made its label, by leaving out each of them in turn.

    Parameters
    ----------
    texts : str, list or iterator
        A text; several texts, as a list, a tuple, an array or a column; or an iterator over them.
    model : str, Path or TextClassificationPipeline, optional
        A folder, a bundled name ("mini"), a hub id, or a pipeline that is loaded already. The
        default is that of `pipeline`.
    label : str, optional
        The label to explain. By default it is the best label of each text.
    method : "leave-one-out", "mask" or "shapley"
        Whether words are left out; or replaced by the mask token; or whether each word gets its
        Shapley value, which is exact for up to ten words and sampled for more.
    unit : "word" or "sentence"
        What is left out. Sentences are for texts of more than 200 words.
    steps : bool
        Whether to add the steps of the text through the model, and the lead of the label after
        each layer.
    attention : bool
        Whether to add where each token looks.
    **options
        `revision`, `subfolder`, `variant`, `cache_dir`, `local_files_only`, `token` and
        `disable_mmap` (see `HubOptions`), and the options of `CallOptions`. They count for each
        variant of a text, so with ``long_text="window"`` each variant of a long text is read in
        windows.

    Returns
    -------
    Explanation, list or iterator
        A str gives an `Explanation`, a list gives one per text, and an iterator gives a lazy
        iterator over them.

    Raises
    ------
    OSError
        If the model cannot be found or fetched.
    TypeError
        If an input is not a text, or a keyword is unknown.
    ValueError
        If a text has no word, more than 200 words, more than 100,000 characters or too many
        tokens; or if the label, an option or the model cannot be honoured.

    Warns
    -----
    UserWarning
        If no model was named, so that the default is loaded; or if texts were cut.

    Notes
    -----
    The effect of a word is the lead of the label for the text minus its lead without the word,
    where the lead is the logit of the label minus the mean of the other logits. Leaving out words
    is the method of Li, Monroe and Jurafsky 2016, arXiv:1612.08220.
    """
    of_hub, given = split_hub_options(options)
    known = (*_OWN_NAMES, *_CALL_NAMES, *HUB_OPTIONS, *PORTED_NAMES)
    reject_unknown("explain()", given.keys() - {*known}, known)
    wishes = ExplainOptions(label, method, unit, steps, attention)
    if isinstance(model, PreTrainedModel):
        raise ValueError(TOKENIZER_NEEDED)
    if isinstance(model, Pipeline):
        classifier = _require_classifier(model, of_hub)
    else:
        source = source_of(model, "text-classification", of_hub)
        classifier = loaded_classifier(source, is_named=model is not None)
    call_options = classifier.options_for({**given, "top_k": None, "function_to_apply": "none"})
    if call_options.text_pair is not None:
        raise ValueError(f"text_pair is given to the pipeline, but {_NO_PAIRS}")
    check_label(label, classifier)
    if method == "mask" and classifier.tokenizer.mask_token is None:
        raise ValueError("method is 'mask', but the tokenizer of this model has no mask token")

    if isinstance(texts, str):
        (one,) = _explanations(classifier, [_read(texts, 0, unit)], wishes, call_options)
        return one
    items = as_list(texts)
    if items is not None:
        read = [_read(item, number, unit) for number, item in enumerate(items)]
        return list(_explanations(classifier, read, wishes, call_options))
    stream = as_iterator(texts)
    if stream is None:
        if isinstance(texts, Mapping):
            raise TypeError(f"texts is a dict, but {_NO_PAIRS}")
        raise TypeError(
            f"texts is a {type(texts).__name__}, expected a str, a list of these, or an iterator"
        )
    lazily = (_read(item, number, unit) for number, item in enumerate(stream))
    explanations = _explanations(classifier, lazily, wishes, call_options)
    return SizedResults(explanations, len(texts)) if isinstance(texts, Sized) else explanations


def _require_classifier(model: object, of_hub: HubOptions) -> AnyClassifier:
    """Return a loaded pipeline, if it labels texts and is not to be loaded from elsewhere."""
    if not isinstance(model, TextClassificationPipeline):
        raise TypeError(
            f"model is a {type(model).__name__}, expected the name of a model that labels texts, "
            "or a TextClassificationPipeline"
        )
    if of_hub:
        raise ValueError(
            f"{min(of_hub)} is given, but the model is loaded already; give it when it is loaded"
        )
    return model


def _read(item: object, number: int, unit: Unit) -> Units:
    if isinstance(item, Mapping):
        raise TypeError(f"text {number} (counted from 0) is a dict, but {_NO_PAIRS}")
    return read_units(read_text(item, number), unit, number)


def _explanations(
    classifier: AnyClassifier,
    texts: Iterable[Units],
    wishes: ExplainOptions,
    call_options: TextClassificationOptions,
) -> Iterator[Explanation]:
    n_texts = n_cut = 0
    for n_texts, units in enumerate(texts, 1):  # noqa: B007 - it is counted for the end
        explanation = explain_text(classifier, units, wishes, call_options)
        n_cut += explanation.is_cut
        yield explanation
    if n_cut:
        warnings.warn(
            f"{n_cut:,} of {with_noun(n_texts, 'text')} had more tokens than were read, so words "
            "behind the last of these have no effect",
            stacklevel=3,
        )
