"""The modules that are mutated, and the tests that should notice."""

from __future__ import annotations

from typing import Final

_OF_PIPELINES: Final = "tests/scripts/differential"

TARGETS: Final[dict[str, tuple[str, ...]]] = {
    "distilbert/model.py": ("tests/distilbert/test_model.py",),
    "distilbert/activations.py": ("tests/distilbert/test_activations.py",),
    "distilbert/packs.py": ("tests/distilbert/test_packs.py",),
    "models/padding.py": ("tests/models/test_padding.py",),
    "checkpoints/weights.py": ("tests/checkpoints/test_weights.py",),
    "tokenization/vocabulary.py": ("tests/tokenization/test_vocabulary_parity.py",),
    "pipelines/text_classification.py": ("tests/pipelines/test_text_classification.py",),
    "pipelines/token_classification.py": ("tests/pipelines/test_token_classification_parity.py",),
    "pipelines/fill_mask.py": ("tests/pipelines/test_fill_mask.py",),
    "pipelines/question_answering.py": ("tests/pipelines/test_question_answering.py",),
    "pipelines/zero_shot_classification.py": ("tests/pipelines/test_zero_shot_classification.py",),
    "pipelines/feature_extraction.py": ("tests/pipelines/test_feature_extraction_parity.py",),
}
