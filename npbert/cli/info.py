"""`npbert info`: what a model is."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any


def add_parser(commands: Any) -> None:
    """Add the command's arguments."""
    info = commands.add_parser("info", help="show what a model is")
    info.set_defaults(run=run)
    info.add_argument("model", metavar="MODEL", help="folder, 'mini', or hub id")
    info.add_argument("--revision", help="branch, tag or commit on the hub")


def run(options: argparse.Namespace) -> None:
    """Print it."""
    from npbert.checkpoints.config import DistilBertConfig
    from npbert.checkpoints.hub import CONFIG_FILE, ModelSource
    from npbert.checkpoints.safetensors_files import stored_tensors

    source = ModelSource(options.model, options.revision)
    folder = source.resolve(check_config=DistilBertConfig.from_json_file)
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


def _license(folder: Path, model: str) -> str:
    """What the model card's header says, if the card is there."""
    card = folder / "README.md"
    if card.is_file():
        for line in card.read_text(encoding="utf-8", errors="replace").splitlines()[:50]:
            if line.startswith("license:"):
                return line.removeprefix("license:").strip()
    return f"not stated in the folder; see the model card of {model}"
