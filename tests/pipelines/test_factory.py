"""`pipeline()` and `classify()`: which pipeline and model they choose, and what they refuse."""

from __future__ import annotations

import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import npbert
from npbert.checkpoints.sources import ModelSource
from npbert.pipelines import TextClassificationPipeline, cached, factory
from tests.support.oracles import make_folder, make_model
from tests.support.pipelines import TEXTS, assert_same_labels, make_folder_for


def test_classify_is_the_pipeline(folder: Path, ours: TextClassificationPipeline) -> None:
    assert npbert.classify(TEXTS[0], model=folder) == ours(TEXTS[0])
    assert npbert.classify(TEXTS, model=str(folder), top_k=2) == ours(TEXTS, top_k=2)
    assert_same_labels(list(npbert.classify(iter(TEXTS), folder)), ours(TEXTS))


def test_classify_loads_a_folder_again_only_when_it_changed(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "model")
    before = npbert.classify("film", folder)
    assert npbert.classify("film", folder) == before
    make_model(folder, seed=1, vocab_size=30522, dim=24, n_heads=2, n_layers=2)
    assert npbert.classify("film", folder) != before


@pytest.mark.parametrize("rest", [(), ("x",), (None,), ({}, {})], ids=str)
def test_a_tuple_that_is_no_tokenizer(folder: Path, rest: tuple[Any, ...]) -> None:
    pair: Any = (str(folder), *rest)
    with pytest.raises(TypeError, match=r"expected a name, or a tuple of a name and a dict of"):
        npbert.pipeline("text-classification", model=folder, tokenizer=pair)


def test_a_loaded_model_and_tokenizer(folder: Path, ours: TextClassificationPipeline) -> None:
    model = npbert.AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = npbert.AutoTokenizer.from_pretrained(folder)
    made = npbert.pipeline("sentiment-analysis", model, tokenizer=tokenizer)
    assert made(TEXTS) == ours(TEXTS)
    with pytest.raises(ValueError, match="its tokenizer is needed"):
        npbert.pipeline("sentiment-analysis", model)


def test_bad_tasks() -> None:
    with pytest.raises(ValueError, match="task is 'translation', expected one of: text-class"):
        npbert.pipeline("translation", "mini")
    with pytest.raises(ValueError, match="neither task nor model"):
        npbert.pipeline()


def test_the_task_of_a_model(tmp_path: Path) -> None:
    """The task is named, read from config.json, or known from the class of a loaded model."""
    heads = {
        "ForTokenClassification": "token-classification",
        "ForMaskedLM": "fill-mask",
        "ForQuestionAnswering": "question-answering",
        "ForSequenceClassification": "text-classification",
        "Model": "feature-extraction",
    }
    for head, task in heads.items():
        folder = make_folder_for(tmp_path / head, head)
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
        npbert.pipeline("ner", folder, agregation_strategy="max")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="aggregation_strategy is 'mean', expected one of"):
        npbert.pipeline("ner", "no/such-model", aggregation_strategy="mean")  # no download


def test_only_a_model_that_nobody_named_is_announced(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The warning names the line of the user. `classify` gives it when it loads the model."""
    default = ModelSource(folder)
    monkeypatch.setattr(factory, "_default_source", lambda _task, _of_hub: default)
    with pytest.warns(UserWarning, match="no model was named") as caught:
        npbert.classify("film")
    with pytest.warns(UserWarning, match="no model was named") as caught_too:
        npbert.pipeline("sentiment-analysis")
    assert [warning.filename for warning in [*caught, *caught_too]] == [__file__] * 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        npbert.classify("film")  # the model is loaded already
        cached._loaded.cache_clear()
        npbert.classify("film", folder)
        npbert.pipeline("sentiment-analysis", folder)


def test_two_threads_load_a_model_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_pipeline = npbert.pipeline
    loaded: list[str] = []

    def load(task: str, model: str, **options: Any) -> Any:
        loaded.append(model)
        time.sleep(0.1)  # so that the other threads come while the model is being loaded
        return make_pipeline(task, model, **options)

    monkeypatch.setattr(cached, "pipeline", load)
    cached._loaded.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: npbert.classify("film", folder), range(4)))
    # Calls that come together share a pack, which changes the last digits.
    scores = [result["score"] for (result,) in results]
    assert scores == pytest.approx(scores[:1] * 4, rel=1e-5)
    assert loaded == [str(folder)]


def test_a_changed_folder_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = make_folder(tmp_path / "model")
    before = npbert.classify("film", "~/model")
    make_model(folder, seed=1, vocab_size=30522, dim=24, n_heads=2, n_layers=2)
    assert npbert.classify("film", "~/model") != before
