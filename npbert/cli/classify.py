"""`npbert classify`: texts, or a file of them, in; labels out."""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from npbert.cli.progress import Progress, summary
from npbert.tables import formats as files
from npbert.tables.resumable import ResumableFile, resumable
from npbert.tables.rows import Serializer, Table, split_into_chunks
from npbert.tables.source import Source, open_source

if TYPE_CHECKING:
    from npbert.pipelines import TextClassificationPipeline
    from npbert.tables.labelling import Labeller

_BAR_WIDTH: Final = 20
_TABLE: Final = "table"  # for people, where the other formats are for programs
Result = dict[str, Any]
Recipe = dict[str, Any]


def add_parser(commands: Any) -> None:
    """Add the command's arguments."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "classify",
        help="label texts",
        description="Label texts given as arguments, or those of a file. Results go to standard "
        "output or a file, everything else to standard error.",
    )
    parser.set_defaults(run=run, usage_error=parser.error)
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="'-' alone: standard input")

    model = parser.add_argument_group("model")
    model.add_argument("--model", help="folder, 'mini', or hub id (default: SST-2 DistilBERT)")
    model.add_argument("--revision", help="branch, tag or commit on the hub")
    model.add_argument(
        "--top-k",
        type=_top_k,
        default=argparse.SUPPRESS,  # None means all labels
        metavar="K",
        help="also a column of scores for every label, of which each text has its best K, or 'all'",
    )
    model.add_argument(
        "--long-text",
        choices=("error", "truncate", "window"),
        default="truncate",
        help="texts of more tokens than the model reads: fail, cut, or read in windows (default: "
        "truncate)",
    )
    model.add_argument(
        "--threads", type=_count, metavar="N", help="default: the processors it may use"
    )

    source = parser.add_argument_group("input")
    source.add_argument("--input", metavar="FILE", help="file of texts; '-': standard input")
    source.add_argument(
        "--input-format",
        choices=files.FORMATS,
        help="by default what FILE's ending says, else plain lines",
    )
    source.add_argument("--column", help="column or key of the texts (default: text)")
    source.add_argument(
        "--encoding", type=_encoding, default="utf-8", help="of text files (default: utf-8)"
    )
    source.add_argument(
        "--delimiter", type=_delimiter, help="between the cells of csv and tsv, as in ';'"
    )
    source.add_argument(
        "--no-quotes",
        action="store_true",
        help="quotes in csv and tsv are characters like others, and enclose nothing",
    )

    output = parser.add_argument_group("output")
    output.add_argument(
        "--output", type=_output_path, metavar="FILE", help="instead of standard output ('-')"
    )
    output.add_argument(
        "--format",
        choices=(_TABLE, *files.FORMATS[1:]),
        help="by default what the ending of the output says, else the input's; for arguments and "
        "lines a table on a terminal, else jsonl",
    )
    output.add_argument("--prefix", default="", help="before the names of the columns added")
    output.add_argument("--force", action="store_true", help="replace an existing output file")
    output.add_argument(
        "--resume",
        action="store_true",
        help="go on with what a run of the same command has left, if it has left anything",
    )
    noise = output.add_mutually_exclusive_group()
    noise.add_argument(
        "--progress", action="store_true", help="show progress even where there is no terminal"
    )
    noise.add_argument(
        "--quiet", action="store_true", help="no progress and no line of counts at the end"
    )


def _top_k(value: str) -> int | None:
    if value == "all":
        return None
    try:
        return _count(value)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error} nor 'all'") from None


def _count(value: str) -> int:
    if not value.isdecimal() or int(value) < 1:
        raise argparse.ArgumentTypeError(f"{value!r} is no positive number")
    return int(value)


def _output_path(value: str) -> str | None:
    if not value:
        raise argparse.ArgumentTypeError("empty, expected the name of a file")
    return None if value == "-" else value


def _encoding(value: str) -> str:
    try:
        "".encode(value)
    except LookupError:
        raise argparse.ArgumentTypeError(
            f"{value!r} is no encoding of text that Python knows; utf-16 and cp1252 are some"
        ) from None
    return value


def _delimiter(value: str) -> str:
    value = "\t" if value == "\\t" else value
    if len(value) != 1 or value in '"\r\n':
        raise argparse.ArgumentTypeError(f"{value!r} is not one character between cells")
    return value


# --------------------------------------------------------------------------------- the run


def run(options: argparse.Namespace) -> None:
    """Label the texts."""
    path = _input_path(options)
    with ExitStack() as stack:
        source = None if path is None else stack.enter_context(open_source(path))
        table = _table(source, options)
        format = _output_format(table.format, options)
        output = stack.enter_context(_output(options, format)) if options.output else None

        from npbert.pipelines import pipeline
        from npbert.tables.labelling import Labeller  # after the files, whose errors come at once

        classifier: TextClassificationPipeline = pipeline(
            "text-classification",
            options.model,
            revision=options.revision,
            long_text=options.long_text,
        )
        top_k = {"top_k": options.top_k} if "top_k" in options else {}
        n_threads = _threads(options, output)
        call_options = classifier.options_for("classify", {"threads": n_threads, **top_k})
        labeller = Labeller(classifier, options.prefix, call_options)
        name = "the arguments" if source is None else source.name
        labeller.reject_taken_names(table.columns, name)
        if output is not None:
            output.begin(_recipe(options, labeller, n_threads, table, format))
            serializer = _serializer(options, table, labeller, format, output)
            work = _to_file(output, table, labeller, serializer, name)
        elif format == _TABLE:
            work = _to_terminal(table, labeller)
        else:
            serializer = _serializer(options, table, labeller, format)
            work = _to_standard_output(table, labeller, serializer)
        progress = Progress(source, table, labeller)
        stack.callback(progress.close)
        is_shown = _shows_progress(source, options)
        for _ in work:
            if is_shown:
                progress.show()
    counts = labeller.counts
    if not options.quiet and (source is not None or counts.truncated or counts.windowed):
        print(f"npbert: {summary(counts, classifier.limit())}", file=sys.stderr)


def _input_path(options: argparse.Namespace) -> str | None:
    """The file to read, "-" for standard input, None where the arguments are the texts."""
    if options.input is not None and options.texts:
        options.usage_error("give texts or --input FILE, not both")
    if options.resume and options.output is None:
        options.usage_error("--resume goes with --output")
    if options.texts == ["-"]:
        return "-"
    if options.input is None and not options.texts:
        options.usage_error("give texts, --input FILE, or - for standard input")
    if options.input is None and (options.column or options.input_format):
        options.usage_error("--column and --input-format go with --input")
    return options.input  # type: ignore[no-any-return]


def _table(source: Source | None, options: argparse.Namespace) -> Table:
    """The rows of the file, or the arguments as rows."""
    if source is None:
        records = ((text, {"text": text}) for text in options.texts)
        return Table("lines", ["text"], "text", split_into_chunks(records))
    return files.read_table(
        source,
        options.input_format,
        options.column,
        encoding=options.encoding,
        dialect=_dialect(options),
        live=options.output is None,
    )


def _dialect(options: argparse.Namespace) -> files.Dialect:
    return files.Dialect(options.delimiter, has_quotes=not options.no_quotes)


def _output_format(input_format: str, options: argparse.Namespace) -> str:
    """What is asked for, or fits the output's name, or the input."""
    asked = options.format or files.format_of(options.output or "")
    if asked is None and input_format == "lines":
        asked = _TABLE if options.output is None and sys.stdout.isatty() else "jsonl"
    format = str(asked or input_format)
    if format == "parquet" and options.output is None:
        options.usage_error("parquet goes with --output FILE")
    if format == _TABLE and options.output is not None:
        options.usage_error("a table is for the terminal; give another --format with --output")
    return format


