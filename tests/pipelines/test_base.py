"""What all pipelines share: order, streams, long texts, threads."""

from __future__ import annotations

import copy
import itertools
import pickle
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

import npbert
from npbert.distilbert.model import Pack
from npbert.pipelines import TextClassificationPipeline
from npbert.pipelines.base import TooLongError
from tests.support.blas import blas_threads
from tests.support.oracles import make_folder
from tests.support.pipelines import (
    LONG,
    MASKED,
    SENTENCES,
    TEXTS,
    Sides,
    assert_alike,
    assert_same_labels,
)
from tests.support.streams import Endless


def test_empty_input(ours: TextClassificationPipeline) -> None:
    assert ours([]) == []
    assert list(ours(iter([]))) == []


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_the_company_of_a_text_does_not_matter(
    ours: TextClassificationPipeline, data: st.DataObject
) -> None:
    """A text has the same score in any order and in any batch."""
    texts = data.draw(st.lists(st.sampled_from(TEXTS), max_size=60))
    batch_size = data.draw(st.one_of(st.none(), st.integers(1, 7)))
    alone = {text: ours(text)[0] for text in TEXTS}
    assert_same_labels(ours(texts, batch_size=batch_size), [alone[text] for text in texts])


def test_equal_texts_are_computed_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = npbert.pipeline("text-classification", folder, long_text="window", top_k=None)
    n_computed: list[int] = []
    forward_pack = classifier.model.forward_pack

    def record(pack: Pack) -> Any:
        n_computed.append(len(pack.starts) - 1)
        return forward_pack(pack)

    monkeypatch.setattr(classifier.model, "forward_pack", record)
    texts = ["A film.", "a FILM .", "word " * 700, "A film!", "A film.", "word " * 700]
    results = classifier(texts)
    assert sum(n_computed) == 4  # the text of 700 words has two windows
    assert results[0] == results[1] == results[4] != results[3]
    assert results[2] == results[5]
    assert_same_labels(results, [classifier([text])[0] for text in texts])


@pytest.mark.filterwarnings("ignore:.*leaves the weights of the head unused")
def test_equal_texts_have_vectors_of_their_own(folder: Path) -> None:
    extractor = npbert.pipeline("feature-extraction", folder, return_tensors=True)
    first, second = extractor(["A film.", "A film."])
    first[:] = 0
    assert second.any()


def test_the_same_call_twice_is_bitwise_equal(ours: TextClassificationPipeline) -> None:
    assert ours(TEXTS * 50) == ours(TEXTS * 50)


def test_pipelines_are_copied_and_pickled(folder: Path) -> None:
    made_with: list[dict[str, Any]] = [{}, {"top_k": 2}]
    for options in made_with:
        classifier = npbert.pipeline("text-classification", folder, **options)
        for twin in (pickle.loads(pickle.dumps(classifier)), copy.deepcopy(classifier)):
            assert twin(TEXTS) == classifier(TEXTS)


def test_a_tokenizer_of_another_model(tmp_path: Path) -> None:
    """An id beyond the model's vocabulary is an error, and never the vector of another word."""
    folder = make_folder(tmp_path, vocab_size=1500)
    with pytest.raises(ValueError, match=r"text 0 has the token id \d+ .* belong to this model"):
        npbert.classify("unaffable film", folder)


# ---------------------------------------------------------------------------------- streams


def test_iterators_are_lazy(ours: TextClassificationPipeline) -> None:
    texts = Endless()
    results = ours(iter(texts))
    assert texts.pulled == 0
    next(results)
    assert texts.pulled == 1  # the first result does not wait for a second text
    list(itertools.islice(results, 3000))
    assert 3001 <= texts.pulled <= 3001 + 1024


@pytest.mark.parametrize("batch_size", [1, 3])
def test_batch_size_bounds_the_look_ahead(
    ours: TextClassificationPipeline, batch_size: int
) -> None:
    texts = Endless()
    results = ours(texts, batch_size=batch_size)
    for number in range(1, 30):
        next(results)
        assert number <= texts.pulled < number + batch_size


