"""The modules that are mutated, and the tests that should notice."""

from __future__ import annotations

from typing import Final

_PIPELINES: Final = "tests/pipelines"

TARGETS: Final[dict[str, tuple[str, ...]]] = {
    "distilbert/model.py": (
        "tests/distilbert/test_model.py",
        "tests/distilbert/test_tree.py",
        "tests/models/test_heads_parity.py",
    ),
    "distilbert/activations.py": ("tests/distilbert/test_activations.py",),
    "distilbert/packs.py": ("tests/distilbert/test_packs.py", "tests/distilbert/test_threads.py"),
    "models/padding.py": (
        "tests/models/test_padding.py",
        "tests/models/test_base.py",
        "tests/models/test_heads_parity.py",
    ),
    "checkpoints/weights.py": (
        "tests/checkpoints/test_weights.py",
        "tests/checkpoints/test_weights_parity.py",
        "tests/checkpoints/test_weight_files.py",
        *(
            f"tests/checkpoints/test_tensor_names.py::test_{name}"
            for name in (
                "at_most_ten_tensors_are_named",
                "adapters_beside_a_whole_model_are_named",
                "pruned_heads",
                "other_faults_are_not_taken_for_pruned_heads",
                "other_sizes_are_not_taken_for_pruned_heads",
            )
        ),
        "tests/checkpoints/test_mapped_files.py::TestLoading",
        "tests/checkpoints/test_mapped_files.py::test_a_file_of_float16_may_change",
        "tests/models/test_base_saving.py",
        "tests/checkpoints/test_parameters.py",
        "tests/checkpoints/test_parameters_parity.py",
    ),
    "tokenization/vocabulary.py": (
        "tests/tokenization/test_vocabulary_parity.py",
        "tests/tokenization/test_special_tokens_parity.py",
        "tests/tokenization/test_tokenizer.py::test_ids_that_are_none",
    ),
    "pipelines/text_classification.py": (
        f"{_PIPELINES}/test_text_classification.py",
        f"{_PIPELINES}/test_options.py",
        f"{_PIPELINES}/test_text_classification_parity.py",
    ),
    "pipelines/token_classification.py": (
        f"{_PIPELINES}/test_token_classification.py",
        f"{_PIPELINES}/test_token_classification_parity.py",
    ),
    "pipelines/fill_mask.py": (
        f"{_PIPELINES}/test_fill_mask.py",
        f"{_PIPELINES}/test_fill_mask_parity.py",
    ),
    "pipelines/question_answering.py": (
        f"{_PIPELINES}/test_question_answering.py",
        f"{_PIPELINES}/test_question_answering_parity.py",
    ),
    "pipelines/zero_shot_classification.py": (
        f"{_PIPELINES}/test_zero_shot_classification.py",
        f"{_PIPELINES}/test_zero_shot_classification_parity.py",
    ),
    "pipelines/feature_extraction.py": (f"{_PIPELINES}/test_feature_extraction_parity.py",),
}
