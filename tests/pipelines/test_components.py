"""What a pipeline is made of: model, config and tokenizer, by their names or loaded, and whose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tokenizers
import transformers

import npbert
from tests.support.pipelines import assert_alike, pipelines

TEXT = "I love this film."


def test_a_config_in_place_of_that_of_the_model(folder: Path, tmp_path: Path) -> None:
    theirs = transformers.AutoConfig.from_pretrained(folder)
    theirs.id2label = {0: "a", 1: "b", 2: "c"}
    theirs.save_pretrained(tmp_path)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder, config=theirs)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    expected = transformers.pipeline("text-classification", model=model, tokenizer=tokenizer)(TEXT)
    for config in (npbert.AutoConfig.from_pretrained(tmp_path), tmp_path, str(tmp_path)):
        ours = npbert.pipeline("text-classification", folder, config=config)
        assert_alike(ours(TEXT), expected)


@pytest.mark.parametrize(
    "model_kwargs",
    [
        None,
        {},
        {"id2label": {0: "a", 1: "b", 2: "c"}},
        {"problem_type": "multi_label_classification", "attn_implementation": "eager"},
        {"cache_dir": "nowhere", "device_map": None},
    ],
)
def test_model_kwargs(folder: Path, model_kwargs: Any) -> None:
    sides = pipelines("text-classification", folder, model_kwargs=model_kwargs)
    assert_alike(sides.ours(TEXT, top_k=None), sides.theirs(TEXT, top_k=None))


@pytest.mark.parametrize("settings", [{}, {"model_max_length": 5}, {"padding_side": "left"}])
def test_a_tokenizer_by_name_and_settings(folder: Path, settings: dict[str, Any]) -> None:
    tokenizer = (str(folder), settings)
    sides = pipelines("text-classification", folder, tokenizer=tokenizer, truncation=True)
    assert_alike(sides.ours(TEXT), sides.theirs(TEXT))
    for name, value in settings.items():
        assert getattr(sides.ours.tokenizer, name) == getattr(sides.theirs.tokenizer, name) == value


def test_parts_that_contradict_each_other(folder: Path) -> None:
    model = npbert.AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = npbert.AutoTokenizer.from_pretrained(folder)
    message = "{0} is given, but the model is loaded already; give {0} when it is loaded"
    given: dict[str, Any]
    for given in ({"config": model.config}, {"model_kwargs": {"num_labels": 3}}):
        with pytest.raises(ValueError, match=message.format(*given)):
            npbert.pipeline("text-classification", model, tokenizer=tokenizer, **given)
    with pytest.raises(ValueError, match=r"revision is given twice, alone and in model_kwargs"):
        npbert.pipeline("ner", "x/y", revision="a", model_kwargs={"revision": "b"})


# ---------------------------------------------------------------------- parts of other packages

INSTEAD = r" is a \w+ of {}, expected one of npbert; give its name"


@pytest.fixture(scope="module")
def foreign(folder: Path) -> dict[str, Any]:
    """A model, a tokenizer and a config of transformers."""
    return {
        "model": transformers.AutoModelForSequenceClassification.from_pretrained(folder),
        "tokenizer": transformers.AutoTokenizer.from_pretrained(folder),
        "config": transformers.AutoConfig.from_pretrained(folder),
    }


@pytest.mark.parametrize(
    ("role", "mend"),
    [
        ("model", r" \('.*'\), or save it with save_pretrained\(folder\) and give the folder"),
        ("tokenizer", r" \('.*'\), or save it with save_pretrained\(folder\) and give the folder"),
        ("config", r", or npbert\.DistilBertConfig\.from_dict\(config\.to_dict\(\)\)"),
    ],
)
def test_parts_of_transformers(folder: Path, foreign: dict[str, Any], role: str, mend: str) -> None:
    parts = {"model": folder, role: foreign[role]}
    with pytest.raises(TypeError, match=role + INSTEAD.format("transformers") + mend):
        npbert.pipeline("text-classification", **parts)


def test_what_the_message_proposes_works(folder: Path, foreign: dict[str, Any]) -> None:
    name = foreign["tokenizer"].name_or_path
    config = npbert.DistilBertConfig.from_dict(foreign["config"].to_dict())
    ours = npbert.pipeline("text-classification", folder, tokenizer=name, config=config)
    assert ours(TEXT) == npbert.pipeline("text-classification", folder)(TEXT)


def test_the_classes_of_pipelines_refuse_them_too(folder: Path, foreign: dict[str, Any]) -> None:
    model = npbert.AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer: Any = npbert.AutoTokenizer.from_pretrained(folder)
    make: Any = npbert.TextClassificationPipeline
    with pytest.raises(TypeError, match="model" + INSTEAD.format("transformers")):
        make(model=foreign["model"], tokenizer=tokenizer)
    with pytest.raises(TypeError, match="tokenizer" + INSTEAD.format("transformers")):
        make(model=model, tokenizer=foreign["tokenizer"])
    backend = tokenizers.Tokenizer.from_str(foreign["tokenizer"].backend_tokenizer.to_str())
    with pytest.raises(TypeError, match="tokenizer" + INSTEAD.format("tokenizers")):
        make(model=model, tokenizer=backend)
    with pytest.raises(TypeError, match=r"tokenizer is a str, expected a loaded tokenizer; npbert"):
        make(model=model, tokenizer=str(folder))


@pytest.mark.parametrize("name", ["checked_options", "long_texts", "options_class", "given"])
def test_words_of_the_code_are_no_keywords(folder: Path, name: str) -> None:
    """They neither reach a constructor nor stand among the keywords that are expected."""
    model = npbert.AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = npbert.AutoTokenizer.from_pretrained(folder)
    make: Any = npbert.TextClassificationPipeline
    for call in (
        lambda **given: make(model, tokenizer, **given),
        lambda **given: npbert.pipeline("text-classification", folder, **given),
        lambda **given: make(model, tokenizer)(TEXT, **given),
    ):
        for keyword in (name, "zzzzz"):
            with pytest.raises(TypeError, match=f"unknown keyword argument '{keyword}'") as caught:
                call(**{keyword: None})
            assert f"{name}" not in str(caught.value).partition(";")[2]
