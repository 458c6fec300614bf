"""Differences from other libraries that are meant; docs/differences.md says why."""

from __future__ import annotations

from pathlib import Path

from fuzz.mutants import Mutant


def reason(mutant: Mutant, path: Path, answer: object, difference: str) -> str | None:
    """Return why an answer differs from that of another library, or None if nobody knows."""
    return None