@pytest.mark.parametrize("n_before", [0, 1, 5, 2000])
def test_a_producer_that_fails(ours: TextClassificationPipeline, n_before: int) -> None:
    """The texts before the failure are answered, and then the producer's exception is raised."""

    def failing() -> Iterator[str]:
        for number in range(n_before):
            yield f"text {number}"
        raise ConnectionResetError("the source is gone")

    results = ours(failing())
    before = list(itertools.islice(results, n_before))
    assert_same_labels(before, ours([f"text {number}" for number in range(n_before)]))
    with pytest.raises(ConnectionResetError, match="the source is gone"):
        next(results)
    assert list(results) == []


def test_a_bad_text_in_a_stream(ours: TextClassificationPipeline) -> None:
    texts: Any = iter(["one", "two", None, "four"])
    results = ours(texts)
    assert len([next(results), next(results)]) == 2
    with pytest.raises(TypeError, match=r"text 2 \(counted from 0\) is None"):
        next(results)
    with pytest.raises(ValueError, match=r"text 3 \(counted from 0\) is 602 tokens long"):
        list(ours(iter(["one", "two", "three", LONG])))


def test_a_consumer_that_stops_early(ours: TextClassificationPipeline) -> None:
    ended: list[bool] = []

    def endless() -> Iterator[str]:
        try:
            for number in itertools.count():
                yield f"text {number}"
        finally:
            ended.append(True)

    results: Any = ours(endless())
    assert len(list(itertools.islice(results, 40))) == 40
    results.close()
    del results
    assert ended == [True]  # the source is closed at once


def test_streams_of_all_tasks(ner: Sides, filler: Sides) -> None:
    """Streams are lazy and in order, and the results do not depend on their chunks."""
    for pipe, texts in ((ner.ours, SENTENCES * 3), (filler.ours, MASKED * 3)):
        stream = pipe(iter(texts))
        assert iter(stream) is stream
        assert_alike(list(stream), pipe(texts))
        assert_alike(pipe(texts, batch_size=1, threads=1), pipe(texts))
        with pytest.raises(TypeError, match="inputs is a int"):
            pipe(3)
        assert pipe([]) == []


# ------------------------------------------------------------------------------- long texts


def test_long_texts(ours: TextClassificationPipeline, folder: Path) -> None:
    message = r"text 1 \(counted from 0\) is 602 tokens long, expected at most 512; .*truncate"
    with pytest.raises(ValueError, match=message):
        ours(["short", LONG])
    with pytest.raises(ValueError, match=message):
        ours(["short", LONG], truncation=False)
    with pytest.warns(UserWarning, match="1 of 2 texts had more than 512 tokens"):
        cut = ours(["short", LONG], long_text="truncate")
    assert_same_labels(cut[1], ours("film " * 510)[0])
    with pytest.warns(UserWarning, match="only these were read"):
        assert ours(["short", LONG], truncation=True) == cut
    always = npbert.pipeline("text-classification", folder, long_text="truncate")
    with pytest.warns(UserWarning, match="only these were read"):
        assert always(["short", LONG]) == cut
    with pytest.raises(ValueError, match="602 tokens"):
        always(LONG, truncation=False)  # the call overrides the pipeline


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
        npbert.pipeline("text-classification", folder, long_text="error")("film " * 15)
    with pytest.raises(ValueError, match="max_position_embeddings"):
        classifier("film " * 30, truncation=True, max_length=25)


# ---------------------------------------------------------------------------------- threads


def test_threads_share_one_pipeline(ours: TextClassificationPipeline) -> None:
    expected = ours(TEXTS * 20)
    with ThreadPoolExecutor(6) as pool:
        for results in pool.map(lambda _: ours(TEXTS * 20), range(24)):
            assert_same_labels(results, expected)


