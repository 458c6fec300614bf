"""From the arguments of `npbert classify` to one request, which is checked."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from typing import Final

from npbert.arguments import NOT_GIVEN, NotGiven
from npbert.messages import shown
from npbert.tables.decoding import ERRORS, Encoding
from npbert.tables.dialect import Dialect
from npbert.tables.dialect_advice import advise_on_long_delimiter
from npbert.tables.formats import FORMATS, format_of

TABLE: Final = "table"  # the format for people; the other formats are for programs
STANDARD_INPUT: Final = "-"
PARQUET_WITHOUT_FILE: Final = "parquet does not go to standard output; give --output FILE"
_STANDARD_OUTPUT: Final = "-"
_ALL_LABELS: Final = "all"
_BAD_ROWS: Final = ("stop", "skip")


@dataclass(frozen=True)
class ClassifyRequest:
    """What the arguments of `npbert classify` ask for.

    Attributes
    ----------
    texts : tuple of str
        The texts among the arguments. There are none if there are inputs.
    input_paths : tuple of str
        The files of texts, folders of files, or "-" for standard input.
    input_format : str, optional
        The format of the input. By default the file decides.
    column : str, optional
        The column of texts. By default it is "text", or the only column.
    encoding : Encoding
        The encoding of the input, if it is text.
    dialect : Dialect
        The dialect of the input, if it is csv or tsv.
    skips_bad_rows : bool
        Whether rows that cannot be read are left out, and written to a file beside the output.
    null_words : tuple of str
        Texts that stand for no text.
    model, revision : str, optional
        The model, and its branch, tag or commit on the hub.
    subfolder : str, optional
        The folder with the files, inside the model's folder.
    variant : str, optional
        The word in the names of the files of the weights.
    top_k : int or None, optional
        The number of labels per text that have a score in columns of their own; None means all
        labels. If it is not given, there are no such columns.
    long_text : "error", "truncate" or "window"
        What to do with a text of more tokens than the model can read: stop, cut the text, or read
        it in windows.
    n_threads : int, optional
        The most threads that compute at a time.
    output_path : str, optional
        The file for the results, or the folder for the files of several inputs. By default the
        results go to standard output.
    output_format : str, optional
        The format that `--format` or the ending of the output file asks for. By default the
        format of the input decides.
    prefix : str
        The beginning of the names of the added columns.
    force : bool
        Whether an existing output file may be replaced.
    resume : bool
        Whether to go on with what an earlier run has left.
    progress, quiet : bool
        Whether to show progress everywhere, or to show neither progress nor counts.
    """

    texts: tuple[str, ...]
    input_paths: tuple[str, ...]
    input_format: str | None
    column: str | None
    encoding: Encoding
    dialect: Dialect
    skips_bad_rows: bool
    null_words: tuple[str, ...]
    model: str | None
    revision: str | None
    subfolder: str | None
    variant: str | None
    top_k: int | NotGiven | None
    long_text: str
    n_threads: int | None
    output_path: str | None
    output_format: str | None
    prefix: str
    force: bool
    resume: bool
    progress: bool
    quiet: bool

    @property
    def input_path(self) -> str | None:
        """The first input, which is the only one where one table is labelled."""
        return self.input_paths[0] if self.input_paths else None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `npbert classify` to a parser."""
    parser.add_argument(
        "texts",
        nargs="*",
        metavar="TEXT",
        help="a text to label; '-' alone reads texts from standard input",
    )
    model = add_model_arguments(parser)
    model.add_argument(
        "--top-k",
        type=_read_top_k,
        default=NOT_GIVEN,
        metavar="K",
        help="also add a column of scores for every label, in which each text has the scores of "
        "its best K labels, or of 'all' labels",
    )
    _add_input_arguments(parser)
    _add_output_arguments(parser)


def add_model_arguments(
    parser: argparse.ArgumentParser, long_text: str = "truncate"
) -> argparse._ArgumentGroup:
    """Add the arguments that choose a model and how it computes, and return their group.

    `long_text` is the default of the argument of this name.
    """
    model = parser.add_argument_group("model")
    model.add_argument(
        "--model", help="a folder, 'mini' or a hub id (default: a DistilBERT for SST-2)"
    )
    add_file_arguments(model)
    model.add_argument(
        "--long-text",
        choices=("error", "truncate", "window"),
        default=long_text,
        help="what to do with a text of more tokens than the model can read: report an error, cut "
        "the text, or read it in windows (default: %(default)s)",
    )
    model.add_argument(
        "--threads",
        type=read_count,
        metavar="N",
        help="the most threads that compute at a time (default: NPBERT_THREADS of the "
        "environment, or the number of processors that npbert may use)",
    )
    return model


