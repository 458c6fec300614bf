"""What `npbert classify` tells of its work, on standard error."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from npbert.tables.rows import Table
from npbert.tables.source import Source

if TYPE_CHECKING:
    from npbert.tables.labelling import Counts, Labeller


class Progress:
    """Rows, rates and the time left, on standard error.

    Begins with the first `show`, when the rows of an earlier run have been read past.
    """

    def __init__(self, source: Source | None, table: Table, labeller: Labeller) -> None:
        self._source = source
        self._table = table
        self._labeller = labeller
        self._bar: Any = None

    def show(self) -> None:
        """Show where the work stands."""
        counts = self._labeller.counts
        is_first = self._bar is None
        if is_first:
            from tqdm import tqdm

            total = self._table.n_rows or (self._source and self._source.size_bytes)
            share, left = ("{percentage:3.0f}%|{bar}| ", "<{remaining}") if total else ("", "")
            self._bar = tqdm(
                total=total,
                initial=self._position(),
                bar_format=f"{share}{{desc}} [{{elapsed}}{left}]",
                leave=False,
            )
            self._start_s, self._before = time.monotonic(), replace(counts)
        elapsed_s = max(time.monotonic() - self._start_s, 1e-9)
        rows_a_second = (counts.rows - self._before.rows) / elapsed_s
        tokens_a_second = (counts.tokens - self._before.tokens) / elapsed_s
        self._bar.set_description_str(
            f"{counts.rows:,} rows, {rows_a_second:,.0f} rows/s, {tokens_a_second:,.0f} tokens/s",
            refresh=is_first,
        )
        self._bar.update(self._position() - self._bar.n)

    def _position(self) -> int:
        """How far the work is, in the unit of the total."""
        if self._table.n_rows or self._source is None or self._source.is_pipe:
            return self._labeller.counts.rows
        return self._source.position_bytes()

    def close(self) -> None:
        """Take it off the screen."""
        if self._bar is not None:
            self._bar.close()


def summary(counts: Counts, limit: int) -> str:
    """What was done, in one line."""
    parts = [f"{_counted(counts.rows, 'row')} done", f"{counts.nulls:,} null"]
    if counts.windowed:
        windows = _counted(counts.windows, "window")
        parts.append(f"{_counted(counts.windowed, 'long text')} read in {windows}")
    else:
        parts.append(f"{counts.truncated:,} truncated to {limit} tokens")
    return ", ".join(parts)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
