"""docs/differences.md, "Models": what transformers does, and what npbert does."""

from __future__ import annotations

import json
import logging
import operator
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.numpy import load_file

import npbert
from tests.support.differences import changed, headed, models, row
from tests.support.heads import their_output
from tests.support.oracles import make_folder
from tests.support.pipelines import Sides, their_pipeline

pytestmark = pytest.mark.filterwarnings("ignore:.*bare encoder:UserWarning")


@row("weights stored in float16")
def test_float16(folder: Path, tmp_path: Path) -> None:
    def halve(weights: dict[str, Any]) -> None:
        weights |= {name: weight.astype(np.float16) for name, weight in weights.items()}

    halved = changed(folder, tmp_path / "half", halve)
    # transformers follows the dtype in config.json.
    config = json.loads((halved / "config.json").read_text(encoding="utf-8")) | {"dtype": "float16"}
    (halved / "config.json").write_text(json.dumps(config))
    load = transformers.DistilBertForSequenceClassification.from_pretrained
    assert load(halved).dtype == torch.float16
    ours, theirs = models(halved)
    expected = theirs(torch.tensor([[101, 7592, 102]])).logits.detach().numpy()
    np.testing.assert_allclose(ours([[101, 7592, 102]]).logits, expected, atol=1e-5)


@row("weights stored in float64")
def test_float64(folder: Path, tmp_path: Path) -> None:
    def widen(weights: dict[str, Any]) -> None:
        weights |= {name: weight.astype(np.float64) for name, weight in weights.items()}

    wide = changed(folder, tmp_path / "wide", widen)
    config = json.loads((wide / "config.json").read_text(encoding="utf-8"))
    config.pop("dtype", None)
    (wide / "config.json").write_text(json.dumps(config))
    theirs = transformers.DistilBertForSequenceClassification.from_pretrained(wide)
    ours = npbert.DistilBertForSequenceClassification.from_pretrained(wide)
    assert theirs.dtype == torch.float64
    assert ours.head.classifier.weight.dtype == np.float32
    expected = theirs(torch.tensor([[101, 7592, 102]])).logits.detach().numpy()
    np.testing.assert_allclose(ours([[101, 7592, 102]]).logits, expected, atol=1e-5)


@row("weights of 8 bits, without a `quantization_config`")
def test_8_bits(folder: Path, tmp_path: Path) -> None:
    def quantize(weights: dict[str, Any]) -> None:
        name = "pre_classifier.weight"
        weights[name] = (weights[name] / np.abs(weights[name]).max() * 127).astype(np.int8)

    quantized = changed(folder, tmp_path / "quantized", quantize)
    load = transformers.DistilBertForSequenceClassification.from_pretrained
    assert load(quantized).pre_classifier.weight.abs().max() == 127
    with pytest.raises(npbert.CheckpointError, match="Weights of 8 bits are quantized"):
        npbert.DistilBertForSequenceClassification.from_pretrained(quantized)


@row("weights of the types BOOL and C64")
@pytest.mark.parametrize(("dtype", "shown"), [(np.bool_, "BOOL"), (np.complex64, "C64")])
def test_truth_values_and_complex_numbers(
    folder: Path, tmp_path: Path, dtype: type, shown: str
) -> None:
    name = "pre_classifier.weight"

    def change(weights: dict[str, Any]) -> None:
        weights[name] = weights[name].astype(dtype) * dtype(1 + 0j)

    other = changed(folder, tmp_path / "other", change)
    load = transformers.DistilBertForSequenceClassification.from_pretrained
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of the imaginary part
        assert load(other).pre_classifier.weight.dtype == torch.float32
    with pytest.raises(npbert.CheckpointError, match=f"{name}: dtype {shown}, expected one of: F3"):
        npbert.DistilBertForSequenceClassification.from_pretrained(other)


