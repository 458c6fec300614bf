"""Labels in the workers of a cluster's engine: Ray Data, Spark, or anything that maps batches.

The engine sends an object to its workers, and calls it with batches of rows. `Classifier` is such
an object: it holds the names of a model and of a column, and each process that calls it loads the
model once. See docs/scale.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from npbert.arguments import NOT_GIVEN, NotGiven, check_text
from npbert.checkpoints.sources import ModelSource
from npbert.pipelines.cached import loaded_classifier
from npbert.pipelines.text_classification import (
    TextClassificationCallOptions,
    TextClassificationOptions,
)
from npbert.tables.labelling import Labeller
from npbert.tables.parquet_writing import with_arrow_columns
from npbert.tables.rows import ArrowTable, Column, Record, is_nan, split_into_chunks

DataFrame = Any  # a pandas.DataFrame; pandas comes without types
AddedCells = NDArray[np.object_] | NDArray[np.float64]  # labels, or scores


class Frame(Protocol):
    """A pandas.DataFrame, a pyarrow.Table or a pyarrow.RecordBatch."""

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of rows and columns."""
        ...


# The arguments of `Classifier` that are no options of the pipeline.
_NAMES: Final = (
    *("model", "revision", "column", "prefix"),
    *("cache_dir", "local_files_only", "subfolder", "variant"),
)

CellsT = TypeVar("CellsT")  # a column of a dict: an array, or another sequence
FrameT = TypeVar("FrameT", bound=Frame)
BatchT_co = TypeVar("BatchT_co", covariant=True)


class Classifier:
    """Adds labels and scores to batches of rows.

    A pickled classifier is a few names. Each worker maps the weights from the model's files, so
    the workers of one host share them through the page cache.

    Parameters
    ----------
    model : str or Path
        A folder, which every worker must have at the same place; a bundled name; or a hub id,
        which every host fetches into its cache, with HF_TOKEN if the model needs a token.
    revision : str, optional
        A branch, tag or commit on the hub.
    column : str
        The column of texts.
    prefix : str
        The beginning of the names of the added columns.
    cache_dir : str or Path, optional
        A folder that is used in place of the hub's cache.
    local_files_only : bool
        Never use the network.
    subfolder : str, optional
        The folder with the files, inside the model's folder or repository.
    variant : str, optional
        The word in the names of the files with the weights: "fp16" for model.fp16.safetensors.
    top_k : int or None, optional
        If it is given, a column ``score_LABEL`` is added for every label, too. In these columns
        each text has the scores of its best `top_k` labels; None stands for all labels.
    **options
        `threads`, the most threads that compute at a time; here the default is 1, because engines
        start one worker per processor. For `function_to_apply`, `long_text`, `truncation`,
        `max_length` and `batch_size` see `npbert.pipeline`.

    Raises
    ------
    TypeError, ValueError
        If an option is unknown or cannot be honoured. This is found before any worker starts.
    """

    def __init__(
        self,
        model: str | Path,
        revision: str | None = None,
        column: str = "text",
        *,
        prefix: str = "",
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        subfolder: str | None = None,
        variant: str | None = None,
        top_k: int | NotGiven | None = NOT_GIVEN,
        **options: Unpack[TextClassificationCallOptions],
    ) -> None:
        if not isinstance(model, (str, Path)):
            raise TypeError(
                f"model is a {type(model).__name__}, expected a folder or a name: the workers "
                "load the model themselves"
            )
        self.column = column
        self._prefix = prefix
        self._options = TextClassificationOptions.read(
            {"threads": 1, **options, "top_k": top_k}, "Classifier()", _NAMES
        )
        # A worker has another working directory, so a relative path would lead elsewhere there.
        self._source = ModelSource(
            model,
            revision,
            cache_dir,
            local_files_only,
            subfolder=subfolder,
            variant=variant,
        ).anchored()

    @overload
    def __call__(self, batch: FrameT) -> FrameT: ...
    @overload
    def __call__(self, batch: Mapping[str, CellsT]) -> dict[str, CellsT | AddedCells]: ...

    def __call__(self, batch: object) -> object:
        """Label a batch.

        Parameters
        ----------
        batch : dict of arrays, pandas.DataFrame, pyarrow.Table or pyarrow.RecordBatch
            The rows, with the column of texts. In this column None, NaN, null, and empty or blank
            texts stand for a row without a text.

        Returns
        -------
        dict, DataFrame, Table or RecordBatch
            A new batch of the same kind, with the columns ``label`` (strings) and ``score``
            (float64) added. In a row without a text both are null; in a dict the label is None
            and the score is NaN.

        Raises
        ------
        TypeError
            If the batch is of another kind, or a text is not a str.
        ValueError
            If the batch does not have the column of texts, if it already has a column with the
            name of an added column, or if a text is too long.
        """
        rows = _adapt(batch)
        names = rows.names()
        if self.column not in names:
            raise ValueError(
                f"the batch has no column {self.column!r}; its columns are: "
                f"{', '.join(map(str, names))}"
            )
        if names.count(self.column) > 1:
            raise ValueError(f"the batch has more than one column {self.column!r}; rename one")
        labeller = Labeller(loaded_classifier(self._source), self._prefix, self._options)
        labeller.reject_taken_names([name for name in names if isinstance(name, str)], "the batch")
        records: Iterator[Record] = (
            (None if text is None else check_text(text, f"text {number} of the batch"), {})
            for number, text in enumerate(rows.texts(self.column))
        )
        labels = [
            of_row for chunk in split_into_chunks(records) for of_row in labeller.label_rows(chunk)
        ]
        return rows.with_columns(labeller.columns_from(labels))


