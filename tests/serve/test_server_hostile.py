"""A hostile load in small: every answer is right, and the service is afterwards as it was before.

The same in large is `python scripts/hostile_load`.
"""

from __future__ import annotations

from hostile_load.load import named_scenes
from hostile_load.run import run
from hostile_load.scenes import RIGHT, STALLING


def test_a_hostile_load() -> None:
    found = run(n_requests=2000, seed=1)
    assert found.faults == []
    expected = named_scenes().keys() | {scene.__name__ for scene in (*RIGHT, *STALLING)}
    assert found.played.scenes.keys() == expected
    assert found.played.scenes.total() >= 2000
