"""Streams of texts that tell how far they were read."""

from __future__ import annotations

from collections.abc import Iterator


class Endless:
    """Text after text; `pulled` counts them."""

    pulled = 0

    def __iter__(self) -> Iterator[str]:
        while True:
            self.pulled += 1
            yield f"text {self.pulled}"
