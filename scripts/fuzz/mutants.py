"""What is tried: files that are right but for a few changes, drawn by a number."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

_PLAIN: Final = (".csv", ".tsv", ".jsonl", ".json", ".txt")
OUTSIDE: Final = "outside"  # the folder beside that of the model, in which nothing may be read
OUTSIDE_MARK: Final = b"{OUTSIDE}"  # stands for its absolute path in the content of a file


class Special(NamedTuple):
    """Something else than a file in the place of a file.

    Attributes
    ----------
    kind : "link", "fifo" or "folder"
    target : str
        Where a link leads.
    """

    kind: str
    target: str = ""


class Mutant(NamedTuple):
    """Files of a model, or the file of a table, with a few changes.

    Attributes
    ----------
    kind : str
        What was changed.
    files : mapping of str to bytes or Special
        By their paths in a folder of their own.
    opened : str
        The path of the model's folder or of the table in this folder.
    original : Mutant, optional
        What must have the same answer, because the change changes nothing.
    must_be_refused : bool
    """

    kind: str
    files: Mapping[str, bytes | Special]
    opened: str
    original: Mutant | None = None
    must_be_refused: bool = False

    @property
    def is_table(self) -> bool:
        """Whether it is a table."""
        return self.opened in self.files

    @property
    def may_unpack(self) -> bool:
        """Whether the content can be far larger than the files."""
        return self.is_table and not self.opened.endswith(_PLAIN)

    @property
    def size_bytes(self) -> int:
        """The size of all files."""
        return sum(len(content) for content in self.files.values() if isinstance(content, bytes))

    def write(self, scratch: Path) -> Path:
        """Write the files into a new folder, and return the path that is opened."""
        for name, content in self.files.items():
            path = scratch / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                mark = str(scratch / OUTSIDE).encode()
                path.write_bytes(content.replace(OUTSIDE_MARK, mark))
            else:
                _make_special(path, content)
        return scratch / self.opened


def _make_special(path: Path, special: Special) -> None:
    import os

    if special.kind == "link":
        path.symlink_to(special.target)
    elif special.kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()


def draw_mutant(seed: int, number: int) -> Mutant:
    """Return the mutant that has a number in the run of a seed."""
    return draw(random.Random(f"{seed} {number}"))


def draw(chance: random.Random) -> Mutant:
    """Return any mutant."""
    from fuzz.models import draw_model
    from fuzz.tables import draw_table

    return draw_model(chance) if chance.random() < _SHARE_OF_MODELS else draw_table(chance)


_SHARE_OF_MODELS: Final = 0.7
