"""docs/differences.md: each row has a test, in the file that is named after its section."""

from __future__ import annotations

from tests.differences import (
    test_arguments,
    test_models,
    test_pipelines,
    test_texts,
    test_tokenizer,
)
from tests.support.differences import cases_of
from tests.support.paths import CHECKOUT

DOCUMENT = CHECKOUT / "docs" / "differences.md"
MODULES = {
    "Texts": test_texts,
    "Arguments": test_arguments,
    "Models": test_models,
    "Tokenizer": test_tokenizer,
    "Pipelines": test_pipelines,
}


def test_every_row_has_a_test() -> None:
    _, *sections = DOCUMENT.read_text(encoding="utf-8").split("\n## ")
    rows = {}
    for section in sections:
        title, *lines = section.splitlines()
        cells = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
        rows[title] = {cell for cell in cells if cell not in ("case", "---")}
    assert rows == {title: cases_of(module) for title, module in MODULES.items()}
