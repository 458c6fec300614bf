"""The pages of the course link to the lines where functions begin now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from learn.line_numbers import LINK, PAGES, with_present_lines


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.name)
def test_no_line_number_is_stale(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == with_present_lines(text, page.parent), "run `python scripts/learn`"
    assert len(LINK.findall(text)) == len(re.findall(r"#L\d", text)), "a link of another form"


def test_a_link_follows_its_function(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("x = 1\n\n\ndef f():\n    pass\n\n\nclass A:\n    pass\n")
    stale = "[`f`, line 9](code.py#L9), [`A`,\nline\n1](code.py#L1) and [others](code.py#L1)"
    assert with_present_lines(stale, tmp_path) == (
        "[`f`, line 4](code.py#L4), [`A`,\nline\n8](code.py#L8) and [others](code.py#L1)"
    )


def test_a_link_to_a_function_that_is_gone_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("x = 1\n")
    with pytest.raises(LookupError, match=r"code\.py defines no f,"):
        with_present_lines("[`f`, line 9](code.py#L9)", tmp_path)
