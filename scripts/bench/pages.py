"""The pages on speed: one per kind of processor, and an overview of all of them.

`python scripts/bench speed --write` writes the page of the processor that it ran on. The overview
is made from the tables of all pages.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from bench.material import CHECKOUT
from bench.measure import PEERS

OVERVIEW = CHECKOUT / "docs" / "performance.md"
FOLDER = OVERVIEW.with_suffix("")

_ROW = re.compile(r"^\| ([^|]+) \| (\w+)[^|]* \| [\d.]+ \| \d+% \| ([\d.]+) \|$", re.MULTILINE)

_INTRODUCTION = """\
# Performance

Every figure is a ratio: the time of another engine divided by the time of npbert, both measured in
one run on one machine, each engine in its best way of batching. Above 1, npbert is faster; below
1, the other engine is. All of them compute in float32. Processors differ, because each engine has
products of matrices that were tuned for some of them. So there is one page per kind of processor,
with the times, the versions, the memory and the sizes:

"""

_METHOD = """
`python scripts/bench speed --quick` measures your machine in a few minutes, and with `--write` it
writes the page of your processor. How several threads that call at once fare, also on a busy host,
is in [deploy.md](deploy.md).
"""


class Ratios(NamedTuple):
    """What a page says: for each work and each engine, the best ratio to npbert."""

    title: str
    path: Path
    best: dict[tuple[str, str], str]


def path_of(machine: str) -> Path:
    """Return the path of the page of a kind of processor."""
    return FOLDER / (re.sub(r"[^a-z0-9]+", "-", machine.lower()).strip("-") + ".md")


def read_page(path: Path) -> Ratios:
    """Read the title and the best ratios from a page."""
    page = path.read_text(encoding="utf-8")
    best: dict[tuple[str, str], str] = {}
    for work, engine, ratio in _ROW.findall(page):
        if engine in PEERS:
            key = work, engine
            best[key] = min(best.get(key, ratio), ratio, key=float)
    return Ratios(page.partition("\n")[0].removeprefix("# Performance on "), path, best)


def overview() -> str:
    """Return the overview of all pages."""
    pages = [read_page(path) for path in sorted(FOLDER.glob("*.md"))]
    links = [f"- [{page.title}](performance/{page.path.name})" for page in pages]
    rows = ["| texts | engine | " + " | ".join(page.title for page in pages) + " |"]
    rows.append("| --- " * (2 + len(pages)) + "|")
    for work, engine in dict.fromkeys(key for page in pages for key in page.best):
        ratios = " | ".join(page.best.get((work, engine), "–") for page in pages)
        rows.append(f"| {work} | {engine} | {ratios} |")
    return _INTRODUCTION + "\n".join([*links, "", *rows]) + "\n" + _METHOD


def write_overview() -> None:
    """Write the overview of all pages."""
    OVERVIEW.write_text(overview(), encoding="utf-8")
