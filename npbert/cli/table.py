"""One table is labelled: a file, standard input, or the texts among the arguments."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from npbert.arguments import NOT_GIVEN
from npbert.cli.drawing import draw_labels
from npbert.cli.loading import load_classifier
from npbert.cli.progress import Progress, is_progress_shown
from npbert.cli.request import PARQUET_WITHOUT_FILE, TABLE, ClassifyRequest, wrong_usage
from npbert.cli.standard_output import write_bytes, write_for_people
from npbert.tables import formats
from npbert.tables.journal import Recipe
from npbert.tables.resumable import ResumableFile, resumable
from npbert.tables.rows import Record, Serializer, Table, pass_on, split_into_chunks, stop_at
from npbert.tables.source import Source, open_source

if TYPE_CHECKING:
    from npbert import TextClassificationPipeline
    from npbert.tables.labelling import Counts, Labeller


class Model:
    """The model of a request. It is loaded when it is first needed."""

    def __init__(self, request: ClassifyRequest) -> None:
        self._request = request
        self._has_warned_of_formulas = False

    @cached_property
    def classifier(self) -> TextClassificationPipeline:
        """The pipeline with the model."""
        return load_classifier(self._request)

    @cached_property
    def digest(self) -> str:
        """The digest of the model's files."""
        from npbert.tables.labelling import model_digest

        return model_digest(self.classifier)

    def make_labeller(self, n_threads: int) -> Labeller:
        """Return a labeller that has counted nothing yet."""
        from npbert.tables.labelling import Labeller

        request = self._request
        options = self.classifier.options_for({"threads": n_threads, "top_k": request.top_k})
        return Labeller(self.classifier, request.prefix, options, request.null_words)

    def warn_of_formulas(self, format: str) -> None:
        """Warn once if a spreadsheet would take a label in an output for a formula."""
        if format in ("csv", "tsv") and not self._has_warned_of_formulas:
            from npbert.tables.delimited import warn_of_formulas

            self._has_warned_of_formulas = True
            warn_of_formulas(map(str, self.classifier.model.config.id2label.values()))


def label_table(request: ClassifyRequest, model: Model, title: str = "") -> Counts:
    """Label one table, and put the results where the request says.

    Parameters
    ----------
    request : ClassifyRequest
    model : Model
    title : str
        What the line of progress begins with.

    Raises
    ------
    argparse.ArgumentError
        If the content of the input shows that the arguments do not go together.
    OSError, ValueError, ModuleNotFoundError
        If a file or the model cannot be used, or if a text cannot be labelled.
    """
    with ExitStack() as stack:
        source = None
        if request.input_path is not None:
            source = stack.enter_context(open_source(request.input_path))
        name = "the arguments" if source is None else source.name
        table = read_table(request, source)
        format = choose_format(request, table.format)
        output = None
        if request.output_path is not None:
            output = stack.enter_context(_open_output(request, request.output_path, format))

        # The model is loaded after the files are opened, so that their errors come at once.
        n_threads = count_threads(request, output.recipe if output is not None else None)
        labeller = model.make_labeller(n_threads)
        labeller.reject_taken_names(table.columns, name)
        model.warn_of_formulas(format)
        if output is not None:
            output.begin(
                make_recipe(request, model, labeller, n_threads)
                | {"column": table.text_column, "format": format}
            )
            earlier = output.rows_path if output.state["rows"] and not output.is_whole else None
            serializer = _make_serializer(table, labeller, format, earlier)
            work = _label_into_file(output, table, labeller, serializer, name)
        elif format == TABLE:
            work = _label_for_people(table, labeller)
        else:
            serializer = _make_serializer(table, labeller, format)
            work = _label_to_standard_output(table, labeller, serializer)
        progress = Progress(source, table, labeller, title)
        stack.callback(progress.close)
        is_shown = is_progress_shown(request)
        for _ in work:
            if is_shown:
                progress.show()
    return labeller.counts


