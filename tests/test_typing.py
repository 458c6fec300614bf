"""What type checkers are told: each result has the type that stands here, and that it really has.

mypy and pyright check the `assert_type` lines; the tests run them too, and compare the type with
the value. Models are functions' parameters, because a checkpoint of each head is made at run time.
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, assert_type, get_origin, get_type_hints

import numpy as np
import pytest
from numpy.typing import NDArray

import npbert
from npbert.arguments import PortedOptions
from npbert.distilbert.activations import Array
from npbert.models import outputs
from npbert.pipelines.feature_extraction import (
    FeatureExtractionCallOptions,
    FeatureExtractionOptions,
)
from npbert.pipelines.fill_mask import FillMaskCallOptions, FillMaskOptions
from npbert.pipelines.options import CallOptions, Options, TokenizerKwargs
from npbert.pipelines.question_answering import (
    Answers,
    QuestionAnsweringCallOptions,
    QuestionAnsweringOptions,
)
from npbert.pipelines.results import Features, FilledMasks
from npbert.pipelines.text_classification import (
    TextClassificationCallOptions,
    TextClassificationOptions,
)
from npbert.pipelines.token_classification import (
    TokenClassificationCallOptions,
    TokenClassificationOptions,
)
from npbert.pipelines.zero_shot_classification import ZeroShotCallOptions, ZeroShotOptions
from tests.support.oracles import make_folder
from tests.support.paths import CHECKOUT

TEXT = "I love this film."
PAIR: npbert.TextPair = {"text": TEXT, "text_pair": "I hate it."}
Folder = Callable[..., Path]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Make the folder of a random model with a head."""
    return lambda head, **sizes: make_folder(
        tmp_path_factory.mktemp("model"), head=f"For{head}" if head else "Model", **sizes
    )


# ------------------------------------------------------------------------------ classification


def test_classify() -> None:
    one = assert_type(npbert.classify(TEXT, "mini"), list[npbert.LabelScore])
    ranked = assert_type(npbert.classify(TEXT, "mini", top_k=None), list[npbert.LabelScore])
    pair = assert_type(npbert.classify(PAIR, "mini"), npbert.LabelScore)
    pair_ranked = assert_type(npbert.classify(PAIR, "mini", top_k=2), list[npbert.LabelScore])
    several = assert_type(npbert.classify([TEXT], "mini"), list[npbert.LabelScore])
    of_pairs = assert_type(npbert.classify([PAIR], "mini"), list[npbert.LabelScore])
    several_ranked = assert_type(
        npbert.classify([TEXT], "mini", top_k=1), list[list[npbert.LabelScore]]
    )
    stream = assert_type(npbert.classify(iter([TEXT]), "mini"), Iterator[npbert.LabelScore])
    stream_ranked = assert_type(
        npbert.classify(iter([TEXT]), "mini", top_k=None), Iterator[list[npbert.LabelScore]]
    )
    # NumPy does not tell what iterating over an array gives, so mypy cannot choose an overload.
    column: list[npbert.LabelScore] = npbert.classify(np.array([TEXT]), "mini")
    options = npbert.classify(TEXT, "mini", long_text="window", batch_size=8, threads=1)
    plain: dict[str, str] = {"text": TEXT}
    assert_type(npbert.classify(plain, "mini"), npbert.LabelScore)
    assert_type(options, list[npbert.LabelScore])
    assert_type(one[0]["label"], str)
    assert_type(one[0]["score"], float)
    for result in (one[0], ranked[1], pair, pair_ranked[0], several[0], of_pairs[0]):
        assert_keys(result, npbert.LabelScore)
    for result in (several_ranked[0][0], next(stream), next(stream_ranked)[1], column[0]):
        assert_keys(result, npbert.LabelScore)


