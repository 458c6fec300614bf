"""Names of tensors and files, and what the tests of damaged or odd weight files share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from npbert.checkpoints.safetensors_files import CheckpointError
from npbert.models.heads import AutoModelForSequenceClassification

Tensors = dict[str, Any]  # torch tensors by name
Arrays = dict[str, Any]  # NumPy arrays by name

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
NO_FILE = "not a valid safetensors file"  # the beginning of messages about damage
PREFIX = "distilbert."
WORDS = PREFIX + "embeddings.word_embeddings.weight"
NORM = PREFIX + "embeddings.LayerNorm.weight"
LIN1 = PREFIX + "transformer.layer.1.ffn.lin1.weight"
IDS = np.array([[1, 2, 3], [4, 0, 10]])
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}

load = AutoModelForSequenceClassification.from_pretrained


def refusal(folder: Path) -> str:
    """Load a folder that must be refused, and return the message of the CheckpointError."""
    with pytest.raises(CheckpointError) as refused:
        load(folder)
    assert str(folder) in str(refused.value)
    return str(refused.value)


def rewritten(folder: Path, change: Callable[[Arrays], object]) -> Path:
    """Let `change` change the tensors of a folder by name, and return the folder."""
    path = folder / WEIGHTS
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})
    return folder
