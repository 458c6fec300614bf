"""The command line: arguments, progress, exit codes."""

from __future__ import annotations

import argparse
import io
import math
import os
import shutil
import signal
import sys
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from npbert import files

if TYPE_CHECKING:
    from npbert.pipelines import Result, TextClassificationPipeline

DONE, FAILED = 0, 1  # argparse itself exits with 2 for wrong usage
_INTERRUPTED, _PIPE_CLOSED, _TERMINATED = 130, 141, 143  # as shells report these signals
_BAR_WIDTH: Final = 20
_SHOWN_PROBLEMS: Final = 5


def run() -> None:
    """Be the program `npbert`."""
    # Leave through the same doors as on Ctrl-C, which remove unfinished files.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    sys.exit(main())


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _show_warning
            code: int = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone; without this, Python would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (OSError, ValueError) as error:
        print(f"npbert: error: {_one_line(error)}", file=sys.stderr)
        return FAILED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="npbert", description="Label text with DistilBERT, in NumPy, without PyTorch."
    )
    parser.add_argument("--version", action="version", version=f"npbert {version('npbert')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    classify = commands.add_parser(
        "classify",
        help="label texts",
        description="Label texts given as arguments, or those of a file. Results go to standard "
        "output or a file, everything else to standard error.",
    )
    classify.set_defaults(run=_classify, usage_error=classify.error)
    classify.add_argument("texts", nargs="*", metavar="TEXT", help="'-' alone: standard input")
    classify.add_argument("--input", metavar="FILE", help="file of texts; '-': standard input")
    classify.add_argument(
        "--input-format",
        choices=files.FORMATS,
        help="by default what FILE's ending says, else plain lines",
    )
    classify.add_argument("--column", help="column or key of the texts (default: text)")
    classify.add_argument("--output", metavar="FILE", help="instead of standard output")
    classify.add_argument("--force", action="store_true", help="replace an existing output file")
    classify.add_argument(
        "--format",
        choices=("table", "jsonl", "csv", "tsv"),
        help="of the output; by default what its ending says, else the input's; for arguments and "
        "lines a table on a terminal, else jsonl",
    )
    _add_model(classify)
    classify.add_argument(
        "--top-k",
        type=_top_k,
        default=argparse.SUPPRESS,  # None means all labels
        metavar="K",
        help="best K labels of each text, or 'all'",
    )
    classify.add_argument(
        "--long-text",
        choices=("error", "truncate", "window"),
        default="truncate",
        help="texts of more tokens than the model reads: fail, cut, or read in windows (default: "
        "truncate)",
    )
    classify.add_argument(
        "--threads", type=_count, metavar="N", help="default: the processors it may use"
    )

    info = commands.add_parser("info", help="show what a model is")
    info.set_defaults(run=_info)
    info.add_argument("model", metavar="MODEL", help="folder, 'mini', or hub id")
    info.add_argument("--revision", help="branch, tag or commit on the hub")
    return parser


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", help="folder, 'mini', or hub id (default: SST-2 DistilBERT)")
    parser.add_argument("--revision", help="branch, tag or commit on the hub")


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


# -------------------------------------------------------------------------------- classify


def _classify(options: argparse.Namespace) -> int:
    source = _source(options)
    input_format = options.input_format or files.format_of(source or "") or "lines"
    output_format = _output_format(options, input_format)
    with _input(options, source, input_format) as table, _output(options) as stream:
        from npbert.pipelines import pipeline  # after the files, whose errors come at once

        classifier = pipeline(
            "text-classification",
            options.model,
            revision=options.revision,
            long_text=options.long_text,
            threads=options.threads,
        )
        labelled = _labelled(table, classifier, getattr(options, "top_k", 1))
        if source is not None and not stream.isatty():
            labelled = _with_progress(labelled)
        if output_format == "table":
            for row, results in labelled:
                stream.write(_drawn(row[table.text_column], results))
            return DONE
        labels = classifier.model.config.id2label.values() if "top_k" in options else ()
        added = ["label", "score", *(f"score_{label}" for label in labels)]
        for taken in set(added) & set(table.columns):
            raise ValueError(f"{source} has a column {taken!r} already; rename it there")
        rows = (_merged(row, results, added) for row, results in labelled)
        files.write_rows(stream, output_format, [*table.columns, *added], rows)
    return DONE


def _source(options: argparse.Namespace) -> str | None:
    """The file to read, "-" for standard input, None where the arguments are the texts."""
    if options.input is not None and options.texts:
        options.usage_error("give texts or --input FILE, not both")
    if options.texts == ["-"]:
        return "-"
    if options.input is None and not options.texts:
        options.usage_error("give texts, --input FILE, or - for standard input")
    if options.input is None and (options.column or options.input_format):
        options.usage_error("--column and --input-format go with --input")
    return str(options.input) if options.input is not None else None


def _output_format(options: argparse.Namespace, input_format: str) -> str:
    by_ending = files.format_of(options.output or "")
    if options.format or by_ending:
        return str(options.format or by_ending)
    if input_format != "lines":
        return input_format
    return "table" if options.output is None and sys.stdout.isatty() else "jsonl"


