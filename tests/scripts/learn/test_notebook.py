"""scripts/learn/notebook.py: the notebook is made from the chapters."""

from __future__ import annotations

import nbformat
import pytest
from learn import notebook

NOTEBOOK = notebook.CHECKOUT / notebook.NOTEBOOK


def test_the_notebook_is_made_from_the_chapters() -> None:
    made = NOTEBOOK.read_text(encoding="utf-8")
    assert made == notebook.make_notebook(), "run python scripts/learn"
    nbformat.validate(nbformat.reads(made, as_version=4))


def test_an_example_with_an_output_ends_a_cell() -> None:
    block = ">>> a = 1\n>>> a + 1\n2\n>>> print(a)\n1\n>>> b = 2\n"
    text = f"Look [here](x.svg).\n\n```python\n{block}```\nEnd."
    look, value, printed, last, end = notebook.cells_of(text, "../docs")
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
    assert notebook.prints(source) is expected