def test_a_pipeline_for_labels() -> None:
    classifier = npbert.pipeline("sentiment-analysis", "mini")
    assert_type(classifier, npbert.TextClassificationPipeline[npbert.LabelScore])
    assert_type(classifier(TEXT), list[npbert.LabelScore])
    assert_type(classifier(PAIR), npbert.LabelScore)
    assert_type(classifier([TEXT]), list[npbert.LabelScore])
    assert_type(classifier((TEXT, TEXT)), list[npbert.LabelScore])
    assert_type(classifier(iter([TEXT])), Iterator[npbert.LabelScore])
    assert_type(classifier(TEXT, top_k=None), list[npbert.LabelScore])
    assert_type(classifier([TEXT], top_k=2), list[list[npbert.LabelScore]])
    assert_type(classifier(iter([TEXT]), top_k=2), Iterator[list[npbert.LabelScore]])

    ranked = npbert.pipeline("text-classification", "mini", top_k=2)
    assert_type(ranked, npbert.TextClassificationPipeline[list[npbert.LabelScore]])
    assert_keys(assert_type(ranked(TEXT), list[list[npbert.LabelScore]])[0][1], npbert.LabelScore)
    assert_keys(assert_type(ranked(PAIR), list[npbert.LabelScore])[1], npbert.LabelScore)
    assert_type(ranked([TEXT]), list[list[npbert.LabelScore]])

    model, tokenizer = ranked.model, ranked.tokenizer
    assert isinstance(model, npbert.DistilBertForSequenceClassification)
    made = npbert.TextClassificationPipeline(model, tokenizer, top_k=2)
    assert_type(made, npbert.TextClassificationPipeline[list[npbert.LabelScore]])
    assert_keys(assert_type(made(PAIR), list[npbert.LabelScore])[0], npbert.LabelScore)
    plain = npbert.TextClassificationPipeline(model=model, tokenizer=tokenizer, threads=1)
    assert_type(plain, npbert.TextClassificationPipeline[npbert.LabelScore])

    def is_a_complete_type(one: npbert.TextClassificationPipeline) -> list[npbert.LabelScore]:
        return one(TEXT)

    assert_keys(is_a_complete_type(classifier)[0], npbert.LabelScore)


def test_explain() -> None:
    one = assert_type(npbert.explain("Not bad.", "mini", steps=True), npbert.Explanation)
    several = assert_type(npbert.explain([TEXT], "mini", unit="sentence"), list[npbert.Explanation])
    stream = npbert.explain(iter([TEXT]), "mini", method="mask", batch_size=4)
    assert_type(stream, Iterator[npbert.Explanation])
    assert_type(next(stream), npbert.Explanation)
    loaded = npbert.pipeline("sentiment-analysis", "mini", top_k=2)
    assert_type(npbert.explain("Not bad.", loaded, label="POSITIVE"), npbert.Explanation)
    assert_type(one.words, tuple[npbert.Word, ...])
    assert_type(one.words[0].effect, float)
    assert_type(one.words[0].without, dict[str, float])
    assert_type(one.pairs, tuple[npbert.Pair, ...])
    assert_type(one.steps, tuple[npbert.Step, ...] | None)
    assert_type(one.attention, Array | None)
    start = assert_type(several[0].to_dict()["words"][0]["start"], int)
    assert type(start) is int
    for value in (one.lead, one.words[0].effect, one.pairs[0].effect, one.scores[one.label]):
        assert type(value) is float


# --------------------------------------------------------------------------------- other tasks


def test_token_classification(folder: Folder) -> None:
    model = folder("TokenClassification")
    tagger = npbert.pipeline("ner", model, ignore_labels=[])
    assert_type(tagger, npbert.TokenClassificationPipeline)
    assert_type(tagger, npbert.TokenClassificationPipeline[npbert.TokenEntity])
    tokens = assert_type(tagger(TEXT), list[npbert.TokenEntity])
    assert_keys(tokens[0], npbert.TokenEntity)
    assert_type(tagger([TEXT]), list[list[npbert.TokenEntity]])
    assert_type(tagger(iter([TEXT])), Iterator[list[npbert.TokenEntity]])
    grouped = assert_type(tagger(TEXT, aggregation_strategy="simple"), list[npbert.Entity])
    assert_keys(grouped[0], npbert.Entity)
    finder = npbert.pipeline(
        "token-classification", model, aggregation_strategy="first", ignore_labels=[]
    )
    assert_type(finder, npbert.TokenClassificationPipeline[npbert.Entity])
    assert_keys(assert_type(finder(TEXT), list[npbert.Entity])[0], npbert.Entity)


