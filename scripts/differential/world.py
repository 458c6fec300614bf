"""A world: a folder with a random model and its tokenizer, loaded by both libraries."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import torch
import transformers

import npbert
from differential.chance import Chance
from differential.model_files import HEADS, draw_config, draw_tensors, write_model
from differential.other_tokenizers import write_other_tokenizer
from differential.tokenizer_files import TokenizerFiles, write_tokenizer

DRAWS_IN_A_WORLD: Final = 64  # because making and loading a model takes longer than asking it

_N_NUDGED: Final = 8
_WORLDS_PER_OTHER: Final = 8  # of which one has a tokenizer of another kind than BERT's

# Settings of a tokenizer that are given when it is loaded, in place of those in its files.
_SETTINGS: Final[dict[str, Sequence[object]]] = {
    "model_max_length": [8, 20],
    "padding_side": ["left", "right"],
    "truncation_side": ["left", "right"],
    "clean_up_tokenization_spaces": [True, False],
    "split_special_tokens": [True, False],
}


@dataclass(frozen=True)
class World:
    """A model and a tokenizer, loaded by both libraries.

    Attributes
    ----------
    head : str
        The name of the model's class.
    files : TokenizerFiles
    our_model, our_tokenizer, their_model, their_tokenizer
    """

    head: str
    files: TokenizerFiles
    our_model: Any
    our_tokenizer: Any
    their_model: Any
    their_tokenizer: Any

    @cached_property
    def exact_model(self) -> Any:
        """The model of transformers in float64, the judge where float32 is too coarse."""
        return copy.deepcopy(self.their_model).double()

    @cached_property
    def nudged_models(self) -> list[Any]:
        """The model of transformers in float32, with weights that differ in their last bit.

        Their answers are as good as that of the model itself. How far they are from the exact one
        shows what float32 can give: little, where numbers that are almost equal are normalized.
        """
        models = []
        for seed in range(_N_NUDGED):
            generator = torch.Generator().manual_seed(seed)
            models.append(copy.deepcopy(self.their_model))
            for weight in models[-1].parameters():
                by = torch.rand(weight.shape, generator=generator) * 2 - 1
                weight.data *= 1 + by * torch.finfo(torch.float32).eps
        return models


def make_world(number: int) -> World:
    """Draw a model and a tokenizer, write their files, and load them.

    Parameters
    ----------
    number : int
        Decides everything about the world.

    Returns
    -------
    World
    """
    with tempfile.TemporaryDirectory(prefix="differential") as place:
        head, files = write_world(number, Path(place))
        return World(head, files, *load_world(number, Path(place), head))


def write_world(number: int, folder: Path) -> tuple[str, TokenizerFiles]:
    """Write the files of a world, and return the name of the model's class, and the tokens."""
    chance = Chance(f"world {number}")
    (head,) = chance.choices(list(HEADS), list(HEADS.values()))
    is_other = number % _WORLDS_PER_OTHER == _WORLDS_PER_OTHER - 1
    files = (write_other_tokenizer if is_other else write_tokenizer)(chance, folder)
    config = draw_config(chance, head, files.size + chance.choice([0, 0, 0, 1, 5]))
    write_model(chance, folder, config, draw_tensors(number, config, head))
    return head, files


def load_world(number: int, folder: Path, head: str) -> tuple[Any, Any, Any, Any]:
    """Load the model and the tokenizer with npbert, and then with transformers."""
    chance = Chance(f"loading {number}")
    attention = "eager" if chance.happens(0.5) else "sdpa"
    settings = chance.options(_SETTINGS, 0.3) if chance.happens(0.15) else {}
    with torch.inference_mode():
        their_model = getattr(transformers, head).from_pretrained(
            folder, dtype=torch.float32, attn_implementation=attention
        )
    return (
        getattr(npbert, head).from_pretrained(folder),
        npbert.AutoTokenizer.from_pretrained(folder, **settings),
        their_model.eval(),
        transformers.AutoTokenizer.from_pretrained(folder, **settings),
    )
