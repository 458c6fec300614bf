"""`npbert serve`: a model behind HTTP, and a page that shows it at work."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Final

from npbert.cli.request import add_model_arguments, read_count, wrong_usage
from npbert.messages import shown
from npbert.serve.settings import Limits, Settings

API_KEY_VARIABLE: Final = "NPBERT_API_KEY"
_LIMITS: Final = Limits()


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser(
        "serve",
        help="serve a model over HTTP",
        description="Serve a model over HTTP, with the shapes of text-embeddings-inference and of "
        "the hub's inference API, and with a page for browsers.",
    )
    parser.set_defaults(parser=parser, command=lambda arguments: _serve(read_settings(arguments)))
    model = add_model_arguments(parser, long_text="error")
    model.add_argument(
        "--task",
        help="what the model is used for: text-classification, zero-shot-classification or another "
        "task of `npbert.pipeline` (default: what its head is for)",
    )
    _add_service_arguments(parser)
    _add_limits(parser)


def _add_service_arguments(parser: argparse.ArgumentParser) -> None:
    service = parser.add_argument_group("service")
    service.add_argument(
        "--host",
        default=Settings.host,
        help="the address to listen on (default: %(default)s, for this machine alone; 0.0.0.0 "
        "lets others in)",
    )
    service.add_argument(
        "--port",
        type=_read_port,
        default=Settings.port,
        help="the port to listen on; 0 takes a free one (default: %(default)s)",
    )
    service.add_argument(
        "--workers",
        type=read_count,
        default=Settings.n_workers,
        metavar="N",
        help="the number of processes, which share the memory of the weights and the processors "
        "(default: %(default)s, which is best for most)",
    )
    service.add_argument(
        "--api-key-file",
        metavar="FILE",
        help="a file with the key that requests have to show; the environment can have it in "
        f"{API_KEY_VARIABLE} (default: no key)",
    )
    service.add_argument(
        "--log-requests",
        action="store_true",
        help="write a line about every request, without its text",
    )


def _add_limits(parser: argparse.ArgumentParser) -> None:
    limits = parser.add_argument_group("limits")
    for name, what in (
        ("max_concurrent_requests", "requests that are in the service at a time"),
        ("max_client_batch_size", "inputs of one request"),
        ("max_request_tokens", "tokens that the model reads for one request"),
        ("payload_limit", "bytes of the body of a request"),
        ("shutdown_timeout", "seconds for the requests at hand when a signal says to stop"),
    ):
        limits.add_argument(
            f"--{name.replace('_', '-')}",
            type=read_count,
            default=getattr(_LIMITS, name),
            metavar="N",
            help=f"the most {what} (default: %(default)s)",
        )


def read_settings(arguments: argparse.Namespace) -> Settings:
    """Make the settings of the parsed arguments.

    Raises
    ------
    argparse.ArgumentError
        If the arguments do not go together.
    OSError, ValueError
        If the file with the key cannot be used.
    """
    return Settings(
        model=arguments.model,
        revision=arguments.revision,
        subfolder=arguments.subfolder,
        variant=arguments.variant,
        task=arguments.task,
        long_text=arguments.long_text,
        n_threads=arguments.threads,
        host=arguments.host,
        port=arguments.port,
        n_workers=arguments.workers,
        api_key=_read_api_key(arguments.api_key_file),
        logs_requests=arguments.log_requests,
        limits=Limits(
            max_concurrent_requests=arguments.max_concurrent_requests,
            max_client_batch_size=arguments.max_client_batch_size,
            max_request_tokens=arguments.max_request_tokens,
            payload_limit=arguments.payload_limit,
            shutdown_timeout=arguments.shutdown_timeout,
        ),
    )


def _serve(settings: Settings) -> None:
    try:
        from npbert.serve.server import serve
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"npbert serve needs {error.name}: pip install 'npbert[serve]'", name=error.name
        ) from None
    serve(settings)


def _read_api_key(file: str | None) -> str | None:
    in_environment = os.environ.get(API_KEY_VARIABLE)
    if file is None:
        key, where = in_environment, f"{API_KEY_VARIABLE} of the environment"
    elif in_environment is not None:
        raise wrong_usage(f"--api-key-file and {API_KEY_VARIABLE} both give a key; give one")
    else:
        key, where = Path(file).read_text(encoding="utf-8").strip(), file
    if key is not None and (not key or not key.isascii() or not key.isprintable() or " " in key):
        raise ValueError(f"{where} has no usable key, expected printable ASCII without blanks")
    return key


def _read_port(value: str) -> int:
    if not value.isdecimal() or int(value) > 65_535:
        raise argparse.ArgumentTypeError(f"{shown(value)} is not a port, expected 0 to 65535")
    return int(value)
