"""The OpenAPI document, which says what the service takes and gives."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from npbert import __version__
from npbert.serve.endpoints import INFO, LOOKUPS, Endpoint
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
    no_key = {401: "The API key is missing or wrong"} if has_key else {}
    refused = _refusals(no_key, error)
    paths: dict[str, dict[str, Any]] = {}
    for path, lookup in LOOKUPS.items():
        schema = info if path == INFO else {}
        answers = {"200": _content("The answer", schema, lookup.media_type)}
        paths[path] = {"get": {"summary": lookup.summary, "responses": answers}}
        if lookup.needs_key:
            answers |= refused
        else:
            paths[path]["get"]["security"] = []
    refused |= _refusals(_POST_ERRORS, error)
    for endpoint in endpoints:
        request, *shapes = itertools.islice(of_endpoints, 1 + len(endpoint.answers))
        paths.setdefault(endpoint.path, {})["post"] = {
            "summary": endpoint.summary,
            "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
            "responses": {"200": _content("The answer", {"anyOf": shapes}), **refused},
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


def _refusals(statuses: Mapping[int, str], error: object) -> dict[str, Any]:
    """Return the answers with some statuses, whose bodies have the schema of an error."""
    return {str(status): _content(what, error) for status, what in statuses.items()}


def _content(
    description: str, schema: object, media_type: str = "application/json"
) -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": schema}}}