@contextmanager
def _input(
    options: argparse.Namespace, source: str | None, input_format: str
) -> Iterator[files.Table]:
    """The rows of a file, standard input or the arguments."""
    if source is None:
        rows = ({"text": text} for text in options.texts)
        yield files.Table(["text"], "text", rows)
    elif source == "-":
        name = "standard input"
        yield files.read_table(sys.stdin.buffer, name, input_format, options.column)
    else:
        with open(source, "rb") as lines:
            yield files.read_table(lines, source, input_format, options.column)


def _output(options: argparse.Namespace) -> AbstractContextManager[TextIO]:
    """Standard output or a file."""
    if options.output is not None:
        return files.replacing(Path(options.output), options.force)
    # Data is UTF-8 whatever the locale; a terminal shows what it can.
    if isinstance(sys.stdout, io.TextIOWrapper):
        if sys.stdout.isatty():
            sys.stdout.reconfigure(errors="replace")
        else:
            sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    return nullcontext(sys.stdout)


def _labelled(
    table: files.Table, classifier: TextClassificationPipeline, top_k: int | None
) -> Iterator[tuple[files.Row, list[Result]]]:
    """Each row with its results, while the classifier reads ahead."""
    waiting: deque[files.Row] = deque()

    def texts() -> Iterator[str]:
        for row in table.rows:
            waiting.append(row)
            yield row[table.text_column]

    for results in classifier(texts(), top_k=top_k):
        yield waiting.popleft(), results


def _with_progress(rows: Iterator[Any]) -> Iterator[Any]:
    """The same rows, counted on standard error if it is a terminal."""
    from tqdm import tqdm

    yield from tqdm(rows, unit=" texts", disable=None)


def _merged(row: files.Row, results: list[Result], added: list[str]) -> files.Row:
    """A row with the columns of the results added."""
    best = results[0]
    scores = {f"score_{result['label']}": result["score"] for result in results}
    values = {"label": best["label"], "score": best["score"], **scores}
    return row | {name: values[name] for name in added if name in values}


def _drawn(text: str, results: list[Result]) -> str:
    """Results for people: a line a label with a bar, then the text on what is left of it."""
    width = max(len(result["label"]) for result in results)
    lines = []
    for result in results:
        # Scores of regression models are no shares; their bar is cut at the ends.
        filled = round(min(max(result["score"], 0), 1) * _BAR_WIDTH)
        bar = "█" * filled + "░" * (_BAR_WIDTH - filled)
        lines.append(f"{result['label']:<{width}}  {result['score']:.4f}  {bar}")
    room = max(shutil.get_terminal_size().columns - len(lines[0]) - 2, 10)
    shown = "".join(char if char.isprintable() else " " for char in text)
    lines[0] += "  " + (shown if len(shown) <= room else shown[: room - 1] + "…")
    return "\n".join(lines) + "\n"


# ------------------------------------------------------------------------------------ info


def _info(options: argparse.Namespace) -> int:
    from npbert.config import DistilBertConfig
    from npbert.hub import CONFIG_FILE, resolve
    from npbert.safetensors_files import stored_tensors

    folder = resolve(
        options.model,
        revision=options.revision,
        check_config=DistilBertConfig.from_json_file,
    )
    config = DistilBertConfig.from_json_file(folder / CONFIG_FILE)
    tensors = stored_tensors(folder)
    n_parameters = sum(math.prod(tensor.shape) for tensor in tensors)
    dtypes = ", ".join(sorted({tensor.dtype for tensor in tensors}))
    labels = ", ".join(f"{number} {label}" for number, label in config.id2label.items())
    facts = {
        "model": options.model,
        "folder": folder,
        "revision": folder.name if folder.parent.name == "snapshots" else "none: a folder",
        "license": _license(folder, options.model),
        "encoder": f"{config.n_layers} layers, dim {config.dim}, hidden_dim {config.hidden_dim}, "
        f"{config.n_heads} heads, {config.activation}",
        "input": f"at most {config.max_position_embeddings} tokens of {config.vocab_size:,} pieces",
        "labels": labels,
        "parameters": f"{n_parameters:,} ({dtypes})",
    }
    for name, fact in facts.items():
        print(f"{name:<10}  {fact}")
    for path in sorted(folder.iterdir()):
        print(f"{'file':<10}  {path.name}, {path.stat().st_size:,} bytes")
    return DONE


def _license(folder: Path, model: str) -> str:
    """What the model card's header says, if the card is there."""
    card = folder / "README.md"
    if card.is_file():
        for line in card.read_text(encoding="utf-8", errors="replace").splitlines()[:50]:
            if line.startswith("license:"):
                return line.removeprefix("license:").strip()
    return f"not stated in the folder; see the model card of {model}"


# -------------------------------------------------------------------------------- messages


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"npbert: {message}", file=sys.stderr)


def _one_line(error: BaseException) -> str:
    """An error's message on one line, long lists cut."""
    lines = [line.strip() for line in str(error).splitlines()] or [type(error).__name__]
    if len(lines) > _SHOWN_PROBLEMS:
        n_more = len(lines) - _SHOWN_PROBLEMS
        lines = [*lines[:_SHOWN_PROBLEMS], f"and {n_more} more (from_pretrained names all)"]
    return "; ".join(lines)
