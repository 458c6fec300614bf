"""Drawing: a picture in SVG that can be read on a telephone, in light and in dark."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final, Literal

# The width of a small telephone, in CSS pixels: nothing has to shrink there.
WIDTH: Final = 360

# A picture brings its own ground, since a page may be dark where the system is light.
_STYLE: Final = """
  text { font: 14px system-ui, sans-serif; fill: var(--ink); }
  .code { font-family: ui-monospace, monospace; font-size: 13px; }
  .quiet { fill: var(--quiet); font-size: 12px; }
  .strong { font-weight: 600; }
  .ground { fill: var(--ground); stroke: var(--line); }
  .box { fill: var(--box); stroke: var(--line); }
  .for { fill: var(--for); }
  .against { fill: var(--against); }
  .cell { fill: var(--box); }
  .head { fill: var(--ink); }
  .rule { stroke: var(--line); fill: none; }
  .stroke { stroke: var(--ink); fill: none; stroke-width: 1.5; }
  .for-stroke { stroke: var(--for); fill: none; stroke-width: 2; }
  .against-stroke { stroke: var(--against); fill: none; stroke-width: 2; }
  svg { --ground: #ffffff; --box: #f3f5f8; --line: #c4cad3; --ink: #1d2330; --quiet: #5a6475;
        --for: #1d62c9; --against: #c2560c; }
  @media (prefers-color-scheme: dark) {
    svg { --ground: #14181f; --box: #222935; --line: #4a5466; --ink: #e8ecf3; --quiet: #a6b0c0;
          --for: #6aa8ff; --against: #ff9d57; }
  }
""".strip("\n")

Role = Literal["", "code", "quiet", "strong", "code strong", "code for", "code against"]
Fill = Literal["box", "cell", "for", "against"]
Stroke = Literal["rule", "stroke", "for-stroke", "against-stroke"]
Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]


class Picture:
    """A picture of a fixed width, to which shapes are added from top to bottom.

    Parameters
    ----------
    title : str
        What a screen reader says, and what appears under the pointer.
    height : float
        In CSS pixels, as all lengths are.
    """

    def __init__(self, title: str, height: float) -> None:
        self.title = title
        self.height = height
        self._shapes: list[str] = []

    def text(
        self, x: float, y: float, words: str, role: Role = "", anchor: Anchor = "start"
    ) -> None:
        """Write words, whose base line is at `y`."""
        where = f'x="{_short(x)}" y="{_short(y)}" text-anchor="{anchor}"'
        named = f' class="{role}"' if role else ""
        self._shapes.append(f"<text {where}{named}>{escape(words, quote=False)}</text>")

    def turned_text(self, x: float, y: float, words: str) -> None:
        """Write words from the bottom to the top, in the type of code."""
        place = f"{_short(x)} {_short(y)}"
        self._shapes.append(
            f'<text class="code" transform="translate({place}) rotate(-90)">'
            f"{escape(words, quote=False)}</text>"
        )

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        role: Fill = "box",
        *,
        opacity: float = 1,
    ) -> None:
        """Draw a filled rectangle; a negative width extends to the left."""
        left = min(x, x + width)
        size = f'width="{_short(abs(width))}" height="{_short(height)}"'
        faint = "" if opacity == 1 else f' fill-opacity="{_short(opacity)}"'
        rounded = ' rx="4"' if role == "box" else ""
        self._shapes.append(
            f'<rect x="{_short(left)}" y="{_short(y)}" {size} class="{role}"{rounded}{faint}/>'
        )

    def line(self, points: Iterable[Point], role: Stroke = "rule", *, arrow: bool = False) -> None:
        """Draw a line through points, with a head at its end if it is an arrow."""
        path = " ".join(f"{_short(x)},{_short(y)}" for x, y in points)
        head = ' marker-end="url(#head)"' if arrow else ""
        self._shapes.append(f'<polyline points="{path}" class="{role}"{head}/>')

    def bar(self, x: float, y: float, length: float) -> None:
        """Draw a bar from a zero line at `x`: to the right if it is above 0, else to the left."""
        self.box(x, y, length, 12, "for" if length >= 0 else "against")

    def __str__(self) -> str:
        title = escape(self.title)
        size = f'width="{WIDTH}" height="{_short(self.height)}"'
        view = f'viewBox="0 0 {WIDTH} {_short(self.height)}"'
        ground = f'width="{WIDTH - 1}" height="{_short(self.height - 1)}" rx="8" class="ground"'
        shapes = "\n".join(self._shapes)
        return f"""\
<svg xmlns="http://www.w3.org/2000/svg" {size} {view} role="img" aria-label="{title}">
<title>{title}</title>
<style>
{_STYLE}
</style>
<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"
orient="auto">
<path d="M0,0L8,4L0,8z" class="head"/>
</marker>
<rect x="0.5" y="0.5" {ground}/>
{shapes}
</svg>
"""


def _short(number: float) -> str:
    """Write a length with at most two digits behind the point, and without a negative zero."""
    return f"{round(number, 2) + 0:g}"
