"""Answers that show how a model came to its label, for the page and for others."""

from __future__ import annotations

from typing import Final, cast

from npbert.explanations.attention import HeadAttentionDict, look_through_head
from npbert.explanations.explain import explain
from npbert.explanations.results import ExplanationDict
from npbert.explanations.what_if import Changes, WhatIfDict, what_if
from npbert.pipelines.factory import TextClassifier
from npbert.serve.errors import RequestError
from npbert.serve.schemas import AttentionRequest, ExplainRequest, WhatIfRequest
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
        _classifier_of(service),
        label=wishes.label,
        method=wishes.method,
        unit=wishes.unit,
        steps=wishes.steps,
        attention=wishes.attention,
    ).to_dict()


def show_attention(service: Service, request: AttentionRequest) -> HeadAttentionDict:
    """Show where the tokens of a text look, by one head."""
    wishes = request.parameters
    return look_through_head(
        _classifier_of(service), request.inputs, wishes.layer, wishes.head
    ).to_dict()


def change_model(service: Service, request: WhatIfRequest) -> WhatIfDict:
    """Label a text with the model, and with a changed copy of it."""
    wishes = request.changes
    changes = Changes(
        positions=wishes.positions,
        without_layers=tuple(wishes.without_layers),
        activation=wishes.activation,
        scale=wishes.scale,
    )
    return what_if(_classifier_of(service), request.inputs, changes).to_dict()


def _classifier_of(service: Service) -> TextClassifier:
    """Return the pipeline, which labels texts: these answers are offered for no other task."""
    return cast("TextClassifier", service.pipeline)
