"""A run: draw after draw, each of them judged."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import torch
import transformers

from differential.chance import Chance
from differential.comparing import DifferentError, is_as_exact
from differential.draw import Draw, Outcome
from differential.known import row_of
from differential.model_draws import draw_model_call
from differential.pipeline_draws import PipelineDraws
from differential.texts import Texts
from differential.tokenizer_draws import draw_tokenizer_call
from differential.world import DRAWS_IN_A_WORLD, World, make_world

_SHARE_OF_TASKS = 0.65  # the others are calls of the tokenizer and of the model


@dataclass
class Found:
    """What a run found.

    Attributes
    ----------
    verdicts : Counter
        The number of draws of each kind that ended in each way.
    rows : Counter
        The number of draws that are a row of docs/differences.md.
    differences : dict of int to str
        What is not explained, by its seed.
    seconds : float
    """

    verdicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    differences: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0

    def report(self) -> Iterator[str]:
        """Yield lines that say how many draws ended in which way."""
        n_draws = self.verdicts.total()
        yield (
            f"{n_draws:,} draws in {self.seconds:.0f} s ({n_draws / self.seconds:.0f} a second): "
            f"{len(self.differences)} unexplained differences"
        )
        endings = list(dict.fromkeys(ending for _, ending in self.verdicts))
        for kind in sorted({kind for kind, _ in self.verdicts}):
            counts = ", ".join(
                f"{self.verdicts[kind, ending]:,} {ending}"
                for ending in endings
                if self.verdicts[kind, ending]
            )
            yield f"  {kind}: {counts}"
        for row, number in self.rows.most_common():
            yield f"  {number:,} times: {row}"


class Drawing:
    """The draws by their seeds; the world of the last one is kept for the next one."""

    def __init__(self) -> None:
        self._number = -1
        self._world: World
        self._pipelines: PipelineDraws
        warnings.simplefilter("ignore")  # texts that are cut, templates without "entailment", …
        transformers.utils.logging.set_verbosity(transformers.utils.logging.CRITICAL)
        transformers.utils.logging.disable_progress_bar()
        torch.set_num_threads(1)

    def draw(self, seed: int) -> Draw:
        """Make the draw of a seed."""
        number = seed // DRAWS_IN_A_WORLD
        if number != self._number:
            self._world = make_world(number)
            self._pipelines = PipelineDraws(self._world)
            self._number = number
        world = self._world
        chance = Chance(f"draw {seed}")
        added = [*world.files.special.values(), *world.files.added]
        texts = Texts(chance, world.files.tokens, added)
        if self._pipelines.kinds and chance.happens(_SHARE_OF_TASKS):
            return self._pipelines.draw(chance.choice(self._pipelines.kinds), chance, texts)
        if chance.happens(0.5):
            return draw_model_call(world, chance, seed)
        return draw_tokenizer_call(world, chance, texts)


def run(first: int, n_draws: int | None, minutes: float | None) -> Iterator[Found]:
    """Draw until there are enough draws, or until the time is over.

    Parameters
    ----------
    first : int
        The seed of the first draw; each further draw has the next number.
    n_draws : int or None
    minutes : float or None

    Yields
    ------
    Found
        The same object after each draw.
    """
    began = time.monotonic()
    found = Found()
    drawing = Drawing()
    for number in count():
        if number == n_draws or (minutes and found.seconds > 60 * minutes):
            return
        seed = first + number
        try:
            draw = drawing.draw(seed)
        except Exception as error:
            draw = None
            found.verdicts["world", "different"] += 1
            found.differences[seed] = f"no world: {type(error).__name__}: {error}"
        if draw is not None:
            judge(seed, draw, found)
        found.seconds = time.monotonic() - began
        yield found


def judge(seed: int, draw: Draw, found: Found) -> None:
    """Make the calls of a draw, and note how they ended."""
    ours, theirs = Outcome.of(draw.ours), Outcome.of(draw.theirs)
    ending, why = _ending(draw, ours, theirs)
    if ending == "different":
        row = row_of(draw, ours, theirs)
        if row is not None:
            ending = "documented"
            found.rows[row] += 1
        else:
            found.differences[seed] = "\n  ".join(
                [draw.call, why, f"npbert: {ours}", f"transformers: {theirs}"]
            )
    found.verdicts[draw.kind, ending] += 1


def _ending(draw: Draw, ours: Outcome, theirs: Outcome) -> tuple[str, str]:
    if ours.error is not None and theirs.error is not None:
        if isinstance(ours.error, (ValueError, TypeError)):
            return "refused by both", ""
        return "different", "the error of npbert is of a wrong kind"
    if ours.error is not None or theirs.error is not None:
        return "different", "one of them raises"
    try:
        draw.compare(ours.answer, theirs.answer)
    except DifferentError as error:
        return _excuse(draw, ours, theirs) or "different", str(error)
    return "the same", ""


def _excuse(draw: Draw, ours: Outcome, theirs: Outcome) -> str | None:
    """Return why two answers may differ all the same; None if nothing excuses it."""
    if draw.exact is not None:
        in_float32 = [theirs.answer, *draw.nudged()]
        if is_as_exact(ours.answer, in_float32, draw.exact()):
            return "too coarse for float32"
    if draw.theirs_by_our_numbers is not None:
        by_our_numbers = Outcome.of(draw.theirs_by_our_numbers)
        if by_our_numbers.error is None and draw.are_alike(ours.answer, by_our_numbers.answer):
            return "tied"
    return None
