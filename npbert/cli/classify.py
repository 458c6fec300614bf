"""`npbert classify`: texts, or files of them, go in, and labels come out."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Iterable

from npbert.cli.folder import is_folder_asked_for, label_folder
from npbert.cli.progress import describe_counts
from npbert.cli.request import ClassifyRequest, add_arguments, read_request
from npbert.cli.table import Model, label_table
from npbert.messages import shown
from npbert.tables.resumable import SKIPPED_ENDING


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser(
        "classify",
        help="label texts",
        description="Label the texts that are given as arguments, or the texts of files. The "
        "results go to standard output, to a file or to a folder, and everything else to standard "
        "error.",
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

    Warns
    -----
    UserWarning
        If a text is the name of a file.
    """
    _warn_about_names_of_files(request.texts)
    model = Model(request)
    if is_folder_asked_for(request):
        n_files, counts = label_folder(request, model)
        skipped_in = f"*{SKIPPED_ENDING} in {request.output_path}"
    else:
        n_files, counts = 1, label_table(request, model)
        skipped_in = f"{request.output_path}{SKIPPED_ENDING}"
    if not request.quiet and (request.input_paths or counts.truncated or counts.windowed):
        limit = model.classifier.max_tokens()
        described = describe_counts(counts, limit, n_files, skipped_in)
        print(f"npbert: {described}", file=sys.stderr)


def _warn_about_names_of_files(texts: Iterable[str]) -> None:
    for text in texts:
        if _is_file(text):
            warnings.warn(
                f"{shown(text)} is labelled as a text, but a file has this name; label the texts "
                f"in it with --input {text}",
                stacklevel=2,
            )


def _is_file(text: str) -> bool:
    try:
        return os.path.isfile(text)
    except ValueError:  # such as a NUL, or half of a surrogate pair
        return False
