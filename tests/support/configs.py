"""The keys of config.json, and configs that are made of a few of them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from npbert.checkpoints.config import DistilBertConfig

KEYS = [field.name for field in fields(DistilBertConfig)]
SIZES = ["vocab_size", "max_position_embeddings", "n_layers", "n_heads", "dim", "hidden_dim"]
TYPE = {"model_type": "distilbert"}


def read(values: dict[str, Any]) -> DistilBertConfig:
    """Make a config of `values` and the model type."""
    return DistilBertConfig.from_dict(TYPE | values)