class _Rows(Protocol[BatchT_co]):
    """A batch of one of the libraries, with what `Classifier` asks of it."""

    def names(self) -> list[object]:
        """Return the names of the columns."""
        ...

    def texts(self, column: str) -> Iterable[object]:
        """Return the cells of a column, with None for those without a text."""
        ...

    def with_columns(self, columns: list[Column]) -> BatchT_co:
        """Return a new batch with columns added."""
        ...


class _DictRows:
    """A dict of arrays, as Ray Data passes batches unless it is told otherwise."""

    def __init__(self, batch: Mapping[object, Sequence[object]]) -> None:
        self._batch = batch

    def names(self) -> list[object]:
        return list(self._batch)

    def texts(self, column: str) -> list[object]:
        cells = self._batch[column]
        if isinstance(cells, str):
            raise TypeError(
                f"the column {column!r} is a str, expected an array or a list: a batch, not one "
                "row (batched=True in Hugging Face's map)"
            )
        return [None if _is_null(cell) else cell for cell in cells]

    def with_columns(self, columns: list[Column]) -> dict[object, object]:
        dtypes = {str: object, float: np.float64}
        added: dict[object, object] = {
            column.name: np.array(column.values, dtypes[column.kind]) for column in columns
        }
        return {**self._batch, **added}


class _DataFrameRows:
    """A pandas.DataFrame."""

    def __init__(self, batch: DataFrame) -> None:
        self._batch = batch

    def names(self) -> list[object]:
        return list(self._batch.columns)

    def texts(self, column: str) -> list[object]:
        cells = self._batch[column]
        return [None if null else cell for cell, null in zip(cells, cells.isna(), strict=True)]

    def with_columns(self, columns: list[Column]) -> DataFrame:
        import pandas

        dtypes = {str: "string", float: "float64"}
        added = {
            column.name: pandas.Series(column.values, self._batch.index, dtypes[column.kind])
            for column in columns
        }
        return self._batch.assign(**added)


class _ArrowRows:
    """A pyarrow.Table or a pyarrow.RecordBatch."""

    def __init__(self, batch: ArrowTable) -> None:
        self._batch = batch

    def names(self) -> list[object]:
        return list(self._batch.schema.names)

    def texts(self, column: str) -> list[object]:
        return list(self._batch.column(column).to_pylist())

    def with_columns(self, columns: list[Column]) -> ArrowTable:
        return with_arrow_columns(self._batch, columns)


def _adapt(batch: object) -> _Rows[object]:
    """Return the rows of a batch.

    The library of the batch is not imported here: whoever made the batch has imported it.
    """
    pandas, pyarrow = sys.modules.get("pandas"), sys.modules.get("pyarrow")
    if isinstance(batch, Mapping):
        return _DictRows(batch)
    if pandas is not None and isinstance(batch, pandas.DataFrame):
        return _DataFrameRows(batch)
    if pyarrow is not None and isinstance(batch, (pyarrow.Table, pyarrow.RecordBatch)):
        return _ArrowRows(batch)
    raise TypeError(
        f"batch is a {type(batch).__name__}, expected a dict of arrays, a pandas.DataFrame or a "
        "pyarrow.Table"
    )


def _is_null(cell: object) -> bool:
    """Tell whether a cell of an array of objects is NaN or pandas' NA: not a text."""
    pandas = sys.modules.get("pandas")
    return is_nan(cell) or (pandas is not None and cell is pandas.NA)
