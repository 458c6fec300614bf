"""What `npbert serve` is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    """How much the service takes on. The names are those of text-embeddings-inference.

    Attributes
    ----------
    max_concurrent_requests : int
        The requests that are in the service at a time. One more gets the status 429.
    max_client_batch_size : int
        The inputs of one request.
    max_request_tokens : int
        The tokens that the model reads for one request.
    payload_limit : int
        The bytes of the body of a request.
    receive_timeout : float
        The seconds within which a client has to send a whole request, and to read its answer.
    shutdown_timeout : int
        The seconds that are left to the requests at hand when the service is told to end.
    """

    max_concurrent_requests: int = 256
    max_client_batch_size: int = 32
    max_request_tokens: int = 65_536
    payload_limit: int = 2_000_000
    receive_timeout: float = 20
    shutdown_timeout: int = 30


@dataclass(frozen=True)
class Settings:
    """What the service is, and where it listens.

    Attributes
    ----------
    model, revision, subfolder, variant, task : str, optional
        As in `npbert.pipeline`.
    long_text : str
        What to do with a text that has more tokens than the model can read, unless a request says
        what it wants.
    n_threads : int, optional
        The most threads that compute at a time, in each process.
    host : str
        The address on which the service listens.
    port : int
        Its port; 0 stands for a free one.
    n_workers : int
        The number of processes that serve.
    api_key : str, optional
        The key that requests have to show.
    logs_requests : bool
        Whether each request gets a line in the log. The line does not have its text.
    limits : Limits
    """

    model: str | None = None
    revision: str | None = None
    subfolder: str | None = None
    variant: str | None = None
    task: str | None = None
    long_text: str = "error"
    n_threads: int | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    n_workers: int = 1
    api_key: str | None = field(default=None, repr=False)
    logs_requests: bool = False
    limits: Limits = Limits()
