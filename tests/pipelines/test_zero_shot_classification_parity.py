"""Zero-shot classification beside the pipeline of transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.pipelines import SENTENCES, assert_alike, make_folder_for, pipelines

NLI_LABELS = ["contradiction", "neutral", "entailment"]


@pytest.mark.parametrize(
    "labels",
    [
        NLI_LABELS,
        ["ENTAILMENT", "neutral", "no"],
        ["not_entailment", "entailment"],
        ["entailed", "neutral", "entailed"],  # the last one of a name counts
        ["a", "b"],
        [0, 1],
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:none of the model's labels")
@pytest.mark.filterwarnings("ignore:.*only these were read")
def test_zero_shot(tmp_path: Path, labels: list[Any]) -> None:
    ours, theirs = pipelines(
        "zero-shot-classification",
        make_folder_for(tmp_path, "ForSequenceClassification", labels),
    )
    texts = SENTENCES[:3]
    for candidates in ("sport, film ,", "film", ["a", "b", "c c"]):
        for options in ({}, {"multi_label": True}, {"hypothesis_template": "About {}!"}):
            more: dict[str, Any] = {"candidate_labels": candidates, **options}
            for inputs in (texts, texts[0], texts[:1]):
                assert_alike(ours(inputs, **more), theirs(inputs, **more))
            assert_alike(ours(texts[0], candidates), theirs(texts[0], candidates))
    long = "word " * 600
    assert_alike(ours(long, "a, b"), theirs(long, "a, b"))


@pytest.mark.parametrize("template", ["About {}.", "{0}, or {0}", "{:>8}"])
@pytest.mark.filterwarnings("ignore:none of the model's labels")
def test_templates_and_the_label_for_entailment(template: str, tmp_path: Path) -> None:
    labels = ["film", "food"]
    for n, names in enumerate((["contradiction", "Entailment"], ["no", "yes"])):
        folder = make_folder_for(tmp_path / str(n), "ForSequenceClassification", names)
        ours, theirs = pipelines("zero-shot-classification", folder)
        assert ours.task == theirs.task
        assert ours.entailment_id == theirs.entailment_id == (1, -1)[n]
        results = [
            side("I love this film.", labels, hypothesis_template=template)
            for side in (ours, theirs)
        ]
        assert_alike(*results)
