"""The notebook runs as it stands, and shows what is stored in it."""

from __future__ import annotations

from tests.support.notebooks import assert_shows_what_is_stored
from tests.support.paths import CHECKOUT


def test_the_notebook_runs_and_shows_what_is_stored() -> None:
    assert_shows_what_is_stored(CHECKOUT / "examples" / "notebook" / "label_a_table.ipynb")
