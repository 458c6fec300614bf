"""The table of parameters: two names for one tensor."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import npbert
from tests.support.oracles import make_model, random_batch
from tests.support.stored_weights import Arrays, rewritten


def test_a_checkpoint_of_which_only_the_projector_was_kept(tmp_path: Path) -> None:
    """Word embeddings and projector are one tensor, kept here under the second name alone."""
    folder = make_model(tmp_path, head="ForMaskedLM", dim=24, n_heads=2, n_layers=1)
    ids, mask = random_batch(np.random.default_rng(1), 97, [3, 6])
    expected = npbert.AutoModelForMaskedLM.from_pretrained(folder)(ids, mask).logits

    def change(tensors: Arrays) -> None:
        name = "distilbert.embeddings.word_embeddings.weight"
        tensors["vocab_projector.weight"] = tensors.pop(name)

    model = npbert.AutoModelForMaskedLM.from_pretrained(rewritten(folder, change))
    np.testing.assert_array_equal(model(ids, mask).logits, expected)
