"""The processes that serve, from their start to their end."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import uvicorn
from starlette.applications import Starlette
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from npbert.distilbert.cpus import default_threads
from npbert.messages import harmless
from npbert.serve.app import make_app
from npbert.serve.metrics import SHARED_FOLDER
from npbert.serve.protocol import GuardedProtocol
from npbert.serve.service import Service
from npbert.serve.settings import Settings

_BACKLOG: Final = 2048
_KEEP_ALIVE_S: Final = 75  # longer than the load balancers of the large clouds, which have 60


def serve(settings: Settings) -> None:
    """Serve until a signal says to stop, and finish what was taken on.

    Raises
    ------
    OSError
        If the address cannot be used, or the model cannot be found or fetched.
    ValueError
        If the model's files or an option cannot be used.
    """
    with bound_socket(settings.host, settings.port) as listener:
        service = _load(settings)
        address = f"http://{_shown(settings.host)}:{listener.getsockname()[1]}"
        listener.listen(_BACKLOG)
        print(
            f"npbert: serving {harmless(service.name)} ({service.pipeline.task}) on {address}",
            file=sys.stderr,
            flush=True,
        )
        if settings.n_workers == 1:
            _serve_here(settings, make_app(service), listener)
        else:
            del service  # it was loaded to see that it can be: each process loads its own
            _serve_in_processes(settings, listener)


def _serve_here(settings: Settings, app: Starlette, listener: socket.socket) -> None:
    server = uvicorn.Server(uvicorn_config(settings, app))
    try:
        server.run(sockets=[listener])
    except (KeyboardInterrupt, SystemExit):
        # uvicorn raises the signal again that made it stop. For a service this is a good end.
        if not server.started:
            raise
    finally:
        app.state.calls.close()


def _serve_in_processes(settings: Settings, listener: socket.socket) -> None:
    n_threads = settings.n_threads or max(default_threads() // settings.n_workers, 1)
    make = _AppMaker(replace(settings, n_threads=n_threads))
    config = uvicorn_config(settings, make)
    with tempfile.TemporaryDirectory(prefix="npbert-metrics-") as folder:
        os.environ[SHARED_FOLDER] = folder
        try:
            Multiprocess(config, sockets=[listener]).run()
        finally:
            del os.environ[SHARED_FOLDER]


@dataclass(frozen=True)
class _AppMaker:
    """Makes the application in each of several processes."""

    settings: Settings

    def __call__(self) -> Starlette:
        try:
            return make_app(_load(self.settings))
        except (OSError, ValueError) as error:
            print(f"npbert: error: {harmless(str(error))}", file=sys.stderr)
            sys.exit(STARTUP_FAILURE)


def _load(settings: Settings) -> Service:
    service = Service(settings)
    service.warm_up()
    # From now on warnings would be about texts of clients, who do not see them.
    warnings.simplefilter("ignore", UserWarning)
    return service


def uvicorn_config(settings: Settings, app: Starlette | _AppMaker) -> uvicorn.Config:
    """Return how uvicorn serves the application."""
    return uvicorn.Config(
        app,
        factory=isinstance(app, _AppMaker),
        workers=settings.n_workers,
        http=GuardedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",  # uvicorn's lines may quote what a client has sent
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=settings.limits.shutdown_timeout,
    )


@contextmanager
def bound_socket(host: str, port: int) -> Iterator[socket.socket]:
    """Open the socket of the service; it does not listen yet."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only where the protocol is named, asyncio sends without delay. Otherwise the body of an answer
    # waits up to 40 ms, until the client has acknowledged the head.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        if os.name == "posix":  # on Windows the option would let two services share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise OSError(
                f"the service cannot listen on port {port} of {host}: "
                f"{error.strerror or error}; choose another --port or --host"
            ) from None
        yield listener


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
