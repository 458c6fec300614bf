"""The names of tensors in files: what they mean, and what foreign names tell about a file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from typing import Final

from npbert.checkpoints.weight_files import MERGE_ADAPTER

_BASE: Final = "distilbert"
BASE_PREFIX: Final = f"{_BASE}."  # of the encoder's tensors in a model with a head

_OLD_NAMES: Final = {"gamma": "weight", "beta": "bias"}  # of LayerNorm, from TensorFlow
# Parts of names that stand for a wrapper around a module and carry nothing: of torch.compile,
# of DataParallel and of Lightning's strategies, and of FSDP and activation checkpointing.
_WRAPPERS: Final = frozenset(
    ("_orig_mod", "module", "_forward_module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
)
# What names tell: a pattern, and what was done to a model that has such names. The first pattern
# that some name has is the one that counts.
_SIGNS: Final = {
    r"(^|\.)(lora_\w+|modules_to_save|original_module|base_layer)\.|^base_model\.model\.": (
        f"{{}} is a name of PEFT, so this is not a plain model. {MERGE_ADAPTER}"
    ),
    r"\.(SCB|(weight|input|activation)_(scale|scale_inv|zero_point|packed|format)|qweight|qzeros"
    r"|scales|g_idx|_packed_params|zero_point|scale|qdata|(nested_)?absmax|(nested_)?quant_map"
    r"|weight\._(data|scale))($|\.)|\.quant_state\.|_packed_params": (
        "{} is a name of quantized weights, and npbert computes only with whole float weights; "
        "choose the model from which this one was made"
    ),
    r"\.(weight_g|weight_v|parametrizations\.\w+\.original\d*)$": (
        "{} is a name of a parametrized weight, such as weight normalization leaves. In torch, "
        "fold it into the weight with torch.nn.utils.parametrize.remove_parametrizations, then "
        "save the model again"
    ),
    r"\.\w+_(mask|orig)$": (
        "{} is a name of a pruned weight. In torch, fold the mask into the weight with "
        "torch.nn.utils.prune.remove, then save the model again"
    ),
    r"^(module\.|model\.|_orig_mod\.)*(bert|roberta|albert|electra|mobilebert|mpnet|deberta"
    r"|camembert|convbert|xlnet|transformer\.word_embedding|t5|gpt2|longformer|funnel|flaubert"
    r"|squeezebert|layoutlm|encoder\.block|model\.layers)\.|\.attention\.self\.(query|key|value)\."
    r"|token_type_embeddings": (
        "{} is a name of another architecture than DistilBERT, the only one that npbert computes; "
        "choose a DistilBERT model, or the config.json that belongs to these weights"
    ),
}


def canonical(name: str) -> str:
    """Return a stored name without wrappers and prefix, and with the present names of LayerNorm."""
    parts = [part for part in name.split(".") if part not in _WRAPPERS]
    n_prefixes = 0
    while n_prefixes < len(parts) - 1 and parts[n_prefixes] == _BASE:
        n_prefixes += 1
    name = ".".join(parts[n_prefixes:])
    stem, _, kind = name.rpartition(".")
    if kind in _OLD_NAMES and stem.lower().endswith(("layernorm", "layer_norm")):
        return f"{stem}.{_OLD_NAMES[kind]}"
    return name


def is_of_encoder(name: str) -> bool:
    """Tell whether a canonical name is that of a tensor of the encoder."""
    return name.startswith(("embeddings.", "transformer."))


def encoder_prefix(stored_names: Collection[str]) -> str:
    """Return what a file writes before the canonical names of the encoder's tensors."""
    for stored in stored_names:
        name = canonical(stored)
        if is_of_encoder(name) and stored.endswith(name):
            return stored.removesuffix(name)
    return BASE_PREFIX


def name_cause(stored_names: Collection[str], missing: Collection[str]) -> str | None:
    """Say what the names in a file tell about it, and what to do, if they tell anything.

    Parameters
    ----------
    stored_names : collection of str
        The names of all tensors in the file.
    missing : collection of str
        The canonical names of the tensors that should be in the file, and are not.
    """
    for pattern, sentence in _SIGNS.items():
        has_sign = re.compile(pattern).search
        found = next((name for name in stored_names if has_sign(name)), None)
        if found is not None:
            return sentence.format(found)
    if not missing:
        return None
    wanted = {*missing}
    most_parts = max(name.count(".") + 1 for name in wanted)
    prefixes: Counter[str] = Counter()
    for stored in stored_names:
        parts = canonical(stored).split(".")
        for n_before in range(max(1, len(parts) - most_parts), len(parts)):
            if ".".join(parts[n_before:]) in wanted:
                before = ".".join(parts[:n_before]) + "."
                prefixes[before.removesuffix(BASE_PREFIX) or before] += 1
    if prefixes:
        prefix, n_tensors = prefixes.most_common(1)[0]
        return (
            f"The file has {n_tensors} of these under the prefix {prefix!r}, which a wrapper of "
            "the model left. Call save_pretrained of the model inside the wrapper, or save the "
            "tensors without the prefix"
        )
    return None