def test_several_pipelines_on_several_threads(tmp_path: Path) -> None:
    """The pipelines do not deadlock, do not mix up results, and leave BLAS as it was."""
    folder = make_folder(tmp_path)
    pipelines = [
        npbert.pipeline("text-classification", folder, threads=n, max_length=64) for n in (1, 2, 3)
    ]
    texts = [f"a film of {'many ' * (n % 30)} words" for n in range(200)]
    (expected, *_) = [pipeline(texts) for pipeline in pipelines]

    def label(number: int) -> bool:
        results = pipelines[number % 3](texts)
        return all(
            ours["label"] == theirs["label"] and abs(ours["score"] - theirs["score"]) < 1e-5
            for ours, theirs in zip(results, expected, strict=True)
        )

    with threadpool_limits(2, user_api="blas"):
        with ThreadPoolExecutor(8) as pool:
            done = pool.map(label, range(24), timeout=120)
            assert all(done)
        assert blas_threads() == {2}


def test_pipelines_are_made_of_a_model_and_a_tokenizer_by_name(folder: Path) -> None:
    """As in code that was written for transformers; nothing else goes by position."""
    model = npbert.AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = npbert.AutoTokenizer.from_pretrained(folder)
    by_name = npbert.TextClassificationPipeline(model=model, tokenizer=tokenizer, top_k=1)
    by_position = npbert.TextClassificationPipeline(model, tokenizer)
    assert by_name("a film") == [by_position(["a film"])]
    with pytest.raises(TypeError, match="positional"):
        npbert.TextClassificationPipeline(model, tokenizer, {"top_k": 1})  # type: ignore[call-overload]


def test_the_length_of_every_text_is_checked_before_anything_else(
    filler: Sides,
) -> None:
    with pytest.raises(ValueError, match=r"text 1 .*tokens long"):
        filler[0](["no mask here", "a [MASK] " * 600])


def test_a_warning_names_the_line_of_the_user(folder: Path) -> None:
    long = "word " * 600
    classifier = npbert.pipeline("text-classification", folder)
    with pytest.warns(UserWarning, match="only these were read") as caught:
        npbert.classify(long, folder, long_text="truncate")
    with pytest.warns(UserWarning, match="only these were read") as caught_too:
        classifier(long, long_text="truncate")
    assert {warning.filename for warning in [*caught, *caught_too]} == {__file__}


def test_threads_and_batch_size_reach_the_computation(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The results do not depend on these options, so the packs and their threads are looked at."""
    monkeypatch.setattr("npbert.pipelines.base.default_threads", lambda: 3)
    classifier = npbert.pipeline("text-classification", folder)
    forward_pack = classifier.model.forward_pack
    computed: list[tuple[int, int]] = []  # the thread of each pack, and its number of texts

    def record(pack: Pack) -> Any:
        computed.append((threading.get_ident(), len(pack.starts) - 1))
        return forward_pack(pack)

    monkeypatch.setattr(classifier.model, "forward_pack", record)
    texts = ["film " * (100 + n) for n in range(12)]
    classifier(texts)
    assert threading.get_ident() not in {thread for thread, _ in computed}
    assert len(computed) == 3  # the budget asks for two packs, and three threads for three
    assert max(n_texts for _, n_texts in computed) > 2
    computed.clear()
    classifier(texts, threads=1)
    assert {thread for thread, _ in computed} == {threading.get_ident()}
    computed.clear()
    classifier(texts, batch_size=2)
    assert [n_texts for _, n_texts in computed] == [2] * 6


def test_the_smaller_limit_of_model_and_tokenizer_counts(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, max_position_embeddings=20)
    classifier = npbert.pipeline("text-classification", folder)
    assert classifier.max_tokens() == 20
    with pytest.raises(ValueError, match="expected at most 20; pass long_text"):
        classifier("word " * 30)
    tokenizer = npbert.AutoTokenizer.from_pretrained(folder, model_max_length=9)
    for long_text, n_tokens in ((None, 20), ("error", 9), ("truncate", 9), ("window", 9)):
        short: Any = npbert.pipeline(
            "text-classification", folder, tokenizer=tokenizer, long_text=long_text
        )
        assert short.max_tokens() == n_tokens


def test_the_error_of_a_long_text_crosses_processes(ours: TextClassificationPipeline) -> None:
    with pytest.raises(TooLongError) as caught:
        ours("word " * 600, long_text="error")
    copied = pickle.loads(pickle.dumps(caught.value))
    assert str(copied) == str(caught.value)
    assert copied.problem == "text 0 (counted from 0) is 602 tokens long, expected at most 512"
