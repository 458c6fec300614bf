"""docs/differences.md, "Arguments": what transformers does, and what npbert does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

import npbert
from tests.support.differences import models, row
from tests.support.pipelines import Sides, make_folder_for, pipelines


@row("an unknown keyword of a pipeline, a tokenizer or a model's call")
def test_unknown_keywords(classifiers: Sides, tokenizers: Sides, folder: Path) -> None:
    ours, theirs = models(folder)
    assert theirs(torch.tensor([[101, 102]]), output_atentions=True).attentions is None
    with pytest.raises(TypeError, match="'output_atentions'; did you mean 'output_attentions'"):
        ours([[101, 102]], output_atentions=True)
    assert classifiers.theirs("one", truncate=True)
    with pytest.raises(TypeError, match="'truncate'; did you mean 'truncation'"):
        classifiers.ours("one", truncate=True)
    assert tokenizers.theirs("one", pading=True)
    with pytest.raises(TypeError, match="'pading'; did you mean 'padding'"):
        tokenizers.ours("one", pading=True)


@row('another device or float type (`device=0`, `dtype="float16"`)')
def test_devices(folder: Path) -> None:
    load = transformers.DistilBertForSequenceClassification.from_pretrained
    assert load(folder, dtype="float16").dtype == torch.float16
    with pytest.raises(ValueError, match="npbert computes in float32 only"):
        npbert.pipeline("text-classification", folder, dtype="float16")
    with pytest.raises(ValueError, match="npbert computes on the CPU only"):
        npbert.pipeline("text-classification", folder, device=0)


@row(
    "`use_safetensors=False`, `force_download=True`, `ignore_mismatched_sizes=True`, "
    "`output_loading_info=True`"
)
def test_loading_otherwise(folder: Path) -> None:
    auto = transformers.DistilBertForSequenceClassification
    with pytest.raises(OSError, match=r"or pytorch_model\.bin"):
        auto.from_pretrained(folder, use_safetensors=False)
    assert len(auto.from_pretrained(folder, output_loading_info=True)) == 2
    sized: dict[str, Any] = {"num_labels": 7, "ignore_mismatched_sizes": True}
    assert auto.from_pretrained(folder, **sized).num_labels == 7
    assert auto.from_pretrained(folder, force_download=True)
    reasons = {
        "use_safetensors": (False, "never opens a pickle"),
        "force_download": (True, "delete the model's folder in the cache"),
        "ignore_mismatched_sizes": (True, "it puts random weights in the place"),
        "output_loading_info": (True, "from_pretrained returns the model alone"),
    }
    for name, (value, reason) in reasons.items():
        options: dict[str, Any] = {name: value}
        with pytest.raises(ValueError, match=reason):
            npbert.DistilBertForSequenceClassification.from_pretrained(folder, **options)


@row(
    '`do_basic_tokenize=False`, `never_split=["film"]` and another `tokenizer_type` at the loading '
    "of a tokenizer"
)
def test_keywords_of_tokenizers(folder: Path) -> None:
    load = transformers.AutoTokenizer.from_pretrained
    expected = load(folder)("a film.")
    refused: dict[str, Any] = {
        "do_basic_tokenize": False,
        "never_split": ["film"],
        "tokenizer_type": "gpt2",
    }
    for name, value in refused.items():
        is_same = dict(load(folder, **{name: value})("a film.")) == dict(expected)
        assert is_same == (name != "tokenizer_type")
        with pytest.raises(ValueError, match=f"^{name} is .*, expected one of .*; leave the argum"):
            npbert.AutoTokenizer.from_pretrained(folder, **{name: value})


@row('`return_tensors="pt"`')
def test_tensors(tokenizers: Sides) -> None:
    assert isinstance(tokenizers.theirs("one", return_tensors="pt").input_ids, torch.Tensor)
    with pytest.raises(ValueError, match="return_tensors is 'pt', expected 'np'"):
        tokenizers.ours("one", return_tensors="pt")


@row('rows of different lengths with `return_tensors="np"`')
def test_ragged_rows(tokenizers: Sides) -> None:
    ragged = tokenizers.theirs(["one", "one two"], return_tensors="np")["input_ids"]
    assert ragged.dtype == object
    with pytest.raises(ValueError, match=r"texts of 3 to 4 tokens .* padding=True"):
        tokenizers.ours(["one", "one two"], return_tensors="np")


@row("`max_length` that leaves no room for text")
def test_no_room_for_text(tokenizers: Sides) -> None:
    call: dict[str, Any] = {"truncation": True, "max_length": 2}
    assert tokenizers.theirs("one", **call)["input_ids"] == [101, 102]
    with pytest.raises(ValueError, match="max_length is 2, which leaves no room for text"):
        tokenizers.ours("one", **call)


@row("`stride` that leaves no room for new text")
def test_no_room_for_new_text(tokenizers: Sides) -> None:
    call: dict[str, Any] = {"truncation": True, "max_length": 5, "stride": 3}
    with pytest.raises(BaseException, match="stride") as caught:
        tokenizers.theirs("one two three four five", **call, return_overflowing_tokens=True)
    assert type(caught.value).__name__ == "PanicException"
    with pytest.raises(ValueError, match="stride is 3, expected less than the 3 tokens"):
        tokenizers.ours("one two three four five", **call, return_overflowing_tokens=True)


@row(
    '`padding="max_length"` with a tokenizer that pads on the left, for text-classification and '
    "fill-mask"
)
def test_padding_on_the_left(tmp_path: Path) -> None:
    folder = make_folder_for(
        tmp_path / "classifier", "ForSequenceClassification", padding_side="left"
    )
    padded: dict[str, Any] = {"padding": "max_length", "max_length": 9}
    ours, theirs = pipelines("text-classification", folder)
    assert abs(theirs("one", **padded)[0]["score"] - theirs("one")[0]["score"]) > 1e-3
    assert ours("one", **padded) == ours("one")
    folder = make_folder_for(tmp_path / "filler", "ForMaskedLM", padding_side="left")
    ours, theirs = pipelines("fill-mask", folder)
    scores = [theirs("[MASK]", tokenizer_kwargs=each)[0]["score"] for each in ({}, padded)]
    assert abs(scores[0] - scores[1]) > 1e-5
    assert ours("[MASK]", tokenizer_kwargs=padded) == ours("[MASK]")


@row("`top_k` of fill-mask that is larger than the vocabulary")
def test_more_words_than_there_are(tmp_path: Path) -> None:
    folder = make_folder_for(tmp_path, "ForMaskedLM")
    ours, theirs = pipelines("fill-mask", folder)
    with pytest.raises(RuntimeError, match="out of range"):
        theirs("[MASK]", top_k=31_000)
    assert len(ours("[MASK]", top_k=31_000)) == ours.model.config.vocab_size


@row("`is_split_into_words=True` when a pipeline is made")
def test_words_at_the_making(tmp_path: Path) -> None:
    folder = make_folder_for(tmp_path, "ForTokenClassification")
    ours, theirs = pipelines("ner", folder, is_split_into_words=True)
    assert len(theirs(["one", "two"])) == 2
    assert ours(["one", "two"]) == ours(["one", "two"], is_split_into_words=True)
    assert len(ours(["one", "two"])) == 1


@row("`top_k=0`")
def test_top_0(classifiers: Sides) -> None:
    assert classifiers.theirs("one", top_k=0) == []
    with pytest.raises(ValueError, match="top_k is 0"):
        classifiers.ours("one", top_k=0)


@row("other keywords of the tokenizer at a pipeline (`add_special_tokens=`)")
def test_tokenizer_keywords(classifiers: Sides) -> None:
    with_and_without = [classifiers.theirs("one", add_special_tokens=add) for add in (True, False)]
    assert with_and_without[0] != with_and_without[1]
    with pytest.raises(TypeError, match="unknown keyword argument 'add_special_tokens'"):
        classifiers.ours("one", add_special_tokens=False)


@row("`max_length=` for zero-shot-classification")
@pytest.mark.filterwarnings("ignore:.*only these were read:UserWarning", "ignore:.*entailment")
def test_max_length_of_zero_shot(folder: Path) -> None:
    ours, theirs = pipelines("zero-shot-classification", folder)
    long = "one two three four five six seven eight nine ten"
    labels = ["film", "food"]
    assert theirs(long, labels, max_length=12) == theirs(long, labels)
    assert ours(long, labels, max_length=12)["scores"] != ours(long, labels)["scores"]


@row("`revision=` with a folder")
def test_revisions_of_folders(folder: Path) -> None:
    assert transformers.AutoConfig.from_pretrained(folder, revision="main")
    with pytest.raises(ValueError, match="is a folder on this machine, which has no revisions"):
        npbert.AutoConfig.from_pretrained(folder, revision="main")


@row("`labels=` in a model's call")
def test_loss(folder: Path) -> None:
    sides = models(folder)
    ids = [[101, 102]]
    assert sides.theirs(torch.tensor(ids), labels=torch.tensor([1])).loss is not None
    with pytest.raises(TypeError, match="unknown keyword argument 'labels'"):
        sides.ours(ids, labels=[1])