@row(
    "a checkpoint of another head, of which some weights fit (a sequence classifier for "
    "token-classification)"
)
def test_another_head(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("transformers").addHandler(caplog.handler)
    theirs = transformers.DistilBertForTokenClassification.from_pretrained(folder)
    logging.getLogger("transformers").removeHandler(caplog.handler)
    assert "pre_classifier.weight" in caplog.text
    message = "leaves weights of another head unused: pre_classifier.*DistilBertForSequenceClass"
    with pytest.warns(UserWarning, match=message):
        ours = npbert.DistilBertForTokenClassification.from_pretrained(folder)
    expected = theirs(torch.tensor([[101, 7592, 102]])).logits.detach().numpy()
    np.testing.assert_allclose(ours([[101, 7592, 102]]).logits, expected, atol=1e-5)


@row(
    "names that a wrapper left (`_orig_mod.` of torch.compile, `module.` of DataParallel, and "
    "those of FSDP)"
)
def test_wrappers(folder: Path, tmp_path: Path) -> None:
    ids = [[101, 7592, 102]]
    expected = models(folder).ours(ids).logits
    for prefix in ("_orig_mod.", "module.", "_fsdp_wrapped_module."):

        def wrap(weights: dict[str, Any], prefix: str = prefix) -> None:
            for name in list(weights):
                weights[prefix + name] = weights.pop(name)

        ours, theirs = models(changed(folder, tmp_path / prefix, wrap))
        assert (ours(ids).logits == expected).all()
        assert not np.allclose(theirs(torch.tensor(ids)).logits.detach().numpy(), expected)


@row("a checkpoint without the weights of the head")
def test_no_head(folder: Path, tmp_path: Path) -> None:
    def behead(weights: dict[str, Any]) -> None:
        del weights["classifier.weight"]

    beheaded = changed(folder, tmp_path / "beheaded", behead)
    assert transformers.DistilBertForSequenceClassification.from_pretrained(beheaded)
    with pytest.raises(npbert.CheckpointError, match=r"classifier\.weight"):
        npbert.DistilBertForSequenceClassification.from_pretrained(beheaded)


@row("a tensor of the wrong shape")
def test_wrong_shapes(folder: Path, tmp_path: Path) -> None:
    def cut(weights: dict[str, Any]) -> None:
        weights["classifier.weight"] = weights["classifier.weight"][:2]
        weights["pre_classifier.bias"] = weights["pre_classifier.bias"][:2]

    wrong = changed(folder, tmp_path / "wrong", cut)
    with pytest.raises(RuntimeError):
        transformers.DistilBertForSequenceClassification.from_pretrained(wrong)
    with pytest.raises(npbert.CheckpointError) as caught:
        npbert.DistilBertForSequenceClassification.from_pretrained(wrong)
    for name in ("classifier.weight", "pre_classifier.bias"):
        assert name in str(caught.value)


@row("NaN among the weights")
def test_nan(folder: Path, tmp_path: Path) -> None:
    def spoil(weights: dict[str, Any]) -> None:
        weights["pre_classifier.weight"][0, 0] = np.nan

    spoilt = changed(folder, tmp_path / "spoilt", spoil)
    (result,) = their_pipeline("text-classification", spoilt)("one")
    assert np.isnan(result["score"])
    with pytest.raises(npbert.CheckpointError, match=r"pre_classifier\.weight"):
        npbert.pipeline("text-classification", spoilt)


@row("weights only in a pickle (`pytorch_model.bin`)")
def test_pickles(folder: Path, tmp_path: Path) -> None:
    pickled = changed(folder, tmp_path / "pickled")
    weights = load_file(pickled / "model.safetensors")
    torch.save(
        {name: torch.tensor(weight) for name, weight in weights.items()},
        pickled / "pytorch_model.bin",
    )
    (pickled / "model.safetensors").unlink()
    assert transformers.DistilBertForSequenceClassification.from_pretrained(pickled)
    with pytest.raises(npbert.CheckpointError, match=r"pytorch_model\.bin.*safetensors"):
        npbert.DistilBertForSequenceClassification.from_pretrained(pickled)


@row("a token id outside the vocabulary")
def test_ids_outside_the_vocabulary(folder: Path) -> None:
    sides = models(folder)
    with pytest.raises(IndexError):
        sides.theirs(torch.tensor([[101, 99999]]))
    with pytest.raises(ValueError, match="row 0 has the token id 99999 at position 1"):
        sides.ours([[101, 99999]])


@row("token ids that are not integers")
def test_ids_that_are_no_integers(folder: Path) -> None:
    sides = models(folder)
    with pytest.raises(RuntimeError):
        sides.theirs(torch.tensor([[1.5, 2.5]]))
    with pytest.raises(TypeError, match="input_ids has dtype float64, expected integers"):
        sides.ours([[1.5, 2.5]])


PADDED: dict[str, Any] = {"input_ids": [[101, 7592, 0]], "attention_mask": [[1, 1, 0]]}


def call(sides: Sides, inputs: dict[str, Any], **options: Any) -> Sides:
    return Sides(sides.ours(**inputs, **options), their_output(sides.theirs, inputs, **options))


@row("padded positions of hidden states, and of logits of tokens")
def test_padded_positions(folder: Path, tmp_path: Path) -> None:
    ours, theirs = call(models(folder, "Model"), PADDED, output_hidden_states=True)
    assert (ours.last_hidden_state[0, 2] == 0).all()
    assert (theirs.last_hidden_state[0, 2] != 0).any()
    assert all((states[0, 2] == 0).all() for states in ours.hidden_states)
    head = "ForTokenClassification"
    ours, theirs = call(models(headed(tmp_path, head), head), PADDED)
    assert (ours.logits[0, 2] == 0).all()
    assert (theirs.logits[0, 2] != 0).any()


@row("padded positions of start and end logits")
def test_padded_answers(tmp_path: Path) -> None:
    head = "ForQuestionAnswering"
    ours, theirs = call(models(headed(tmp_path, head), head), PADDED)
    assert ours.start_logits[0, 2] == ours.end_logits[0, 2] == np.finfo(np.float32).min
    assert abs(theirs.start_logits[0, 2]) < 1e3


@row("padded positions of attentions")
def test_padded_attentions(folder: Path) -> None:
    sides = models(folder, "Model", attn_implementation="eager")
    ours, theirs = call(sides, PADDED, output_attentions=True)
    assert (ours.attentions[0][0, :, 2] == 0).all()
    assert (theirs.attentions[0][0, :, 2] != 0).any()


@row("a mask that hides the first token of a text")
def test_a_hidden_first_token(folder: Path) -> None:
    hidden = PADDED | {"attention_mask": [[0, 1, 1]]}
    sides = models(folder)
    assert torch.isfinite(their_output(sides.theirs, hidden).logits).all()
    with pytest.raises(ValueError, match="attention_mask hides position 0 of row 0"):
        sides.ours(**hidden)


@row("a mask that hides a whole text")
def test_a_hidden_text(folder: Path) -> None:
    hidden = PADDED | {"attention_mask": [[0, 0, 0]]}
    sides = models(folder, "Model")
    assert their_output(sides.theirs, hidden).last_hidden_state.shape == (1, 3, 24)
    with pytest.raises(ValueError, match="hides every token of row 0"):
        sides.ours(**hidden)


@row("an added token for which the model of a pipeline has no embedding")
def test_tokens_without_embedding(folder: Path, tmp_path: Path) -> None:
    other = changed(folder, tmp_path / "added")
    (other / "added_tokens.json").write_text('{"<new>": 30522}')
    theirs = their_pipeline("text-classification", other)
    assert theirs("an old film")
    with pytest.raises(IndexError):
        theirs("a <new> film")
    with pytest.raises(ValueError, match=r"no embedding: '<new>' \(id 30522\); .* 0 to 30521"):
        npbert.pipeline("text-classification", other)
    (other / "added_tokens.json").unlink()
    lines = (other / "vocab.txt").read_text(encoding="utf-8").replace("[MASK]", "[unused]")
    (other / "vocab.txt").write_text(lines, encoding="utf-8")
    ours = npbert.pipeline("text-classification", other)
    assert ours("an old film")
    with pytest.raises(ValueError, match=r"text 0 has the token id 30522 at position 3"):
        ours("an old [MASK]")


@row("a size that is set in the config of a loaded model")
def test_sizes_set_later(folder: Path) -> None:
    ours, theirs = models(folder)
    theirs.config.hidden_dim = 7
    assert theirs(torch.tensor([[101, 102]])).logits.shape == (1, 3)
    with pytest.raises(AttributeError, match="hidden_dim belongs to the weights"):
        ours.config.hidden_dim = 7


@row("`label2id` of config.json that contradicts its `id2label`")
def test_label2id(folder: Path, tmp_path: Path) -> None:
    labels: dict[str, Any] = {"id2label": {"0": "a", "1": "b", "2": "c"}}
    labels["label2id"] = {"x": 0, "y": 1, "z": 2}
    other = configured(folder, tmp_path / "labels", **labels)
    assert transformers.AutoConfig.from_pretrained(other).label2id == {"x": 0, "y": 1, "z": 2}
    assert npbert.AutoConfig.from_pretrained(other).label2id == {"a": 0, "b": 1, "c": 2}


def configured(folder: Path, target: Path, **values: Any) -> Path:
    """Copy a model to `target`, with these values in its config.json."""
    path = changed(folder, target) / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values))
    return target