def _output(options: argparse.Namespace, format: str) -> AbstractContextManager[ResumableFile]:
    return resumable(
        Path(options.output),
        resume=options.resume,
        force=options.force,
        finish=files.finisher_for(format, options.output),
    )


def _threads(options: argparse.Namespace, output: ResumableFile | None) -> int:
    """As many as asked for; else as many as the earlier run had; else all processors."""
    from npbert.distilbert.threads import available_cpus

    earlier = output.recipe if output is not None else None
    return int(options.threads or (earlier or {}).get("threads") or available_cpus())


def _recipe(
    options: argparse.Namespace, labeller: Labeller, n_threads: int, table: Table, format: str
) -> Recipe:
    """All that decides what the output will be, but for the rows of the input."""
    import numpy as np

    from npbert import __version__

    return {
        "npbert": __version__,
        "numpy": np.__version__,
        "model": labeller.model_digest(),
        "long_text": options.long_text,
        "top_k": getattr(options, "top_k", 1),
        "threads": n_threads,
        "column": table.text_column,
        "encoding": options.encoding,
        "delimiter": options.delimiter,
        "no_quotes": options.no_quotes,
        "format": format,
        "columns_added": labeller.column_names,
    }


def _serializer(
    options: argparse.Namespace,
    table: Table,
    labeller: Labeller,
    format: str,
    output: ResumableFile | None = None,
) -> Serializer:
    """Another format than the input's is written as usual, not in its dialect."""
    dialect = _dialect(options) if format == table.format else files.DEFAULT_DIALECT
    earlier = None
    if output is not None and output.state["rows"] and not output.is_whole:
        earlier = output.rows_path
    return files.serializer_for(format, [*table.columns, *labeller.column_names], dialect, earlier)


