"""docs/differences.md, "Texts": what transformers does, and what npbert does."""

from __future__ import annotations

import itertools
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers
from differential.chance import Chance
from differential.other_tokenizers import KINDS as OTHER_TOKENIZERS
from tokenizers.processors import ByteLevel

from tests.support.differences import changed, headed, row
from tests.support.pipelines import Sides, make_folder_for, pipelines
from tests.support.streams import Endless
from tests.support.tokenizers import replace_vocabulary


@row("an empty list of texts")
def test_no_texts(classifiers: Sides) -> None:
    with pytest.raises(IndexError):
        classifiers.theirs([])
    assert classifiers.ours([]) == []


@row("a tuple of texts")
def test_tuples(classifiers: Sides) -> None:
    texts = ("one", "two")
    assert isinstance(classifiers.theirs(texts), dict)
    assert classifiers.ours(texts) == classifiers.ours(list(texts))


@row("a column of texts (NumPy, pandas, pyarrow)")
def test_columns(classifiers: Sides) -> None:
    texts = np.array(["one", "two"])
    with pytest.raises((ValueError, TypeError, AttributeError)):
        classifiers.theirs(texts)
    assert classifiers.ours(texts) == classifiers.ours(texts.tolist())


@row("None, a number or bytes among the texts")
@pytest.mark.parametrize("item", [None, 3, b"two"])
def test_no_texts_among_texts(classifiers: Sides, item: Any) -> None:
    with pytest.raises(Exception, match=r".*") as caught:
        classifiers.theirs(["one", item])
    assert "text 1" not in str(caught.value)
    with pytest.raises(TypeError, match=re.escape(f"text 1 (counted from 0) is {item!r}")):
        classifiers.ours(["one", item])


@row("half a surrogate pair in a text")
def test_surrogates(classifiers: Sides) -> None:
    with pytest.raises(TypeError):
        classifiers.theirs(["one", "tw\ud800"])
    with pytest.raises(ValueError, match=r"text 1 .* lone surrogate .* at character 2"):
        classifiers.ours(["one", "tw\ud800"])


@row("a text of more than 512 tokens, without truncation")
def test_long_texts(classifiers: Sides) -> None:
    with pytest.raises(RuntimeError):
        classifiers.theirs(["one", "word " * 600])
    with pytest.raises(ValueError, match=r"text 1 .* is 602 tokens long, .* long_text='truncate'"):
        classifiers.ours(["one", "word " * 600])


@row("a text too long for token-classification")
def test_long_texts_of_tokens(tmp_path: Path) -> None:
    sides = pipelines("token-classification", headed(tmp_path, "ForTokenClassification"))
    assert len(sides.theirs("word " * 600)) == 510
    with pytest.raises(ValueError, match=r"602 tokens long.*stride="):
        sides.ours("word " * 600)
    with pytest.warns(UserWarning, match="only these were read"):
        assert len(sides.ours("word " * 600, long_text="truncate")) == 510


@row("a text without `[MASK]` for fill-mask")
def test_no_mask(tmp_path: Path) -> None:
    sides = pipelines("fill-mask", headed(tmp_path, "ForMaskedLM"))
    with pytest.raises(transformers.pipelines.base.PipelineException):
        sides.theirs("no mask")
    with pytest.raises(ValueError, match=r"text 0 .* has no \[MASK\]"):
        sides.ours("no mask")


@row("a stream of lists of words for token-classification")
def test_streams_of_words(tmp_path: Path) -> None:
    ours, theirs = pipelines("ner", headed(tmp_path, "ForTokenClassification"))
    words = [["one"], ["two", "three"]]
    assert theirs((each for each in words), is_split_into_words=True) == []
    assert [*ours(iter(words), is_split_into_words=True)] == ours(words, is_split_into_words=True)


