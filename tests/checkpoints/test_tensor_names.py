"""Names of tensors: which of them are read, and what foreign ones tell."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from npbert.checkpoints.tensor_names import canonical, name_cause
from npbert.distilbert.activations import Array
from tests.support.oracles import largest_difference
from tests.support.stored_weights import IDS, LIN1, PREFIX, WEIGHTS, WORDS, Tensors, load, refusal

ENCODER = re.escape(PREFIX)
# What wrappers make of names: a pattern, and what takes its place.
WRAPPED = [
    ("^", "_orig_mod."),
    ("^", "module."),
    ("^", "module._orig_mod."),
    ("^", "_orig_mod.module."),
    ("^", "_forward_module."),
    ("^", "_forward_module.module."),
    ("^", "_fsdp_wrapped_module."),
    (f"^{ENCODER}", "distilbert._orig_mod."),
    (f"^{ENCODER}", "distilbert.module."),
    (r"layer\.(\d)\.", r"layer.\1._orig_mod."),
    (r"layer\.(\d)\.", r"layer.\1._fsdp_wrapped_module._checkpoint_wrapped_module."),
    (f"^{ENCODER}", "distilbert.distilbert."),
    ("^(?!distilbert)", "distilbert."),
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("pattern", "new"), WRAPPED)
def test_wrappers_carry_nothing(
    folder: Path, tensors: Tensors, expected: Array, pattern: str, new: str
) -> None:
    renamed = {re.sub(pattern, new, name): tensor for name, tensor in tensors.items()}
    assert renamed.keys() != tensors.keys()
    save_file(renamed, folder / WEIGHTS)
    assert largest_difference(load(folder)(IDS).logits, expected) < 1e-5
    renamed.pop(next(name for name in renamed if name.endswith("lin1.weight")))
    save_file(renamed, folder / WEIGHTS)
    assert "lin1.weight: missing, expected shape (12, 8)" in refusal(folder)


@pytest.mark.parametrize("prefix", [PREFIX, "", "module.", "module.distilbert.", "_orig_mod."])
def test_a_missing_tensor_has_the_prefix_of_the_others(
    folder: Path, tensors: Tensors, prefix: str
) -> None:
    renamed = {name.replace(PREFIX, prefix): tensor for name, tensor in tensors.items()}
    del renamed[LIN1.replace(PREFIX, prefix)]
    del renamed["classifier.bias"]
    save_file(renamed, folder / WEIGHTS)
    outer = prefix.removesuffix(PREFIX)
    assert refusal(folder).splitlines()[1:] == [
        f"  {LIN1.replace(PREFIX, prefix)}: missing, expected shape (12, 8)",
        f"  {outer}classifier.bias: missing, expected shape (3,)",
    ]


MERGE = "Where peft is installed, load the adapter with the model that it changes, call merge_and"
WHOLE = "is a name of quantized weights, and npbert computes only with whole float weights; choose"
FOLD = "is a name of a parametrized weight, such as weight normalization leaves. In torch, fold it"
MASK = "is a name of a pruned weight. In torch, fold the mask into the weight with torch.nn.utils"
OTHER = "is a name of another architecture than DistilBERT, the only one that npbert computes; choo"
UNDER = (
    "The file has {} of these under the prefix {!r}, which a wrapper of the model left. Call sav"
)
LIN = "transformer.layer.1.ffn.lin1"
# A pattern in the names, what takes its place, and what is said.
FOREIGN = [
    ("^", "base_model.model.", MERGE),
    ("^classifier", "classifier.modules_to_save.default", MERGE),
    ("^classifier", "classifier.original_module", MERGE),
    (r"q_lin\.", "q_lin.base_layer.", MERGE),
    (r"v_lin\.weight", "v_lin.lora_A.default.weight", MERGE),
    (r"word_embeddings\.weight", "word_embeddings.lora_embedding_A.default", MERGE),
    (f"{LIN}.weight", f"{LIN}.SCB", WHOLE),
    (f"{LIN}.weight", f"{LIN}.qweight", WHOLE),
    (f"{LIN}.weight", f"{LIN}.weight_scale", WHOLE),
    (f"{LIN}.weight", f"{LIN}.weight_packed", WHOLE),
    (f"{LIN}.weight", f"{LIN}.weight.absmax", WHOLE),
    (f"{LIN}.weight", f"{LIN}.weight.quant_state.bitsandbytes__nf4", WHOLE),
    (f"{LIN}.weight", f"{LIN}._packed_params._packed_params", WHOLE),
    (f"{LIN}.weight", f"{LIN}.weight._data", WHOLE),
    (f"{LIN}.weight", f"{LIN}.weight_g", FOLD),
    (f"{LIN}.weight", f"{LIN}.weight_v", FOLD),
    (f"{LIN}.weight", f"{LIN}.parametrizations.weight.original0", FOLD),
    (f"{LIN}.weight", f"{LIN}.weight_orig", MASK),
    (f"{LIN}.weight", f"{LIN}.weight_mask", MASK),
    ("^distilbert", "bert", OTHER),
    ("^distilbert", "roberta", OTHER),
    (r"attention\.q_lin", "attention.self.query", OTHER),
    ("position_embeddings", "token_type_embeddings", OTHER),
    ("^", "model.", UNDER.format(40, "model.")),
    ("^", "net.student.", UNDER.format(40, "net.student.")),
    ("^", "_orig_mod.model.module.", UNDER.format(40, "model.")),
    ("^distilbert", "encoder", UNDER.format(36, "encoder.")),
    ("^classifier", "head.classifier", UNDER.format(2, "head.")),
]


@pytest.mark.parametrize(("pattern", "new", "message"), FOREIGN)
def test_what_foreign_names_tell(
    folder: Path, tensors: Tensors, pattern: str, new: str, message: str
) -> None:
    renamed = {re.sub(pattern, new, name): tensor for name, tensor in tensors.items()}
    save_file(renamed, folder / WEIGHTS)
    report = refusal(folder)
    assert message.replace("40", str(len(tensors))) in report.splitlines()[-1]
    assert "choose one that was fine-tuned" not in report


def test_at_most_ten_tensors_are_named(folder: Path, tensors: Tensors) -> None:
    names = [name for name in tensors if ".attention." in name]
    assert len(names) > 10
    save_file({name: tensors[name] for name in tensors if name not in names}, folder / WEIGHTS)
    lines = refusal(folder).splitlines()
    assert lines[0] == f"{folder}: tensors that do not fit ({len(names)}):"
    assert len(lines) == 12
    assert lines[-1] == f"  and {len(names) - 10} more"
    save_file({name: tensors[name] for name in tensors if name not in names[:10]}, folder / WEIGHTS)
    assert len(refusal(folder).splitlines()) == 11
    more = {f"extra.{number}": torch.ones(1) for number in range(23)}
    save_file(tensors | more, folder / WEIGHTS)
    with pytest.warns(UserWarning, match="are not used: ") as caught:
        load(folder)
    message = str(caught[0].message)
    assert message.endswith(" and 13 more")
    assert message.count("extra.") == 10


def test_adapters_beside_a_whole_model_are_named(folder: Path, tensors: Tensors) -> None:
    """Without its adapter, such a model gives other answers than the merged one."""
    more = {LIN1.replace("weight", "lora_A.default.weight"): torch.ones(2, 8)}
    save_file(tensors | more, folder / WEIGHTS)
    with pytest.warns(UserWarning, match=r"lora_A\.default\.weight is a name of PEFT.*merge_and_u"):
        load(folder)


def test_pruned_heads(folder: Path, tensors: Tensors) -> None:
    part = PREFIX + "transformer.layer.0.attention."
    for name in ("q_lin", "k_lin", "v_lin"):
        tensors[f"{part}{name}.weight"] = tensors[f"{part}{name}.weight"][:4].clone()
        tensors[f"{part}{name}.bias"] = tensors[f"{part}{name}.bias"][:4].clone()
    save_file(tensors, folder / WEIGHTS)
    assert refusal(folder).endswith(
        "\n  Some attention heads were pruned, and npbert needs all of them: choose the model from "
        "which this one was made"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("q_lin", torch.full((8, 8), torch.nan)),
        *(("q_lin", torch.ones(shape)) for shape in ((3, 8), (16, 8), (4, 7), (4,), ())),
        ("k_lin", torch.ones(4, 8)),
    ],
    ids=lambda value: value if isinstance(value, str) else str(tuple(value.shape)),
)
def test_other_faults_are_not_taken_for_pruned_heads(
    folder: Path, tensors: Tensors, name: str, value: torch.Tensor
) -> None:
    tensors[f"{PREFIX}transformer.layer.0.attention.{name}.weight"] = value
    save_file(tensors, folder / WEIGHTS)
    assert len(refusal(folder).splitlines()) == 2


def test_other_sizes_are_not_taken_for_pruned_heads(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"vocab_size": 12}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_file({WORDS: torch.ones(11, 8)}, folder / WEIGHTS)
        assert "pruned" not in refusal(folder)


@pytest.mark.parametrize("name", ["distilbert", "distilbert.distilbert", "", "bias"])
def test_a_name_that_is_a_prefix_alone(name: str) -> None:
    assert canonical(name) == name.rpartition(".")[2]


@pytest.mark.parametrize("part", ["distilbert", "a", "", "module", "weight_", "lora_"])
def test_names_of_many_parts_take_little_time(part: str) -> None:
    """A damaged file can have a name of megabytes; this would take hours in quadratic time."""
    long = ".".join([part] * 200_000)
    for name in (f"{long}.bias", f"{long}.distilbert.embeddings.LayerNorm.bias"):
        assert canonical(name)
        cause = name_cause([name], ["embeddings.LayerNorm.bias"])
        assert cause is None or "bias" in name