def test_fill_mask(folder: Folder) -> None:
    filler = npbert.pipeline("fill-mask", folder("MaskedLM"), top_k=3)
    assert_type(filler, npbert.FillMaskPipeline)
    filled = assert_type(filler("Lima is [MASK]."), FilledMasks)
    first = filled[0]
    assert not isinstance(first, list)
    assert_type(first, npbert.FilledMask)
    assert_keys(first, npbert.FilledMask)
    assert_type(filler(iter(["It is [MASK]."])), Iterator[FilledMasks])


def test_question_answering(folder: Folder) -> None:
    answerer = npbert.pipeline("question-answering", folder("QuestionAnswering"))
    assert_type(answerer, npbert.QuestionAnsweringPipeline[npbert.QuestionAnswer])
    answer = assert_type(
        answerer(question="Who lives?", context="Maria lives."), npbert.QuestionAnswer
    )
    assert_type(answerer("Who lives?", "Maria lives."), npbert.QuestionAnswer)
    assert_type(answerer({"question": "Who?", "context": "Maria."}), npbert.QuestionAnswer)
    assert_type(answer["answer"], str)
    assert_keys(answer, npbert.QuestionAnswer)
    best = npbert.pipeline("question-answering", folder("QuestionAnswering"), top_k=2)
    found = assert_type(best("Who lives?", "Maria lives in Lima."), Answers)
    assert isinstance(found, list)
    assert_keys(found[0], npbert.QuestionAnswer)


def test_zero_shot_classification(folder: Folder) -> None:
    sizes: dict[str, Any] = {"id2label": {0: "entailment", 1: "neutral", 2: "contradiction"}}
    labeller = npbert.pipeline(
        "zero-shot-classification", folder("SequenceClassification", **sizes)
    )
    assert_type(labeller, npbert.ZeroShotClassificationPipeline)
    result = assert_type(labeller(TEXT, ["film", "food"]), npbert.ZeroShotResult)
    assert_keys(result, npbert.ZeroShotResult)
    assert_type(labeller([TEXT], "film, food"), list[npbert.ZeroShotResult])
    assert_type(labeller(iter([TEXT]), ["film"]), Iterator[npbert.ZeroShotResult])


def test_feature_extraction(folder: Folder) -> None:
    model = folder("")
    extractor = npbert.pipeline("feature-extraction", model)
    assert_type(extractor, npbert.FeatureExtractionPipeline[Features])
    nested = assert_type(extractor(TEXT), Features)
    assert isinstance(nested[0][0][0], float)
    assert isinstance(assert_type(extractor(TEXT, return_tensors=True), Array), np.ndarray)
    assert_type(extractor([TEXT]), list[Features])
    arrays = npbert.pipeline("feature-extraction", model, return_tensors=True)
    assert_type(arrays, npbert.FeatureExtractionPipeline[Array])
    assert assert_type(arrays(TEXT), Array).dtype == np.float32


def assert_keys(result: Mapping[str, Any], kind: type) -> None:
    """A result has the keys of its type, in order, and values of the types that it promises."""
    types = get_type_hints(kind)
    assert list(result) == list(types)
    for name, value in result.items():
        assert type(value) is (get_origin(types[name]) or types[name])


# ----------------------------------------------------------------------- models and tokenizers


