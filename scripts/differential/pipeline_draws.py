"""Random calls of the pipelines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import numpy as np
import torch
import transformers

import npbert
from differential.answers import answer_by_the_book
from differential.chance import Chance
from differential.comparing import TOLERANCE, is_as_exact, require_alike
from differential.draw import Compare, Draw
from differential.texts import Texts
from differential.world import World

_TASKS: Final = {
    "DistilBertForSequenceClassification": (
        *("text-classification", "text-classification", "zero-shot-classification"),
    ),
    "DistilBertForTokenClassification": ("token-classification",),
    "DistilBertForMaskedLM": ("fill-mask",),
    "DistilBertForQuestionAnswering": ("question-answering",),
    "DistilBertModel": ("feature-extraction",),
}
_TRUNCATIONS: Final = (True, True, False, None, "longest_first", "only_first", "do_not_truncate")
_STRATEGIES: Final = ("none", "simple", "first", "average", "max", "SIMPLE", "Max", None)


class PipelineDraws:
    """A source of calls of the pipelines that the model of a world has.

    Parameters
    ----------
    world : World
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._tasks = tuple(
            task
            for task in _TASKS.get(world.head, ())
            # Without label2id in config.json, transformers fails: see docs/differences.md.
            if task != "zero-shot-classification" or world.their_model.config.label2id
        )
        self._pipelines = {
            task: (self._make("ours", task), self._make("theirs", task))
            for task in dict.fromkeys(self._tasks)
        }

    @property
    def kinds(self) -> tuple[str, ...]:
        """The tasks, those that are drawn more often several times."""
        return self._tasks

    def draw(self, kind: str, chance: Chance, texts: Texts) -> Draw:
        """Draw a call."""
        inputs, options = _ARGUMENTS[kind](chance, texts, self._world)
        for_ours = chance.options({"batch_size": [1, 2, 5], "threads": [1, 1, 2]}, 0.1)
        made_late = chance.happens(0.1)
        as_stream = isinstance(inputs, list) and chance.happens(0.1)
        if isinstance(inputs, list) and options.get("is_split_into_words"):
            as_stream = as_stream and isinstance(inputs[0], list)

        def call(side: int) -> Any:
            pipe, at_call = self._pipelines[kind][side], options
            if made_late:
                pipe = self._make(("ours", "theirs")[side], kind, **options)
                at_call = {}
            given = (each for each in inputs) if as_stream else inputs
            more = for_ours if side == 0 else {}
            result = pipe(given, **at_call, **more)
            return list(result) if as_stream else result

        def theirs() -> Any:
            with torch.inference_mode():
                return _with_arrays(call(1))

        compare: Compare = require_alike
        theirs_by_our_numbers: Callable[[], Any] | None = None
        if kind == "question-answering":
            theirs = partial(answer_by_the_book, self._world, inputs, options, as_stream)
            theirs_by_our_numbers = partial(theirs, by_our_numbers=True)
            are_several = isinstance(inputs, list) and (as_stream or len(inputs) > 1)
            compare = partial(_require_same_answers, inputs, are_several)
        elif kind == "feature-extraction":
            compare = _require_same_features
        if kind != "question-answering":

            def theirs_by_our_numbers() -> Any:
                with _our_numbers(self._world):
                    return _with_arrays(call(1))

        padding_side = self._world.our_tokenizer.padding_side
        shape = "(stream)" if as_stream else "(options first)" if made_late else ""
        return Draw(
            kind,
            f"{kind}{shape}: {inputs!r}, {options!r}; npbert alone: {for_ours!r}",
            partial(call, 0),
            theirs,
            compare=compare,
            theirs_by_our_numbers=theirs_by_our_numbers,
            arguments={
                "is_stream": as_stream,
                "is_made_late": made_late,
                "padding_side": padding_side,
                **options,
            },
        )

    def _make(self, side: str, task: str, **options: Any) -> Any:
        world = self._world
        if side == "ours":
            return npbert.pipeline(task, world.our_model, tokenizer=world.our_tokenizer, **options)
        if task == "question-answering":  # release 5 has none
            return None
        return transformers.pipeline(
            task, model=world.their_model, tokenizer=world.their_tokenizer, **options
        )