def add_file_arguments(parser: argparse._ActionsContainer) -> None:
    """Add the arguments that choose among the files of a model."""
    parser.add_argument("--revision", help="a branch, tag or commit on the hub")
    parser.add_argument("--subfolder", help="the folder with the files, inside the model's folder")
    parser.add_argument("--variant", help="the word in the names of the files of the weights: fp16")


def _add_input_arguments(parser: argparse.ArgumentParser) -> None:
    source = parser.add_argument_group("input")
    source.add_argument(
        "--input",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="a file of texts, several files, or folders of files, of which all at any depth are "
        "taken; '-' is standard input",
    )
    source.add_argument(
        "--input-format",
        choices=FORMATS,
        help="the format of the input (default: what the ending of FILE says, else plain lines)",
    )
    source.add_argument(
        "--column", help="the column or key of the texts (default: text, or the only column)"
    )
    _add_text_file_arguments(source)
    source.add_argument(
        "--bad-rows",
        choices=_BAD_ROWS,
        default=_BAD_ROWS[0],
        help="what to do with a row that cannot be read, such as one with a cell too many: stop, "
        "or skip it, and write it with its reason to a file beside the output (default: stop)",
    )
    source.add_argument(
        "--null",
        action="append",
        default=[],
        metavar="WORD",
        help="a text that stands for no text, such as '\\N' or 'NULL'; it may be given several "
        "times (nulls and empty or blank texts are no text in any case)",
    )


def _add_text_file_arguments(source: argparse._ArgumentGroup) -> None:
    """Add the arguments that say how a text file is to be read."""
    source.add_argument(
        "--encoding",
        type=_read_encoding,
        default="utf-8",
        help="the encoding of a text file (default: utf-8)",
    )
    source.add_argument(
        "--encoding-errors",
        choices=ERRORS,
        default="strict",
        help="what to do with a byte that is no text in this encoding: stop, put U+FFFD in its "
        "place, or leave it out (default: strict, which stops)",
    )
    source.add_argument(
        "--delimiter",
        type=_read_delimiter,
        help="the character between the cells of csv and tsv, such as ';'",
    )
    source.add_argument(
        "--no-quotes",
        action="store_true",
        help="in csv and tsv, a quote is a character like any other, and encloses nothing",
    )
    source.add_argument(
        "--escape",
        type=_read_escape,
        metavar="CHARACTER",
        help="in csv and tsv, the character before a quote that belongs to a cell, such as '\\' "
        "(default: none, and a quote in a cell is doubled)",
    )
    source.add_argument(
        "--skip-initial-space",
        action="store_true",
        help="in csv and tsv, blanks behind a delimiter do not belong to the cell",
    )
    source.add_argument(
        "--no-header",
        action="store_true",
        help="in csv and tsv, the first line is a row, and columns are named by their numbers, "
        "counted from 0: --column 2 is the third one",
    )


def _add_output_arguments(parser: argparse.ArgumentParser) -> None:
    output = parser.add_argument_group("output")
    output.add_argument(
        "--output",
        type=_read_output_path,
        metavar="FILE",
        help="the file for the results (default: standard output, '-'); for several inputs it is "
        "the name of a folder, in which each input has a file of the same name",
    )
    output.add_argument(
        "--format",
        choices=(TABLE, *FORMATS[1:]),
        help="the format of the output (default: what the ending of the output file says, else "
        "the format of the input; for arguments and lines, a table on a terminal, else jsonl)",
    )
    output.add_argument(
        "--prefix", default="", help="the beginning of the names of the added columns"
    )
    output.add_argument("--force", action="store_true", help="replace an existing output")
    output.add_argument(
        "--resume",
        action="store_true",
        help="go on with what an earlier run of the same command has left, if there is anything",
    )
    noise = output.add_mutually_exclusive_group()
    noise.add_argument(
        "--progress", action="store_true", help="show progress, also where there is no terminal"
    )
    noise.add_argument(
        "--quiet",
        action="store_true",
        help="show no progress, and no line of counts at the end",
    )


