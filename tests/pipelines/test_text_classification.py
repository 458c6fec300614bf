"""Result shapes and numbers beside transformers' pipeline; streams, threads, bad input."""

from __future__ import annotations

import array
import copy
import itertools
import json
import pickle
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

import npbert
from npbert.pipelines import TextClassificationPipeline
from tests.support.oracles import make_folder, make_model
from tests.support.streams import Endless

TEXTS = ["I love this film.", "", "I want my two hours back.", "word " * 60, "東京 😀"]
PAIR = {"text": "How old are you?", "text_pair": "I am six."}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    labels = {0: "BAD", 1: "SO-SO", 2: "GOOD"}
    return make_folder(tmp_path_factory.mktemp("model"), id2label=labels)


@pytest.fixture(scope="module")
def ours(folder: Path) -> TextClassificationPipeline:
    made: TextClassificationPipeline = npbert.pipeline("sentiment-analysis", folder)
    return made


def their_pipeline(folder: Path, **options: Any) -> Any:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, dtype=torch.float32
    )
    return transformers.pipeline("text-classification", model, tokenizer=tokenizer, **options)


def assert_alike(actual: Any, expected: Any) -> None:
    """The same nesting and labels, and scores within 1e-5."""
    assert type(actual) is type(expected)
    if isinstance(expected, list):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            assert_alike(one, other)
    else:
        assert list(actual) == list(expected) == ["label", "score"]
        assert actual["label"] == expected["label"]
        assert type(actual["score"]) is float
        assert actual["score"] == pytest.approx(expected["score"], rel=1e-5, abs=1e-5)


# ------------------------------------------------------------------------ beside transformers

TOP_K: list[dict[str, Any]] = [{}, {"top_k": 1}, {"top_k": 2}, {"top_k": None}, {"top_k": 9}]
INPUTS: list[Any] = [TEXTS[0], "", TEXTS, TEXTS[:1], PAIR, [PAIR, PAIR]]


@pytest.mark.parametrize("made_with", TOP_K, ids=str)
def test_result_shapes_are_those_of_transformers(folder: Path, made_with: dict[str, Any]) -> None:
    ours = npbert.pipeline("text-classification", folder, **made_with)
    theirs = their_pipeline(folder, **made_with)
    for called_with, inputs in itertools.product(TOP_K, INPUTS):
        assert_alike(ours(inputs, **called_with), theirs(inputs, **called_with))
    for called_with in TOP_K:
        results = ours((text for text in TEXTS), **called_with)
        assert_alike(list(results), list(theirs((text for text in TEXTS), **called_with)))


@pytest.mark.parametrize(
    "sizes",
    [
        {"num_labels": 1},
        {"num_labels": 4},
        {"num_labels": 3, "problem_type": "multi_label_classification"},
        {"num_labels": 1, "problem_type": "regression"},
        {"num_labels": 2, "problem_type": "regression"},
        {"num_labels": 2, "problem_type": "single_label_classification"},
    ],
    ids=str,
)
@pytest.mark.parametrize("function", [None, "softmax", "sigmoid", "none", "SIGMOID"])
def test_functions_from_logits_to_scores(
    tmp_path: Path, sizes: dict[str, Any], function: str | None
) -> None:
    folder = make_folder(tmp_path, **sizes)
    ours = npbert.pipeline("text-classification", folder)
    theirs = their_pipeline(folder)
    for options in ({}, {"top_k": None}):
        actual = ours(TEXTS, function_to_apply=function, **options)
        assert_alike(actual, theirs(TEXTS, function_to_apply=function, **options))


@pytest.mark.parametrize("options", [{"truncation": True, "max_length": 7}, {"max_length": 9}])
@pytest.mark.filterwarnings("ignore:.*were cut there")
def test_cutting_is_that_of_transformers(folder: Path, options: dict[str, Any]) -> None:
    ours = npbert.pipeline("text-classification", folder)
    assert_alike(ours(TEXTS, **options), their_pipeline(folder)(TEXTS, **options))