@contextmanager
def _our_numbers(world: World) -> Iterator[None]:
    """Let the model of transformers give the numbers of npbert, within the tolerance."""
    model, own = world.their_model, world.their_model.forward
    judges = [world.exact_model, *world.nudged_models]  # copies of the model as it is now

    def forward(input_ids: Any, attention_mask: Any = None, **_: Any) -> Any:
        output = own(input_ids=input_ids, attention_mask=attention_mask)
        name = next(iter(output))  # "logits", or "last_hidden_state"
        mask = None if attention_mask is None else attention_mask.numpy()
        ours = world.our_model(input_ids.numpy(), mask)[name]

        def without_padding(output: Any) -> Any:  # of arrays (rows, seq, …)
            array = output[name].numpy()
            if mask is None or array.ndim < 3:
                return array
            return np.where(mask[..., None], array, 0)

        exact, *nudged = (
            without_padding(each(input_ids=input_ids, attention_mask=attention_mask))
            for each in judges
        )
        theirs = without_padding(output)
        if not is_as_exact(ours, [theirs, *nudged], exact):
            require_alike(ours, theirs, name)
        output[name] = torch.from_numpy(ours)
        return output

    model.forward = forward
    try:
        with torch.inference_mode():
            yield
    finally:
        del model.forward


def _require_same_answers(inputs: Any, are_several: bool, ours: Any, theirs: Any) -> None:
    """Compare answers to questions, without those that are as good as impossible.

    The pipeline of release 4 could fill up its list with spans of any tokens then.
    """
    if not are_several:
        ours, theirs = [ours], [theirs]
    contexts = [asked["context"] for asked in (inputs if isinstance(inputs, list) else [inputs])]
    require_alike(list(map(_likely, ours, contexts)), list(map(_likely, theirs, contexts)))


def _likely(answers: Any, context: str) -> list[dict[str, Any]]:
    """Return the likely answers, each with its place if its words stand in one place alone.

    The place of others is that of their likeliest span, and two spans can be as likely.
    """
    found = []
    for answer in answers if isinstance(answers, list) else [answers]:
        is_anywhere = context.lower().count(answer["answer"].lower()) > 1
        if answer["score"] > TOLERANCE:
            found.append(answer | dict.fromkeys(("start", "end")) if is_anywhere else answer)
    return found


def _require_same_features(ours: Any, theirs: Any) -> None:
    """Compare vectors; those of padding are zeros in npbert, as docs/differences.md says."""
    if isinstance(ours, np.ndarray) and ours.shape == getattr(theirs, "shape", None):
        theirs = np.where(ours.any(-1, keepdims=True), theirs, np.float32(0))
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        if ours and isinstance(ours[0], float) and not any(ours):
            return
        for one, other in zip(ours, theirs, strict=True):
            _require_same_features(one, other)
        return
    require_alike(ours, theirs)


def _with_arrays(answer: Any) -> Any:
    """Return an answer with NumPy's arrays in place of torch's."""
    if isinstance(answer, torch.Tensor):
        return answer.numpy()
    if isinstance(answer, list) and answer and isinstance(answer[0], torch.Tensor):
        return [each.numpy() for each in answer]
    return answer


# ------------------------------------------------------------------------------ the arguments

Arguments = tuple[Any, dict[str, Any]]


def _inputs(chance: Chance, make: Callable[[], Any]) -> Any:
    """Make one input, or a list of a few."""
    return make() if chance.happens(0.6) else chance.several(make, 1, 4)


def _cutting(chance: Chance, world: World) -> dict[str, Any]:
    """Draw options that say how texts are cut; most of them cut what the model cannot read."""
    options: dict[str, Any] = {}
    longest = min(world.our_tokenizer.model_max_length, 64)
    if chance.happens(0.75):
        options["truncation"] = chance.choice(_TRUNCATIONS)
    if chance.happens(0.5):
        options["max_length"] = chance.choice([4, 5, 8, min(longest, _positions(world))])
    if chance.happens(0.1):
        options["padding"] = chance.choice([True, False, "longest", "max_length", "do_not_pad"])
    return options


def _positions(world: World) -> int:
    return int(world.our_model.config.max_position_embeddings)


