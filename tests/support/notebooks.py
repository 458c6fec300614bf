"""Notebooks that are executed, and must show what is stored in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from tests.test_docs import same


def shown(cell: Any) -> str:
    """Return what a cell shows, as one text."""
    return "\n".join(
        out["text"] if out["output_type"] == "stream" else out["data"]["text/plain"]
        for out in cell.get("outputs", ())
    )


def assert_shows_what_is_stored(notebook: Path) -> None:
    """Execute a notebook, and compare what its cells show."""
    stored, executed = (nbformat.reads(notebook.read_text("utf-8"), as_version=4) for _ in "12")
    resources = {"metadata": {"path": str(notebook.parent)}}
    NotebookClient(executed, timeout=300, resources=resources).execute()
    assert len(executed.cells) == len(stored.cells)
    for cell, ran in zip(stored.cells, executed.cells, strict=True):
        assert same(shown(cell), shown(ran)), cell.source