@row("`num_labels` of config.json that contradicts the names in its `id2label`")
def test_num_labels(folder: Path, tmp_path: Path) -> None:
    other = configured(folder, tmp_path / "x", id2label={"0": "no", "1": "yes"}, num_labels=3)
    names = {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}
    assert transformers.AutoConfig.from_pretrained(other).id2label == names
    with pytest.raises(ValueError, match="num_labels is 3, but id2label names 2 labels; leave out"):
        npbert.AutoConfig.from_pretrained(other)
    other = configured(
        folder, tmp_path / "y", id2label={"0": "LABEL_0", "1": "LABEL_1"}, num_labels=3
    )
    assert npbert.AutoConfig.from_pretrained(other).id2label == names


@row("a label of `id2label` in config.json that is null, or a list")
@pytest.mark.parametrize("label", [None, ["a"]])
def test_labels_of_other_types(folder: Path, tmp_path: Path, label: object) -> None:
    other = configured(folder, tmp_path / "x", id2label={"0": label, "1": "b", "2": "c"})
    results = their_pipeline("text-classification", other, top_k=None)("film")
    assert label in [result["label"] for result in results[0]]
    with pytest.raises(ValueError, match=r"id2label\[0\] is .*, expected a string or a number"):
        npbert.AutoConfig.from_pretrained(other)


