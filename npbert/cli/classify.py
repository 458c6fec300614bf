"""`npbert classify`: texts, or a file of them, go in, and labels come out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from npbert.arguments import NOT_GIVEN
from npbert.cli.drawing import draw_labels
from npbert.cli.progress import Progress, describe_counts, is_progress_shown
from npbert.cli.request import (
    PARQUET_WITHOUT_FILE,
    TABLE,
    ClassifyRequest,
    add_arguments,
    read_request,
    wrong_usage,
)
from npbert.cli.standard_output import write_bytes, write_for_people
from npbert.tables import formats
from npbert.tables.resumable import Recipe, ResumableFile, resumable
from npbert.tables.rows import Record, Serializer, Table, split_into_chunks
from npbert.tables.source import Source, open_source

if TYPE_CHECKING:
    from npbert.tables.labelling import Labeller


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser(
        "classify",
        help="label texts",
        description="Label the texts that are given as arguments, or the texts of a file. The "
        "results go to standard output or to a file, and everything else to standard error.",
    )
    parser.set_defaults(
        parser=parser, command=lambda arguments: label_texts(read_request(arguments))
    )
    add_arguments(parser)


def label_texts(request: ClassifyRequest) -> None:
    """Label the texts of a request, and put the results where the request says.

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
        table = _read_table(request, source)
        format = _choose_format(request, table.format)
        output = None
        if request.output_path is not None:
            output = stack.enter_context(_open_output(request, request.output_path, format))

        # The model is loaded after the files are opened, so that their errors come at once.
        from npbert import pipeline
        from npbert.tables.labelling import Labeller

        classifier = pipeline(
            "text-classification",
            request.model,
            revision=request.revision,
            long_text=request.long_text,
        )
        n_threads = _count_threads(request, output)
        call_options = classifier.options_for({"threads": n_threads, "top_k": request.top_k})
        labeller = Labeller(classifier, request.prefix, call_options, request.null_words)
        labeller.reject_taken_names(table.columns, name)
        if output is not None:
            recipe = _make_recipe(request, labeller, n_threads, table.text_column, format)
            output.begin(recipe)
            earlier = output.rows_path if output.state["rows"] and not output.is_whole else None
            serializer = _make_serializer(table, labeller, format, earlier)
            work = _label_into_file(output, table, labeller, serializer, name)
        elif format == TABLE:
            work = _label_for_people(table, labeller)
        else:
            serializer = _make_serializer(table, labeller, format)
            work = _label_to_standard_output(table, labeller, serializer)
        progress = Progress(source, table, labeller)
        stack.callback(progress.close)
        is_shown = is_progress_shown(request)
        for _ in work:
            if is_shown:
                progress.show()
    counts = labeller.counts
    if not request.quiet and (source is not None or counts.truncated or counts.windowed):
        print(f"npbert: {describe_counts(counts, classifier.max_tokens())}", file=sys.stderr)


def _read_table(request: ClassifyRequest, source: Source | None) -> Table:
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
    )


def _choose_format(request: ClassifyRequest, input_format: str) -> str:
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


def _count_threads(request: ClassifyRequest, output: ResumableFile | None) -> int:
    """Return the number of threads that is asked for.

    By default it is the number that the earlier run had, because the last digits of the scores
    depend on it, or else the number of processors.
    """
    from npbert.distilbert.threads import available_cpus

    earlier = output.recipe if output is not None else None
    return int(request.n_threads or (earlier or {}).get("threads") or available_cpus())


def _make_recipe(
    request: ClassifyRequest, labeller: Labeller, n_threads: int, text_column: str, format: str
) -> Recipe:
    """Return all that decides what the output will be, except for the rows of the input."""
    import numpy as np

    from npbert import __version__

    return {
        "npbert": __version__,
        "numpy": np.__version__,
        "model": labeller.model_digest(),
        "long_text": request.long_text,
        "top_k": 1 if request.top_k is NOT_GIVEN else request.top_k,
        "threads": n_threads,
        "column": text_column,
        "encoding": request.encoding.name,
        "encoding_errors": request.encoding.errors,
        "delimiter": request.dialect.delimiter,
        "null": sorted(request.null_words),
        "no_quotes": not request.dialect.has_quotes,
        "no_header": not request.dialect.has_header,
        "format": format,
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
    from npbert.tables.labelling import label_into

    labeller.restore_counts(output.state)
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