def read_table(request: ClassifyRequest, source: Source | None) -> Table:
    """Return the rows of the input, or the texts among the arguments as rows."""
    if source is None:
        records: Iterator[Record] = ((text, {"text": text}) for text in request.texts)
        return Table("lines", ["text"], "text", split_into_chunks(records))
    return formats.read_table(
        source,
        request.input_format,
        request.column,
        encoding=request.encoding,
        dialect=request.dialect,
        live=request.output_path is None,
        on_bad=pass_on if request.skips_bad_rows else stop_at,
    )


def choose_format(request: ClassifyRequest, input_format: str) -> str:
    """Return the format of the output: the one that is asked for, or the one of the input."""
    if request.output_format is not None:
        return request.output_format
    if input_format == "lines":
        is_for_people = request.output_path is None and sys.stdout.isatty()
        return TABLE if is_for_people else "jsonl"
    if input_format == "parquet" and request.output_path is None:
        raise wrong_usage(PARQUET_WITHOUT_FILE)
    return input_format


def _open_output(
    request: ClassifyRequest, path: str, format: str
) -> AbstractContextManager[ResumableFile]:
    return resumable(
        Path(path),
        resume=request.resume,
        force=request.force,
        finish=formats.finisher_for(format, path),
    )


def count_threads(request: ClassifyRequest, earlier: Recipe | None) -> int:
    """Return the number of threads that is asked for.

    By default it is the number that the earlier run had, because the last digits of the scores
    depend on it, or else the number of processors.
    """
    from npbert.distilbert.cpus import default_threads

    return int(request.n_threads or (earlier or {}).get("threads") or default_threads())


def make_recipe(
    request: ClassifyRequest, model: Model, labeller: Labeller, n_threads: int
) -> Recipe:
    """Return what decides the output, except for the input and what depends on it."""
    import numpy as np

    from npbert import __version__

    return {
        "npbert": __version__,
        "numpy": np.__version__,
        "model": model.digest,
        "subfolder": request.subfolder,
        "variant": request.variant,
        "long_text": request.long_text,
        "top_k": 1 if request.top_k is NOT_GIVEN else request.top_k,
        "threads": n_threads,
        "encoding": request.encoding.name,
        "encoding_errors": request.encoding.errors,
        "delimiter": request.dialect.delimiter,
        "bad_rows": "skip" if request.skips_bad_rows else "stop",
        "null": sorted(request.null_words),
        "escape": request.dialect.escape,
        "skip_initial_space": request.dialect.skips_initial_space,
        "no_quotes": not request.dialect.has_quotes,
        "no_header": not request.dialect.has_header,
        "columns_added": labeller.column_names,
    }


def _make_serializer(
    table: Table,
    labeller: Labeller,
    format: str,
    earlier: Path | None = None,
) -> Serializer:
    """Return the serializer of the output.

    The dialect of the input is that of the output only if both have the same format.
    """
    dialect = (table.dialect if format == table.format else None) or formats.DEFAULT_DIALECT
    columns = [*table.columns, *labeller.column_names]
    return formats.serializer_for(format, columns, dialect, earlier)


def _label_into_file(
    output: ResumableFile, table: Table, labeller: Labeller, serializer: Serializer, name: str
) -> Iterator[None]:
    """Label into a file; yield before the first chunk, and after every chunk."""
    from npbert.distilbert.blas import blas_threads
    from npbert.tables.labelling import label_into

    labeller.restore_counts(output.state)
    # A chunk with little text is computed on all threads of BLAS, or on fewer if the host is busy,
    # and the last digits depend on that. A run that is resumed must end with the same bytes.
    with blas_threads.at_most(1):
        yield from label_into(output, table, labeller, serializer, name)
    output.complete()


def _label_to_standard_output(
    table: Table, labeller: Labeller, serializer: Serializer
) -> Iterator[None]:
    """Label for other programs; yield before the first chunk, and after every chunk."""
    write_bytes(serializer.header)
    yield
    for chunk in table.chunks:
        write_bytes(serializer.serialize(chunk, labeller.added_columns(chunk)))
        yield


def _label_for_people(table: Table, labeller: Labeller) -> Iterator[None]:
    """Label for people, with bars; yield after every chunk."""
    for chunk in table.chunks:
        for text, labels in zip(chunk.texts, labeller.label_rows(chunk), strict=True):
            write_for_people(draw_labels(text or "", labels or []) + "\n")
        yield
