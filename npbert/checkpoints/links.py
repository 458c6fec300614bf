"""Links that lead out of a model's folder, as whoever made the folder may have put there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_BUNDLED_FOLDER: Final = Path(__file__).parent  # installers may make links of a package's files
_SNAPSHOTS: Final = "snapshots"
_BLOBS: Final = "blobs"


def leads_outside(path: str | Path) -> bool:
    """Tell whether a file of a model is a link out of the folder that it is in.

    The links of the hub's cache lead to the blobs of the same repository, and count as inside.
    """
    path = Path(path)
    if path.is_relative_to(_BUNDLED_FOLDER):
        return False
    folder = Path(os.path.realpath(path.parent))
    real = Path(os.path.realpath(path))
    return not (real.is_relative_to(folder) or real.parent in _blobs_of(folder))


def describe_link(path: str | Path) -> str:
    """Return the words of an error for a link out of the folder, and what to do."""
    return (
        f"{path} is a link to a file outside of the model's folder, which is not read; put a copy "
        "of the file or a hard link in its place"
    )


def _blobs_of(folder: Path) -> list[Path]:
    """Return the folder with the files of a repository in the hub's cache, from a snapshot."""
    snapshots = [parent for parent in folder.parents if parent.name == _SNAPSHOTS]
    return [parent.with_name(_BLOBS) for parent in snapshots]
