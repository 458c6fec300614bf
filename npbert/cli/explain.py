"""`npbert explain`: texts go in, and the words that made their labels come out."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from npbert.cli.loading import load_classifier
from npbert.cli.request import STANDARD_INPUT, add_model_arguments, wrong_usage
from npbert.cli.standard_output import escape_as_json, write_bytes, write_for_people
from npbert.messages import with_noun

if TYPE_CHECKING:
    from npbert import Explanation

_FORMATS: Final = ("text", "json")
_METHODS: Final = ("leave-one-out", "mask", "shapley")
_UNITS: Final = ("word", "sentence")


@dataclass(frozen=True)
class ExplainRequest:
    """What the arguments of `npbert explain` ask for; they have the names of the options."""

    texts: tuple[str, ...]
    compare: str | None
    model: str | None
    revision: str | None
    subfolder: str | None
    variant: str | None
    long_text: str
    n_threads: int | None
    label: str | None
    method: Literal["leave-one-out", "mask", "shapley"]
    unit: Literal["word", "sentence"]
    steps: bool
    attention: bool
    format: str
    all_rows: bool
    html: str | None


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser(
        "explain",
        help="show which words made a label",
        description="Show which words of a text made its label: the text is labelled once more "
        "without each of them.",
    )
    parser.set_defaults(
        parser=parser, command=lambda arguments: explain_texts(_read_request(arguments))
    )
    parser.add_argument(
        "texts",
        nargs="+",
        metavar="TEXT",
        help="a text to explain; '-' alone reads texts from standard input, one per line",
    )
    add_model_arguments(parser)
    _add_explanation_arguments(parser)
    _add_output_arguments(parser)


def _add_explanation_arguments(parser: argparse.ArgumentParser) -> None:
    how = parser.add_argument_group("explanation")
    how.add_argument(
        "--label", help="the label to explain (default: the one that the model gives the text)"
    )
    how.add_argument(
        "--method",
        choices=_METHODS,
        default=_METHODS[0],
        help="leave each word out, put a mask in its place, or compute Shapley values: exact for "
        "up to ten words, and sampled for more (default: leave-one-out)",
    )
    how.add_argument(
        "--unit",
        choices=_UNITS,
        default=_UNITS[0],
        help="what is left out; sentences are for texts of more than 200 words (default: word)",
    )
    how.add_argument(
        "--compare", metavar="TEXT", help="another text: show how the words of both differ"
    )
    how.add_argument(
        "--steps",
        action="store_true",
        help="also show the way of the text through the model, with the lead of the label after "
        "each layer",
    )
    how.add_argument(
        "--attention", action="store_true", help="also show where the tokens of the text look"
    )


def _add_output_arguments(parser: argparse.ArgumentParser) -> None:
    output = parser.add_argument_group("output")
    output.add_argument(
        "--format",
        choices=_FORMATS,
        default=_FORMATS[0],
        help="text for people, or one JSON object per text (default: text)",
    )
    output.add_argument(
        "--all",
        action="store_true",
        dest="all_rows",
        help="in text, also show the words with small effects",
    )
    output.add_argument(
        "--html", metavar="FILE", help="write a page to this file, and no text to standard output"
    )


def _read_request(arguments: argparse.Namespace) -> ExplainRequest:
    """Make the request of the parsed arguments.

    Raises
    ------
    argparse.ArgumentError
        If the arguments do not go together.
    """
    if arguments.compare is not None and (
        len(arguments.texts) > 1 or arguments.texts[0] == STANDARD_INPUT
    ):
        raise wrong_usage("--compare needs exactly one TEXT to compare with")
    if arguments.html is not None and arguments.format == "json":
        raise wrong_usage("give --html FILE or --format json, not both")
    return ExplainRequest(
        texts=tuple(arguments.texts),
        compare=arguments.compare,
        model=arguments.model,
        revision=arguments.revision,
        subfolder=arguments.subfolder,
        variant=arguments.variant,
        long_text=arguments.long_text,
        n_threads=arguments.threads,
        label=arguments.label,
        method=arguments.method,
        unit=arguments.unit,
        steps=arguments.steps,
        attention=arguments.attention,
        format=arguments.format,
        all_rows=arguments.all_rows,
        html=arguments.html,
    )


def explain_texts(request: ExplainRequest) -> None:
    """Explain the texts of a request, and write the explanations.

    Raises
    ------
    OSError, ValueError
        If the model or a file cannot be used, or if a text cannot be explained.
    """
    if request.html is not None:
        _write_page(Path(request.html), _explanations(request))
    elif request.format == "json":
        for explanation in _explanations(request):
            write_bytes(_json_line(explanation))
    elif request.compare is not None:
        from npbert.explanations.comparison import draw_comparison

        width = shutil.get_terminal_size().columns
        first, second = _explanations(request)
        write_for_people(draw_comparison(first, second, width) + "\n")
    else:
        _write_for_people(request)


def _explanations(request: ExplainRequest) -> Iterator[Explanation]:
    """Yield the explanation of each text; the one to compare with is the last."""
    classifier = load_classifier(request)
    from npbert.explanations.explain import explain

    def explained(texts: Iterable[str], label: str | None) -> Iterator[Explanation]:
        return explain(
            iter(texts),
            classifier,
            label=label,
            method=request.method,
            unit=request.unit,
            steps=request.steps,
            attention=request.attention,
            threads=request.n_threads,
        )

    label = request.label
    for explanation in explained(_texts(request), label):
        yield explanation
        label = explanation.label
    if request.compare is not None:
        yield from explained([request.compare], label)


def _texts(request: ExplainRequest) -> Iterator[str]:
    """Yield the texts of a request; blank lines of standard input are no texts."""
    if request.texts != (STANDARD_INPUT,):
        yield from request.texts
        return
    from npbert.tables.formats import read_table
    from npbert.tables.source import open_source

    n_blank = 0
    with open_source(STANDARD_INPUT) as source:
        for chunk in read_table(source, "lines", live=True).chunks:
            for text in chunk.texts:
                if text and text.strip():
                    yield text
                else:
                    n_blank += 1
    if n_blank:
        print(f"npbert: {with_noun(n_blank, 'line')} without a text", file=sys.stderr)


def _write_for_people(request: ExplainRequest) -> None:
    from npbert.explanations.drawing import draw

    width = shutil.get_terminal_size().columns
    # https://no-color.org
    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for number, explanation in enumerate(_explanations(request)):
        drawn = draw(explanation, width, all_rows=request.all_rows, colours=colours)
        write_for_people(("\n\n" if number else "") + drawn + "\n")


def _json_line(explanation: Explanation) -> bytes:
    line = json.dumps(explanation.to_dict(), ensure_ascii=False)
    return escape_as_json(line).encode() + b"\n"


def _write_page(path: Path, explanations: Iterable[Explanation]) -> None:
    from npbert.checkpoints.saving import write_files
    from npbert.explanations.page import to_page

    write_files(path.parent, {path.name: to_page(explanations)})
