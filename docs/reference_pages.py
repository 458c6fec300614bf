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
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any, Final, NamedTuple, get_overloads, is_typeddict

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
# The order of the pages of the course; its first page lists them in a table of its own.
COURSE: Final = """
```{toctree}
:hidden:
:glob:

[0-9]*
course
glossary
```
"""
# The rooms that have public names, in the order in which a user meets them.
ROOMS: Final = {
    "pipelines": "Pipelines: texts in, answers out",
    "explanations": "Explanations: which words made a label",
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


def words_about(value: Any) -> Iterator[str]:
    """Yield the names that an object's annotations and docstrings mention, of its members too."""
    yield from MENTION.findall(inspect.getdoc(value) or "")
    if inspect.isclass(value):
        yield from (base.__name__ for base in value.__mro__[1:])
        yield from words_in(value.__annotations__)
        for name, member in inspect.getmembers(value):
            if not name.startswith("_") or name in ("__init__", "__call__"):
                yield from [member.__name__] if inspect.isclass(member) else words_about(member)
    elif isinstance(value, property):
        yield from words_about(value.fget)
    elif isinstance(value, (FunctionType, MethodType)):
        for function in (value, *get_overloads(value)):
            yield from words_in(function.__annotations__)


def words_in(annotations: dict[str, str]) -> Iterator[str]:
    """Yield the names in annotations, which are strings: nothing evaluates them."""
    for name, annotation in annotations.items():
        if not name.startswith("_"):
            yield from re.findall(r"\w+", str(annotation))


@cache
def classes_by_name() -> dict[str, type]:
    """Return the classes of the rooms that have public names, without those for the house alone."""
    found: dict[str, type] = {}
    for room in ROOMS:
        for module in modules_of_room(room):
            for name, value in vars(module).items():
                is_its_own = getattr(value, "__module__", "") == module.__name__
                if isinstance(value, type) and is_its_own and not name.startswith("_"):
                    assert name not in found, f"two classes have the name {name}"
                    found[name] = value
    return found


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
        for name in sorted({*words_about(entry.value)} & classes_by_name().keys()):
            value = classes_by_name()[name]
            if value not in known:
                known.add(value)
                module = value.__module__
                found.append(Entry(f"{module}.{name}", module.split(".")[1], value))
    return found


def write_pages(_: Sphinx) -> None:
    """Write a page per name, and one page that lists all of them by room."""
    PAGES.mkdir(exist_ok=True)
    for page in PAGES.glob("*.rst"):
        page.unlink()
    for entry in entries():
        kind = "class" if inspect.isclass(entry.value) else "function"
        title = entry.name.rpartition(".")[2]
        write(PAGES / f"{entry.name}.rst", title, f".. auto{kind}:: {entry.name}\n")
    public = {entry.name for entry in public_entries()}
    text = ""
    for room, title in ROOMS.items():
        names = [entry.name for entry in entries() if entry.room == room]
        named_by_others = [name for name in names if name not in public]
        text += f"{title}\n{'-' * len(title)}\n\n"
        text += list_names([name for name in names if name in public])
        if named_by_others:
            text += ".. rubric:: Types of options and results\n\n" + list_names(named_by_others)
        text += directive("toctree", "hidden", names)
    write(PAGES / "index.rst", "Reference", text)


def list_names(names: list[str]) -> str:
    """Return a table of names and the first sentences of their docstrings."""
    return directive("autosummary", "nosignatures", [f"~{name}" for name in names])


def directive(kind: str, option: str, lines: list[str]) -> str:
    """Return a directive in reStructuredText."""
    return "\n   ".join([f".. {kind}::", f":{option}:\n", *lines]) + "\n\n"


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


def option_names(value: Any) -> set[str]:
    """Return the keywords that a function may take behind its ``**options``."""
    overloads = [] if inspect.isclass(value) else get_overloads(value)
    dicts = (named for named in classes_by_name().values() if is_typeddict(named))
    return {name for described in (*overloads, *dicts) for name in described.__annotations__}


def skip_fields(_: Sphinx, __: str, ___: str, member: object, skip: bool, ____: object) -> bool:
    """Leave out fields, which the section Attributes of their class describes."""
    return skip or not (inspect.isroutine(member) or isinstance(member, (property, type)))


def check_sections(
    _: Sphinx, __: str, name: str, value: object, ___: object, lines: list[str]
) -> None:
    """Warn of a docstring that begins to describe arguments or results, and omits some.

    numpydoc's own checks want sections for the smallest method, want them again in every class
    that inherits its constructor, and do not know the keywords behind ``**options``.
    """
    begun = {title for title, line in pairwise(lines) if line and set(line) == {"-"}}
    if inspect.isclass(value):
        codes = {"PR01", "PR02"} if "Parameters" in begun else set()
    else:
        begins = begun & {"Parameters", "Returns", "Yields"}
        codes = {"PR01", "PR02", "RT01", "YD01"} if begins else set()
    for code, problem in validate(name)["errors"] if codes else ():
        unknown = ast.literal_eval(problem.partition("parameters ")[2]) if code == "PR02" else set()
        if code in codes and not (unknown and unknown <= option_names(value)):
            LOGGER.warning("%s: %s", name, problem)


def resolve_files(_: Sphinx, page: str, source: list[str]) -> None:
    """Make links to files of the repository absolute, and README.md the first page."""
    folder = (DOCS / page).parent
    if page == "index":
        readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
        source[0] = link_files(readme, CHECKOUT, DOCS) + "\n" + source[0]
    else:
        source[0] = link_files(source[0], folder, folder)
    if page == "learn/index":
        source[0] += COURSE


def link_files(text: str, folder: Path, new_folder: Path) -> str:
    """Return the text with its links to files as they are on a page of another folder."""

    def new_target(match: re.Match[str]) -> str:
        path, anchor = (folder / match[1]).resolve(), match[2] or ""
        if path == CHECKOUT / "README.md":
            path = DOCS / "index.md"
        if path.is_relative_to(DOCS) and path.suffix != ".py":
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
    app.connect("autodoc-skip-member", skip_fields)
    app.connect("autodoc-process-docstring", check_sections, priority=100)  # before numpydoc
    return {"parallel_read_safe": True, "parallel_write_safe": True}
