"""The services that `serve` compares with `npbert serve`: one shell, around each of the peers.

    python -m bench.services SERVICE MODEL_FOLDER N_THREADS     (in the folder scripts)

The shell is that of `npbert serve`: starlette on uvicorn with httptools, and the same JSON. A
process says on standard error where it listens, and serves until it is terminated.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from bench.engines import ENGINES, Label

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse

HOST = "127.0.0.1"
MOST_GATHERED = 32  # texts
SORTED_BATCH = 8  # texts; the best size of sorted batches on the pages on speed

Ask = Callable[[str], "Future[float]"]  # gives the score of POSITIVE, some time later
Service = Callable[[Label], Ask]


def plain(label: Label) -> Ask:
    """Call the engine once per text, on one thread; the engine itself may use several."""
    pool = ThreadPoolExecutor(max_workers=1)
    return lambda text: pool.submit(lambda: label([text], 1, False)[0])


def gathered(label: Label) -> Ask:
    """Call the engine with all texts that wait, up to 32, as one batch."""
    return _gather(lambda texts: label(texts, MOST_GATHERED, False), MOST_GATHERED)


def gathered_and_sorted(label: Label) -> Ask:
    """Call the engine with all texts that wait, up to 32, sorted by length in batches of 8."""
    return _gather(lambda texts: label(texts, SORTED_BATCH, True), MOST_GATHERED)


def _gather(label: Callable[[list[str]], list[float]], most: int) -> Ask:
    """Label on one thread. It takes what waits, and does not wait for more."""
    waiting: SimpleQueue[tuple[str, Future[float]]] = SimpleQueue()

    def work() -> None:
        while True:
            taken = [waiting.get()]
            while len(taken) < most and not waiting.empty():
                taken.append(waiting.get())
            scores = label([text for text, _ in taken])
            for (_, answer), score in zip(taken, scores, strict=True):
                answer.set_result(score)

    def ask(text: str) -> Future[float]:
        answer: Future[float] = Future()
        waiting.put((text, answer))
        return answer

    threading.Thread(target=work, daemon=True).start()
    return ask


# The name of each service: its engine, and how it is called.
SERVICES: dict[str, tuple[str, Service]] = {
    "transformers, plain": ("transformers", plain),
    "transformers, gathered": ("transformers", gathered),
    "onnxruntime, gathered": ("onnxruntime", gathered),
    "onnxruntime, gathered and sorted": ("onnxruntime", gathered_and_sorted),
}


def make_app(ask: Ask) -> Starlette:
    """Return the application around one engine."""
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def predict(request: Request) -> JSONResponse:
        score = await asyncio.wrap_future(ask((await request.json())["inputs"]))
        labels = [
            {"score": score, "label": "POSITIVE"},
            {"score": 1 - score, "label": "NEGATIVE"},
        ]
        return JSONResponse(labels if score > 0.5 else labels[::-1])

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({})

    return Starlette(
        routes=[Route("/predict", predict, methods=["POST"]), Route("/health", health)]
    )


def main() -> None:
    """Load the engine, and serve."""
    import uvicorn

    name, folder, n_threads = sys.argv[1:]
    engine, service = SERVICES[name]
    app = make_app(service(ENGINES[engine](Path(folder), int(n_threads))))
    config = uvicorn.Config(app, http="httptools", log_level="warning", ws="none")
    # With the name of the protocol, asyncio sends without delay.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind((HOST, 0))
        listener.listen(config.backlog)
        port = listener.getsockname()[1]
        print(f"{name}: serving on http://{HOST}:{port}", file=sys.stderr, flush=True)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
