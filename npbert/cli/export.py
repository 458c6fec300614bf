"""`npbert export`: a model's files are written into a folder of their own."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npbert.cli.info import print_facts, print_files, read_license
from npbert.cli.new_folder import new_folder
from npbert.cli.request import add_file_arguments, wrong_usage
from npbert.messages import enumerate_names, shown

if TYPE_CHECKING:
    from npbert.cli.score_change import AnyModel


@dataclass(frozen=True)
class ExportRequest:
    """What the arguments of `npbert export` ask for; they have the names of the options."""

    model: str
    folder: Path
    revision: str | None
    subfolder: str | None
    variant: str | None
    half: bool
    texts: str | None
    column: str | None
    force: bool


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser(
        "export",
        help="write a model into a folder of its own",
        description="Write all that a model needs into a folder: its config, its weights in one "
        "file, its tokenizer, its README and its license. npbert and transformers read the folder.",
    )
    parser.set_defaults(parser=parser, command=lambda arguments: export(_read_request(arguments)))
    parser.add_argument("model", metavar="MODEL", help="a folder, 'mini' or a hub id")
    parser.add_argument("folder", metavar="FOLDER", help="the new folder")
    add_file_arguments(parser)
    parser.add_argument(
        "--half",
        action="store_true",
        help="write weights of 16 bits in place of 32: half the size, and scores that change a "
        "little",
    )
    parser.add_argument(
        "--texts",
        metavar="FILE",
        help="a file of texts, on which the largest change of a score is measured; a few hundred "
        "are enough",
    )
    parser.add_argument(
        "--column", help="the column or key of the texts (default: text, or the only column)"
    )
    parser.add_argument("--force", action="store_true", help="replace an existing folder")


def _read_request(arguments: argparse.Namespace) -> ExportRequest:
    """Make the request of the parsed arguments.

    Raises
    ------
    argparse.ArgumentError
        If the arguments do not go together.
    """
    if arguments.column is not None and arguments.texts is None:
        raise wrong_usage("--column needs --texts FILE")
    if not arguments.folder:
        raise wrong_usage("the name of FOLDER is empty")
    return ExportRequest(
        model=arguments.model,
        folder=Path(arguments.folder),
        revision=arguments.revision,
        subfolder=arguments.subfolder,
        variant=arguments.variant,
        half=arguments.half,
        texts=arguments.texts,
        column=arguments.column,
        force=arguments.force,
    )


def export(request: ExportRequest) -> None:
    """Write the folder of a request, and print what is in it and how far its numbers changed.

    Raises
    ------
    OSError
        If the model cannot be found or fetched, or a file cannot be read or written.
    ValueError
        If the model's files cannot be used, or a weight is too large for float16.

    Warns
    -----
    UserWarning
        If all values of a weight are so small that they lose digits in float16.
    """
    from npbert.checkpoints.config import DistilBertConfig
    from npbert.checkpoints.exporting import export_model, is_model_file
    from npbert.checkpoints.sources import ModelSource

    texts = None if request.texts is None else _read_texts(request.texts, request.column)
    source = ModelSource(
        request.model, request.revision, subfolder=request.subfolder, variant=request.variant
    )
    folder = source.resolve(check_config=DistilBertConfig.from_json_file)
    whole = [folder, *folder.parents][len(source.folder_inside.parts)]
    before = _load(folder, request.variant)
    with new_folder(request.folder, is_model_file, force=request.force) as made:
        faint = export_model(folder, whole, made, variant=request.variant, half=request.half)
        facts = {
            "folder": str(request.folder),
            "license": read_license(whole, request.model),
            **_compare(before, made, texts),
        }
    if faint:
        warnings.warn(
            f"all values of {enumerate_names(faint)} are smaller than 6.1e-5, where float16 has "
            "fewer digits; see with --texts FILE how far the scores change",
            stacklevel=2,
        )
    print_facts(facts)
    print_files(request.folder)


def _read_texts(path: str, column: str | None) -> list[str]:
    """Return the texts of a file; blank lines and rows without a text are no texts."""
    from npbert.tables.formats import read_table
    from npbert.tables.source import open_source

    with open_source(path) as source:
        chunks = read_table(source, column=column).chunks
        texts = [text for chunk in chunks for text in chunk.texts if text and text.strip()]
    if not texts:
        raise ValueError(f"{path} has no text; --texts needs at least one")
    return texts


def _load(folder: Path, variant: str | None = None) -> AnyModel:
    """Load a model with the class that its config names."""
    from npbert.checkpoints.config import DistilBertConfig
    from npbert.checkpoints.sources import CONFIG_FILE
    from npbert.cli.score_change import MODEL_CLASSES
    from npbert.models import heads

    path = folder / CONFIG_FILE
    names = DistilBertConfig.from_json_file(path).architectures or ()
    for name in names:
        if name in MODEL_CLASSES:
            model: AnyModel = getattr(heads, name).from_pretrained(folder, variant=variant)
            return model
    raise ValueError(
        f"{path}: architectures is {shown(list(names))}, so the head of the model is not known; "
        f"write its class there, one of: {', '.join(MODEL_CLASSES)}"
    )


def _compare(before: AnyModel, made: Path, texts: Sequence[str] | None) -> dict[str, str]:
    """Say how the weights and the numbers of an exported model differ from those before."""
    from npbert import AutoTokenizer
    from npbert.checkpoints.safetensors_files import stored_tensors
    from npbert.checkpoints.weight_files import WEIGHTS_FILE
    from npbert.checkpoints.weights import largest_change
    from npbert.cli.score_change import measure_change

    tokenizer = AutoTokenizer.from_pretrained(made)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are the same as those of the first model
        after = _load(made)
    dtypes = ", ".join(sorted({tensor.dtype for tensor in stored_tensors(made / WEIGHTS_FILE)}))
    of_weights = largest_change((before.encoder, before.head), (after.encoder, after.head))
    if texts is not None:
        change = measure_change(before, after, tokenizer, texts)
        of_numbers = {change.numbers: str(change)}
    elif of_weights:
        of_numbers = {"scores": "not measured; --texts FILE says how far they change"}
    else:
        of_numbers = {"scores": "do not change, because the weights do not"}
    how = f"change by at most {of_weights:.2g}" if of_weights else "do not change"
    return {"weights": f"{dtypes}; they {how}", **of_numbers}
