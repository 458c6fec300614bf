"""The heads by their names in transformers, and padded inputs for their models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

import npbert
from npbert.models.base import PreTrainedModel
from tests.support.oracles import largest_difference, random_batch
from tests.support.pipelines import Sides
from tests.support.stored_weights import Arrays

HEADS = (
    "Model",
    "ForMaskedLM",
    "ForQuestionAnswering",
    "ForSequenceClassification",
    "ForTokenClassification",
    "ForMultipleChoice",
)
N_CHOICES = 3
TOLERANCE = 1e-5  # of max(1, the largest value)


def auto_name(head: str) -> str:
    """Return the name of the `Auto` class that loads a head."""
    return "AutoModel" if head == "Model" else f"AutoModel{head}"


def inputs_for(model: PreTrainedModel[Any, Any], padding: str = "right") -> Arrays:
    """Make padded rows; for multiple choice, three choices for each text."""
    ids, mask = random_batch(np.random.default_rng(0), 97, [4, 9, 1, 7, 9, 2], padding)
    if isinstance(model, npbert.DistilBertForMultipleChoice):
        ids, mask = (array.reshape(-1, N_CHOICES, 9) for array in (ids, mask))
    return {"input_ids": ids, "attention_mask": mask}


def load_both(head: str, folder: Path) -> Sides:
    """Load a folder with the `Auto` classes of both libraries."""
    name = auto_name(head)
    theirs = getattr(transformers, name).from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    )
    return Sides(getattr(npbert, name).from_pretrained(folder), theirs.eval())


def their_output(model: Any, inputs: Arrays, **options: Any) -> Any:
    """Call a model of transformers, and return its output."""
    with torch.inference_mode():
        output = model(**{name: torch.tensor(a) for name, a in inputs.items()}, **options)
    assert list(output) == list(output.keys())
    return output


def assert_equal_at_tokens(name: str, ours: NDArray[Any], theirs: Any, mask: NDArray[Any]) -> None:
    """Assert equal values at real tokens, and at padding what docs/differences.md says."""
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