@row("`id2label` of config.json without one of the numbers")
def test_a_label_without_a_name(folder: Path, tmp_path: Path) -> None:
    other = configured(folder, tmp_path / "x", id2label={"1": "a", "2": "b", "3": "c"})
    classify = transformers.pipeline("text-classification", str(other))
    with pytest.raises(KeyError):
        classify("a text", top_k=None)
    with pytest.raises(
        ValueError, match=r"id2label has the keys \[1, 2, 3\], expected the numbers"
    ):
        npbert.pipeline("text-classification", model=other)


@row('`problem_type` "single_label_classification" and one label')
def test_one_label(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "one", num_labels=1)
    other = configured(folder, tmp_path / "x", problem_type="single_label_classification")
    with pytest.raises(ValueError, match="requires `num_labels > 1`"):
        transformers.AutoConfig.from_pretrained(other)
    assert npbert.pipeline("text-classification", model=other)("a")[0]["label"] == "LABEL_0"


IGNORED: dict[str, Any] = {
    "quantization_config": {"quant_method": "of-tomorrow"},
    "pruned_heads": {"0": [1]},
    "is_causal": True,
}


def both_with(key: str, folder: Path, target: Path) -> Any:
    """Return the change of transformers' logits; npbert must refuse the key."""
    other = configured(folder, target, **{key: IGNORED[key]})
    with pytest.raises(ValueError, match=f"{key} is .*; choose"):
        npbert.DistilBertForSequenceClassification.from_pretrained(other)
    inputs = {"input_ids": torch.tensor([[101, 2023, 102]])}
    load = transformers.AutoModelForSequenceClassification.from_pretrained
    with torch.inference_mode():
        return (load(other)(**inputs).logits - load(folder)(**inputs).logits).abs().max()


@row("`quantization_config` of a method that is not known")
def test_unknown_quantization(folder: Path, tmp_path: Path) -> None:
    assert both_with("quantization_config", folder, tmp_path / "x") == 0


@row("`pruned_heads` of config.json that is not empty")
def test_pruned_heads(folder: Path, tmp_path: Path) -> None:
    assert both_with("pruned_heads", folder, tmp_path / "x") == 0


@row("`is_causal` of config.json")
def test_is_causal(folder: Path, tmp_path: Path) -> None:
    assert both_with("is_causal", folder, tmp_path / "x") > 0


