"""A FastAPI application that labels texts with `classify`, for a service that has more to do.

    pip install . fastapi uvicorn
    uvicorn --app-dir examples/fastapi_app app:app

The route is an ordinary function, not a coroutine, so FastAPI calls it on a thread of its own for
every request. Callers that wait for the model at the same time are computed together by npbert.
Where an HTTP service around a model is all that you need, use `npbert serve`.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final

from fastapi import FastAPI
from pydantic import BaseModel, Field

import npbert

MODEL: Final = os.environ.get("MODEL", "mini")


class Review(BaseModel):
    """What a client sends."""

    text: Annotated[str, Field(min_length=1, max_length=10_000)]


class Verdict(BaseModel):
    """What a client gets."""

    label: str
    score: float


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Load the model before the first request comes."""
    npbert.classify("", MODEL)
    yield


app = FastAPI(title="Reviews", version=npbert.__version__, lifespan=lifespan)


@app.post("/reviews")
def label_review(review: Review) -> Verdict:
    """Label one review; of a very long one, the beginning."""
    (best,) = npbert.classify(review.text, MODEL, long_text="truncate")
    return Verdict(**best)
