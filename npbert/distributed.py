"""Labels in the workers of a cluster's engine: Ray Data, Spark, or anything that maps batches.

The engine sends an object to its workers and calls it with batches of rows.  `Classifier` is
such an object: it holds the names of a model and of a column, and each process that is called
loads the model once.  See docs/scale.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from npbert.arguments import check_text
from npbert.checkpoints.hub import ModelSource
from npbert.pipelines.factory import loaded_classifier
from npbert.pipelines.text_classification import TextClassificationOptions
from npbert.tables.labelling import Labeller
from npbert.tables.parquet_writing import with_arrow_columns
from npbert.tables.rows import Column, Record, split_into_chunks


class Classifier:
    """Adds labels and scores to batches of rows.

    Pickled, it is a few names; the weights are mapped from the model's files by whoever is
    called, so the workers of one host share them through the page cache.

    Parameters
    ----------
    model : str or Path
        A folder, which every worker must have at the same place; a bundled name; or a hub id,
        which every host fetches into its cache, with HF_TOKEN where it needs one.
    revision : str, optional
        Branch, tag or commit on the hub.
    column : str
        The column of texts.
    prefix : str
        Comes before the names of the columns that are added.
    threads : int
        Most threads that compute at a time.  One by default: engines start a worker a
        processor.
    cache_dir : str or Path, optional
        Instead of the hub's cache.
    local_files_only : bool
        Never use the network.
    **options
        `function_to_apply`, `long_text`, `truncation`, `max_length`, `batch_size`: see
        `npbert.pipeline`.  With `top_k`, even None, a column ``score_LABEL`` is added for
        every label, in which each text has its best `top_k`, or all.

    Raises
    ------
    TypeError, ValueError
        Before any worker starts: if an option is unknown or cannot be honoured.
    """

    def __init__(
        self,
        model: str | Path,
        revision: str | None = None,
        column: str = "text",
        *,
        prefix: str = "",
        threads: int = 1,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        **options: Any,
    ) -> None:
        if not isinstance(model, (str, Path)):
            raise TypeError(
                f"model is a {type(model).__name__}, expected a folder or a name: the workers "
                "load it themselves"
            )
        self.column = column
        self._prefix = prefix
        self._options = TextClassificationOptions.read(
            {**options, "threads": threads}, "Classifier()"
        )
        # Workers have working directories of their own.
        self._source = ModelSource(model, revision, cache_dir, local_files_only).anchored()

    def __call__(self, batch: Any) -> Any:
        """Label a batch.

        Parameters
        ----------
        batch : dict of arrays, pandas.DataFrame, pyarrow.Table or pyarrow.RecordBatch
            With the column of texts, in which None, NaN and null are no text.

        Returns
        -------
        dict, DataFrame, Table or RecordBatch
            A new one of the same kind, with the columns ``label`` and ``score`` (float64)
            added; both are null, or None and NaN, where there is no text.

        Raises
        ------
        TypeError
            If the batch is of another kind, or a text is no str.
        ValueError
            If the batch has no such column, or one with the name of a column to be added; or
            if a text is too long.
        """
        kind = _kind_of(batch)
        names = list(kind.names(batch))
        if self.column not in names:
            raise ValueError(
                f"the batch has no column {self.column!r}; there is: {', '.join(map(str, names))}"
            )
        if names.count(self.column) > 1:
            raise ValueError(f"the batch has more than one column {self.column!r}; rename one")
        labeller = Labeller(loaded_classifier(self._source), self._prefix, self._options)
        labeller.reject_taken_names(names, "the batch")
        records: Iterator[Record] = (
            (None if text is None else check_text(text, f"text {number} of the batch"), {})
            for number, text in enumerate(kind.texts(batch, self.column))
        )
        results = [
            result for chunk in split_into_chunks(records) for result in labeller.label_rows(chunk)
        ]
        return kind.with_columns(batch, labeller.columns_from(results))


class _Dict:
    """A dict of arrays: how Ray Data gives batches unless told otherwise."""

    @staticmethod
    def names(batch: Any) -> Iterable[str]:
        return batch  # type: ignore[no-any-return]

    @staticmethod
    def texts(batch: Any, column: str) -> list[Any]:
        if isinstance(batch[column], str):
            raise TypeError(
                f"the column {column!r} is a str, expected an array or a list of them: a batch, "
                "not one row (batched=True in Hugging Face's map)"
            )
        return [None if _is_null(text) else text for text in batch[column]]

    @staticmethod
    def with_columns(batch: Any, columns: list[Column]) -> Any:
        kinds = {str: object, float: np.float64}
        added = {column.name: np.array(column.values, kinds[column.kind]) for column in columns}
        return {**batch, **added}


class _DataFrame:
    """A pandas.DataFrame."""

    @staticmethod
    def names(batch: Any) -> Iterable[str]:
        return batch.columns  # type: ignore[no-any-return]

    @staticmethod
    def texts(batch: Any, column: str) -> list[Any]:
        is_null = batch[column].isna()
        return [None if null else text for text, null in zip(batch[column], is_null, strict=True)]

    @staticmethod
    def with_columns(batch: Any, columns: list[Column]) -> Any:
        import pandas

        kinds = {str: "string", float: "float64"}
        added = {
            column.name: pandas.Series(column.values, batch.index, kinds[column.kind])
            for column in columns
        }
        return batch.assign(**added)


class _Arrow:
    """A pyarrow.Table or RecordBatch."""

    @staticmethod
    def names(batch: Any) -> Iterable[str]:
        return batch.schema.names  # type: ignore[no-any-return]

    @staticmethod
    def texts(batch: Any, column: str) -> list[Any]:
        return batch.column(column).to_pylist()  # type: ignore[no-any-return]

    @staticmethod
    def with_columns(batch: Any, columns: list[Column]) -> Any:
        return with_arrow_columns(batch, columns)


def _kind_of(batch: Any) -> type[_Dict] | type[_DataFrame] | type[_Arrow]:
    """How to work with a batch.  Whose batch it is has been imported by who made it."""
    pandas, pyarrow = sys.modules.get("pandas"), sys.modules.get("pyarrow")
    if isinstance(batch, Mapping):
        return _Dict
    if pandas is not None and isinstance(batch, pandas.DataFrame):
        return _DataFrame
    if pyarrow is not None and isinstance(batch, (pyarrow.Table, pyarrow.RecordBatch)):
        return _Arrow
    raise TypeError(
        f"batch is a {type(batch).__name__}, expected a dict of arrays, a pandas.DataFrame or a "
        "pyarrow.Table"
    )


def _is_null(value: Any) -> bool:
    """Whether a cell of an array of objects is what pandas and engines put for nothing."""
    pandas = sys.modules.get("pandas")
    is_nan = isinstance(value, (float, np.floating)) and value != value
    return is_nan or (pandas is not None and value is pandas.NA)