def test_classify_is_the_pipeline(folder: Path, ours: TextClassificationPipeline) -> None:
    assert npbert.classify(TEXTS[0], model=folder) == ours(TEXTS[0])
    assert npbert.classify(TEXTS, model=str(folder), top_k=2) == ours(TEXTS, top_k=2)
    assert_alike(list(npbert.classify(iter(TEXTS), folder)), ours(TEXTS))


def test_classify_loads_a_folder_again_only_when_it_changed(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "model")
    before = npbert.classify("film", folder)
    assert npbert.classify("film", folder) == before
    make_model(folder, seed=1, vocab_size=30522, dim=24, n_heads=2, n_layers=2)
    assert npbert.classify("film", folder) != before


def test_a_loaded_model_and_tokenizer(folder: Path, ours: TextClassificationPipeline) -> None:
    model = npbert.AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = npbert.AutoTokenizer.from_pretrained(folder)
    made = npbert.pipeline("sentiment-analysis", model, tokenizer=tokenizer)
    assert made(TEXTS) == ours(TEXTS)
    with pytest.raises(ValueError, match="its tokenizer is needed"):
        npbert.pipeline("sentiment-analysis", model)


# ---------------------------------------------------------------- what npbert does besides


def test_empty_input(ours: TextClassificationPipeline) -> None:
    assert ours([]) == []
    assert list(ours(iter([]))) == []


def test_columns_count_as_lists(ours: TextClassificationPipeline) -> None:
    expected = ours(TEXTS)
    assert ours(tuple(TEXTS)) == expected
    assert ours(np.array(TEXTS)) == expected
    assert ours(np.array(TEXTS, dtype=object)) == expected


