"""Make notebooks/learn.ipynb from the chapters in docs/learn.

The chapters are the source, and the notebook is nothing but another form of them. Its outputs are
those that stand in the chapters, which tests compare with what the code prints. So the notebook can
be read as it is, on a page that shows notebooks, and making it again gives the same bytes on every
machine. tests/scripts/learn/test_notebook.py compares it with the chapters, and executes it.

Each example that has an output ends a cell. The links lead to docs/learn, and the notebook works in
that folder, where encoder.py is.
"""

from __future__ import annotations

import ast
import doctest
import json
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

CHECKOUT: Final = Path(__file__).parents[2]
CHAPTERS: Final = "docs/learn"  # from the checkout
NOTEBOOK: Final = "notebooks/learn.ipynb"

PYTHON: Final = re.compile(r"^```python\n(.*?)^```$\n?", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"(?<=\]\()(?!https?:|#)([^)#\s]+)")

TITLE: Final = """\
# Learn how a transformer works

All chapters of [docs/learn]({chapters}/index.md), to be run and changed. You need a checkout of
npbert, `pip install .` in it, and Jupyter. Nothing is downloaded. This notebook is made by
`python scripts/learn`: change the chapters, and not the notebook."""
SET_UP: Final = """\
import os

if os.path.isdir("{chapters}"):  # where encoder.py is
    os.chdir("{chapters}")"""
KERNEL: Final = {"display_name": "Python 3", "language": "python", "name": "python3"}

Cell = dict[str, Any]


def make_notebook() -> str:
    """Return the notebook as the text of its file."""
    chapters = posixpath.relpath(CHAPTERS, posixpath.dirname(NOTEBOOK))
    cells = [markdown(TITLE.format(chapters=chapters)), code(SET_UP.format(chapters=chapters))]
    for path in sorted((CHECKOUT / CHAPTERS).glob("[0-9]_*.md")):
        cells += cells_of(path.read_text(encoding="utf-8"), chapters)
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    notebook = {
        "cells": cells,
        "metadata": {"kernelspec": KERNEL, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def cells_of(chapter: str, folder: str) -> Iterator[Cell]:
    """Yield the cells of a chapter, whose links are relative to `folder`."""
    texts_and_blocks = PYTHON.split(chapter)
    for text, block in zip(texts_and_blocks[::2], [*texts_and_blocks[1::2], ""], strict=True):
        if text.strip():
            yield markdown(
                LINK.sub(lambda found: posixpath.normpath(f"{folder}/{found[1]}"), text).strip()
            )
        yield from code_cells(block)


def code_cells(block: str) -> Iterator[Cell]:
    """Yield the cells of a block of examples: each example with an output ends a cell."""
    source = ""
    for example in doctest.DocTestParser().get_examples(block):
        source += example.source
        if example.want:
            yield code(source.rstrip("\n"), output(example))
            source = ""
    if source:
        yield code(source.rstrip("\n"))


def markdown(text: str) -> Cell:
    """Return a cell of prose."""
    return {"cell_type": "markdown", "metadata": {}, "source": lines(text)}


def code(source: str, *outputs: Cell) -> Cell:
    """Return a cell of code."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": list(outputs),
        "source": lines(source),
    }


def output(example: doctest.Example) -> Cell:
    """Return what an example shows: the value of an expression, or what was printed."""
    if prints(example.source):
        return {"name": "stdout", "output_type": "stream", "text": lines(example.want)}
    return {
        "data": {"text/plain": lines(example.want.rstrip("\n"))},
        "execution_count": None,
        "metadata": {},
        "output_type": "execute_result",
    }


def prints(source: str) -> bool:
    """Tell whether an example prints, and is not an expression whose value Python shows."""
    (statement,) = ast.parse(source).body
    if not isinstance(statement, ast.Expr):
        return True
    return ast.unparse(statement).startswith("print(")


def lines(text: str) -> list[str]:
    """Return a text as notebooks store it: its lines, with their ends."""
    return text.splitlines(keepends=True)
