"""The OpenAPI document, which says what the service takes and gives."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from npbert import __version__
from npbert.serve.endpoints import Endpoint
from npbert.serve.errors import ErrorAnswer
from npbert.serve.schemas import Info
from npbert.serve.service import Service

_REF: Final = "#/components/schemas/{name}"
_POST_ERRORS: Final = {
    400: "The body is not JSON, or there is nothing to do",
    408: "The body came too slowly",
    413: "The body, the batch or a text is too long",
    415: "The content type is not application/json",
    422: "The JSON is not what is expected, or a text cannot be used",
    429: "There are too many requests; the header Retry-After says when to try again",
    500: "The service failed",
}
_GETS: Final = {
    "/": ("The page for browsers", "text/html"),
    "/health": ("Whether the service is alive and ready", "application/json"),
    "/info": ("What is served", "application/json"),
    "/metrics": ("The metrics for Prometheus", "text/plain"),
    "/openapi.json": ("This document", "application/json"),
}
_NEED_NO_KEY: Final = ("/", "/health")


def document(service: Service, endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the OpenAPI document of a service.

    Parameters
    ----------
    service : Service
    endpoints : sequence of Endpoint
        What it answers to POST.

    Returns
    -------
    dict
        As JSON has it.
    """
    types = [kind for one in endpoints for kind in (one.request, *one.answers)]
    schemas, components = msgspec.json.schema_components(
        [Info, ErrorAnswer, *types], ref_template=_REF
    )
    info, error = schemas[:2]
    of_endpoints = iter(schemas[2:])
    has_key = service.settings.api_key is not None
    paths: dict[str, dict[str, Any]] = {}
    for path, (summary, media_type) in _GETS.items():
        schema = info if path == "/info" else {}
        answers = {"200": _content("The answer", media_type, schema)}
        if has_key and path not in _NEED_NO_KEY:
            answers["401"] = _content("The API key is missing or wrong", None, error)
        paths[path] = {"get": {"summary": summary, "responses": answers}}
        if path in _NEED_NO_KEY:
            paths[path]["get"]["security"] = []
    for endpoint in endpoints:
        request, *shapes = itertools.islice(of_endpoints, 1 + len(endpoint.answers))
        errors = {**({401: "The API key is missing or wrong"} if has_key else {}), **_POST_ERRORS}
        paths.setdefault(endpoint.path, {})["post"] = {
            "summary": endpoint.summary,
            "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
            "responses": {
                "200": _content("The answer", None, {"anyOf": shapes}),
                **{str(status): _content(what, None, error) for status, what in errors.items()},
            },
        }
    key = {"type": "http", "scheme": "bearer"}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "npbert",
            "version": __version__,
            "description": f"{service.pipeline.task} with {service.name}",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            **({"securitySchemes": {"key": key}} if has_key else {}),
        },
        **({"security": [{"key": []}]} if has_key else {}),
    }


def _content(description: str, media_type: str | None, schema: object) -> dict[str, Any]:
    return {
        "description": description,
        "content": {media_type or "application/json": {"schema": schema}},
    }
