"""notebooks/learn.ipynb runs as it stands, and shows what is stored in it."""

from __future__ import annotations

from learn import notebook

from tests.support.notebooks import assert_shows_what_is_stored


def test_the_notebook_runs_and_shows_what_is_stored() -> None:
    assert_shows_what_is_stored(notebook.CHECKOUT / notebook.NOTEBOOK)
