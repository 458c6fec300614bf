"""The pictures of the course show what the model computes now."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from learn.pictures import FOLDER, PICTURES, example, head_scores, model

import npbert
from npbert.distilbert.model import attention_of, hidden_states, select_all
from npbert.distilbert.packs import packs_of
from npbert.models.padding import read_padded
from tests.support.paths import CHECKOUT

LEARN = CHECKOUT / "docs" / "learn"
SHOWN = re.compile(r"!\[([^]]*(?:\[CLS\][^]]*)*)\]\((?:docs/learn/)?pictures/(\w+)\.svg\)")


@pytest.mark.parametrize("name", PICTURES)
def test_no_picture_is_stale(name: str) -> None:
    drawn = str(PICTURES[name]())
    assert (FOLDER / f"{name}.svg").read_text(encoding="utf-8") == drawn, (
        "run `python scripts/learn`"
    )


def test_each_picture_is_on_a_page_with_words_in_its_place() -> None:
    paths = [CHECKOUT / "README.md", *LEARN.glob("*.md")]
    pages = "".join(page.read_text(encoding="utf-8") for page in paths)
    words = {name: alternative for alternative, name in SHOWN.findall(pages)}
    assert words.keys() == PICTURES.keys() == {path.stem for path in FOLDER.iterdir()}
    assert all(len(alternative) > 50 for alternative in words.values())


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_lies_outside_of_a_picture(name: str) -> None:
    root = ElementTree.fromstring(str(PICTURES[name]()))
    width, height = float(root.get("width", "")), float(root.get("height", ""))
    assert width == 360  # a small telephone shows it without shrinking it
    for shape in root.iter("{http://www.w3.org/2000/svg}rect"):
        left, top = float(shape.get("x", "")), float(shape.get("y", ""))
        assert left >= 0
        assert top >= 0
        assert left + float(shape.get("width", "")) <= width
        assert top + float(shape.get("height", "")) <= height


def test_the_weights_of_a_head_are_those_of_npbert() -> None:
    encoder = npbert.AutoModelForSequenceClassification.from_pretrained("mini").encoder
    ids = example().ids[None]
    texts, _ = read_padded(npbert.AutoConfig.from_pretrained("mini"), ids, np.ones_like(ids))
    (pack,) = packs_of(texts)
    states = list(hidden_states(encoder, pack, select_all))
    for number, layer in enumerate(encoder.layers):
        (ours,) = attention_of(layer.attention, states[number], pack.starts)
        for head in (2, 7):
            scores = head_scores(number, head)
            weights = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
            np.testing.assert_allclose(ours[head], weights, atol=1e-5)


def test_the_example_is_the_sentence_of_the_course() -> None:
    index = (LEARN / "index.md").read_text(encoding="utf-8")
    (sentence,) = re.findall(r"^> (.*)$", index, re.MULTILINE)
    (answer,) = npbert.classify(sentence, "mini")
    negative, positive = model().classify(example().states[-1][0])
    assert answer["label"] == "POSITIVE"
    assert answer["score"] == pytest.approx(1 / (1 + np.exp(negative - positive)), abs=1e-6)
