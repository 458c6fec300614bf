"""Random calls of the models with padded arrays."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from differential.chance import Chance
from differential.comparing import require_alike
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
    return Draw(
        "model",
        f"{world.head}: {shapes}, mask {_shown(arrays.get('attention_mask'))}, {options}",
        partial(_ours, world, arrays, options),
        partial(_theirs, world, arrays, options),
        compare=partial(_compare, _mask_of(arrays)),
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
        positions = (1, seq) if chance.happens(0.3) else (int(np.prod(shape[:-1])), seq)
        if len(shape) == 3:
            positions = shape
        arrays["position_ids"] = rng.integers(0, config.max_position_embeddings, positions)
    return arrays


def _mask_of(arrays: Arrays) -> NDArray[np.bool_]:
    if "attention_mask" in arrays:
        return np.asarray(arrays["attention_mask"] == 1)
    if "input_ids" in arrays:
        return np.ones(arrays["input_ids"].shape, bool)
    return np.ones(arrays["inputs_embeds"].shape[:-1], bool)


def _ours(world: World, arrays: Arrays, options: dict[str, Any]) -> Any:
    output = world.our_model(**arrays, **options)
    return output if isinstance(output, tuple) else dict(output)


def _theirs(world: World, arrays: Arrays, options: dict[str, Any]) -> Any:
    with torch.inference_mode():
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        output = world.their_model(**tensors, **options)
    if isinstance(output, tuple):
        return tuple(_as_arrays(value) for value in output)
    return {name: _as_arrays(value) for name, value in output.items()}


def _as_arrays(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_as_arrays(item) for item in value)
    return value.numpy() if isinstance(value, torch.Tensor) else value


def _compare(mask: NDArray[np.bool_], ours: Any, theirs: Any) -> None:
    """Compare outputs where the mask shows a token; tests/differences compares the padding."""
    require_alike(_at_tokens(ours, mask), _at_tokens(theirs, mask))


def _at_tokens(value: Any, mask: NDArray[np.bool_]) -> Any:
    if isinstance(value, dict):
        return {name: _at_tokens(item, mask) for name, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_at_tokens(item, mask) for item in value)
    if not isinstance(value, np.ndarray):
        return value
    rows = mask.reshape(-1, mask.shape[-1])  # (rows, seq)
    if value.ndim == 4 and value.shape[-1] == value.shape[-2] == rows.shape[1]:  # attentions
        seen = rows[:, None, :, None] & rows[:, None, None, :]
    elif value.ndim == 3 and value.shape[:2] == rows.shape:  # (rows, seq, …)
        seen = rows[..., None]
    elif value.ndim == 2 and value.shape == rows.shape and value.dtype == np.float32:
        seen = rows  # the logits of starts and ends; those of labels have no padding
    else:
        return value
    return np.where(seen, value, np.float32(0))


def _shown(mask: NDArray[Any] | None) -> str:
    if mask is None:
        return "none"
    return " ".join("".join(map(str, row)) for row in mask.reshape(-1, mask.shape[-1]))
