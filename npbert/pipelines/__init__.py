"""Texts in, results out: one pipeline per task, and the functions that make and call pipelines."""

from npbert.pipelines.cached import classify as classify
from npbert.pipelines.factory import pipeline as pipeline
from npbert.pipelines.text_classification import (
    TextClassificationPipeline as TextClassificationPipeline,
)
