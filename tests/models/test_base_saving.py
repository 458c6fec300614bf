"""Models and pipelines that are saved, and loaded again by npbert and by transformers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

import npbert
from tests.support.oracles import make_folder

IDS = np.array([[101, 2023, 102]])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "model", num_labels=3)


def test_a_saved_model(folder: Path, tmp_path: Path) -> None:
    ours = npbert.AutoModelForSequenceClassification.from_pretrained(folder)
    ours.config.id2label = {0: "bad", 1: "fair", 2: "good"}
    written = ours.save_pretrained(tmp_path / "saved")
    assert [Path(path).name for path in written] == ["config.json", "model.safetensors"]
    again = npbert.AutoModelForSequenceClassification.from_pretrained(tmp_path / "saved")
    assert again.config.id2label == {0: "bad", 1: "fair", 2: "good"}
    np.testing.assert_array_equal(again(IDS).logits, ours(IDS).logits)
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "saved")
    assert theirs.config.id2label == again.config.id2label
    logits = theirs(torch.tensor(IDS)).logits.detach().numpy()
    np.testing.assert_allclose(ours(IDS).logits, logits, atol=1e-5)


@pytest.mark.parametrize("options", [{"variant": "fp16"}, {"max_shard_size": "100KB"}], ids=str)
def test_variants_and_shards(folder: Path, tmp_path: Path, options: dict[str, str]) -> None:
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    model.save_pretrained(tmp_path / "other", **options)
    variant = options.get("variant")
    loaded = npbert.AutoModelForSequenceClassification.from_pretrained(
        tmp_path / "other", variant=variant
    )
    loaded.save_pretrained(tmp_path / "saved")
    again = npbert.AutoModelForSequenceClassification.from_pretrained(tmp_path / "saved")
    np.testing.assert_array_equal(again(IDS).logits, loaded(IDS).logits)


def test_a_saved_pipeline(folder: Path, tmp_path: Path) -> None:
    ours = npbert.pipeline("text-classification", folder)
    written = ours.save_pretrained(tmp_path / "saved")
    names = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    assert sorted(Path(path).name for path in written) == names
    again = npbert.pipeline("text-classification", tmp_path / "saved")
    assert again("A good film.") == ours("A good film.")
    theirs = transformers.pipeline("text-classification", str(tmp_path / "saved"))
    assert theirs("A good film.")[0]["label"] == ours("A good film.")[0]["label"]
    assert theirs("A good film.")[0]["score"] == pytest.approx(ours("A good film.")[0]["score"])


def test_other_files_are_not_replaced(folder: Path, tmp_path: Path) -> None:
    ours = npbert.AutoModelForSequenceClassification.from_pretrained(folder)
    (tmp_path / "config.json").write_text(json.dumps({"mine": 1}))
    with pytest.raises(FileExistsError, match=r"config\.json exists and holds something else"):
        ours.save_pretrained(tmp_path)
    assert not (tmp_path / "model.safetensors").exists()


def test_a_model_that_was_not_loaded(folder: Path, tmp_path: Path) -> None:
    loaded = npbert.AutoModelForSequenceClassification.from_pretrained(folder)
    made = npbert.DistilBertForSequenceClassification(loaded.config, loaded.encoder, loaded.head)
    with pytest.raises(ValueError, match="was not loaded by from_pretrained, so there are no fil"):
        made.save_pretrained(tmp_path / "saved")


def test_an_adapter_beside_the_weights(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{}")
    message = (
        r"an adapter of PEFT \(adapter_config.json\), which npbert does not apply. .*merge_and"
    )
    with pytest.warns(UserWarning, match=message):
        npbert.AutoModelForSequenceClassification.from_pretrained(folder)


def test_shards_beside_the_weights_of_another_model(folder: Path, tmp_path: Path) -> None:
    """One file of weights is read before shards, so it must not be there."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    model.save_pretrained(tmp_path / "shards", max_shard_size="100KB")
    ours = npbert.AutoModelForSequenceClassification.from_pretrained(tmp_path / "shards")
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "model.safetensors").write_bytes(b"of another model")
    with pytest.raises(FileExistsError, match="would be read in place of the files of this model"):
        ours.save_pretrained(tmp_path / "saved")
    assert [path.name for path in (tmp_path / "saved").iterdir()] == ["model.safetensors"]
