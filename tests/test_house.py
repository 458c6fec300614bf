"""The house stays as docs/architecture.md draws it: rooms, the imports between them, test files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

from npbert import _lazy
from tests.conftest import SLOW

CHECKOUT = Path(__file__).parents[1]
PACKAGE = CHECKOUT / "npbert"
TESTS = CHECKOUT / "tests"
ARCHITECTURE = CHECKOUT / "docs" / "architecture.md"
HEADER = ["room", "its one job", "may import", "for types alone"]
# These two modules have no room of their own: each is the door of another one.
DOORS = {"__init__": "_lazy", "__main__": "cli"}
# These tests are about the whole repository, and not about one module.
WHOLE_REPOSITORY = (
    "test_house",
    "test_docs",
    "test_typing",
    "test_distribution",
    "differences/",
)
LONGEST_TEST_FILE = 500  # lines


class Imports(NamedTuple):
    """The rooms that a room imports."""

    at_run_time: set[str]
    for_types_alone: set[str]


def read_cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def read_table(text: str) -> dict[str, Imports]:
    """Read the import table: one row per room, the names of rooms in backticks."""
    lines = iter(text.splitlines())
    assert any(read_cells(line) == HEADER for line in lines), f"no table with the header {HEADER}"
    next(lines)  # the line of dashes
    table: dict[str, Imports] = {}
    for line in lines:
        if not line.startswith("|"):
            break
        room, _, at_run_time, for_types_alone = read_cells(line)
        table[room.strip("`")] = Imports(
            set(re.findall(r"`(\w+)`", at_run_time)), set(re.findall(r"`(\w+)`", for_types_alone))
        )
    return table


def room_of(path: Path) -> str:
    """Return the room of a file of the package: its folder, or its own name in the root."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else DOORS.get(path.stem, path.stem)


def module_of_name(name: str) -> str:
    """Return the module from which ``from npbert import NAME`` takes a name."""
    if name == "__version__":
        return "npbert._lazy"
    return _lazy.modules_of_names().get(name, f"npbert.{name}")


def imported_modules(node: ast.AST) -> Iterator[str]:
    """Yield the modules of npbert that an import statement names."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "npbert")
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"line {node.lineno}: a relative import hides the room"
        if node.module == "npbert":
            yield from (module_of_name(alias.name) for alias in node.names)
        elif node.module is not None and node.module.startswith("npbert."):
            yield node.module


def is_for_type_checkers(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
    )


def imports_in(source: str) -> Imports:
    """Return the rooms that a module imports, also inside its functions."""
    tree = ast.parse(source)
    type_blocks = (node for node in ast.walk(tree) if is_for_type_checkers(node))
    type_nodes = {child for block in type_blocks for child in ast.walk(block)}
    rooms = Imports(set(), set())
    for node in ast.walk(tree):
        for module in imported_modules(node):
            assert module != "npbert", f"line {node.lineno}: import the module that is meant"  # type: ignore[attr-defined]
            room = module.split(".")[1]
            (rooms.for_types_alone if node in type_nodes else rooms.at_run_time).add(room)
    return rooms


def read_imports() -> dict[str, Imports]:
    """Return what each room imports from other rooms."""
    found: dict[str, Imports] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        room = room_of(path)
        rooms = found.setdefault(room, Imports(set(), set()))
        for known, new in zip(rooms, imports_in(path.read_text(encoding="utf-8")), strict=True):
            known.update(new - {room})
    for rooms in found.values():
        rooms.for_types_alone.difference_update(rooms.at_run_time)
    return found


@pytest.fixture(scope="module")
def table() -> dict[str, Imports]:
    return read_table(ARCHITECTURE.read_text(encoding="utf-8"))


def test_imports_are_found_wherever_they_stand() -> None:
    source = """
import numpy
from npbert import _lazy, softmax
from npbert.pipelines.base import Pipeline
if TYPE_CHECKING:
    from npbert.tables.rows import Row
def load():
    import npbert.cli.main
"""
    assert imports_in(source) == Imports({"_lazy", "models", "pipelines", "cli"}, {"tables"})


def test_the_table_of_rooms_is_read() -> None:
    text = """
| room | its one job | may import | for types alone |
| --- | --- | --- | --- |
| `distilbert` | the numbers | | |
| `tables` | files of rows | `arguments`, `checkpoints` | `pipelines` |

| another | table |
"""
    assert read_table(text) == {
        "distilbert": Imports(set(), set()),
        "tables": Imports({"arguments", "checkpoints"}, {"pipelines"}),
    }


def test_rooms_import_what_the_table_allows_and_nothing_else(table: dict[str, Imports]) -> None:
    """An entry that nothing uses is an error too, so that the table never says too much."""
    assert read_imports() == table


def test_imports_run_one_way(table: dict[str, Imports]) -> None:
    graph = {room: set.union(*imports) for room, imports in table.items()}
    TopologicalSorter(graph).prepare()  # raises a CycleError that lists the rooms of a cycle


@pytest.mark.parametrize("room", ["distilbert", "arguments"])
def test_the_lowest_rooms_import_no_other(room: str, table: dict[str, Imports]) -> None:
    assert table[room] == Imports(set(), set())


@pytest.mark.parametrize("path", [*PACKAGE.glob("*/**/__init__.py")], ids=room_of)
def test_no_logic_in_the_init_files(path: Path) -> None:
    docstring, *others = ast.parse(path.read_text(encoding="utf-8")).body
    assert isinstance(docstring, ast.Expr)
    assert all(isinstance(node, (ast.Import, ast.ImportFrom)) for node in others)


def test_files_of_tests_are_short() -> None:
    lengths = {
        str(path.relative_to(TESTS)): len(path.read_text(encoding="utf-8").splitlines())
        for path in TESTS.rglob("*.py")
    }
    assert {name: n for name, n in lengths.items() if n > LONGEST_TEST_FILE} == {}


def has_tested_module(path: Path) -> bool:
    """Tell whether a file of tests stands beside the module that it tests.

    The tests of npbert/x/y.py are tests/x/test_y.py, or test_y_SUBJECT.py; y may begin with `_`.
    """
    folder = path.parent.relative_to(TESTS)
    names = path.stem.removeprefix("test_").split("_")
    beginnings = ["_".join(names[: n + 1]) for n in range(len(names))]
    return any(
        (root / folder / name).is_dir() or (root / folder / f"{name}.py").is_file()
        for root in (PACKAGE, CHECKOUT)
        for beginning in beginnings
        for name in (beginning, f"_{beginning}")
    )


def test_tests_mirror_the_folders() -> None:
    names = [path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")]
    assert names
    strays = [
        name
        for name in names
        if not name.startswith(WHOLE_REPOSITORY) and not has_tested_module(TESTS / name)
    ]
    assert not strays, "no module has the name that these files of tests say"


@pytest.mark.parametrize("pattern", SLOW)
def test_the_rule_of_slow_tests_names_files_that_exist(pattern: str) -> None:
    assert [*TESTS.glob(pattern)]
