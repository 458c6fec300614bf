"""Random calls of the models with padded arrays."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from differential.chance import Chance
from differential.draw import Draw
from differential.world import World

Arrays = dict[str, NDArray[Any]]


def draw_model_call(world: World, chance: Chance, seed: int) -> Draw:
    """Draw rows of ids or of vectors, a mask with padding anywhere, and options.

    Parameters
    ----------
    world : World
    chance : Chance
    seed : int
        Decides the numbers in the arrays.
    """
    rng = np.random.default_rng(seed)
    arrays = _arrays(world, chance, rng)
    options = chance.options(
        {
            "output_hidden_states": [True, True, False, 1, [0, -1], [1]],
            "return_dict": [True, False],
        },
        0.3,
    )
    if world.their_model.config._attn_implementation == "eager" and chance.happens(0.3):
        options["output_attentions"] = True
    shapes = {name: array.shape for name, array in arrays.items()}
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    rows = _mask_of(arrays)

    def ours() -> Any:
        output = world.our_model(**arrays, **options)
        output = output if isinstance(output, tuple) else dict(output)
        return _at_tokens(output, rows, world)

    def theirs(model: Any) -> Any:
        given = dict(tensors)
        if "inputs_embeds" in given:
            given["inputs_embeds"] = given["inputs_embeds"].to(model.dtype)
        with torch.inference_mode():
            output = model(**given, **options)
        return _at_tokens(output if isinstance(output, tuple) else dict(output), rows, world)

    return Draw(
        "model",
        f"{world.head}: {shapes}, mask {_shown(arrays.get('attention_mask'))}, {options}",
        ours,
        partial(theirs, world.their_model),
        exact=lambda: theirs(world.exact_model),
        nudged=lambda: [theirs(model) for model in world.nudged_models],
        arguments={**arrays, **options},
    )


def _arrays(world: World, chance: Chance, rng: np.random.Generator) -> Arrays:
    config = world.our_model.config
    batch = chance.choice([1, 1, 2, 3, 5])
    seq = chance.randint(1, min(config.max_position_embeddings, chance.choice([4, 12, 40])))
    shape: tuple[int, ...] = (batch, seq)
    if world.head.endswith("MultipleChoice"):
        shape = (batch, chance.randint(1, 3), seq)
    arrays: Arrays = {}
    if chance.happens(0.12):
        arrays["inputs_embeds"] = rng.normal(size=(*shape, config.dim)).astype(np.float32)
    else:
        arrays["input_ids"] = rng.integers(0, config.vocab_size, shape)
    if chance.happens(0.8):
        mask = np.ones(shape, np.int64)
        for row in mask.reshape(-1, seq):
            n_hidden = chance.choice([0, 0, chance.randrange(seq), chance.randrange(seq)])
            side = chance.random()
            if side < 0.7:
                row[seq - n_hidden :] = 0
            elif side < 0.85 and not world.our_model._reads_cls_alone:
                row[:n_hidden] = 0
            else:  # holes, but not at the first token
                row[1 + rng.permutation(seq - 1)[:n_hidden]] = 0
        if chance.happens(0.02):
            mask.reshape(-1, seq)[0, 0] = 0
        arrays["attention_mask"] = mask
    if chance.happens(0.1):
        positions = (1, seq) if chance.happens(0.3) and len(shape) == 2 else shape
        arrays["position_ids"] = rng.integers(0, config.max_position_embeddings, positions)
    return arrays


def _mask_of(arrays: Arrays) -> NDArray[np.bool_]:
    """Return which tokens the model sees (rows, seq)."""
    if "attention_mask" in arrays:
        mask = np.asarray(arrays["attention_mask"] == 1)
    elif "input_ids" in arrays:
        mask = np.ones(arrays["input_ids"].shape, bool)
    else:
        mask = np.ones(arrays["inputs_embeds"].shape[:-1], bool)
    return mask.reshape(-1, mask.shape[-1])


def _at_tokens(value: Any, rows: NDArray[np.bool_], world: World) -> Any:
    """Return arrays with zeros at padding; tests/differences compares what is there."""
    if isinstance(value, dict):
        return {name: _at_tokens(item, rows, world) for name, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_at_tokens(item, rows, world) for item in value)
    if value is None:
        return None
    value = np.asarray(value)
    if value.ndim == 4:  # attentions (rows, heads, seq, seq)
        seen = rows[:, None, :, None] & rows[:, None, None, :]
    elif value.ndim == 3:  # (rows, seq, …)
        seen = rows[..., None]
    elif world.head.endswith("QuestionAnswering"):  # the logits of starts or ends (rows, seq)
        seen = rows
    else:  # (batch, labels)
        return value
    return np.where(seen, value, value.dtype.type(0))


def _shown(mask: NDArray[Any] | None) -> str:
    if mask is None:
        return "none"
    return " ".join("".join(map(str, row)) for row in mask.reshape(-1, mask.shape[-1]))
