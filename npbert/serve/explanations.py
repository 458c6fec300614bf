"""Answers that show how a model came to its label, for the page and for others."""

from __future__ import annotations

from typing import Final, cast

from npbert.explanations.explain import explain
from npbert.explanations.results import ExplanationDict
from npbert.pipelines.factory import TextClassifier
from npbert.serve.errors import RequestError
from npbert.serve.schemas import ExplainRequest
from npbert.serve.service import Service

_MOST_TOKENS_WITH_ATTENTION: Final = 128  # with base size, the answer has 1.2 million numbers


def explain_text(service: Service, request: ExplainRequest) -> ExplanationDict:
    """Show which words of a text made its label."""
    wishes = request.parameters
    if wishes.attention:
        n_tokens = len(service.pipeline.tokenizer(request.inputs)["input_ids"])
        if n_tokens > _MOST_TOKENS_WITH_ATTENTION:
            raise RequestError(
                413,
                f"the text has {n_tokens} tokens, expected at most {_MOST_TOKENS_WITH_ATTENTION} "
                "with attention, whose size grows with the square of the length",
            )
    return explain(
        request.inputs,
        cast("TextClassifier", service.pipeline),
        label=wishes.label,
        method=wishes.method,
        unit=wishes.unit,
        steps=wishes.steps,
        attention=wishes.attention,
    ).to_dict()
