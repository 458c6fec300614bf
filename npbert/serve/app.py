"""The application: from an HTTP request to its answer."""

from __future__ import annotations

import hashlib
import hmac
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from npbert.checkpoints.safetensors_files import CheckpointError
from npbert.distilbert.combining import ClientLeftError
from npbert.messages import harmless
from npbert.pipelines.base import TooLongError
from npbert.serve.bodies import Bodies, parse_body, to_json
from npbert.serve.calls import Calls
from npbert.serve.endpoints import (
    HEALTH,
    INFO,
    LOOKUPS,
    METRICS,
    OPENAPI,
    Endpoint,
    endpoints_for,
)
from npbert.serve.errors import RequestError
from npbert.serve.metrics import CONTENT_TYPE, Metrics
from npbert.serve.openapi import document
from npbert.serve.page import page_files
from npbert.serve.service import Service

Answer = Callable[[Request], Awaitable[Response]]

_CLIENT_LEFT: Final = 499  # as nginx reports it; nobody gets this answer
_JSON: Final = "application/json"
_MODEL_HAS_CHANGED: Final = (
    "the files of the model have changed while it was served; start the service again, and replace "
    "a model by renaming a new folder, never by writing into its files"
)
_SHOWN_PATH: Final = 100  # the most characters of a wrong path in a message


def make_app(service: Service) -> Starlette:
    """Make the application of a service.

    Parameters
    ----------
    service : Service

    Returns
    -------
    Starlette
        An ASGI application. It needs no startup, and `app.state.calls` is what is being computed.
    """
    return _Application(service).starlette()


