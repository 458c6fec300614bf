"""Names of parameters beside transformers: those of heads, and two for the word embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers

import npbert
from npbert.checkpoints.parameters import HEAD_KINDS
from tests.support.heads import assert_equal_at_tokens, load_both, their_output
from tests.support.oracles import make_model, random_batch
from tests.support.stored_weights import Arrays, rewritten


def test_every_head_of_transformers_is_known() -> None:
    """A part that is not listed would be reported as foreign to DistilBERT."""
    config = transformers.DistilBertConfig(vocab_size=7, dim=4, n_heads=1, n_layers=1)
    listed = {part for kind in HEAD_KINDS for part in kind.parts}
    for name in (
        "ForMaskedLM",
        "ForMultipleChoice",
        "ForQuestionAnswering",
        "ForSequenceClassification",
        "ForTokenClassification",
    ):
        theirs = getattr(transformers, f"DistilBert{name}")(config)
        parts = {name.split(".")[0] for name in theirs.state_dict()} - {"distilbert"}
        assert parts <= listed


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("stored", [True, False])
def test_tied_and_untied_projectors(tmp_path: Path, tied: bool, stored: bool) -> None:
    """A projector in the file wins; else the word embeddings serve, if config.json allows it."""
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
    model, oracle = load_both("ForMaskedLM", folder)
    ids, mask = random_batch(np.random.default_rng(1), 97, [3, 6])
    inputs: Arrays = {"input_ids": ids, "attention_mask": mask}
    assert_equal_at_tokens(
        "logits", model(**inputs).logits, their_output(oracle, inputs)["logits"], mask
    )
