"""Several files that are labelled together: which they are, and what their outputs are called."""

from __future__ import annotations

import glob
import os
import warnings
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Final, NamedTuple
from unicodedata import normalize

from npbert.messages import enumerate_values
from npbert.tables.compression import READ, WRITTEN, compression_of
from npbert.tables.formats import ENDINGS, format_of
from npbert.tables.journal import ENDING as PARTIAL

# Files with these first characters are not data: Spark and others write `_SUCCESS` and `.crc`.
_NOT_DATA: Final = ("_", ".")


class Part(NamedTuple):
    """One of several files.

    Attributes
    ----------
    path : str
        The file.
    name : str
        Its name among the outputs. It has folders in it if the file was found in a folder.
    """

    path: str
    name: str


def expand_patterns(paths: Iterable[str]) -> list[str]:
    """Return the paths, with the files that a pattern such as ``parts/*.csv`` stands for.

    Most shells do this themselves; that of Windows does not. A path that exists is no pattern.
    """
    expanded: list[str] = []
    for path in paths:
        found = [path]
        if is_pattern(path):
            found = sorted(glob.glob(path, recursive=True))
            if not found:
                raise FileNotFoundError(f"{path}: no file has such a name")
        expanded += found
    return expanded


def is_pattern(path: str) -> bool:
    """Tell whether a path is a pattern, which stands for several files."""
    return glob.has_magic(path) and not os.path.lexists(path)


def find_parts(paths: Iterable[str], output: str, *, any_ending: bool) -> list[Part]:
    """Find the files that are labelled together.

    Parameters
    ----------
    paths : iterable of str
        Files, and folders, of which all files at any depth are taken in the order of their names.
        Names that begin with "_" or "." are passed over.
    output : str
        The folder of the outputs, which is passed over, too.
    any_ending : bool
        Whether files of a folder are taken whose ending does not say that they are tables.

    Raises
    ------
    FileNotFoundError
        If a path does not exist, or if a folder has no tables in it.
    ValueError
        If a path is neither a file nor a folder, or if two outputs would have the same name.

    Warns
    -----
    UserWarning
        If a file of a folder is left out because of its ending.
    """
    parts: list[Part] = []
    for path in paths:
        if os.path.isdir(path):
            parts += _parts_in(path, output, any_ending=any_ending)
        elif os.path.isfile(path):
            parts.append(Part(path, os.path.basename(path)))
        elif os.path.lexists(path):
            raise ValueError(f"{path} is neither a file nor a folder; label it by itself")
        else:
            raise FileNotFoundError(f"{path}: no such file or folder")
    return parts


def require_different_names(outputs: Iterable[tuple[str, str]]) -> None:
    """Raise a ValueError if two inputs have one name of an output on some system.

    Some systems ignore the case of names, and whether an accent is a character of its own.

    Parameters
    ----------
    outputs : iterable of (str, str)
        The path of each input, and the name of its output.
    """
    paths: dict[str, str] = {}
    for path, name in outputs:
        key = normalize("NFC", normalize("NFC", name).casefold())
        if key in paths:
            raise ValueError(
                f"{paths[key]} and {path} would both become {name}; give the folder that both are "
                "in, or label them one after the other"
            )
        paths[key] = path


def _parts_in(folder: str, output: str, *, any_ending: bool) -> Iterator[Part]:
    """Yield the files in a folder, in the order of their names."""
    left_out: list[str] = []
    n_parts = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(_NOT_DATA)
            and not name.endswith(PARTIAL)
            and not _is_same(os.path.join(place, name), output)
        )
        for name in sorted(names):
            path = os.path.join(place, name)
            if name.startswith(_NOT_DATA) or not os.path.isfile(path):
                continue
            inner = PurePath(path).relative_to(folder).as_posix()
            if any_ending or _is_table(name):
                n_parts += 1
                yield Part(path, inner)
            else:
                left_out.append(inner)
    if left_out:
        warnings.warn(
            f"{folder}: left out, because their endings are not those of tables: "
            f"{enumerate_values(left_out)}; --input-format takes them, too",
            stacklevel=3,
        )
    if not n_parts:
        raise FileNotFoundError(
            f"{folder} has no file whose name ends in {', '.join(ENDINGS)}, expected one at least"
        )


def _is_same(folder: str, other: str) -> bool:
    """Tell whether two names lead to the same folder, whatever their case is."""
    return os.path.exists(other) and os.path.samefile(folder, other)


def _is_table(name: str) -> bool:
    return _without_compression(name).suffix.lower() in ENDINGS


def _without_compression(name: str) -> PurePath:
    path = PurePath(name)
    return path.with_suffix("") if compression_of(name) in READ else path


def name_of_output(name: str, format: str) -> str:
    """Return the name of the output of a part: the same one, if it may have this ending.

    Parameters
    ----------
    name : str
        The name of the part.
    format : str
        The format of the output. If the ending of the name stands for another one, the ending is
        replaced. A compression that is not written is left out.
    """
    compression = compression_of(name)
    path = _without_compression(name)
    if format_of(path.name) != format:
        is_ending = path.suffix.lower() in ENDINGS
        path = path.with_name(f"{path.stem if is_ending else path.name}.{format}")
    if compression in WRITTEN and format != "parquet":
        path = path.with_name(f"{path.name}.{compression}")
    return path.as_posix()
