"""A function of AWS Lambda that labels texts, behind a function URL or the API Gateway.

`build.py` beside this file makes the zip file: this handler, npbert, what it needs, and the model.

    POST {"inputs": "I love this film."}     [{"label": "POSITIVE", "score": 0.9988}]
    POST {"inputs": ["one", "another"]}      a list of as many labels
    anything else                            a status of 4xx and {"error": "what is wrong"}
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import npbert

MODEL: Final = Path(__file__).with_name("model")
MOST_TEXTS: Final = 32  # of one request
MOST_BYTES: Final = 200_000  # of the body of one request

# The model is loaded while the function starts, and not by the first request.
classifier = npbert.pipeline("text-classification", MODEL, long_text="truncate")


class RefusedError(Exception):
    """A request that is answered with an error, which is the fault of the client."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


def handle(event: Mapping[str, Any], _context: object = None) -> dict[str, Any]:
    """Answer one request.

    Parameters
    ----------
    event : dict
        The request, in the format 1.0 or 2.0 of the API Gateway; function URLs have 2.0.
    """
    try:
        return _answer(HTTPStatus.OK, _label(_read_texts(event)))
    except RefusedError as refused:
        return _answer(refused.status, {"error": str(refused)})


def _label(texts: list[str]) -> list[npbert.LabelScore]:
    return classifier(texts)


def _read_texts(event: Mapping[str, Any]) -> list[str]:
    """Return the texts of a request, or raise a RefusedError."""
    in_format_2 = event.get("requestContext", {}).get("http", {})
    method = in_format_2.get("method") or event.get("httpMethod")
    if method != "POST":
        raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, f"the method is {method}, expected POST")
    body = _read_body(event)
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"the body is not JSON: {error}") from error
    inputs = request.get("inputs") if isinstance(request, dict) else None
    texts = [inputs] if isinstance(inputs, str) else inputs
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise RefusedError(
            HTTPStatus.UNPROCESSABLE_ENTITY, 'expected {"inputs": a text, or a list of texts}'
        )
    if len(texts) > MOST_TEXTS:
        raise RefusedError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"there are {len(texts)} texts, expected at most {MOST_TEXTS}",
        )
    return texts


def _read_body(event: Mapping[str, Any]) -> bytes:
    body = (event.get("body") or "").encode(errors="surrogatepass")
    if event.get("isBase64Encoded"):
        try:
            body = base64.b64decode(body, validate=True)
        except binascii.Error as error:
            raise RefusedError(
                HTTPStatus.BAD_REQUEST, f"the body is not base64: {error}"
            ) from error
    if len(body) > MOST_BYTES:
        raise RefusedError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the body has {len(body)} bytes, expected at most {MOST_BYTES}",
        )
    return body


def _answer(status: HTTPStatus, content: object) -> dict[str, Any]:
    return {
        "statusCode": status.value,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(content),
    }
