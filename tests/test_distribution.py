"""The wheel and the source distribution hold what git holds, by rule, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import npbert

CHECKOUT = Path(__file__).parents[1]
NAME = f"npbert-{npbert.__version__}"
OF_THE_WHEEL = {
    f"{NAME}.dist-info/{name}"
    for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
}
# What the builder adds to the source distribution: the metadata, and what it needs itself.
OF_THE_SOURCES = {"PKG-INFO", "pyproject.toml", ".gitignore"}
INCLUDED = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "hatch"
]["build"]["targets"]["sdist"]["include"]


@pytest.fixture(scope="module")
def tracked() -> set[str]:
    """The files that git knows."""
    if not (CHECKOUT / ".git").exists():
        pytest.skip("this is no checkout of git")
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=CHECKOUT, check=True, capture_output=True, encoding="utf-8"
    )
    return {*done.stdout.rstrip("\0").split("\0")}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, tracked: set[str]) -> Path:
    """A folder with both, built without a network from a copy that has files of others, too."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in tracked:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes((CHECKOUT / name).read_bytes())
    for name in ("npbert/__pycache__/x.pyc", "build/model.safetensors", "dist/old.whl", ".env"):
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_bytes(b"not ours")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(copy / "made")],
        cwd=copy,
        check=True,
        env=os.environ | {"PIP_NO_INDEX": "1", "no_proxy": "", "https_proxy": "http://127.0.0.1:9"},
    )
    return copy / "made"


def test_the_wheel(built: Path, tracked: set[str]) -> None:
    with zipfile.ZipFile(built / f"{NAME}-py3-none-any.whl") as wheel:
        members = {*wheel.namelist()}
    assert members == {name for name in tracked if name.startswith("npbert/")} | OF_THE_WHEEL


def test_the_source_distribution(built: Path, tracked: set[str]) -> None:
    with tarfile.open(built / f"{NAME}.tar.gz") as archive:
        members = {member.name.partition("/")[2] for member in archive if member.isfile()}
        assert all(member.name.startswith(f"{NAME}/") for member in archive)
        assert all(member.isfile() or member.isdir() for member in archive)
    wanted = {
        name for name in tracked if f"/{name}" in INCLUDED or f"/{name.split('/')[0]}" in INCLUDED
    }
    assert members == wanted | OF_THE_SOURCES


def test_what_the_source_distribution_leaves_out(tracked: set[str]) -> None:
    """A new file at the top of the repository must be put on one of the two lists."""
    left_out = {name for name in tracked if f"/{name.split('/')[0]}" not in INCLUDED}
    assert {name.split("/")[0] for name in left_out} == {
        ".ci",
        ".github",
        ".gitignore",
        "pyproject.toml",
    }
