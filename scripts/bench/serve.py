"""Time `npbert serve` beside the same service around its peers, under load from many clients.

Every service is a process of its own, and all of them run at the same time. Their scores are
compared first. Then 1, 8 and 64 clients of wrk ask one service after the other, in rounds. Each
client sends a request with one text, and the next one when the answer is there. The texts are
sentences of SST-2, or mixed: one in ten is a long review. Meanwhile /health is asked for every
100 ms.

The peers have the shell of `npbert serve`: starlette on uvicorn. A plain service calls its engine
once per request. A service that gathers calls it with all texts that wait, up to 32 of them, and
does not wait for more; one that also sorts makes batches of 8 of them.

The percentiles are those of wrk. For an answer that took longer than twice the mean, wrk counts
what clients that do not wait would have seen meanwhile. With one client, `classify` is also called
directly, with the text that is sent.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.load import Load, bodies_file, p99, put_under_load
from bench.material import Work, make_mini_folder, shuffled_sentences, with_reviews
from bench.measure import (
    OURS,
    PAUSE_S,
    Engine,
    Host,
    Way,
    check_scores,
    clean_environment,
    processor,
)
from bench.service_process import ServiceProcess, service_of
from bench.services import SERVICES

N_CLIENTS = (1, 8, 64)
N_COMPARED = 24  # texts whose scores are compared before the load
N_WORKERS = 4
TEXTS = ("sentences", "mixed")
TEXT_OF_ONE_CLIENT = (
    "It is a charming and often affecting journey, and I would gladly see it again tomorrow."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark to its command."""
    parser.add_argument("--quick", action="store_true", help="one round of four seconds")
    parser.add_argument("--rounds", type=int, help="rounds (default: 3, or 1 with --quick)")
    parser.add_argument(
        "--seconds", type=int, help="seconds of each load (default: 10, or 4 with --quick)"
    )
    parser.add_argument(
        "--models",
        nargs="*",
        choices=("mini", "base"),
        default=("base", "mini"),
        help="models (default: both)",
    )
    parser.add_argument(
        "--texts", nargs="*", choices=TEXTS, default=TEXTS, help="texts (default: both kinds)"
    )
    parser.add_argument(
        "--clients", nargs="*", type=int, default=N_CLIENTS, help="clients (default: 1 8 64)"
    )
    parser.add_argument(
        "--peers",
        nargs="*",
        choices=SERVICES,
        default=tuple(SERVICES),
        help="services to compare with (default: all)",
    )
    parser.add_argument(
        "--reviews",
        type=Path,
        help="csv file with a column 'text' that holds the long reviews "
        "(default: sentences of SST-2, joined)",
    )


def report(options: argparse.Namespace) -> None:
    """Measure everything, and print the report while the figures come in."""
    n_rounds = options.rounds or (1 if options.quick else 3)
    seconds = options.seconds or (4 if options.quick else 10)
    base = Host(options.folder, options.threads, clean_environment())
    hosts = {"base": base, "mini": base._replace(folder=options.folder / "mini")}
    if "mini" in options.models and not (hosts["mini"].folder / "tokenizer.json").exists():
        make_mini_folder(hosts["mini"].folder)
    of_kinds = (shuffled_sentences(), with_reviews(options.reviews))
    texts = {
        kind: of_kind
        for kind, of_kind in zip(TEXTS, of_kinds, strict=True)
        if kind in options.texts
    }
    print(f"{processor()}, {options.threads} threads, {n_rounds} rounds of {seconds} s\n")
    print(
        "| model | texts | clients | service | requests/s | npbert's / theirs | p50, ms | p99, ms "
        "| /health p99, ms | /health worst, ms |"
    )
    print("| --- " * 10 + "|")
    for model in options.models:
        services = (OURS, *options.peers)
        for row in load_rows(services, hosts[model], texts, options.clients, n_rounds, seconds):
            print(f"| {model} | {row}", flush=True)
    print()
    for model in options.models:
        print(beside_direct_calls(model, hosts[model], n_rounds, seconds), flush=True)
    for model in options.models:
        print(workers_memory(model, hosts[model], seconds), flush=True)


