"""The tests of a release of transformers: fetching them, and making them importable."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import transformers

SAMPLE_TEXT = "The tests of transformers read this text.\n\nIt has words, 42, and a naïve café.\n"


def download(folder: Path) -> Path:
    """Download the source distribution of the installed transformers."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:"]
    subprocess.run(
        [*command, "--quiet", "--dest", str(folder), f"transformers=={transformers.__version__}"],
        check=True,
    )
    return next(folder.glob("transformers-*.tar.gz"))


def unpack(sdist: Path, folder: Path) -> Path:
    """Unpack the tests of a source distribution, and return the folder that holds ``tests``."""
    with tarfile.open(sdist) as archive:
        members = [member for member in archive if "/tests/" in member.name]
        # Python 3.11.3 and older cannot leave out members that lie elsewhere. But whoever runs the
        # tests of a release trusts it anyway.
        if hasattr(tarfile, "data_filter"):
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(folder, members)
    if not members:
        raise FileNotFoundError(f"{sdist}: expected tests/ in it; pass another release or a clone")
    return folder / members[0].name.split("/")[0]


def make_importable(root: Path) -> None:
    """Let Python import ``tests`` from `root`, with stand-ins for the modules that it lacks.

    A source distribution holds only the modules that are directly in the folder. They import names
    of other modules, such as ``tests.generation.test_utils``, for tests that do not concern npbert.
    """
    for name in [name for name in sys.modules if name.split(".")[0] == "tests"]:
        del sys.modules[name]
    # Some modules would import transformers a second time, from the sources beside the tests.
    transformers.utils.direct_transformers_import = lambda *_: transformers
    sys.path.insert(0, str(root))
    sys.meta_path.append(_MissingTests())
    (root / "tests" / "__init__.py").touch()
    sample = root / "tests" / "fixtures" / "sample_text.txt"
    sample.parent.mkdir(exist_ok=True)
    if not sample.exists():
        sample.write_text(SAMPLE_TEXT, encoding="utf-8")


class _MissingTests(MetaPathFinder, Loader):
    """Makes a module of empty classes for each module of ``tests`` that no file holds."""

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        """Return the spec of such a module; Python asks here after it has looked for a file."""
        if fullname.split(".")[0] != "tests":
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module."""
        return _EmptyClasses(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the module makes its names when they are asked for."""


class _EmptyClasses(ModuleType):
    """A module in which every public name is an empty class."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})
