"""scripts/make_notebook.py: the notebook is that of the chapters, and runs as it stands."""

from __future__ import annotations

from typing import Any

import make_notebook
import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.paths import CHECKOUT
from tests.test_docs import same

NOTEBOOK = CHECKOUT / make_notebook.NOTEBOOK


def test_the_notebook_is_made_from_the_chapters() -> None:
    made = NOTEBOOK.read_text(encoding="utf-8")
    assert made == make_notebook.make_notebook(), "run python scripts/make_notebook.py"
    nbformat.validate(nbformat.reads(made, as_version=4))


def test_an_example_with_an_output_ends_a_cell() -> None:
    block = ">>> a = 1\n>>> a + 1\n2\n>>> print(a)\n1\n>>> b = 2\n"
    text = f"Look [here](x.svg).\n\n```python\n{block}```\nEnd."
    look, value, printed, last, end = make_notebook.cells_of(text, "../docs")
    assert look["source"] == ["Look [here](../docs/x.svg)."]
    assert value["source"] == ["a = 1\n", "a + 1"]
    assert value["outputs"][0]["data"] == {"text/plain": ["2"]}
    assert printed["outputs"][0]["text"] == ["1\n"]
    assert (last["source"], last["outputs"]) == (["b = 2"], [])
    assert end["source"] == ["End."]


@pytest.mark.parametrize(
    ("source", "expected"),
    [("print(1)\n", True), ("for x in y:\n    print(x)\n", True), ("x.sum()\n", False)],
)
def test_what_is_printed_is_told_from_a_value(source: str, expected: bool) -> None:
    assert make_notebook.prints(source) is expected


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