def load_rows(
    names: Sequence[str],
    host: Host,
    texts: dict[str, list[str]],
    n_clients: Sequence[int],
    n_rounds: int,
    seconds: int,
) -> Iterator[str]:
    """Yield the rows of the table for one model."""
    with ExitStack() as stack:
        services = [stack.enter_context(service_of(name, host)) for name in names]
        for kind, of_kind in texts.items():
            compare_scores(services, of_kind[:N_COMPARED])
            bodies = stack.enter_context(bodies_file(of_kind))
            for clients in n_clients:
                loads = time_loads(services, bodies, clients, n_rounds, seconds)
                for service, load in zip(services, loads, strict=True):
                    yield f"{kind} | {clients} | {row_of(service.name, load, loads[0])}"


def compare_scores(services: Sequence[ServiceProcess], texts: list[str]) -> None:
    """End the program if a service gives other scores than npbert, which is the first one."""
    expected = services[0].scores(texts, n_clients=1)
    for service in services:
        check_scores(Way(service.name), service.scores(texts, n_clients=8), expected)


def time_loads(
    services: Sequence[ServiceProcess], bodies: Path, n_clients: int, n_rounds: int, seconds: int
) -> list[Load]:
    """Put each service under load, in turns, and return its middle figures."""
    rounds = [
        [put_under_load(service, bodies, n_clients, seconds) for service in services]
        for _ in range(n_rounds)
    ]
    return [middle(of_service) for of_service in zip(*rounds, strict=True)]


def middle(loads: Sequence[Load]) -> Load:
    """Return the median of each figure over the rounds, and the times of /health of all rounds."""
    return Load(
        rate=statistics.median(load.rate for load in loads),
        p50_ms=statistics.median(load.p50_ms for load in loads),
        p99_ms=statistics.median(load.p99_ms for load in loads),
        health_ms=[ms for load in loads for ms in load.health_ms],
    )


def row_of(name: str, load: Load, ours: Load) -> str:
    """Return the columns of the table that say what one service did."""
    return (
        f"{name} | {load.rate:.1f} | {ours.rate / load.rate:.2f} | {load.p50_ms:.1f} | "
        f"{load.p99_ms:.1f} | {p99(load.health_ms):.1f} | {max(load.health_ms):.1f} |"
    )


def beside_direct_calls(model: str, host: Host, n_rounds: int, seconds: int) -> str:
    """Return a line that compares one client with direct calls of the pipeline, for one text."""
    text = TEXT_OF_ONE_CLIENT
    served_ms, direct_ms = [], []
    with (
        service_of(OURS, host) as service,
        Engine(OURS, host) as engine,
        bodies_file([text]) as bodies,
    ):
        engine.label(Work("warm-up", [text]))
        service.scores([text], n_clients=1)
        for _ in range(n_rounds):
            load = put_under_load(service, bodies, 1, seconds)
            n_calls = max(1, round(load.rate * seconds))
            time.sleep(PAUSE_S)
            reply = engine.label(Work("direct", [text], repeat=n_calls))
            served_ms.append(load.p50_ms)
            direct_ms.append(statistics.median(reply["repetitions_s"]) * 1000)
    served, direct = statistics.median(served_ms), statistics.median(direct_ms)
    return (
        f"{model}, one client and one text of {len(text.split())} words: p50 {served:.1f} ms; "
        f"called directly, the pipeline takes {direct:.1f} ms: {served - direct:+.1f} ms"
    )


def workers_memory(model: str, host: Host, seconds: int) -> str:
    """Return a line on the memory of one worker, and of several that share the weights."""
    pss_mib = []
    for n_workers in (1, N_WORKERS):
        with (
            service_of(OURS, host, "--workers", str(n_workers)) as service,
            bodies_file(shuffled_sentences()) as bodies,
        ):
            put_under_load(service, bodies, max(N_CLIENTS), seconds)
            pss_mib.append(service.pss_mib())
    one, several = pss_mib
    return (
        f"{model}, memory (PSS of all processes) after {max(N_CLIENTS)} clients: {one:.0f} MiB "
        f"with one worker, {several:.0f} MiB with {N_WORKERS}: {several / one / N_WORKERS:.0%} of "
        f"{N_WORKERS} times one"
    )
