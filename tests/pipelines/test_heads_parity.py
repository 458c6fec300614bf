"""Pipelines of the other heads beside those of transformers, on the same random weights."""

from __future__ import annotations

import json
import shutil
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

import npbert
from tests.support.answering import OPTIONS, QUESTIONS, RECORDED, make_answerer
from tests.support.oracles import VOCAB, make_model

TOLERANCE = 2e-5
TEXTS = [
    "Hugging Face is in New York City, isn't it?",
    "unaffable naïve 東京 people 😀 of the world",
    "Maria lives in São Paulo.",
    "",
]
NER_LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "MISC", "I-ORG"]
NLI_LABELS = ["contradiction", "neutral", "entailment"]


def make_folder(folder: Path, head: str, labels: list[str] | None = None, **settings: Any) -> Path:
    sizes: dict[str, Any] = {"vocab_size": 30522, "dim": 32, "n_heads": 2, "n_layers": 2}
    if labels:
        sizes["id2label"] = dict(enumerate(labels))
        sizes["label2id"] = {label: number for number, label in enumerate(labels)}
    make_model(folder, head=head, **sizes)
    shutil.copy(VOCAB, folder)
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 512} | settings))
    return folder


def load(task: str, folder: Path) -> tuple[Any, Any]:
    theirs = transformers.pipeline(task, str(folder), dtype=torch.float32)
    return npbert.pipeline(task, folder), theirs


def assert_alike(ours: Any, theirs: Any, path: str = "result") -> None:
    """The same shapes, keys in the same order, and values; floats within the tolerance."""
    if isinstance(theirs, (float, np.floating)):
        assert abs(ours - float(theirs)) < TOLERANCE, path
    elif isinstance(theirs, (list, tuple)):
        assert isinstance(ours, type(theirs)), path
        assert len(ours) == len(theirs), path
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            assert_alike(one, other, f"{path}[{number}]")
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs), path
        for name in theirs:
            assert_alike(ours[name], theirs[name], f"{path}[{name!r}]")
    else:
        assert ours == theirs, path


# ------------------------------------------------------------------ token classification