@row("an entity without characters, first in a text that token-classification reads in parts")
def test_an_entity_without_characters(tmp_path: Path) -> None:
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]"}
    each_token_begins_one = ["B-one", "B-other"]
    folder = make_folder_for(
        tmp_path, "ForTokenClassification", each_token_begins_one, model_max_length=4, **settings
    )
    bytes_alone = OTHER_TOKENIZERS["bytes"](Chance(0), [])
    bytes_alone.post_processor = ByteLevel(trim_offsets=True)  # a space has no characters then
    replace_vocabulary(folder, bytes_alone)
    options: dict[str, Any] = {"stride": 0, "ignore_labels": []}
    ours, theirs = pipelines("ner", folder, aggregation_strategy="simple", **options)
    first, *others = theirs("  ab cd")
    assert first == others[0]
    assert first["start"] == first["end"]
    found = ours("  ab cd")
    assert [one["start"] for one in found] == [one["start"] for one in others]


@row("a hypothesis of zero-shot-classification that leaves no room for the text")
@pytest.mark.filterwarnings("ignore:.*entailment")
def test_long_hypotheses(folder: Path, tmp_path: Path) -> None:
    other = changed(folder, tmp_path / "short")
    (other / "tokenizer_config.json").write_text('{"model_max_length": 8}')
    values = json.loads((other / "config.json").read_text(encoding="utf-8"))
    values["label2id"] = {label: int(number) for number, label in values["id2label"].items()}
    (other / "config.json").write_text(json.dumps(values), encoding="utf-8")
    ours, theirs = pipelines("zero-shot-classification", other)
    label = "a film of many words"
    assert theirs("one", [label])["labels"] == [label]
    with pytest.raises(ValueError, match="cannot cut to max_length 8"):
        ours("one", [label])


@row("texts that are cut, where `model_max_length` is larger than what the model can read")
@pytest.mark.filterwarnings("ignore:.*only these were read")
def test_more_tokens_than_positions(folder: Path, tmp_path: Path) -> None:
    other = changed(folder, tmp_path / "unlimited")
    (other / "tokenizer_config.json").write_text("{}")
    ours, theirs = pipelines("text-classification", other)
    text = "film " * 600
    with pytest.raises(RuntimeError, match="must match the size"):
        theirs(text, truncation=True)
    assert ours(text, truncation=True) == ours("film " * 510)


@row("a stream of texts")
def test_streams(classifiers: Sides) -> None:
    def pulled_for_ten(classifier: Any, **options: Any) -> int:
        texts = Endless()
        assert len(list(itertools.islice(classifier(iter(texts), **options), 10))) == 10
        return texts.pulled

    assert pulled_for_ten(classifiers.theirs) <= 11
    assert 11 < pulled_for_ten(classifiers.ours) <= 10 + 1024
    assert pulled_for_ten(classifiers.ours, batch_size=1) == 10


@row("a dict with keys other than `text` and `text_pair`")
def test_other_keys(classifiers: Sides) -> None:
    item = {"text": "one", "label": 1}
    assert classifiers.theirs(item)["label"] == classifiers.theirs({"text": "one"})["label"]
    with pytest.raises(ValueError, match=r"keys \['text', 'label'\], expected"):
        classifiers.ours(item)


@row("one pipeline, called from several threads")
def test_threads(classifiers: Sides) -> None:
    """transformers fails only by chance, so its side is not asserted."""
    texts = ["one " * n for n in range(1, 40)]
    expected = classifiers.ours(texts, truncation=True)
    with ThreadPoolExecutor(4) as pool:
        options: list[dict[str, Any]] = [{"truncation": True}, {}, {"max_length": 64}]
        calls = [pool.submit(classifiers.ours, texts, **options[n % 3]) for n in range(30)]
        for call in calls:
            for ours, alone in zip(call.result(), expected, strict=True):
                assert ours["label"] == alone["label"]
                assert ours["score"] == pytest.approx(alone["score"], abs=1e-5)