DATA_SET = datasets.Dataset.from_dict({"review": TEXTS})
COLUMNS = {
    "Series": pd.Series(TEXTS, index=[4, 4, 2, 1, 0]),
    "Series of objects": pd.Series(TEXTS, dtype=object),
    "Series of categories": pd.Series(TEXTS, dtype="category"),
    "Index": pd.Index(TEXTS),
    "Arrow array": pa.array(TEXTS, pa.large_string()),
    "Arrow chunks": pa.chunked_array([TEXTS[:2], TEXTS[2:]]),
    "Arrow dictionary": pa.array(TEXTS).dictionary_encode(),
    "column of a data set": DATA_SET["review"],
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_of_libraries_count_as_lists(ours: TextClassificationPipeline, name: str) -> None:
    assert ours(COLUMNS[name]) == ours(TEXTS)


def test_a_column_of_a_streamed_data_set_is_a_stream(ours: TextClassificationPipeline) -> None:
    results = ours(DATA_SET.to_iterable_dataset()["review"])
    assert isinstance(results, Iterator)
    assert_alike(list(results), ours(TEXTS))


@pytest.mark.parametrize(
    "column", [pd.Series(["a", None]), pa.array(["a", None])], ids=["Series", "Arrow"]
)
def test_a_null_in_a_column_is_named(ours: TextClassificationPipeline, column: Any) -> None:
    with pytest.raises(TypeError, match=r"text 1 \(counted from 0\) is (nan|None)"):
        ours(column)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_the_company_of_a_text_does_not_matter(
    ours: TextClassificationPipeline, data: st.DataObject
) -> None:
    """Any order and any batching gives each text its own score."""
    texts = data.draw(st.lists(st.sampled_from(TEXTS), max_size=60))
    batch_size = data.draw(st.one_of(st.none(), st.integers(1, 7)))
    alone = {text: ours(text)[0] for text in TEXTS}
    assert_alike(ours(texts, batch_size=batch_size), [alone[text] for text in texts])


def test_iterators_are_lazy(ours: TextClassificationPipeline) -> None:
    texts = Endless()
    results = ours(iter(texts))
    assert texts.pulled == 0
    next(results)
    assert texts.pulled == 1  # the first result does not wait for a second text
    list(itertools.islice(results, 3000))
    assert 3001 <= texts.pulled <= 3001 + 1024


@pytest.mark.parametrize("n_before", [0, 1, 5, 2000])
def test_a_producer_that_fails(ours: TextClassificationPipeline, n_before: int) -> None:
    """What it gave before is answered, and then its own exception comes."""

    def failing() -> Iterator[str]:
        for number in range(n_before):
            yield f"text {number}"
        raise ConnectionResetError("the source is gone")

    results = ours(failing())
    before = list(itertools.islice(results, n_before))
    assert_alike(before, ours([f"text {number}" for number in range(n_before)]))
    with pytest.raises(ConnectionResetError, match="the source is gone"):
        next(results)
    assert list(results) == []


def test_a_bad_text_in_a_stream(ours: TextClassificationPipeline) -> None:
    results = ours(iter(["one", "two", None, "four"]))
    assert len([next(results), next(results)]) == 2
    with pytest.raises(TypeError, match=r"text 2 \(counted from 0\) is None"):
        next(results)


def test_a_consumer_that_stops_early(ours: TextClassificationPipeline) -> None:
    ended: list[bool] = []

    def endless() -> Iterator[str]:
        try:
            for number in itertools.count():
                yield f"text {number}"
        finally:
            ended.append(True)

    results = ours(endless())
    assert len(list(itertools.islice(results, 40))) == 40
    results.close()
    del results
    assert ended == [True]  # the source is let go at once


def test_threads_share_one_pipeline(ours: TextClassificationPipeline) -> None:
    expected = ours(TEXTS * 20)
    with ThreadPoolExecutor(6) as pool:
        for results in pool.map(lambda _: ours(TEXTS * 20), range(24)):
            assert_alike(results, expected)


def test_the_same_call_twice_is_bitwise_equal(ours: TextClassificationPipeline) -> None:
    assert ours(TEXTS * 50) == ours(TEXTS * 50)


LONG = "film " * 600


def test_long_texts(ours: TextClassificationPipeline, folder: Path) -> None:
    message = r"text 1 \(counted from 0\) is 602 tokens long, expected at most 512; .*truncate"
    with pytest.raises(ValueError, match=message):
        ours(["short", LONG])
    with pytest.raises(ValueError, match=message):
        ours(["short", LONG], truncation=False)
    with pytest.warns(UserWarning, match="1 of 2 texts were longer than 512 tokens"):
        cut = ours(["short", LONG], long_text="truncate")
    assert_alike(cut[1], ours("film " * 510)[0])
    with pytest.warns(UserWarning, match="were cut"):
        assert ours(["short", LONG], truncation=True) == cut
    always = npbert.pipeline("text-classification", folder, long_text="truncate")
    with pytest.warns(UserWarning, match="were cut"):
        assert always(["short", LONG]) == cut
    with pytest.raises(ValueError, match="602 tokens"):
        always(LONG, truncation=False)  # the call's word counts


@pytest.mark.parametrize("max_length", [None, 40, 7, 3])
def test_windows(folder: Path, ours: TextClassificationPipeline, max_length: int | None) -> None:
    """The mean of the windows' logits, by hand with transformers."""
    limit = max_length or 512
    overlap = limit // 4
    words = " ".join(f"word {number} of a film" for number in range(200))
    theirs = their_pipeline(folder)
    ids = theirs.tokenizer(words, add_special_tokens=False)["input_ids"]
    starts = range(0, len(ids) - overlap, limit - 2 - overlap)
    windows = [ids[start : start + limit - 2] for start in starts]
    assert len(windows) > 1
    logits: list[Any] = []
    weights: list[int] = []
    with torch.inference_mode():
        for window in windows:
            logits.append(theirs.model(torch.tensor([[101, *window, 102]])).logits[0].numpy())
            weights.append(len(window) - overlap if weights else len(window))
    assert sum(weights) == len(ids)
    mean = np.array(weights) @ np.stack(logits) / len(ids)
    options: dict[str, Any] = {} if max_length is None else {"max_length": max_length}
    short = "a short film"
    results = ours([short, words, short], long_text="window", top_k=None, **options)
    found = {result["label"]: result["score"] for result in results[1]}
    expected = npbert.softmax(mean)
    for label, score in zip(["BAD", "SO-SO", "GOOD"], expected, strict=True):
        assert found[label] == pytest.approx(score, abs=1e-5)
    if max_length != 3:
        assert_alike(results[::2], ours([short, short], top_k=None))


def test_windows_of_pairs_are_refused(ours: TextClassificationPipeline) -> None:
    pair = {"text": LONG, "text_pair": "short"}
    with pytest.raises(ValueError, match=r"input 1 .* only single texts can be read in windows"):
        ours([PAIR, pair], long_text="window")
    assert_alike(ours([PAIR], long_text="window"), ours([PAIR]))


def test_a_text_of_just_the_limit_is_no_long_text(ours: TextClassificationPipeline) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours("film " * 510, long_text="truncate")
        ours("film " * 510)
    with pytest.raises(ValueError, match="513 tokens"):
        ours("film " * 511)


def test_the_limit_is_the_smaller_of_tokenizer_and_model(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, max_position_embeddings=20)
    classifier = npbert.pipeline("text-classification", folder)
    with pytest.raises(ValueError, match="expected at most 20"):
        classifier("film " * 30)
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 10}')
    with pytest.raises(ValueError, match="expected at most 10"):
        npbert.pipeline("text-classification", folder)("film " * 30)
    with pytest.raises(ValueError, match="max_position_embeddings"):
        classifier("film " * 30, truncation=True, max_length=25)


