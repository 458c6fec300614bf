"""Checks in environments of their own.

    pip install nox
    nox -s tests                  all tests, with each supported Python that is on this machine
    nox -s tests-3.13 -- -x       with one of them, and with arguments of pytest
    nox -s oldest                 with the oldest versions that pyproject.toml allows
    nox -s bill_of_materials      build/npbert.cdx.json, a list of all that npbert brings

Where a Python is missing, nox says so and goes on. `--error-on-missing-interpreters` makes it an
error.
"""

from __future__ import annotations

from pathlib import Path

import nox
from packaging.requirements import Requirement

PYPROJECT = nox.project.load_toml("pyproject.toml")
PROJECT = PYPROJECT["project"]
PYTHONS = nox.project.python_versions(PYPROJECT)  # from the classifiers
BILL = "build/npbert.cdx.json"

nox.options.sessions = ["tests"]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests."""
    session.install("-e", ".[test]")
    session.run("pytest", *(session.posargs or ["--numprocesses", "auto"]))


# By the extras whose oldest versions are installed together: what is tried with them. `examples`
# asks for no versions, and the versions of `train`, `peers`, `dev` and `bench` are exact or free.
OLDEST: dict[str, list[list[str]]] = {
    "files serve": [["python", "scripts/try_installed.py", "files", "serve"]],
    "ray spark": [["python", "scripts/try_installed.py", "ray", "spark"]],
    "serve test learn": [
        ["pytest", "--numprocesses", "2", "tests/terminal", "tests/distilbert/test_packs.py"],
        ["pytest", "tests/serve/test_page.py"],
    ],
    "docs": [["sphinx-build", "-q", "--fail-on-warning", "--keep-going", "docs", "build/pages"]],
}


@nox.session(python=PYTHONS[0])
@nox.parametrize("extras", [*OLDEST], ids=[extras.replace(" ", "-") for extras in OLDEST])
def oldest(session: nox.Session, extras: str) -> None:
    """Try npbert with the oldest versions that pyproject.toml allows."""
    session.install(".", *lower_bounds(extras.split()))
    for command in OLDEST[extras]:
        session.run(*command)


@nox.session(python=PYTHONS[0])
def bill_of_materials(session: nox.Session) -> None:
    """Write a software bill of materials, in the format CycloneDX.

    It lists what an installed npbert consists of, with all that users can add to it.
    """
    session.install("cyclonedx-bom==7.5.*")
    folder = Path(session.create_tmp())
    session.run("python", "-m", "venv", "--clear", "--without-pip", str(folder))
    session.run("python", "-m", "pip", "--python", str(folder), "install", ".[files,serve]")
    Path(BILL).parent.mkdir(exist_ok=True)
    options = ["--output-reproducible", "--output-file", BILL]
    session.run("cyclonedx-py", "environment", *options, str(folder))


def lower_bounds(extras: list[str]) -> list[str]:
    """Return the oldest versions of what npbert needs, with some of its extras."""
    of_extras = PROJECT["optional-dependencies"]
    requirements = [*PROJECT["dependencies"], *(one for name in extras for one in of_extras[name])]
    return [
        str(Requirement(f"{one.name}{_extras_of(one)}=={bound.version}"))
        for one in map(Requirement, requirements)
        for bound in one.specifier
        if bound.operator == ">="
    ]


def _extras_of(requirement: Requirement) -> str:
    return f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
