"""notebooks/learn.ipynb runs as it stands, and shows what is stored in it."""

from __future__ import annotations

from typing import Any

import nbformat
from learn import notebook
from nbclient import NotebookClient

from tests.test_docs import same

NOTEBOOK = notebook.CHECKOUT / notebook.NOTEBOOK


def shown(cell: Any) -> str:
    """Return what a cell shows, as one text."""
    return "\n".join(
        out["text"] if out["output_type"] == "stream" else out["data"]["text/plain"]
        for out in cell.get("outputs", ())
    )


def test_the_notebook_runs_and_shows_what_is_stored() -> None:
    stored, executed = (nbformat.reads(NOTEBOOK.read_text("utf-8"), as_version=4) for _ in "12")
    resources = {"metadata": {"path": str(NOTEBOOK.parent)}}
    NotebookClient(executed, timeout=300, resources=resources).execute()
    assert len(executed.cells) == len(stored.cells)
    for cell, ran in zip(stored.cells, executed.cells, strict=True):
        assert same(shown(cell), shown(ran)), cell.source
