"""`npbert info`: what a model is."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from npbert.cli.request import add_file_arguments
from npbert.cli.standard_output import write_for_people
from npbert.messages import harmless, with_noun

_CARD: Final = "README.md"
_HEADER_LINES: Final = 50  # a model card's header ends before this line


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser("info", help="show what a model is")
    parser.set_defaults(
        parser=parser,
        command=lambda arguments: print_info(
            arguments.model, arguments.revision, arguments.subfolder, arguments.variant
        ),
    )
    parser.add_argument("model", metavar="MODEL", help="a folder, 'mini' or a hub id")
    add_file_arguments(parser)


def print_info(
    model: str,
    revision: str | None = None,
    subfolder: str | None = None,
    variant: str | None = None,
) -> None:
    """Print the sizes, the labels, the license and the files of a model, one fact per line."""
    from npbert.checkpoints.config import DistilBertConfig
    from npbert.checkpoints.safetensors_files import stored_tensors
    from npbert.checkpoints.sources import CONFIG_FILE, ModelSource
    from npbert.checkpoints.weight_files import weight_files

    source = ModelSource(model, revision, subfolder=subfolder, variant=variant)
    folder = source.resolve(check_config=DistilBertConfig.from_json_file)
    config = DistilBertConfig.from_json_file(folder / CONFIG_FILE)
    files = weight_files(folder, variant)
    tensors = [tensor for path in files for tensor in stored_tensors(path)]
    n_parameters = sum(math.prod(tensor.shape) for tensor in tensors)
    dtypes = ", ".join(sorted({tensor.dtype for tensor in tensors}))
    # The cache of the hub keeps each commit in a folder of its own.
    whole = [folder, *folder.parents][len(source.folder_inside.parts)]
    commit = whole.name if whole.parent.name == "snapshots" else None
    facts = {
        "model": model,
        "folder": str(folder),
        "revision": commit or "none: a folder",
        "license": read_license(whole, model),
        "encoder": f"{with_noun(config.n_layers, 'layer')}, dim {config.dim}, hidden_dim "
        f"{config.hidden_dim}, {with_noun(config.n_heads, 'head')}, {config.activation}",
        "input": f"at most {with_noun(config.max_position_embeddings, 'token')} of "
        f"{with_noun(config.vocab_size, 'piece')}",
        "labels": ", ".join(f"{number} {label}" for number, label in config.id2label.items()),
        "parameters": f"{n_parameters:,} ({dtypes})",
    }
    print_facts(facts)
    print_files(folder)


def print_facts(facts: Mapping[str, str]) -> None:
    """Print facts by their names, one per line."""
    for name, fact in facts.items():
        write_for_people(f"{name:<10}  {harmless(fact)}\n")


def print_files(folder: Path) -> None:
    """Print the names and the sizes of the files in a folder, one per line."""
    sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir()) if path.is_file()}
    for name, size_bytes in sizes.items():
        print_facts({"file": f"{name}, {with_noun(size_bytes, 'byte')}"})


def read_license(folder: Path, model: str) -> str:
    """Return what the header of the model card says, if there is a card."""
    card = folder / _CARD
    if card.is_file():
        lines = card.read_text(encoding="utf-8", errors="replace").splitlines()
        for line in lines[:_HEADER_LINES]:
            if line.startswith("license:"):
                return line.removeprefix("license:").strip()
    return f"not stated in the folder; see the model card of {model}"