@pytest.mark.filterwarnings("ignore:.*bare encoder:UserWarning")
def test_models(folder: Folder) -> None:
    tokenizer = npbert.AutoTokenizer.from_pretrained("mini")
    inputs = tokenizer([TEXT, "No."], padding=True, return_tensors="np")
    assert_type(inputs["input_ids"], NDArray[np.int64])
    model = npbert.AutoModelForSequenceClassification.from_pretrained("mini")
    output = assert_type(model(**inputs), outputs.SequenceClassifierOutput)
    assert_type(output.logits, Array)
    assert_type(output.hidden_states, tuple[Array, ...] | None)
    assert_type(npbert.softmax(output.logits, axis=-1), Array)
    assert_type(model.config.id2label, dict[int, str])
    with_attentions = model(**inputs, output_attentions=True)
    assert_type(with_attentions, outputs.SequenceClassifierOutput)
    as_tuple = model(input_ids=[[2, 51, 3]]).to_tuple()
    assert_type(as_tuple, tuple[Array | tuple[Array, ...], ...])
    assert isinstance(as_tuple, tuple)
    encoder = npbert.AutoModel.from_pretrained("mini")
    assert_type(encoder(input_ids=[[2, 3]]), outputs.BaseModelOutput)
    assert_type(encoder(input_ids=[[2, 3]]).last_hidden_state, Array)
    tagger = npbert.AutoModelForTokenClassification.from_pretrained(folder("TokenClassification"))
    assert_type(tagger([[2, 3]]), outputs.TokenClassifierOutput)
    filler = npbert.AutoModelForMaskedLM.from_pretrained(folder("MaskedLM"))
    assert_type(filler([[2, 3]]), outputs.MaskedLMOutput)
    answerer = npbert.AutoModelForQuestionAnswering.from_pretrained(folder("QuestionAnswering"))
    assert_type(answerer([[2, 3]]), outputs.QuestionAnsweringModelOutput)
    assert_type(answerer([[2, 3]]).start_logits, Array)
    chooser = npbert.AutoModelForMultipleChoice.from_pretrained(folder("MultipleChoice"))
    assert_type(chooser([[[2, 3], [2, 4]]]), outputs.MultipleChoiceModelOutput)


# ------------------------------------------------------------------------------ what is refused


MISTAKES = {
    'npbert.classify("a", top_j=1)': "top_j",
    "npbert.classify(1)": "classify",
    'npbert.explain("a", method="gradients")': "explain",
    'npbert.explain("a", text_pair="b")': "explain",
    'npbert.classify("a")[0]["lable"]': "lable",
    'npbert.pipeline("fill-mask", "m", top_k="x")': "pipeline",
    'npbert.pipeline("ner", "m", agregation_strategy="simple")': "agregation_strategy",
    'npbert.AutoModel.from_pretrained("m", revison="x")': "revison",
    'npbert.AutoModel.from_pretrained("m")([[1]]).logits': "logits",
    'npbert.AutoTokenizer.from_pretrained("m", padding_sied="left")': "padding_sied",
    "npbert.Clasify": "Clasify",
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What mypy says of a script with one mistake per line."""
    pytest.importorskip("mypy")
    folder = tmp_path_factory.mktemp("mypy")
    script = folder / "user.py"
    script.write_text("\n".join(["import npbert", *MISTAKES]))
    # Not strict: pipeline()'s last overload takes any task and any option, for tasks in variables.
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(folder / "cache"), str(script)]
    found = subprocess.run(
        command, capture_output=True, encoding="utf-8", cwd=CHECKOUT, check=False
    )
    assert found.returncode == 1, found.stdout + found.stderr
    return found.stdout


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_that_mypy_finds(report: str, mistake: str) -> None:
    number = [*MISTAKES].index(mistake) + 2
    (first, *_) = re.findall(rf"user\.py:{number}: error: (.*)", report)
    assert MISTAKES[mistake] in first


# --------------------------------------------------------- names of options, said in two ways


@pytest.mark.parametrize(
    ("options", "call_options", "said_elsewhere"),
    [
        (Options, CallOptions, set()),
        (TextClassificationOptions, TextClassificationCallOptions, {"top_k"}),
        (TokenClassificationOptions, TokenClassificationCallOptions, {"aggregation_strategy"}),
        (FillMaskOptions, FillMaskCallOptions, {"tokenizer_kwargs"}),
        (QuestionAnsweringOptions, QuestionAnsweringCallOptions, {"top_k"}),
        (ZeroShotOptions, ZeroShotCallOptions, set()),
        (
            FeatureExtractionOptions,
            FeatureExtractionCallOptions,
            {"return_tensors", "tokenize_kwargs"},
        ),
    ],
)
def test_options_have_one_list_of_names(
    options: type[Options], call_options: Any, said_elsewhere: set[str]
) -> None:
    """The checked options and the types of the keyword arguments name the same options."""
    fields = {field.name for field in dataclasses.fields(options)}
    names = set(call_options.__annotations__) - set(PortedOptions.__annotations__)
    assert fields ^ names <= said_elsewhere
    assert set(TokenizerKwargs.__annotations__) <= fields
