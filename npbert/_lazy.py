"""The public names of npbert, each of which is loaded when it is first used."""

from __future__ import annotations

import os
import re
from functools import cache
from importlib import import_module
from typing import Final

__version__ = "0.1.0"  # the build reads this line, too

_PACKAGE: Final = "npbert"
_STUB: Final = os.path.join(os.path.dirname(__file__), "__init__.pyi")
_IMPORT: Final = re.compile(r"^from ([\w.]+) import \(?\s*(\w+) as", re.MULTILINE)


@cache
def modules_of_names() -> dict[str, str]:
    """Return the module in which each public name is defined, as the stub ``__init__.pyi`` says.

    The stub is the only list of the public names. Type checkers and editors read it too.
    """
    # The loader can also read from a zip file. The names are found by a regular expression,
    # because Python's own parser takes 3 ms to import.
    stub = __spec__.loader.get_data(_STUB)  # type: ignore[union-attr]
    return {name: module for module, name in _IMPORT.findall(stub.decode())}


def public_names() -> list[str]:
    """Return all public names, sorted."""
    return sorted(["__version__", *modules_of_names()])


def load(name: str) -> object:
    """Return the object with a public name; Python calls this function for ``npbert.NAME``.

    Raises
    ------
    AttributeError
        If there is no such name.
    """
    if name == "__version__":
        return __version__
    if name not in modules_of_names():
        raise AttributeError(f"module {_PACKAGE!r} has no attribute {name!r}")
    # Deep inside a chain of imports, Python 3.11 asks the system for memory at almost every call
    # that numpy's import makes, and returns it at once. Here numpy is imported near the top.
    import numpy  # noqa: F401

    return getattr(import_module(modules_of_names()[name]), name)
