"""What `npbert classify` tells about its work on standard error."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Protocol

from npbert.cli.request import ClassifyRequest
from npbert.messages import with_noun
from npbert.tables.rows import Table
from npbert.tables.source import Source

if TYPE_CHECKING:
    from npbert.tables.labelling import Counts, Labeller


class _Bar(Protocol):
    """The part of a bar of tqdm that is used here; tqdm comes without types."""

    n: float

    def set_description_str(self, desc: str, refresh: bool) -> None: ...
    def update(self, n: float) -> object: ...
    def close(self) -> None: ...


def is_progress_shown(request: ClassifyRequest) -> bool:
    """Tell whether to show progress: where it is asked for, or where somebody looks at it.

    Somebody looks at it if an input is labelled, and standard error is a terminal to which no
    results go.
    """
    if request.progress or request.quiet:
        return request.progress
    is_free = request.output_path is not None or not sys.stdout.isatty()
    return request.input_path is not None and sys.stderr.isatty() and is_free


class Progress:
    """A line of rows, rates and the time left, on standard error.

    It begins with the first `show`. By then the rows of an earlier run have been read past, so
    the rates do not count them.

    Parameters
    ----------
    source : Source, optional
        The input, if it is not the arguments.
    table : Table
        The rows of the input.
    labeller : Labeller
        The labeller, which counts the rows.
    title : str
        The words before the rows.
    """

    def __init__(
        self, source: Source | None, table: Table, labeller: Labeller, title: str = ""
    ) -> None:
        self._title = title
        self._source = source
        self._table = table
        self._labeller = labeller
        self._bar: _Bar | None = None
        self._start_s = 0.0
        self._start_rows = self._start_tokens = 0

    def show(self) -> None:
        """Show how far the work is."""
        is_first = self._bar is None
        if self._bar is None:
            self._bar = self._begin()
        counts = self._labeller.counts
        elapsed_s = max(time.monotonic() - self._start_s, 1e-9)
        rows_per_s = (counts.rows - self._start_rows) / elapsed_s
        tokens_per_s = (counts.tokens - self._start_tokens) / elapsed_s
        self._bar.set_description_str(
            f"{self._title}{with_noun(counts.rows, 'row')}, {rows_per_s:,.0f} rows/s, "
            f"{tokens_per_s:,.0f} tokens/s",
            refresh=is_first,
        )
        self._bar.update(self._position() - self._bar.n)

    def close(self) -> None:
        """Remove the line from the screen."""
        if self._bar is not None:
            self._bar.close()

    def _begin(self) -> _Bar:
        from tqdm import tqdm

        total = self._table.n_rows or (self._source.size_bytes if self._source else None)
        share, left = ("{percentage:3.0f}%|{bar}| ", "<{remaining}") if total else ("", "")
        bar: _Bar = tqdm(
            total=total,
            initial=self._position(),
            bar_format=f"{share}{{desc}} [{{elapsed}}{left}]",
            leave=False,
        )
        self._start_s = time.monotonic()
        counts = self._labeller.counts
        self._start_rows, self._start_tokens = counts.rows, counts.tokens
        return bar

    def _position(self) -> int:
        """Return how much of the input has been processed, in rows or in bytes of the file."""
        if self._table.n_rows or self._source is None or self._source.is_pipe:
            return self._labeller.counts.rows
        return self._source.position_bytes()


def describe_counts(counts: Counts, limit: int, n_files: int = 1, skipped_in: str = "") -> str:
    """Say in one line what has been labelled.

    Parameters
    ----------
    counts : Counts
    limit : int
        The most tokens of a text that the model can read.
    n_files : int
        The number of files; a single one is not mentioned.
    skipped_in : str
        Where the bad rows are.
    """
    parts = [with_noun(n_files, "file")] if n_files > 1 else []
    parts += [f"{with_noun(counts.rows, 'row')} done", f"{counts.nulls:,} null"]
    if counts.windowed:
        windows = with_noun(counts.windows, "window")
        parts.append(f"{with_noun(counts.windowed, 'long text')} read in {windows}")
    else:
        parts.append(f"{counts.truncated:,} truncated to {with_noun(limit, 'token')}")
    if counts.skipped:
        parts.append(f"{counts.skipped:,} skipped (see {skipped_in})")
    return ", ".join(parts)
