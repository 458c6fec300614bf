"""Answers of the service that are errors: their statuses, and their JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

ErrorType = Literal["Unhealthy", "Backend", "Overloaded", "Validation", "Tokenizer", "Empty"]

RETRY_LATER: Final = {"retry-after": "1"}  # headers; the number is one of seconds


class ErrorAnswer(msgspec.Struct):
    """The body of every error, as text-embeddings-inference has it.

    Attributes
    ----------
    error : str
        What is wrong, and what to do, in one sentence.
    error_type : str
        "Validation" if the request is wrong, "Tokenizer" if its texts cannot be used, "Empty" if
        there is nothing to do, "Overloaded" if there are too many requests, "Unhealthy" if the
        service is ending, and "Backend" if the fault is on its side.
    """

    error: str
    error_type: ErrorType


class RequestError(Exception):
    """A request is not answered.

    Parameters
    ----------
    status : int
        The HTTP status.
    message : str
    error_type : str
        As in `ErrorAnswer`.
    headers : mapping, optional
        Headers of the answer, besides those that every answer has.
    """

    def __init__(
        self,
        status: int,
        message: str,
        error_type: ErrorType = "Validation",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.answer = ErrorAnswer(message, error_type)
        self.headers = dict(headers or {})
