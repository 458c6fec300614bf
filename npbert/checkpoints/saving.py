"""Files are written whole or not at all, and never in the place of others."""

from __future__ import annotations

import filecmp
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from npbert.messages import naming


def write_files(folder: Path, contents: Mapping[str, str | Path]) -> tuple[str, ...]:
    """Write files into a folder, which is made if it does not exist.

    Parameters
    ----------
    folder : Path
    contents : mapping of str to str or Path
        The content of each file, by its name: a text, or a file of which it is a copy.

    Returns
    -------
    tuple of str
        The paths of the files.

    Raises
    ------
    FileExistsError
        If a file with one of these names holds something else. Then no file is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        path = folder / name
        if path.exists() and not _holds(path, content):
            raise FileExistsError(
                f"{path} exists and holds something else; choose another folder, or remove it"
            )
    for name, content in contents.items():
        if not (folder / name).exists():
            _write_whole(folder / name, content)
    return tuple(str(folder / name) for name in contents)


def _holds(path: Path, content: str | Path) -> bool:
    if isinstance(content, Path):
        return filecmp.cmp(path, content, shallow=False)
    return path.read_bytes() == content.encode()


def _write_whole(path: Path, content: str | Path) -> None:
    """Write a file that appears under its name only when it is complete."""
    # open() gives the file the permissions that the user has chosen; mkstemp would not.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with naming(path), temporary.open("xb") as stream:
            if isinstance(content, Path):
                with content.open("rb") as source:
                    shutil.copyfileobj(source, stream)
            else:
                stream.write(content.encode())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)  # it is not there once it has its name
