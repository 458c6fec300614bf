"""Every head beside transformers' own, on the same random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

import npbert
from npbert.models.base import PreTrainedModel
from tests.support.oracles import largest_difference, make_model, random_batch

TOLERANCE = 1e-5  # of max(1, largest value): design, section 3
HEADS = (
    "Model",
    "ForMaskedLM",
    "ForQuestionAnswering",
    "ForSequenceClassification",
    "ForTokenClassification",
    "ForMultipleChoice",
)
N_CHOICES = 3
Arrays = dict[str, Any]  # of NDArray


def load(head: str, folder: Path) -> tuple[PreTrainedModel[Any, Any], Any]:
    """Both sides, by their `Auto` names."""
    auto = "AutoModel" if head == "Model" else f"AutoModel{head}"
    theirs = getattr(transformers, auto).from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    )
    return getattr(npbert, auto).from_pretrained(folder), theirs.eval()


@pytest.fixture(scope="module", params=HEADS)
def sides(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[PreTrainedModel[Any, Any], Any]:
    sizes = {"dim": 36, "n_heads": 3, "n_layers": 3, "hidden_dim": 77}
    if request.param != "ForQuestionAnswering":  # which has two outputs in any case
        sizes["num_labels"] = 5
    folder = make_model(tmp_path_factory.mktemp("model"), head=request.param, **sizes)
    return load(request.param, folder)


def inputs_for(model: PreTrainedModel[Any, Any], padding: str = "right") -> Arrays:
    """Padded rows; for multiple choice, three choices a text."""
    ids, mask = random_batch(np.random.default_rng(0), 97, [4, 9, 1, 7, 9, 2], padding)
    if isinstance(model, npbert.DistilBertForMultipleChoice):
        ids, mask = (array.reshape(-1, N_CHOICES, 9) for array in (ids, mask))
    return {"input_ids": ids, "attention_mask": mask}


def theirs_of(model: Any, inputs: Arrays, **options: Any) -> dict[str, Any]:
    with torch.inference_mode():
        output = model(**{name: torch.tensor(a) for name, a in inputs.items()}, **options)
    assert list(output) == list(output.keys())
    return dict(output)


def check(name: str, ours: NDArray[Any], theirs: Any, mask: NDArray[Any]) -> None:
    """Equal at real tokens; at padding, what docs/differences.md says."""
    theirs = theirs.numpy()
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape
    rows = mask.reshape(-1, mask.shape[-1]) == 1
    if name == "attentions":  # (rows, heads, seq, seq)
        seen = np.broadcast_to((rows[:, :, None] & rows[:, None, :])[:, None], ours.shape)
    elif ours.ndim > 1 and ours.shape[:2] == rows.shape:  # (rows, seq, …)
        seen = rows
    else:  # (batch, …)
        seen = np.ones(ours.shape, bool)
    assert largest_difference(ours[seen], theirs[seen]) < TOLERANCE
    at_padding = np.finfo(np.float32).min if name in ("start_logits", "end_logits") else 0
    assert (ours[~seen] == at_padding).all()


@pytest.mark.parametrize("padding", ["right", "holes"])
def test_everything_that_a_call_can_return(
    sides: tuple[PreTrainedModel[Any, Any], Any], padding: str
) -> None:
    model, oracle = sides
    inputs = inputs_for(model, padding)
    want: dict[str, Any] = {"output_hidden_states": True, "output_attentions": True}
    ours, theirs = model(**inputs, **want), theirs_of(oracle, inputs, **want)
    assert list(ours) == list(theirs)
    for name, value in ours.items():
        if not isinstance(value, tuple):
            check(name, value, theirs[name], inputs["attention_mask"])
            continue
        assert len(value) == len(theirs[name])
        for one, other in zip(value, theirs[name], strict=True):
            check(name, one, other, inputs["attention_mask"])


def test_the_output_is_the_same_with_and_without_what_is_on_the_way(
    sides: tuple[PreTrainedModel[Any, Any], Any],
) -> None:
    model, _ = sides
    inputs = inputs_for(model)
    plain, traced = model(**inputs), model(**inputs, output_attentions=True)
    assert [*plain, "attentions"] == list(traced)
    for name in plain:
        np.testing.assert_allclose(plain[name], traced[name], atol=2e-6)


def test_position_ids(sides: tuple[PreTrainedModel[Any, Any], Any]) -> None:
    model, oracle = sides
    inputs = inputs_for(model)
    rng = np.random.default_rng(1)
    rows = rng.integers(0, 512, inputs["input_ids"].shape).reshape(-1, 9)
    for positions in (rows, rows[:1], rows[0]):
        more = {**inputs, "position_ids": positions}
        ours, theirs = model(**more), theirs_of(oracle, more)
        for name in ours:
            check(name, ours[name], theirs[name], inputs["attention_mask"])
    shaped = model(**inputs, position_ids=rows.reshape(inputs["input_ids"].shape))
    np.testing.assert_array_equal(shaped[0], model(**inputs, position_ids=rows)[0])
    assert np.abs(shaped[0] - model(**inputs)[0]).max() > 0.01  # they matter


def test_inputs_embeds(sides: tuple[PreTrainedModel[Any, Any], Any]) -> None:
    model, oracle = sides
    inputs = inputs_for(model)
    ids = inputs.pop("input_ids")
    embeds = np.random.default_rng(1).normal(size=(*ids.shape, 36)).astype(np.float32)
    before = embeds.copy()
    inputs["inputs_embeds"] = embeds
    ours, theirs = model(**inputs), theirs_of(oracle, inputs)
    for name in ours:
        check(name, ours[name], theirs[name], inputs["attention_mask"])
    np.testing.assert_array_equal(embeds, before)
    looked_up = model.encoder.embeddings.word_embeddings[ids]
    inputs["inputs_embeds"] = looked_up
    expected = model(ids, inputs["attention_mask"])
    np.testing.assert_array_equal(model(**inputs)[0], expected[0])


def test_names_order_and_tuples_are_those_of_transformers(
    sides: tuple[PreTrainedModel[Any, Any], Any],
) -> None:
    model, oracle = sides
    inputs = inputs_for(model)
    output = model(**inputs)
    with torch.inference_mode():
        theirs = oracle(**{name: torch.tensor(array) for name, array in inputs.items()})
    assert type(output).__name__ == type(theirs).__name__
    for name in ("loss", "hidden_states", "attentions"):
        assert getattr(output, name, None) is getattr(theirs, name, None) is None
        assert name not in output
        assert name not in theirs
    as_tuple = model(**inputs, return_dict=False)
    assert isinstance(as_tuple, tuple)
    assert len(as_tuple) == len(output.to_tuple()) == len(theirs.to_tuple())
    np.testing.assert_array_equal(as_tuple[0], output[0])
    assert model.eval() is model.to("cpu") is model


def test_no_rows_give_no_rows(sides: tuple[PreTrainedModel[Any, Any], Any]) -> None:
    model, _ = sides
    inputs = inputs_for(model)
    whole = model(**inputs)
    nothing = {name: array[:0] for name, array in inputs.items()}
    output = model(**nothing, output_hidden_states=True, output_attentions=True)
    for name in whole:
        assert output[name].shape == (0, *whole[name].shape[1:])
    assert output.hidden_states[-1].shape == (0, 9, 36)
    assert output.attentions[-1].shape == (0, 3, 9, 9)


BAD_CALLS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"inputs_embeds": 1.0}, ValueError, "both given"),
    ({"input_ids": None, "inputs_embeds": np.ones((1, 2, 5))}, ValueError, r"dim = 36\)"),
    ({"input_ids": None, "inputs_embeds": np.full((1, 2, 36), np.nan)}, ValueError, "NaN"),
    ({"input_ids": None, "inputs_embeds": [[["a"] * 36]]}, TypeError, "expected floats"),
    ({"position_ids": [[0, 512]]}, ValueError, "from 0 to 512, expected 0 to 511"),
    ({"position_ids": [[-1, 0]]}, ValueError, "from -1 to 0"),
    ({"position_ids": [[0.0, 1.0]]}, TypeError, "position_ids has dtype float64"),
    ({"position_ids": [[0, 1, 2]]}, ValueError, r"position_ids has shape \(1, 3\)"),
    ({"labels": [1]}, TypeError, "unknown keyword argument 'labels'"),
    ({"output_hiden_states": True}, TypeError, "did you mean 'output_hidden_states'"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), BAD_CALLS)
def test_bad_calls(
    tmp_path: Path, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    folder = make_model(tmp_path, head="ForTokenClassification", dim=36, n_heads=3, n_layers=1)
    model = npbert.AutoModelForTokenClassification.from_pretrained(folder)
    with pytest.raises(error, match=message):
        model(**({"input_ids": [[1, 2]]} | arguments))


def test_what_config_json_says_of_outputs_is_honoured(tmp_path: Path) -> None:
    folder = make_model(tmp_path, dim=12, n_heads=2, n_layers=1, output_hidden_states=True)
    model = npbert.AutoModelForSequenceClassification.from_pretrained(folder)
    assert list(model([[1, 2]])) == ["logits", "hidden_states"]
    assert list(model([[1, 2]], output_hidden_states=False)) == ["logits"]


def test_there_is_no_causal_language_model() -> None:
    with pytest.raises(ValueError, match=r"every token looks at those after it.*fill-mask"):
        npbert.AutoModelForCausalLM.from_pretrained("mini")


# ------------------------------------------------------- the masked-LM head's forms of weights


def rewritten(folder: Path, change: Any) -> Path:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("stored", [True, False])
def test_tied_and_untied_projectors(tmp_path: Path, tied: bool, stored: bool) -> None:
    """A projector in the file wins; else it is the word embeddings, unless config.json forbids."""
    sizes: dict[str, Any] = {"dim": 24, "n_heads": 2, "n_layers": 1, "tie_word_embeddings": tied}
    folder = make_model(tmp_path, head="ForMaskedLM", **sizes)
    other = np.random.default_rng(0).normal(size=(97, 24)).astype(np.float32)

    def change(tensors: Arrays) -> None:
        tensors.pop("vocab_projector.weight", None)
        if stored:
            tensors["vocab_projector.weight"] = other

    rewritten(folder, change)
    if not stored and not tied:
        with pytest.raises(npbert.CheckpointError, match=r"vocab_projector\.weight: missing"):
            npbert.AutoModelForMaskedLM.from_pretrained(folder)
        return
    model, oracle = load("ForMaskedLM", folder)
    ids, mask = random_batch(np.random.default_rng(1), 97, [3, 6])
    inputs: Arrays = {"input_ids": ids, "attention_mask": mask}
    check("logits", model(**inputs).logits, theirs_of(oracle, inputs)["logits"], mask)


def test_a_checkpoint_of_which_only_the_projector_was_kept(tmp_path: Path) -> None:
    """Two names of one tensor, of which a conversion kept the other one."""
    folder = make_model(tmp_path, head="ForMaskedLM", dim=24, n_heads=2, n_layers=1)
    ids, mask = random_batch(np.random.default_rng(1), 97, [3, 6])
    expected = npbert.AutoModelForMaskedLM.from_pretrained(folder)(ids, mask).logits

    def change(tensors: Arrays) -> None:
        name = "distilbert.embeddings.word_embeddings.weight"
        tensors["vocab_projector.weight"] = tensors.pop(name)

    model = npbert.AutoModelForMaskedLM.from_pretrained(rewritten(folder, change))
    np.testing.assert_array_equal(model(ids, mask).logits, expected)


@pytest.mark.parametrize("head", HEADS[1:])
def test_a_checkpoint_without_the_head_is_refused(tmp_path: Path, head: str) -> None:
    folder = make_model(tmp_path, head="Model", dim=24, n_heads=2, n_layers=1)
    with pytest.raises(npbert.CheckpointError, match="choose one that was fine-tuned for it"):
        getattr(npbert, f"AutoModel{head}").from_pretrained(folder)