def _for_text_classification(chance: Chance, texts: Texts, world: World) -> Arguments:
    def pair() -> Any:
        return {"text": texts.text(), "text_pair": texts.text()}

    kind = chance.random()
    if kind < 0.75:
        inputs = _inputs(chance, texts.text)
    elif kind < 0.95:
        inputs = _inputs(chance, pair)
    elif kind < 0.97:
        inputs = [[[texts.text(), texts.text()]]]
    else:
        inputs = _inputs(chance, lambda: {"text": texts.text()})
    pairs = {"text_pair": [texts.text()]} if kind < 0.05 else {}
    options = chance.options(
        {
            "top_k": [None, 1, 2, 3, 100],
            "function_to_apply": ["softmax", "sigmoid", "none", "SIGMOID", None],
            **pairs,
        },
        0.3,
    )
    return inputs, options | _cutting(chance, world)


def _for_zero_shot(chance: Chance, texts: Texts, _world: World) -> Arguments:
    labels: Any = chance.several(lambda: texts.text(2), 1, 5)
    if chance.happens(0.2):
        labels = ", ".join(label.replace(",", "") for label in labels)
    options = chance.options(
        {
            "hypothesis_template": ["{}", "It is {} !", "東{}京.", "{0} or not", "{!r}"],
            "multi_label": [True, False],
        },
        0.4,
    )
    return _inputs(chance, texts.text), {"candidate_labels": labels, **options}


def _for_token_classification(chance: Chance, texts: Texts, world: World) -> Arguments:
    options = chance.options(
        {
            "aggregation_strategy": _STRATEGIES,
            "ignore_labels": [[], ["O"], ["PER", "B-PER"], None],
        },
        0.6,
    )
    if options.get("aggregation_strategy", "none") not in ("none", None) and chance.happens(0.5):
        options["stride"] = chance.choice([0, 1, 2, 3, 5])
    usual = 8 if "stride" in options else min(8, world.our_tokenizer.model_max_length // 3)
    if chance.happens(0.2):
        options["is_split_into_words"] = True
        options |= chance.options({"delimiter": ["", " ", "--", None]}, 0.4)
        words = chance.several(texts.words, 1, 3)
        return (words[0] if chance.happens(0.4) else words), options
    return _inputs(chance, lambda: texts.text(usual)), options


def _for_fill_mask(chance: Chance, texts: Texts, world: World) -> Arguments:
    mask = world.files.special["mask_token"]

    def masked() -> str:
        words = [texts.text(3)]
        for _ in range(chance.choice([1, 1, 1, 2, 3])):
            words += [mask, texts.text(2)]
        return chance.choice([" ", " ", ""]).join(words)

    options = chance.options({"top_k": [1, 2, 3, 10, 50, None]}, 0.5)
    if chance.happens(0.3):
        options["targets"] = chance.several(texts.word, 1, 4)
    elif chance.happens(0.05):
        options["targets"] = texts.word()
    if chance.happens(0.6):
        options["tokenizer_kwargs"] = _cutting(chance, world)
    return _inputs(chance, masked), options


def _for_feature_extraction(chance: Chance, texts: Texts, world: World) -> Arguments:
    options: dict[str, Any] = chance.options({"return_tensors": [True, False]}, 0.3)
    cutting = _cutting(chance, world)
    if chance.happens(0.4) and "truncation" in cutting:
        options["truncation"] = cutting.pop("truncation")
    if cutting:
        options["tokenize_kwargs"] = cutting
    return _inputs(chance, texts.text), options


def _for_question_answering(chance: Chance, texts: Texts, world: World) -> Arguments:
    def question() -> dict[str, str]:
        return {"question": texts.text(2) or "?", "context": texts.text(15) or "."}

    longest = min(_positions(world), 64)
    options = chance.options(
        {
            "top_k": [1, 2, 3, 10],
            "max_answer_len": [1, 2, 3, 30],
            "handle_impossible_answer": [True, False],
            "align_to_words": [True, False],
            "doc_stride": [1, 2, 4],
        },
        0.35,
    )
    options["max_seq_len"] = chance.choice([longest, longest, max(8, longest // 2)])
    return _inputs(chance, question), options


_ARGUMENTS: Final[dict[str, Callable[[Chance, Texts, World], Arguments]]] = {
    "text-classification": _for_text_classification,
    "zero-shot-classification": _for_zero_shot,
    "token-classification": _for_token_classification,
    "fill-mask": _for_fill_mask,
    "feature-extraction": _for_feature_extraction,
    "question-answering": _for_question_answering,
}
