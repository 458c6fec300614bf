"""The public names of npbert, each of which is loaded when it is first used."""

from __future__ import annotations

import ast
import pkgutil
from functools import cache
from importlib import import_module
from typing import Final

_PACKAGE: Final = "npbert"
_VERSION: Final = "__version__"


@cache
def modules_of_names() -> dict[str, str]:
    """Read the stub ``__init__.pyi``: the module in which each public name is defined.

    The stub is the one place where the names stand. Type checkers and editors read it too.
    """
    stub = pkgutil.get_data(_PACKAGE, "__init__.pyi")  # also out of a zip file
    imports = (node for node in ast.parse(stub or b"").body if isinstance(node, ast.ImportFrom))
    return {name.name: str(node.module) for node in imports for name in node.names}


def public_names() -> list[str]:
    """List all public names, sorted."""
    return sorted([_VERSION, *modules_of_names()])


def load(name: str) -> object:
    """Load a public name: what Python calls for ``npbert.NAME``.

    Raises
    ------
    AttributeError
        If there is no such name.
    """
    if name == _VERSION:
        from importlib.metadata import version  # its import takes a tenth of a cold start

        return version(_PACKAGE)
    if name not in modules_of_names():
        raise AttributeError(f"module {_PACKAGE!r} has no attribute {name!r}")
    return getattr(import_module(modules_of_names()[name]), name)