def test_harmless_keywords_of_ported_code(folder: Path) -> None:
    harmless: dict[str, Any] = {
        "device": -1,
        "torch_dtype": "auto",
        "num_workers": 4,
        "framework": "pt",
        "trust_remote_code": False,
    }
    classifier = npbert.pipeline("text-classification", folder, batch_size=8, **harmless)
    assert classifier("film", device="cpu", dtype="float32") == classifier("film")
    of_torch = {"device": torch.device("cpu"), "dtype": torch.float32}
    assert classifier("film", **of_torch) == classifier("film")


PADDED: list[dict[str, Any]] = [
    {"padding": True, "max_length": 8},
    {"padding": "max_length", "max_length": 8},
    {"truncation": False, "max_length": 8},
    {"padding": True, "max_length": 8, "truncation": True},
    {"padding": False, "max_length": 8},
]


@pytest.mark.parametrize("options", PADDED, ids=str)
@pytest.mark.filterwarnings("ignore:.*were cut there:UserWarning")
def test_padding_beside_max_length(folder: Path, options: dict[str, Any]) -> None:
    """What is padded is not cut unasked, at the call and when the pipeline is made."""
    text = "a film of more than eight tokens, which is good to the end"
    theirs = their_pipeline(folder)(text, **options)
    assert_alike(npbert.pipeline("text-classification", folder)(text, **options), theirs)
    assert_alike(npbert.pipeline("text-classification", folder, **options)(text), theirs)


class Numbered(torch.utils.data.Dataset):  # type: ignore[misc]
    """A data set as torch has them: items by number."""

    def __len__(self) -> int:
        return 5

    def __getitem__(self, number: int) -> str:
        if number >= 5:
            raise IndexError(number)
        return f"text {number}"


def test_data_sets(ours: TextClassificationPipeline, folder: Path) -> None:
    results = ours(Numbered())
    assert isinstance(results, Iterator)
    assert_alike(list(results), list(their_pipeline(folder)(Numbered())))
    first = [f"text {number}" for number in range(1, 6)]
    assert_alike(list(itertools.islice(ours(Endless()), 5)), ours(first))


@pytest.mark.parametrize("batch_size", [1, 3])
def test_batch_size_bounds_the_look_ahead(
    ours: TextClassificationPipeline, batch_size: int
) -> None:
    texts = Endless()
    results = ours(texts, batch_size=batch_size)
    for number in range(1, 30):
        next(results)
        assert number <= texts.pulled < number + batch_size