def _to_file(
    output: ResumableFile, table: Table, labeller: Labeller, serializer: Serializer, name: str
) -> Iterator[None]:
    """Label into a file; yields before the first chunk, and after every one."""
    from npbert.tables.labelling import label_into

    labeller.restore_counts(output.state)
    yield from label_into(output, table, labeller, serializer, name)
    output.complete()


def _to_standard_output(table: Table, labeller: Labeller, serializer: Serializer) -> Iterator[None]:
    """Label for a pipe; yields before the first chunk, and after every one."""
    _write(serializer.header)
    yield
    for chunk in table.chunks:
        _write(serializer.serialize(chunk, labeller.added_columns(chunk)))
        yield


def _to_terminal(table: Table, labeller: Labeller) -> Iterator[None]:
    """Draw labels for people; yields after every chunk."""
    for chunk in table.chunks:
        results = labeller.label_rows(chunk)
        for text, of_text in zip(chunk.texts, results, strict=True):
            line = _drawn(text or "", of_text or []) + "\n"
            encoding = sys.stdout.encoding or "utf-8"
            _write(line.encode(encoding, "replace"), encoding)
        yield


def _write(content: bytes, encoding: str = "utf-8") -> None:
    """Write to standard output: UTF-8, whatever the locale, unless it is for people."""
    sys.stdout.flush()
    if isinstance(sys.stdout, io.TextIOWrapper):
        rest = memoryview(content)
        while rest:  # with PYTHONUNBUFFERED, a call writes only what there is room for
            rest = rest[sys.stdout.buffer.write(rest) :]
    else:  # a stand-in, which takes text
        sys.stdout.write(content.decode(encoding))
    sys.stdout.flush()


def _drawn(text: str, results: list[Result]) -> str:
    """Results for people: a line a label with a bar, then the text on what is left of it."""
    width = max((len(result["label"]) for result in results), default=0)
    lines = []
    for result in results:
        # Scores of regression models are no shares; their bar is cut at the ends.
        filled = round(min(max(result["score"], 0), 1) * _BAR_WIDTH)
        bar = "█" * filled + "░" * (_BAR_WIDTH - filled)
        lines.append(f"{result['label']:<{width}}  {result['score']:.4f}  {bar}")
    lines = lines or ["(no text)"]
    room = max(shutil.get_terminal_size().columns - len(lines[0]) - 2, 10)
    shown = "".join(char if char.isprintable() else " " for char in text)
    lines[0] += "  " + (shown if len(shown) <= room else shown[: room - 1] + "…")
    return "\n".join(lines)


def _shows_progress(source: Source | None, options: argparse.Namespace) -> bool:
    """Whether somebody looks at it: on a terminal that results do not go to."""
    if options.progress or options.quiet:
        return bool(options.progress)
    is_free = options.output is not None or not sys.stdout.isatty()
    return source is not None and sys.stderr.isatty() and is_free
