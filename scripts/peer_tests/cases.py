"""The test cases: the tests of transformers, applied to the stand-ins for DistilBERT."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import unittest
from pathlib import Path
from typing import Any

import transformers

from peer_tests.stand_ins import (
    HEADS,
    PIPELINES,
    DistilBertTokenizer,
    make_model_class,
    make_pipeline_class,
)

VOCAB = Path(__file__).parents[2] / "tests" / "data" / "vocab.txt"  # of bert-base-uncased
TASKS = {
    "feature-extraction": "DistilBertModel",
    "fill-mask": "DistilBertForMaskedLM",
    "text-classification": "DistilBertForSequenceClassification",
    "token-classification": "DistilBertForTokenClassification",
    "zero-shot": "DistilBertForSequenceClassification",
}
BATCH, LENGTH, CHOICES = 13, 7, 4  # the shape of the inputs that the tests of models use
SIZES = {"vocab_size": 99, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 37}


def make_cases(root: Path, folder: Path) -> list[type[unittest.TestCase]]:
    """Make the test cases from the modules in ``root/tests``; `folder` is for their files."""
    models = {name: make_model_class(name) for name in HEADS}
    cases = [*_tokenizer_cases(folder / "tokenizer"), _model_case(models)]
    if (root / "tests" / "pipelines").is_dir():
        cases.append(_pipeline_case(models, folder / "models"))
    else:
        print("The tests of pipelines are left out, because a source distribution lacks them.")
    return cases


def _tokenizer_cases(folder: Path) -> list[type[unittest.TestCase]]:
    common = importlib.import_module("tests.test_tokenization_common")
    # The tests ask this of a tokenizer to know whether it is a fast one.
    common.TokenizersBackend = DistilBertTokenizer  # type: ignore[attr-defined]
    _save_tokenizer(folder)
    attributes = {
        "tokenizer_class": DistilBertTokenizer,
        "rust_tokenizer_class": DistilBertTokenizer,
        "from_pretrained_id": str(folder),
    }
    return [
        _case("Tokenizer", common.TokenizerTesterMixin, attributes),
        _case("TokenizerBackend", common.TokenizersBackendTesterMixin, attributes),
    ]


def _model_case(models: dict[str, Any]) -> type[unittest.TestCase]:
    common = importlib.import_module("tests.test_modeling_common")
    mixin: Any = common.ModelTesterMixin
    # It would change the epsilon of LayerNorm in a model that is made, which no file records.
    common.set_model_for_less_flaky_test = lambda _: None  # type: ignore[attr-defined]

    class ModelTester:
        """The sizes, the config and the inputs, under the names that the tests ask for."""

        batch_size, seq_length, num_choices = BATCH, LENGTH, CHOICES
        hidden_size, num_hidden_layers = SIZES["dim"], SIZES["n_layers"]
        num_attention_heads = SIZES["n_heads"]
        is_training = False

        def get_config(self) -> Any:
            return transformers.DistilBertConfig(**SIZES)

        def prepare_config_and_inputs_for_common(self) -> Any:
            inputs = {
                "input_ids": common.ids_tensor([BATCH, LENGTH], SIZES["vocab_size"]),
                "attention_mask": common.random_attention_mask([BATCH, LENGTH]),
            }
            return self.get_config(), inputs

    def prepare(case: Any, inputs: Any, model_class: Any, **_: bool) -> Any:
        # npbert computes no loss. Without labels, the tests can look at everything else.
        return mixin._prepare_for_class(case, inputs, model_class)

    attributes = {
        "all_model_classes": tuple(models.values()),
        "model_tester": ModelTester(),
        "_prepare_for_class": prepare,
    }
    return _case("Model", mixin, attributes)


def _pipeline_case(models: dict[str, Any], folder: Path) -> type[unittest.TestCase]:
    """Make the case of the pipelines, and a small model with a tokenizer for each task."""
    summary = {
        name: {"tokenizer_classes": ["DistilBertTokenizer"], "processor_classes": []}
        for name in models
    }
    (folder / "reports").mkdir(parents=True)
    (folder / "reports" / "tiny_model_summary.json").write_text(json.dumps(summary))
    for name in set(TASKS.values()):
        made = folder / "distilbert" / name
        config = transformers.DistilBertConfig(**SIZES | {"vocab_size": 30522})
        getattr(transformers, name)(config).save_pretrained(made)
        _save_tokenizer(made)
    os.environ["TRANSFORMERS_TINY_MODEL_PATH"] = str(folder)
    mixin = importlib.import_module("tests.test_pipeline_mixin").PipelineTesterMixin
    transformers.DistilBertTokenizer = DistilBertTokenizer
    transformers.pipelines.PipelineException = ValueError  # npbert has no class of its own
    for name in PIPELINES:
        setattr(transformers, name, make_pipeline_class(name))
    mapping = {task: models[name] for task, name in TASKS.items()}
    return _case("Pipeline", mixin, {"pipeline_model_mapping": mapping})


def _case(name: str, mixin: Any, attributes: dict[str, Any]) -> type[unittest.TestCase]:
    return type(name, (mixin, unittest.TestCase), attributes)


def _save_tokenizer(folder: Path) -> None:
    """Let transformers write the files of a tokenizer, as it writes them today."""
    folder.mkdir(exist_ok=True)
    shutil.copy(VOCAB, folder)
    settings = {"model_max_length": 512, "tokenizer_class": "DistilBertTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    transformers.AutoTokenizer.from_pretrained(folder).save_pretrained(folder)
