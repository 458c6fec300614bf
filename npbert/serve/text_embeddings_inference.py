"""Answers in the shapes of Hugging Face's text-embeddings-inference."""

from __future__ import annotations

from collections.abc import Sequence

from npbert.pipelines.results import LabelScore
from npbert.serve.errors import RequestError
from npbert.serve.schemas import Prediction, PredictRequest, Token, TokenizeRequest
from npbert.serve.service import Service


def predict(service: Service, request: PredictRequest) -> list[Prediction] | list[list[Prediction]]:
    """Label texts: all labels of a text, best first, or a list of these for a batch."""
    sequences, is_batch = _sequences(request.inputs)
    options: dict[str, object] = {"top_k": None}
    if request.raw_scores:
        options["function_to_apply"] = "none"
    results: list[list[LabelScore]] = service.results(
        sequences, options, request.truncate, request.truncation_direction
    )
    answers = [
        [Prediction(one["score"], str(one["label"])) for one in of_sequence]
        for of_sequence in results
    ]
    return answers if is_batch else answers[0]


def _sequences(
    inputs: str | list[str | list[str]],
) -> tuple[Sequence[str | dict[str, str]], bool]:
    """Return the texts and pairs in the form of the pipeline, and whether they are a batch."""
    if isinstance(inputs, str):
        return [inputs], False
    if inputs and isinstance(inputs[0], str):
        return [_sequence(inputs, "inputs")], False
    return [_sequence(one, f"inputs[{number}]") for number, one in enumerate(inputs)], True


def _sequence(texts: str | Sequence[str | list[str]], where: str) -> str | dict[str, str]:
    """Return a list of one or two texts in the form of the pipeline."""
    match texts:
        case [str() as text]:
            return text
        case [str() as text, str() as text_pair]:
            return {"text": text, "text_pair": text_pair}
    got = "a text" if isinstance(texts, str) else f"a list of {len(texts)} items"
    raise RequestError(
        422,
        f"{where} is {got}, expected one text or two texts in a list; a batch is a list of such "
        'lists: [["one text"], ["a text", "and its pair"]]',
    )


def tokenize(service: Service, request: TokenizeRequest) -> list[list[Token]]:
    """Split texts into tokens."""
    texts = [request.inputs] if isinstance(request.inputs, str) else request.inputs
    service.check_batch(texts)
    encoded = service.pipeline.tokenizer(
        texts,
        add_special_tokens=request.add_special_tokens,
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
    )
    n_tokens = sum(map(len, encoded["input_ids"]))
    most = service.settings.limits.max_request_tokens
    if n_tokens > most:
        raise RequestError(413, f"the texts have {n_tokens:,} tokens, expected at most {most:,}")
    return [
        [
            Token(token_id, token, bool(special), *((None, None) if special else place))
            for token_id, token, special, place in zip(
                encoded["input_ids"][number],
                encoded.tokens(number),
                encoded["special_tokens_mask"][number],
                encoded["offset_mapping"][number],
                strict=True,
            )
        ]
        for number in range(len(texts))
    ]