class _Application:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._metrics = Metrics()
        self._bodies = Bodies(service.settings.limits)
        self._calls = Calls(service.settings.limits, self._metrics)
        self._endpoints = endpoints_for(service.pipeline.task)
        self._openapi = to_json(document(service, self._endpoints))
        key = service.settings.api_key
        self._key_digest = None if key is None else _digest(key)
        service.pipeline.pack_watcher = self._metrics.watch_pack

    def starlette(self) -> Starlette:
        """Return the application with all routes."""
        methods: dict[str, dict[str, Answer]] = {}  # by path
        for path, file in page_files().items():
            methods[path] = {"GET": self._get(file.response, needs_key=False)}
        for path, answer in (
            (HEALTH, self._health),
            (INFO, self._info),
            (METRICS, self._exposition),
            (OPENAPI, self._document),
        ):
            methods[path] = {"GET": self._get(answer, LOOKUPS[path].needs_key)}
        for endpoint in self._endpoints:
            methods.setdefault(endpoint.path, {})["POST"] = self._post(endpoint)
        routes = [_route(path, by_method) for path, by_method in methods.items()]
        app = Starlette(routes=routes, exception_handlers={HTTPException: self._no_such_route})
        app.router.redirect_slashes = False  # a path that does not exist is an error
        app.state.calls = self._calls
        app.state.limits = self._service.settings.limits
        return app

    # ------------------------------------------------------------------------------- the answers

    def _health(self, _request: Request) -> Response:
        try:
            self._service.pipeline.model.files.require_unchanged()
        except CheckpointError:
            raise RequestError(503, _MODEL_HAS_CHANGED, "Unhealthy") from None
        return Response(b"{}", media_type=_JSON)

    def _info(self, _request: Request) -> Response:
        return Response(to_json(self._service.info()), media_type=_JSON)

    def _document(self, _request: Request) -> Response:
        return Response(self._openapi, media_type=_JSON)

    def _exposition(self, _request: Request) -> Response:
        return Response(self._metrics.exposition(), headers={"content-type": CONTENT_TYPE})

    def _get(self, answer: Callable[[Request], Response], needs_key: bool) -> Answer:
        """Return a handler that answers from memory."""

        async def handle(request: Request) -> Response:
            if needs_key:
                self._check_key(request)
            return answer(request)

        return self._counted(handle)

    def _post(self, endpoint: Endpoint) -> Answer:
        """Return a handler that computes its answer on a thread."""

        async def handle(request: Request) -> Response:
            self._check_key(request)
            async with self._bodies.read(request) as body:
                self._calls.admit()

                def work() -> bytes:
                    return to_json(
                        endpoint.function(self._service, parse_body(body, endpoint.request))
                    )

                return Response(await self._calls.run(request, work), media_type=_JSON)

        return self._counted(handle)

    async def _no_such_route(self, request: Request, error: Exception) -> Response:
        """Answer a request for a path or a method that does not exist."""
        exception = cast("HTTPException", error)  # Starlette calls this for no others
        path = harmless(request.url.path[:_SHOWN_PATH])
        if exception.status_code == 405:
            allowed = (exception.headers or {}).get("Allow", "")
            what = f"{path} does not take {request.method}, but {allowed}"
        else:
            what = f"there is no {path}; {OPENAPI} lists all paths"
        # Such paths are counted under one name, because each name takes memory for ever.
        self._metrics.requests.labels("", "", str(exception.status_code)).inc()
        return _error_response(RequestError(exception.status_code, what, headers=exception.headers))

    def _check_key(self, request: Request) -> None:
        if self._key_digest is None:
            return
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        # Digests have one length, so the comparison takes the same time for every key.
        if kind.lower() != "bearer" or not hmac.compare_digest(_digest(key), self._key_digest):
            raise RequestError(
                401,
                "the API key is missing or wrong; send the header Authorization: Bearer KEY",
                headers={"www-authenticate": "Bearer"},
            )

    # ------------------------------------------------------------------------- around all answers

    def _counted(self, handle: Answer) -> Answer:
        """Return a handler that turns exceptions into answers, and takes note of all of them."""

        async def answer(request: Request) -> Response:
            began = time.perf_counter()
            try:
                response = await handle(request)
            except ClientLeftError:
                self._metrics.left.inc()
                response = Response(status_code=_CLIENT_LEFT)
            except RequestError as error:
                response = _error_response(error)
            except Exception as error:
                response = _error_response(_error_for(error, request))
            seconds = time.perf_counter() - began
            path = request.scope["path"]
            self._metrics.requests.labels(request.method, path, str(response.status_code)).inc()
            self._metrics.seconds.labels(path).observe(seconds)
            if self._service.settings.logs_requests:
                line = f"{request.method} {path} {response.status_code} {seconds * 1000:.1f} ms"
                print(line, file=sys.stderr)
            return response

        return answer


def _route(path: str, by_method: Mapping[str, Answer]) -> Route:
    async def answer(request: Request) -> Response:
        return await by_method["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, answer, methods=[*by_method])


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogateescape")).digest()


def _error_response(error: RequestError) -> Response:
    body = to_json(error.answer)
    return Response(body, error.status, headers=error.headers, media_type=_JSON)


def _error_for(error: Exception, request: Request) -> RequestError:
    """Return the answer for an exception of the pipeline."""
    if isinstance(error, TooLongError):
        advice = 'send "truncate": true to /predict, or start the service with --long-text truncate'
        return RequestError(413, f"{error.problem}; {advice}")
    if isinstance(error, CheckpointError):  # it names files of the service, and no text
        print(f"npbert: error: {harmless(str(error))}", file=sys.stderr)
        return RequestError(500, "the model cannot be used; the log says why", "Backend")
    if isinstance(error, (TypeError, ValueError)):
        return RequestError(422, str(error))
    # The message of an unexpected error may quote the text, so the log has its place alone.
    frames = traceback.extract_tb(error.__traceback__)[-1:]
    place = "".join(f"{frame.filename}:{frame.lineno}" for frame in frames)
    print(
        f"npbert: error: {type(error).__name__} at {place}, "
        f"in answer to {request.method} {request.scope['path']}",
        file=sys.stderr,
    )
    return RequestError(500, "the service failed; its log says where", "Backend")
