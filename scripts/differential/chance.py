"""Random choices that a seed decides."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class Chance(random.Random):
    """A source of random choices."""

    def happens(self, share: float) -> bool:
        """Return True in this share of the cases."""
        return self.random() < share

    def length(self, usual: int, most: int) -> int:
        """Return a length from 0, which is seldom far above the usual one, and never above most."""
        return min(int(self.expovariate(1 / usual)), most)

    def several(self, make: Callable[[], T], least: int, most: int) -> list[T]:
        """Make a few things."""
        return [make() for _ in range(self.randint(least, most))]

    def options(
        self, choices: Mapping[str, Sequence[object] | Callable[[], object]], share: float
    ) -> dict[str, Any]:
        """Choose a value for this share of the names; the others are left out."""
        chosen = {}
        for name, values in choices.items():
            if self.happens(share):
                chosen[name] = values() if callable(values) else self.choice(values)
        return chosen
