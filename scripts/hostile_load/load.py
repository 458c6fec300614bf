"""Many clients at the same time, each of which plays one scene after the other."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hostile_load.connections import Connection
from hostile_load.scenes import MISBEHAVING, REFUSED, RIGHT, STALLING, Scene, refused
from hostile_load.truth import Truth, WrongAnswerError

N_CLIENTS = 64
ONE_IN = 10  # so many requests, one is wrong
N_STALLING = 2  # clients beside the others that play each of the scenes that take long
MOST_FAULTS = 20


@dataclass
class Played:
    """What was played, and what went wrong.

    Attributes
    ----------
    scenes : Counter
        How often each scene was played, by name.
    faults : list of str
        What the service did wrong; after twenty faults the clients stop.
    """

    scenes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def named_scenes() -> dict[str, Scene]:
    """Return all scenes that are wrong, and end by themselves, by name."""
    return {
        **{name: refused(name) for name in REFUSED},
        **{scene.__name__: scene for scene in MISBEHAVING},
    }


def program(n_requests: int, seed: int) -> Iterator[tuple[str, Scene]]:
    """Yield the scenes of a run: one in ten is wrong, and each way to be wrong has its turn."""
    drawn = random.Random(seed)
    wrong = [*named_scenes().items()]
    drawn.shuffle(wrong)
    wrongs = itertools.cycle(wrong)
    for number in range(n_requests):
        if number % ONE_IN == 0:
            yield next(wrongs)
        else:
            right = drawn.choice(RIGHT)
            yield right.__name__, right


async def play(
    port: int, truth: Truth, n_requests: int, seed: int, after: Callable[[int], None]
) -> Played:
    """Let the clients play a whole program.

    Parameters
    ----------
    port : int
        The port of the service, on this machine.
    truth : Truth
    n_requests : int
    seed : int
    after : callable
        Called after every scene with the number of scenes that were played.

    Returns
    -------
    Played
    """
    played = Played()
    scenes = program(n_requests, seed)

    async def client() -> None:
        connection = Connection(port)
        for name, scene in scenes:
            await play_one(name, scene, connection, truth, played)
            after(played.scenes.total())
            if len(played.faults) >= MOST_FAULTS:
                break
        connection.close()

    stalling = (
        play_one(scene.__name__, scene, Connection(port), truth, played)
        for scene in STALLING * N_STALLING
    )
    await asyncio.gather(*(client() for _ in range(N_CLIENTS)), *stalling)
    return played


async def play_one(
    name: str, scene: Scene, connection: Connection, truth: Truth, played: Played
) -> None:
    """Play one scene, and take note of what the service does wrong."""
    try:
        await scene(connection, truth)
    except (WrongAnswerError, OSError, TimeoutError, ValueError) as error:
        played.faults.append(f"{name}: {type(error).__name__} {error}")
        connection.close()
    played.scenes[name] += 1


async def watch_health(port: int, times_ms: list[float]) -> None:
    """Ask for /health every 100 ms, until this is cancelled; note the milliseconds it takes."""
    connection = Connection(port)
    asking = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    while True:
        await asyncio.sleep(0.1)
        began = time.perf_counter()
        answer = await connection.ask(asking)
        times_ms.append((time.perf_counter() - began) * 1000)
        if answer is None or answer.status != 200:
            times_ms.append(float("inf"))