@pytest.fixture(scope="module")
def ner(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    folder = tmp_path_factory.mktemp("ner")
    return load("ner", make_folder(folder, "ForTokenClassification", NER_LABELS))


STRATEGIES = ("none", "simple", "first", "average", "max")


def test_spellings_of_strategies(ner: tuple[Any, Any], tmp_path: Path) -> None:
    ours, theirs = ner
    for strategy in ("SIMPLE", "Max", None):
        assert_alike(*(side(TEXTS, aggregation_strategy=strategy) for side in (ours, theirs)))
    folder = make_folder(tmp_path, "ForTokenClassification", NER_LABELS)
    late = npbert.pipeline("ner", folder, stride=5)
    with pytest.raises(ValueError, match="stride is given, but aggregation_strategy is 'none'"):
        late("a text")
    assert_alike(
        late(TEXTS, aggregation_strategy="simple"), theirs(TEXTS, aggregation_strategy="simple")
    )


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("ignored", [None, [], ["PER", "I-PER"]])
def test_entities(ner: tuple[Any, Any], strategy: str, ignored: list[str] | None) -> None:
    ours, theirs = ner
    options: dict[str, Any] = {"aggregation_strategy": strategy}
    if ignored is not None:
        options["ignore_labels"] = ignored
    for inputs in (TEXTS, TEXTS[0], TEXTS[:1]):
        assert_alike(ours(inputs, **options), theirs(inputs, **options))
    words = [text.split() for text in TEXTS[:3]]
    options["is_split_into_words"] = True
    for split in (words, words[0]):
        assert_alike(ours(split, **options), theirs(split, **options))
    options["delimiter"] = "--"
    assert_alike(ours(words, **options), theirs(words, **options))


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=60), strategy=st.sampled_from(STRATEGIES))
def test_entities_of_any_text(ner: tuple[Any, Any], text: str, strategy: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        return
    ours, theirs = ner
    result = ours(text, aggregation_strategy=strategy)
    assert_alike(result, theirs(text, aggregation_strategy=strategy))


@pytest.mark.parametrize("stride", [0, 2, 5])
@pytest.mark.parametrize("strategy", STRATEGIES[1:])
def test_entities_of_long_texts(tmp_path: Path, stride: int, strategy: str) -> None:
    folder = make_folder(tmp_path, "ForTokenClassification", NER_LABELS, model_max_length=16)
    ours, theirs = load("ner", folder)
    options = {"aggregation_strategy": strategy, "stride": stride}
    for text in (" ".join(TEXTS) * 3, "short"):
        assert_alike(ours(text, **options), theirs(text, **options))
    with pytest.raises(ValueError, match=r"expected at most 16; pass stride=.* or long_text="):
        ours(" ".join(TEXTS))
    with pytest.warns(UserWarning, match="1 of 1 texts were longer than 16 tokens"):
        cut = ours(" ".join(TEXTS), long_text="truncate", aggregation_strategy=strategy)
    assert_alike(cut, theirs(" ".join(TEXTS), aggregation_strategy=strategy))  # cut in silence


# ------------------------------------------------------------------------------- fill-mask


@pytest.fixture(scope="module")
def filler(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    return load("fill-mask", make_folder(tmp_path_factory.mktemp("mlm"), "ForMaskedLM"))


MASKED = [
    "I [MASK] this film.",
    "[MASK] [MASK] it was",
    "the [MASK]",
    "naïve 東京 [MASK] 😀 [MASK]",
]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"top_k": 2},
        {"top_k": 1},
        {"targets": ["good", "bad"]},
        {"targets": "good"},
        {"targets": ["good", "bad", "film"], "top_k": 2},
        {"tokenizer_kwargs": {"truncation": True, "max_length": 7}},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:.*were cut there")
def test_masks(filler: tuple[Any, Any], options: dict[str, Any]) -> None:
    ours, theirs = filler
    for inputs in (MASKED[0], MASKED[1], MASKED[:3], MASKED[:1], MASKED[1:2]):
        assert_alike(ours(inputs, **options), theirs(inputs, **options))
    if "tokenizer_kwargs" not in options:
        assert_alike(ours(MASKED, **options), theirs(MASKED, **options))


def test_targets_outside_the_vocabulary(filler: tuple[Any, Any]) -> None:
    ours, theirs = filler
    targets = ["good", "unaffable"]
    with pytest.warns(UserWarning, match="'unaffable' is not in the vocabulary; 'una' stands"):
        result = ours(MASKED[0], targets=targets)
    assert_alike(result, theirs(MASKED[0], targets=targets))
    with (
        pytest.raises(ValueError, match="no word of the vocabulary"),
        pytest.warns(UserWarning, match="left out"),
    ):
        ours(MASKED[0], targets=[" "])


def test_a_text_without_a_mask(filler: tuple[Any, Any]) -> None:
    ours, theirs = filler
    with pytest.raises(ValueError, match=r"text 1 \(counted from 0\) has no \[MASK\]"):
        ours([MASKED[0], "no mask"])
    with pytest.raises(transformers.pipelines.PipelineException):
        theirs("no mask")


# ------------------------------------------------------------------------------- zero-shot


@pytest.mark.parametrize(
    "labels",
    [NLI_LABELS, ["ENTAILMENT", "neutral", "no"], ["not_entailment", "entailment"], ["a", "b"]],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:none of the model's labels")
@pytest.mark.filterwarnings("ignore:.*were cut there")
def test_zero_shot(tmp_path: Path, labels: list[str]) -> None:
    ours, theirs = load(
        "zero-shot-classification",
        make_folder(tmp_path, "ForSequenceClassification", labels),
    )
    texts = TEXTS[:3]
    for candidates in ("sport, film ,", "film", ["a", "b", "c c"]):
        for options in ({}, {"multi_label": True}, {"hypothesis_template": "About {}!"}):
            more: dict[str, Any] = {"candidate_labels": candidates, **options}
            for inputs in (texts, texts[0], texts[:1]):
                assert_alike(ours(inputs, **more), theirs(inputs, **more))
            assert_alike(ours(texts[0], candidates), theirs(texts[0], candidates))
    long = "word " * 600
    assert_alike(ours(long, "a, b"), theirs(long, "a, b"))


def test_zero_shot_says_what_it_does(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, "ForSequenceClassification", ["a", "b"])
    with pytest.warns(UserWarning, match="none of the model's labels .* says 'entailment'"):
        ours = npbert.pipeline("zero-shot-classification", folder)
    with pytest.warns(UserWarning, match="1 of 2 texts were longer than 512"):
        ours(["short", "word " * 600], "x, y")
    with pytest.raises(ValueError, match="expected at most 512"):
        ours("word " * 600, "x, y", long_text="error")
    for options, message in (
        ({}, "candidate_labels is missing"),
        ({"candidate_labels": []}, "candidate_labels is missing"),
        ({"candidate_labels": "a", "hypothesis_template": "x"}, "expected a sentence with {}"),
    ):
        with pytest.raises(ValueError, match=message):
            ours("text", **options)
    with pytest.raises(ValueError, match=r"text 1 \(counted from 0\) is empty"):
        ours(["a", ""], "x")


# ---------------------------------------------------------------------- feature extraction


def test_features(tmp_path: Path) -> None:
    ours, theirs = load("feature-extraction", make_folder(tmp_path, "Model"))
    for inputs in (TEXTS, TEXTS[0], TEXTS[:1]):
        assert_alike(ours(inputs), theirs(inputs))
    long = "word " * 600
    for options in ({"truncation": True}, {"tokenize_kwargs": {"truncation": True}}):
        with pytest.warns(UserWarning, match="were cut there"):
            result = ours(long, **options)
        assert_alike(result, theirs(long, **options))
    array = ours(TEXTS[0], return_tensors=True)
    assert array.dtype == np.float32
    np.testing.assert_allclose(array, theirs(TEXTS[0], return_tensors=True).numpy(), atol=TOLERANCE)
    with pytest.raises(ValueError, match="truncation is given twice"):
        ours("x", truncation=True, tokenize_kwargs={"truncation": True})
    with pytest.raises(ValueError, match="expected at most 512"):
        ours(long)


# --------------------------------------------------------------------- question answering


@pytest.fixture(scope="module")
def answerers(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Any]:
    sides = ((0, "right"), (1, "right"), (2, "left"))
    return {
        seed: npbert.pipeline(
            "question-answering", make_answerer(tmp_path_factory.mktemp("qa"), seed, side)
        )
        for seed, side in sides
    }


def recorded() -> Iterator[dict[str, Any]]:
    contents = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert contents["versions"]["transformers"] == "4.57.6"
    yield from contents["answers"]


def test_answers_are_those_of_the_last_release_that_had_any(answerers: dict[int, Any]) -> None:
    rows = [row for row in recorded() if row["padding_side"] == "right"]
    assert len(rows) == 2 * len(QUESTIONS) * len(OPTIONS)
    for row in rows:
        question, context = QUESTIONS[row["question"]]
        answer = answerers[row["seed"]](question=question, context=context, **row["options"])
        assert_alike(answer, row["answer"], f"{question} {row['options']}")


def test_a_tokenizer_that_pads_on_the_left(answerers: dict[int, Any]) -> None:
    """Context first, as there; but 4.57.6 then took the question for context too."""
    rows = [row for row in recorded() if row["padding_side"] == "left"]
    assert any(row["answer"]["end"] < row["answer"]["start"] for row in rows)
    for row in rows:
        question, context = QUESTIONS[row["question"]]
        answer = answerers[row["seed"]](question=question, context=context)
        assert answer["answer"] == context[answer["start"] : answer["end"]] != ""


def test_ways_to_ask(answerers: dict[int, Any]) -> None:
    ask = answerers[0]
    (one, first), (two, second) = QUESTIONS[:2]
    expected = ask(question=one, context=first)
    assert ask({"question": one, "context": first}) == expected
    assert ask([{"question": one, "context": first}]) == expected
    assert ask(one, first) == expected
    both = [expected, ask(question=two, context=second)]
    assert_alike(ask(question=[one, two], context=[first, second]), both)
    dicts = [{"question": one, "context": first}, {"question": two, "context": second}]
    assert_alike(ask(dicts), both)
    assert_alike(list(ask(iter(dicts))), both)
    assert_alike(ask(question=[one, one], context=first), [expected, expected])


BAD_QUESTIONS: list[tuple[tuple[Any, ...], dict[str, Any], type[Exception], str]] = [
    ((), {"question": "a"}, ValueError, "context is missing"),
    ((), {"question": "", "context": "b"}, ValueError, r"question of input 0 .* is empty"),
    ((), {"question": "a", "context": ""}, ValueError, r"context of input 0 .* is empty"),
    ((), {"question": ["a"], "context": ["b", "c"]}, ValueError, "context is 2 texts"),
    (({"question": "a"},), {}, ValueError, r"keys \['question'\], expected question and context"),
    (({"question": "a", "context": 3},), {}, TypeError, "expected a str"),
    ((["a"],), {}, TypeError, "inputs is a str, expected a dict"),
    ((["a", "b"],), {}, TypeError, "input 0 .* is a str, expected a dict"),
    ((7,), {}, TypeError, "inputs is a int"),
    (("a", "b"), {"top_k": 0}, ValueError, "top_k is 0"),
    (("a", "b"), {"doc_stride": 9, "max_seq_len": 8}, ValueError, "doc_stride is 9"),
    (("a " * 50, "b"), {"max_seq_len": 16}, ValueError, "leaves|cannot cut"),
    (("a", "b"), {"max_sequence_len": 8}, TypeError, "did you mean 'max_seq_len'"),
]


@pytest.mark.parametrize(("inputs", "options", "error", "message"), BAD_QUESTIONS)
def test_bad_questions(
    answerers: dict[int, Any],
    inputs: tuple[Any, ...],
    options: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        answerers[0](*inputs, **options)


# ------------------------------------------------------------------------------ all tasks


def test_the_task_of_a_model(tmp_path: Path) -> None:
    """Named, known from config.json, or from the class of a loaded model."""
    heads = {
        "ForTokenClassification": "token-classification",
        "ForMaskedLM": "fill-mask",
        "ForQuestionAnswering": "question-answering",
        "ForSequenceClassification": "text-classification",
        "Model": "feature-extraction",
    }
    for head, task in heads.items():
        folder = make_folder(tmp_path / head, head)
        made = npbert.pipeline(model=folder)
        assert made.task == task
        loaded = npbert.pipeline(model=made.model, tokenizer=made.tokenizer)
        assert type(loaded) is type(made)
    with pytest.raises(ValueError, match="expected a DistilBertForMaskedLM for fill-mask"):
        npbert.pipeline("fill-mask", made.model, tokenizer=made.tokenizer)
    with pytest.raises(ValueError, match="fill-mask has no default model; name one"):
        npbert.pipeline("fill-mask")
    with pytest.raises(ValueError, match=r"expected one of: .*question-answering"):
        npbert.pipeline("summarization", folder)
    with pytest.raises(TypeError, match="did you mean 'aggregation_strategy'"):
        npbert.pipeline("ner", folder, agregation_strategy="max")
    with pytest.raises(ValueError, match="aggregation_strategy is 'mean', expected one of"):
        npbert.pipeline("ner", "no/such-model", aggregation_strategy="mean")  # before a download


def test_streams_of_all_tasks(ner: tuple[Any, Any], filler: tuple[Any, Any]) -> None:
    """Lazy, in order, in chunks that results do not depend on."""
    for pipe, texts in ((ner[0], TEXTS * 3), (filler[0], MASKED * 3)):
        stream = pipe(iter(texts))
        assert iter(stream) is stream
        assert_alike(list(stream), pipe(texts))
        assert_alike(pipe(texts, batch_size=1, threads=1), pipe(texts))
        with pytest.raises(TypeError, match="inputs is a int"):
            pipe(3)
        assert pipe([]) == []


# ------------------------------------------------------------- other classifiers on the hub

KINDS: dict[str, dict[str, Any]] = {
    "multi-label": {"labels": list("abcdef"), "problem_type": "multi_label_classification"},
    "one label": {"labels": ["toxic"]},
    "regression": {"labels": ["score"], "problem_type": "regression"},
    "three labels": {"labels": list("abc")},
    "150 labels": {"labels": [f"intent {number}" for number in range(150)]},
    "cased": {"labels": list("ab"), "do_lower_case": False},
}


@pytest.mark.parametrize("kind", KINDS)
def test_classifiers_of_many_kinds(tmp_path: Path, kind: str) -> None:
    settings = dict(KINDS[kind])
    labels, problem = settings.pop("labels"), settings.pop("problem_type", None)
    folder = make_folder(tmp_path, "ForSequenceClassification", labels, **settings)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"problem_type": problem}))
    ours, theirs = load("text-classification", folder)
    for options in ({}, {"top_k": None}, {"top_k": 3}):
        assert_alike(ours(TEXTS, **options), theirs(TEXTS, **options))
        assert_alike(ours(TEXTS[1], **options), theirs(TEXTS[1], **options))


def test_the_multilingual_vocabulary(tmp_path: Path) -> None:
    """119,547 pieces, cased, of many scripts; made up here but for their number."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *string.ascii_letters, *"äöüßéñ東京мир"]
    pieces += [f"##{piece}" for piece in pieces[5:]]
    pieces += [f"piece{number}" for number in range(119_547 - len(pieces))]
    settings: dict[str, Any] = {"vocab_size": 119_547, "dim": 24, "n_heads": 2, "n_layers": 1}
    make_model(tmp_path, **settings, num_labels=3)
    (tmp_path / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    ours, theirs = load("text-classification", tmp_path)
    texts = ["Müller sah 東京.", "мир piece119000 Ñandú", "Straße"]
    assert len(ours.tokenizer) == 119_547
    for text in texts:
        assert ours.tokenizer(text)["input_ids"] == theirs.tokenizer(text)["input_ids"]
    assert_alike(ours(texts, top_k=None), theirs(texts, top_k=None))
