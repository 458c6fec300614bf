"""A stream of texts that counts how many of them were read."""

from __future__ import annotations

from collections.abc import Iterator


class Endless:
    """A stream of texts without an end; `pulled` is the number of texts that were read."""

    pulled = 0

    def __iter__(self) -> Iterator[str]:
        while True:
            self.pulled += 1
            yield f"text {self.pulled}"
