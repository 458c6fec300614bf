"""The links of the course to a line of code: they follow the function when it moves."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

PAGES: Final = Path(__file__).parents[2] / "docs" / "learn"
# [`attend`, line 335](../../npbert/distilbert/model.py#L335)
LINK: Final = re.compile(
    r"\[`(?P<name>\w+)`,(?P<words>\s+line\s+)\d+\]\((?P<file>[^)#\s]+\.py)#L\d+\)"
)
_Definition = ast.FunctionDef | ast.ClassDef


def with_present_lines(text: str, folder: Path) -> str:
    """Return the text of a page of this folder with the lines where the functions begin now."""

    def present(link: re.Match[str]) -> str:
        name, file = link["name"], link["file"]
        lines = _definitions((folder / file).resolve())
        if name not in lines:
            raise LookupError(f"{file} defines no {name}, to which a page of {folder} links")
        return f"[`{name}`,{link['words']}{lines[name]}]({file}#L{lines[name]})"

    return LINK.sub(present, text)


@cache
def _definitions(path: Path) -> dict[str, int]:
    """Return the line of each function, class and method; of equal names, the first one."""
    found: dict[str, int] = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, _Definition):
            found.setdefault(node.name, node.lineno)
    return found
