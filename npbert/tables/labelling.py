"""A table of texts, labelled chunk by chunk: what `npbert classify` does with a file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from npbert.arguments import NOT_GIVEN
from npbert.tables.resumable import ResumableFile
from npbert.tables.rows import Chunk, Column, Row, Serializer, Table

if TYPE_CHECKING:
    from npbert.pipelines.text_classification import (
        LabelScore,
        TextClassificationOptions,
        TextClassificationPipeline,
    )

_MODEL_FILES: Final = (".json", ".txt", ".safetensors")


@dataclass
class Counts:
    """What was done.

    Attributes
    ----------
    rows : int
        All of them.
    nulls : int
        Rows without a text, which have no label.
    truncated : int
        Texts of which only the beginning was read.
    windowed, windows : int
        Texts that were read in windows, and how many windows that took.
    tokens : int
        Read by the model.
    """

    rows: int = 0
    nulls: int = 0
    truncated: int = 0
    windowed: int = 0
    windows: int = 0
    tokens: int = 0


class Labeller:
    """Adds the columns of labels and scores to a table, and counts.

    Parameters
    ----------
    classifier : TextClassificationPipeline
    prefix : str
        Comes before the names of the columns that are added.
    options : TextClassificationOptions
        The options of the classifier's calls. If `top_k` is given, a column of scores is added
        for every label; in it, each text has a score if the label is among its best `top_k`.

    Raises
    ------
    ValueError
        If two of these columns would have the same name.
    """

    def __init__(
        self,
        classifier: TextClassificationPipeline,
        prefix: str,
        options: TextClassificationOptions,
    ) -> None:
        self._classifier = classifier
        labels: list[str] = []
        if options.top_k is NOT_GIVEN:
            options = replace(options, top_k=1)
        else:
            labels = list(classifier.model.config.id2label.values())
        self._options = options
        for label in labels:
            if labels.count(label) > 1:
                raise ValueError(
                    f"the model has more than one label {label!r}, so there cannot be a column "
                    "for each; rename them in its config.json, or leave out top_k"
                )
        self._score_names = {label: f"{prefix}score_{label}" for label in labels}
        self._label_name, self._score_name = f"{prefix}label", f"{prefix}score"
        self.column_names = [self._label_name, self._score_name, *self._score_names.values()]
        self.counts = Counts()

    def reject_taken_names(self, columns: list[str], name: str) -> None:
        """Raise ValueError if a table has a column of those to be added."""
        for taken in [added for added in self.column_names if added in columns]:
            raise ValueError(
                f"{name} has a column {taken!r} already; choose a prefix for the columns that are "
                "added (--prefix)"
            )

    def model_digest(self) -> str:
        """SHA-256 of the model's files: it says whether two models are the same."""
        folder = Path(self._classifier.tokenizer.name_or_path)
        digest = hashlib.sha256()
        for path in sorted(folder.iterdir()):
            if path.suffix in _MODEL_FILES:
                digest.update(path.name.encode())
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    def restore_counts(self, state: dict[str, Any]) -> None:
        """Go on counting from where a checkpoint of `label_into` stood."""
        self.counts = Counts(**{field.name: state.get(field.name, 0) for field in fields(Counts)})

    def label_rows(self, chunk: Chunk) -> list[list[LabelScore] | None]:
        """Labels and scores of each row, best first; None where there is no text."""
        places = [place for place, text in enumerate(chunk.texts) if text is not None]
        outcomes = self._classifier.outcomes(
            [chunk.texts[place] for place in places],
            [chunk.start + place for place in places],
            self._options,
        )
        counts = self.counts
        counts.rows += len(chunk.texts)
        counts.nulls += len(chunk.texts) - len(outcomes)
        counts.truncated += sum(outcome.is_cut for outcome in outcomes)
        counts.windowed += sum(outcome.n_parts > 1 for outcome in outcomes)
        counts.windows += sum(outcome.n_parts for outcome in outcomes if outcome.n_parts > 1)
        counts.tokens += sum(outcome.n_tokens for outcome in outcomes)
        results: list[list[LabelScore] | None] = [None] * len(chunk.texts)
        for place, outcome in zip(places, outcomes, strict=True):
            results[place] = (
                outcome.result if isinstance(outcome.result, list) else [outcome.result]
            )
        return results

    def added_columns(self, chunk: Chunk) -> list[Column]:
        """Label the rows of a chunk: the columns to add to them.

        Raises
        ------
        ValueError
            If a row has one of their names already; or as the classifier does.
        """
        for number, row in enumerate(chunk.rows, chunk.start):
            if not row.keys().isdisjoint(self.column_names):
                self.reject_taken_names(list(row), f"row {number} (counted from 0)")
        return self.columns_from(self.label_rows(chunk))

    def columns_from(self, results: list[list[LabelScore] | None]) -> list[Column]:
        """The columns to add."""
        best = [found[0] if found else {"label": None, "score": None} for found in results]
        scores = [{result["label"]: result["score"] for result in found or ()} for found in results]
        return [
            Column(self._label_name, str, [result["label"] for result in best]),
            Column(self._score_name, float, [result["score"] for result in best]),
            *(
                Column(name, float, [of_text.get(label) for of_text in scores])
                for label, name in self._score_names.items()
            ),
        ]


def label_into(
    output: ResumableFile, table: Table, labeller: Labeller, serializer: Serializer, name: str
) -> Iterator[None]:
    """Label the rows that `output` does not have yet.

    Yields when those that it has are read past, and after every chunk.  Where it has all of
    them, makes sure of that.

    Parameters
    ----------
    output : ResumableFile
        Begun.
    table : Table
        From its first row on.
    labeller : Labeller
        With the counts of the earlier run.
    serializer : Serializer
    name : str
        Names the table in error messages.

    Raises
    ------
    ValueError
        If the rows that were labelled before are no longer those of the table; or as
        `Labeller.added_columns` and the serializer do.
    """
    content = hashlib.sha256()
    chunks = iter(table.chunks)
    n_done = output.state["rows"]
    if not n_done:
        output.write(serializer.header, {"rows": 0})
    else:
        n_behind = _read_past(chunks, n_done, content)
        advice = "bring it back, or start over: --force without --resume"
        if content.hexdigest() != output.state["content"]:
            raise ValueError(
                f"{name} has changed within the first {n_done:,} rows, which are labelled already "
                f"in {output.folder}; {advice}"
            )
        if n_behind or (output.is_whole and next(chunks, None)):
            raise ValueError(
                f"{name} has more rows now than the {n_done:,} that were all of it, and are "
                f"labelled already in {output.folder}; {advice}"
            )
    yield
    for chunk in chunks:
        _take_up(chunk.rows, content)
        added = labeller.added_columns(chunk)
        state = {**asdict(labeller.counts), "content": content.hexdigest()}
        output.write(serializer.serialize(chunk, added), state)
        yield


def _read_past(chunks: Iterator[Chunk], n_rows: int, content: Any) -> int:
    """Read so many rows, or all: how many the last chunk has behind them.

    There are some only where the table ended with `n_rows`, and does so no longer.
    """
    while n_rows > 0:
        chunk = next(chunks, None)
        if chunk is None:
            return 0
        _take_up(chunk.rows[:n_rows], content)
        n_rows -= len(chunk.rows)
    return -n_rows


def _take_up(rows: list[Row], content: Any) -> None:
    for row in rows:
        content.update(repr(row).encode())
