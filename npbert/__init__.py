"""DistilBERT in pure NumPy.

    >>> import npbert
    >>> npbert.classify("I love this film.", model="mini")

The public names are loaded when they are first used, so ``import npbert`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from npbert.auto import AutoModel as AutoModel
    from npbert.auto import AutoModelForCausalLM as AutoModelForCausalLM
    from npbert.auto import AutoModelForMaskedLM as AutoModelForMaskedLM
    from npbert.auto import AutoModelForMultipleChoice as AutoModelForMultipleChoice
    from npbert.auto import AutoModelForQuestionAnswering as AutoModelForQuestionAnswering
    from npbert.auto import AutoModelForSequenceClassification as AutoModelForSequenceClassification
    from npbert.auto import AutoModelForTokenClassification as AutoModelForTokenClassification
    from npbert.auto import DistilBertForMaskedLM as DistilBertForMaskedLM
    from npbert.auto import DistilBertForMultipleChoice as DistilBertForMultipleChoice
    from npbert.auto import DistilBertForQuestionAnswering as DistilBertForQuestionAnswering
    from npbert.auto import (
        DistilBertForSequenceClassification as DistilBertForSequenceClassification,
    )
    from npbert.auto import DistilBertForTokenClassification as DistilBertForTokenClassification
    from npbert.auto import DistilBertModel as DistilBertModel
    from npbert.config import AutoConfig as AutoConfig
    from npbert.config import DistilBertConfig as DistilBertConfig
    from npbert.encoding import BatchEncoding as BatchEncoding
    from npbert.outputs import softmax as softmax
    from npbert.pipelines import classify as classify
    from npbert.pipelines import pipeline as pipeline
    from npbert.pipelines.feature_extraction import (
        FeatureExtractionPipeline as FeatureExtractionPipeline,
    )
    from npbert.pipelines.fill_mask import FillMaskPipeline as FillMaskPipeline
    from npbert.pipelines.question_answering import (
        QuestionAnsweringPipeline as QuestionAnsweringPipeline,
    )
    from npbert.pipelines.text_classification import (
        TextClassificationPipeline as TextClassificationPipeline,
    )
    from npbert.pipelines.token_classification import (
        TokenClassificationPipeline as TokenClassificationPipeline,
    )
    from npbert.pipelines.zero_shot_classification import (
        ZeroShotClassificationPipeline as ZeroShotClassificationPipeline,
    )
    from npbert.safetensors_files import CheckpointError as CheckpointError
    from npbert.tokenizer import AutoTokenizer as AutoTokenizer
    from npbert.tokenizer import DistilBertTokenizer as DistilBertTokenizer
    from npbert.tokenizer import DistilBertTokenizerFast as DistilBertTokenizerFast

_MODULES = {
    "AutoConfig": "npbert.config",
    "AutoModel": "npbert.auto",
    "AutoModelForCausalLM": "npbert.auto",
    "AutoModelForMaskedLM": "npbert.auto",
    "AutoModelForMultipleChoice": "npbert.auto",
    "AutoModelForQuestionAnswering": "npbert.auto",
    "AutoModelForSequenceClassification": "npbert.auto",
    "AutoModelForTokenClassification": "npbert.auto",
    "AutoTokenizer": "npbert.tokenizer",
    "BatchEncoding": "npbert.encoding",
    "CheckpointError": "npbert.safetensors_files",
    "DistilBertConfig": "npbert.config",
    "DistilBertForMaskedLM": "npbert.auto",
    "DistilBertForMultipleChoice": "npbert.auto",
    "DistilBertForQuestionAnswering": "npbert.auto",
    "DistilBertForSequenceClassification": "npbert.auto",
    "DistilBertForTokenClassification": "npbert.auto",
    "DistilBertModel": "npbert.auto",
    "DistilBertTokenizer": "npbert.tokenizer",
    "DistilBertTokenizerFast": "npbert.tokenizer",
    "FeatureExtractionPipeline": "npbert.pipelines.feature_extraction",
    "FillMaskPipeline": "npbert.pipelines.fill_mask",
    "QuestionAnsweringPipeline": "npbert.pipelines.question_answering",
    "TextClassificationPipeline": "npbert.pipelines.text_classification",
    "TokenClassificationPipeline": "npbert.pipelines.token_classification",
    "ZeroShotClassificationPipeline": "npbert.pipelines.zero_shot_classification",
    "classify": "npbert.pipelines",
    "pipeline": "npbert.pipelines",
    "softmax": "npbert.outputs",
}

__all__ = ["__version__", *_MODULES]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # 19 ms to import, a tenth of a cold start

        return version("npbert")
    if name not in _MODULES:
        raise AttributeError(f"module 'npbert' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