def test_pipelines_are_copied_and_pickled(folder: Path) -> None:
    made_with: list[dict[str, Any]] = [{}, {"top_k": 2}]
    for options in made_with:
        classifier = npbert.pipeline("text-classification", folder, **options)
        for twin in (pickle.loads(pickle.dumps(classifier)), copy.deepcopy(classifier)):
            assert twin(TEXTS) == classifier(TEXTS)


# ------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        (None, TypeError, "inputs is a NoneType, expected a str"),
        (3, TypeError, "inputs is a int"),
        (b"film", TypeError, "inputs is a bytes"),
        ({"a", "b"}, TypeError, "inputs is a set"),
        (np.array([["a"], ["b"]]), TypeError, "inputs is a ndarray"),
        (["a", None], TypeError, r"text 1 \(counted from 0\) is None"),
        (["a", 3], TypeError, "text 1 .* is 3"),
        ([["a", "b"]], TypeError, "text 0 .* is .'a', 'b'. "),
        (array.array("d", [1.5]), TypeError, "text 0 .* is 1.5"),
        ({"text": "a", "pair": "b"}, ValueError, "keys .'text', 'pair'., expected"),
        ({}, ValueError, "expected 'text'"),
        ({"text": None}, TypeError, "'text' of input 0"),
        ({"text": "a", "text_pair": 3}, TypeError, "'text_pair' of input 0"),
        ("a\udc80", ValueError, "lone surrogate"),
        (iter(["a", "b", 7]), TypeError, "text 2 "),
    ],
    ids=str,
)
def test_bad_inputs(
    ours: TextClassificationPipeline, inputs: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        list(ours(inputs))


BAD_OPTIONS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"topk": 2}, TypeError, "'topk'; did you mean 'top_k'"),
    ({"nonsense": 2}, TypeError, "'nonsense'; expected one of"),
    ({"top_k": 0}, ValueError, "top_k is 0"),
    ({"top_k": "all"}, ValueError, "top_k is 'all'"),
    ({"top_k": True}, ValueError, "top_k is True"),
    ({"batch_size": -1}, ValueError, "batch_size is -1"),
    ({"max_length": 1.5}, ValueError, "max_length is 1.5"),
    ({"max_length": 2}, ValueError, "no room"),
    ({"function_to_apply": "tanh"}, ValueError, "'tanh', expected one of: softmax"),
    ({"long_text": "cut"}, ValueError, "long_text is 'cut'"),
    ({"long_text": "error", "truncation": True}, ValueError, "contradict"),
    ({"long_text": "truncate", "truncation": False}, ValueError, "contradict"),
    ({"device": 0}, ValueError, "device is 0, .* CPU only"),
    ({"device": "cuda"}, ValueError, "device is 'cuda'"),
    ({"dtype": "float16"}, ValueError, "dtype is 'float16'"),
    ({"torch_dtype": "bfloat16"}, ValueError, "torch_dtype is 'bfloat16'"),
]


@pytest.mark.parametrize(("options", "error", "message"), BAD_OPTIONS, ids=str)
def test_bad_options(
    ours: TextClassificationPipeline,
    folder: Path,
    options: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        ours("film", **options)
    with pytest.raises(error, match=message):
        npbert.classify("film", folder, **options)
    with pytest.raises(error, match=message):
        npbert.pipeline("text-classification", folder, **options)("film")


def test_bad_tasks() -> None:
    with pytest.raises(ValueError, match="task is 'translation', expected one of: text-class"):
        npbert.pipeline("translation", "mini")
    with pytest.raises(ValueError, match="neither task nor model"):
        npbert.pipeline()


def test_a_tokenizer_of_another_model(tmp_path: Path) -> None:
    """Ids beyond the model's vocabulary are an error, not another word's vector."""
    folder = make_folder(tmp_path, vocab_size=1500)
    with pytest.raises(ValueError, match=r"text 0 has the token id \d+ .* belong to this model"):
        npbert.classify("unaffable film", folder)


def test_a_config_that_does_not_fit_the_weights(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, dim=24)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"dim": 26}))
    with pytest.raises(npbert.CheckpointError, match=r"expected .*26"):
        npbert.classify("film", folder)
