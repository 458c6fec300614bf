"""An extension of Sphinx that writes the reference pages and resolves links to files.

The public names are those of npbert/__init__.pyi, and the classes that their annotations and
docstrings name: what a call takes as options, and what it returns. Each build writes a page per
name into docs/reference/, which git ignores.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
import sys
import typing
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any, Final, NamedTuple

from docutils import nodes
from numpydoc.validate import validate
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.logging import getLogger

from npbert import _lazy

LOGGER: Final = getLogger(__name__)
REPOSITORY: Final = "https://github.com/npbert/npbert"
CHECKOUT: Final = Path(__file__).parents[1]
DOCS: Final = CHECKOUT / "docs"
PAGES: Final = DOCS / "reference"
# The rooms that have public names, in the order in which a user meets them.
ROOMS: Final = {
    "pipelines": "Pipelines: texts in, answers out",
    "models": "Models: padded arrays in, outputs out",
    "tokenization": "Tokenizers: text to token ids, and back",
    "checkpoints": "Checkpoints: the files of a model",
    "distributed": "Clusters: Ray and Spark",
    "arguments": "Arguments that several rooms share",
}
FURTHER_NAMES: Final = {"npbert.distributed.Classifier": "npbert.distributed"}
# Tokens and the names of other libraries may stand in backticks too.
FOREIGN: Final = re.compile(r"\[[A-Z]+\]|(transformers|tokenizers|numpy|huggingface_hub)(\.\w+)*")
MENTION: Final = re.compile(r"(?<!`)`(\w+)`(?!`)")
LINK: Final = re.compile(r"(?<=\]\()(?!https?:|#|mailto:)([^)#\s]+)(#[^)]*)?(?=\))")


class Entry(NamedTuple):
    """An object of the reference: the name that users write, and the object."""

    name: str
    room: str
    value: Any


def public_entries() -> Iterator[Entry]:
    """Yield the public names: those of the stub, and the few of other modules."""
    for name, module in _lazy.modules_of_names().items():
        yield Entry(f"npbert.{name}", module.split(".")[1], getattr(import_module(module), name))
    for name, module in FURTHER_NAMES.items():
        yield Entry(name, module.split(".")[1], getattr(import_module(module), name.split(".")[-1]))


def named_types(hint: Any) -> Iterator[Any]:
    """Yield the classes that an annotation names."""
    if isinstance(hint, (list, tuple)):
        for part in hint:
            yield from named_types(part)
    elif isinstance(hint, typing.TypeVar):
        yield from named_types(hint.__bound__)
    else:
        yield from (part for part in (hint, typing.get_origin(hint)) if isinstance(part, type))
        yield from named_types(typing.get_args(hint))


def annotations_of(value: Any) -> Iterator[Any]:
    """Yield the annotations of a function, or of a class and its public members."""
    if inspect.isclass(value):
        yield from value.__mro__[1:]
        yield from getattr(value, "__orig_bases__", ())
        hints = typing.get_type_hints(value)
        yield from (hint for name, hint in hints.items() if not name.startswith("_"))
        for name, member in inspect.getmembers(value):
            if not name.startswith("_") or name in ("__init__", "__call__"):
                yield from [member] if inspect.isclass(member) else annotations_of(member)
    elif isinstance(value, property):
        yield from annotations_of(value.fget)
    elif isinstance(value, (FunctionType, MethodType)) and value.__module__.startswith("npbert"):
        for function in (value, *typing.get_overloads(value)):
            yield from typing.get_type_hints(function).values()


def docstrings_of(value: Any) -> Iterator[str]:
    """Yield the docstrings of an object and of its public members."""
    yield inspect.getdoc(value) or ""
    if inspect.isclass(value):
        for name, member in inspect.getmembers(value):
            if not name.startswith("_"):
                yield inspect.getdoc(member) or ""


@cache
def classes_by_name() -> dict[str, type]:
    """Return the classes of the rooms that have public names, without those for the house alone."""
    return {
        name: value
        for room in ROOMS
        for module in modules_of_room(room)
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__ and name[0] != "_"
    }


def modules_of_room(room: str) -> Iterator[ModuleType]:
    """Import and yield the modules of a room."""
    yield import_module(f"npbert.{room}")
    for path in sorted((CHECKOUT / "npbert" / room).glob("[!_]*.py")):
        yield import_module(f"npbert.{room}.{path.stem}")


@cache
def entries() -> list[Entry]:
    """Return the public names, and behind them the classes that they name in turn."""
    found = list(public_entries())
    known = {entry.value for entry in found if entry.name.endswith(f".{entry.value.__name__}")}
    for entry in found:  # grows on the way
        text = "\n".join(docstrings_of(entry.value))
        named = {*named_types(tuple(annotations_of(entry.value)))}
        named |= {classes_by_name().get(name) for name in MENTION.findall(text)}
        for value in sorted(named & {*classes_by_name().values()} - known, key=str):
            known.add(value)
            module = value.__module__
            found.append(Entry(f"{module}.{value.__qualname__}", module.split(".")[1], value))
    return found


def write_pages(_: Sphinx) -> None:
    """Write a page per name, and one page that lists all of them by room."""
    PAGES.mkdir(exist_ok=True)
    for page in PAGES.glob("*.rst"):
        page.unlink()
    names_of_rooms: dict[str, list[str]] = defaultdict(list)
    for entry in entries():
        names_of_rooms[entry.room].append(entry.name)
        kind = "class" if inspect.isclass(entry.value) else "function"
        title = entry.name.rpartition(".")[2]
        write(PAGES / f"{entry.name}.rst", title, f".. auto{kind}:: {entry.name}\n")
    text = ""
    for room, title in ROOMS.items():
        listed = "".join(f"   {name}\n" for name in names_of_rooms.pop(room))
        text += f"{title}\n{'-' * len(title)}\n\n.. autosummary::\n   :nosignatures:\n\n{listed}\n"
        text += f".. toctree::\n   :hidden:\n\n{listed}\n"
    assert not names_of_rooms, f"rooms without a heading: {', '.join(names_of_rooms)}"
    write(PAGES / "index.rst", "Reference", text)


def write(path: Path, title: str, text: str) -> None:
    """Write a page in reStructuredText."""
    path.write_text(f"{title}\n{'=' * len(title)}\n\n{text}", encoding="utf-8")


@cache
def names_in_the_code() -> set[str]:
    """Return all names and one-word strings of the package: arguments, fields, keys of files."""
    names: set[str] = set()
    for path in (CHECKOUT / "npbert").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            fields = (
                getattr(node, field, None) for field in ("arg", "attr", "id", "name", "value")
            )
            names.update(field for field in fields if isinstance(field, str))
    return names


def resolve_short_name(
    app: Sphinx, env: BuildEnvironment, reference: pending_xref, content: nodes.TextElement
) -> nodes.Node | None:
    """Link `Name` and `Name.method` from wherever the reference mentions them.

    An argument or a field has no page of its own, but must exist.
    """
    if reference["refdomain"] != "py" or reference["reftype"] != "obj":
        return None
    target = reference["reftarget"]
    head, *members = target.split(".")
    pages = [entry.name for entry in entries() if entry.name.endswith(f".{head}")]
    if len(pages) == 1:
        full_name = ".".join([*pages, *members])
        domain = env.get_domain("py")
        return domain.resolve_xref(
            env, reference["refdoc"], app.builder, "obj", full_name, reference, content
        )
    return content if target in names_in_the_code() or FOREIGN.fullmatch(target) else None


def check_sections(
    _: Sphinx, __: str, name: str, value: object, ___: object, lines: list[str]
) -> None:
    """Warn of a docstring that begins to describe arguments or results, and omits some.

    One sentence is enough for a small method. numpydoc's own checks would want sections for it,
    and want them again in every class that inherits its constructor.
    """
    begun = {title for title, line in pairwise(lines) if line and set(line) == {"-"}}
    if inspect.isclass(value):
        codes = {"PR01"} if "Parameters" in begun else set()
    else:
        codes = {"PR01", "RT01", "YD01"} if begun & {"Parameters", "Returns", "Yields"} else set()
    if codes:
        for code, problem in validate(name)["errors"]:
            if code in codes:
                LOGGER.warning("%s: %s", name, problem)


def resolve_files(_: Sphinx, page: str, source: list[str]) -> None:
    """Make links to files of the repository absolute, and README.md the first page."""
    folder = (DOCS / page).parent
    if page == "index":
        readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
        source[0] = link_files(readme, CHECKOUT, DOCS) + "\n" + source[0]
    else:
        source[0] = link_files(source[0], folder, folder)


def link_files(text: str, folder: Path, new_folder: Path) -> str:
    """Return the text with its links to files as they are on a page of another folder."""

    def new_target(match: re.Match[str]) -> str:
        path, anchor = (folder / match[1]).resolve(), match[2] or ""
        if path == CHECKOUT / "README.md":
            path = DOCS / "index.md"
        if path.is_relative_to(DOCS):
            return f"{os.path.relpath(path, new_folder)}{anchor}"
        if not path.exists():
            return match[0]  # which Sphinx does not find either, and says so
        return f"{REPOSITORY}/blob/main/{path.relative_to(CHECKOUT)}{anchor}"

    return LINK.sub(new_target, text)


def source_link(domain: str, info: dict[str, str]) -> str | None:
    """Return the address of the lines that define an object."""
    if domain != "py" or not info["module"]:
        return None
    value: Any = import_module(info["module"])
    for name in info["fullname"].split("."):
        value = getattr(value, name, None)
    if isinstance(value, property):
        value = value.fget
    try:
        lines, first = inspect.getsourcelines(value)
        module = sys.modules[value.__module__]
    except (TypeError, AttributeError, OSError):  # a field has no lines of its own
        return None
    path = Path(str(module.__file__)).relative_to(CHECKOUT)
    return f"{REPOSITORY}/blob/main/{path}#L{first}-L{first + len(lines) - 1}"


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect these functions with Sphinx."""
    app.connect("builder-inited", write_pages)
    app.connect("source-read", resolve_files)
    app.connect("missing-reference", resolve_short_name)
    app.connect("autodoc-process-docstring", check_sections, priority=100)  # before numpydoc
    return {"parallel_read_safe": True, "parallel_write_safe": True}