def read_request(arguments: argparse.Namespace) -> ClassifyRequest:
    """Make the request of the parsed arguments.

    Raises
    ------
    argparse.ArgumentError
        If the arguments do not go together.
    """
    texts: tuple[str, ...] = tuple(arguments.texts)
    input_paths: tuple[str, ...] = tuple(arguments.input)
    if input_paths and texts:
        raise wrong_usage("give texts or --input FILE, not both")
    if arguments.resume and arguments.output is None:
        raise wrong_usage("--resume needs --output FILE")
    skips_bad_rows = arguments.bad_rows != _BAD_ROWS[0]
    if skips_bad_rows and arguments.output is None:
        raise wrong_usage("--bad-rows skip needs --output FILE, beside which it writes those rows")
    if texts == (STANDARD_INPUT,):
        texts, input_paths = (), (STANDARD_INPUT,)
    elif not input_paths and not texts:
        raise wrong_usage("give texts, --input FILE, or - for standard input")
    if texts and (arguments.column or arguments.input_format):
        raise wrong_usage("--column and --input-format need --input FILE, or - for standard input")
    output_format = arguments.format or format_of(arguments.output or "")
    if output_format == "parquet" and arguments.output is None:
        raise wrong_usage(PARQUET_WITHOUT_FILE)
    if output_format == TABLE and arguments.output is not None:
        raise wrong_usage("a table is for a terminal; choose another --format for --output")
    if arguments.skip_initial_space and arguments.delimiter == " ":
        raise wrong_usage("--skip-initial-space needs a --delimiter that is not a blank")
    if arguments.escape is not None and arguments.escape == arguments.delimiter:
        raise wrong_usage("--escape and --delimiter need different characters")
    return ClassifyRequest(
        texts=texts,
        input_paths=input_paths,
        input_format=arguments.input_format,
        column=arguments.column,
        encoding=Encoding(arguments.encoding, arguments.encoding_errors),
        dialect=Dialect(
            arguments.delimiter,
            has_quotes=not arguments.no_quotes,
            has_header=not arguments.no_header,
            escape=arguments.escape,
            skips_initial_space=arguments.skip_initial_space,
        ),
        skips_bad_rows=skips_bad_rows,
        null_words=tuple(arguments.null),
        model=arguments.model,
        revision=arguments.revision,
        subfolder=arguments.subfolder,
        variant=arguments.variant,
        top_k=arguments.top_k,
        long_text=arguments.long_text,
        n_threads=arguments.threads,
        output_path=arguments.output,
        output_format=output_format,
        prefix=arguments.prefix,
        force=arguments.force,
        resume=arguments.resume,
        progress=arguments.progress,
        quiet=arguments.quiet,
    )


def wrong_usage(message: str) -> argparse.ArgumentError:
    """Return the error of arguments that do not go together; `main` exits with 2 for it."""
    return argparse.ArgumentError(None, message)


def _read_top_k(value: str) -> int | None:
    if value == _ALL_LABELS:
        return None
    if not _is_count(value):
        raise argparse.ArgumentTypeError(f"{shown(value)} is neither a positive integer nor 'all'")
    return int(value)


def read_count(value: str) -> int:
    """Read a positive integer among the arguments."""
    if not _is_count(value):
        raise argparse.ArgumentTypeError(f"{shown(value)} is not a positive integer")
    return int(value)


def _is_count(value: str) -> bool:
    return value.isdecimal() and int(value) > 0


def _read_output_path(value: str) -> str | None:
    if not value:
        raise argparse.ArgumentTypeError("the name is empty, expected the name of a file")
    return None if value == _STANDARD_OUTPUT else value


def _read_encoding(value: str) -> str:
    try:
        "".encode(value)
    except LookupError:
        raise argparse.ArgumentTypeError(
            f"{shown(value)} is not an encoding of text that Python knows; utf-16 and cp1252 are "
            "two of those"
        ) from None
    return value


def _read_delimiter(value: str) -> str:
    value = "\t" if value == "\\t" else value
    if len(value) != 1 or value in '"\r\n':
        is_long = re.fullmatch(r"[^\w\s\"']{2,}", value) is not None
        advice = f". {advise_on_long_delimiter(value)}" if is_long else ""
        raise argparse.ArgumentTypeError(
            f"{shown(value)} cannot stand between cells, expected one character that is neither a "
            f"quote nor a line break{advice}"
        )
    return value


def _read_escape(value: str) -> str:
    if len(value) != 1 or value.isalnum() or value.isspace() or value in '",':
        raise argparse.ArgumentTypeError(
            f"{shown(value)} cannot stand before a quote, expected one character such as '\\'; "
            "quotes that are doubled need no --escape"
        )
    return value