@row("`id2label` of config.json without `label2id`, for zero-shot-classification")
def test_labels_without_their_numbers(folder: Path, tmp_path: Path) -> None:
    other = changed(folder, tmp_path / "labels")
    values = json.loads((other / "config.json").read_text(encoding="utf-8"))
    values |= {"id2label": {"0": "contradiction", "1": "neutral", "2": "entailment"}}
    values.pop("label2id", None)
    (other / "config.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(AttributeError):
        their_pipeline("zero-shot-classification", other)
    ours = npbert.pipeline("zero-shot-classification", other)
    assert ours.model.config.label2id["entailment"] == 2
    assert sorted(ours("one", ["a", "b"])["labels"]) == ["a", "b"]


@row("`position_ids` for multiple choice")
def test_positions_of_choices(tmp_path: Path) -> None:
    ours, theirs = models(headed(tmp_path, "ForMultipleChoice"), "ForMultipleChoice")
    ids, positions = np.array([[[101, 9, 102], [101, 7, 102]]]), np.array([[[2, 0, 1], [0, 1, 2]]])
    with pytest.raises(RuntimeError):
        theirs(torch.tensor(ids), position_ids=torch.tensor(positions))
    logits = ours(ids, position_ids=positions).logits
    alone = [ours(ids[:, [n]], position_ids=positions[:, [n]]).logits[0, 0] for n in (0, 1)]
    np.testing.assert_allclose(logits[0], alone, atol=1e-6)
    assert abs(logits - ours(ids).logits)[0, 0] > 1e-4


@row("`num_labels` other than 2 in the config of a model for question answering")
def test_question_answering_with_more_labels(tmp_path: Path) -> None:
    other = configured(headed(tmp_path / "m", "ForQuestionAnswering"), tmp_path / "x", num_labels=3)
    with pytest.raises(ValueError, match="num_labels should be 2"):
        transformers.DistilBertForQuestionAnswering.from_pretrained(other)
    model = npbert.DistilBertForQuestionAnswering.from_pretrained(other)
    assert model([[101, 102]]).start_logits.shape == (1, 2)


@row("`output_hidden_states=[1.5]` in a call")
def test_numbers_that_are_no_numbers_of_states(folder: Path) -> None:
    ours, theirs = models(folder)
    states = theirs(torch.tensor([[101, 102]]), output_hidden_states=[1.5]).hidden_states
    assert states == (None, None, None)
    with pytest.raises(TypeError, match=r"output_hidden_states is \[1\.5\], expected True, False"):
        ours([[101, 102]], output_hidden_states=[1.5])


@row("`output_hidden_states=None` in a call, although the config says True")
def test_output_hidden_states_is_none(folder: Path) -> None:
    ours, theirs = models(folder, output_hidden_states=True)
    assert theirs(torch.tensor([[101, 102]]), output_hidden_states=None).hidden_states is None
    assert len(ours([[101, 102]], output_hidden_states=None).hidden_states) == 3


@row("the output of a model")
def test_results_of_models(folder: Path) -> None:
    ours, theirs = call(models(folder), {"input_ids": [[101, 102]]})
    assert isinstance(theirs, dict)
    theirs["logits"] = None
    assert isinstance(ours, Mapping)
    assert not isinstance(ours, dict)
    with pytest.raises(TypeError):
        operator.setitem(ours, "logits", None)  # type: ignore[call-overload]
    with pytest.raises(AttributeError):
        setattr(ours, "logits", None)  # noqa: B010


@row("`output_attentions=True`")
def test_attentions(folder: Path) -> None:
    ours, theirs = models(folder, "Model")
    assert not theirs(torch.tensor([[101, 102]]), output_attentions=True).attentions
    assert ours([[101, 102]], output_attentions=True).attentions[0].shape == (1, 2, 2, 2)


@row("a file of a model that is a link out of the model's folder")
def test_a_link_out_of_the_folder(folder: Path, tmp_path: Path) -> None:
    linked = changed(folder, tmp_path / "linked", lambda _: None)
    (linked / "config.json").rename(tmp_path / "elsewhere.json")
    (linked / "config.json").symlink_to(tmp_path / "elsewhere.json")
    transformers.DistilBertForSequenceClassification.from_pretrained(linked)
    with pytest.raises(
        ValueError, match=r"config\.json is a link to a file outside of the model's"
    ):
        npbert.DistilBertForSequenceClassification.from_pretrained(linked)
