"""A link out of a model's folder is refused, whichever file it stands for; other links are read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fuzz.models import layout_files

import npbert
from npbert.checkpoints import links
from npbert.checkpoints.links import leads_outside

COMMIT = "0123456789abcdef" * 2 + "01234567"


@pytest.fixture(params=["newer", "older"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A model with every file that is read; one of both layouts of the files."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name, content in layout_files(request.param).items():
        (folder / name).write_bytes(content)
    return folder


def load(folder: Path) -> object:
    return npbert.pipeline("text-classification", folder)("a good film")


def test_every_file_of_a_model(folder: Path, tmp_path: Path) -> None:
    answer = load(folder)
    for path in sorted(folder.iterdir()):
        shutil.move(path, tmp_path / path.name)
        path.symlink_to(tmp_path / path.name)
        with pytest.raises(ValueError, match="is a link to a file outside of the model's folder"):
            load(folder)
        path.unlink()
        path.hardlink_to(tmp_path / path.name)  # what the message says
        assert load(folder) == answer


def test_a_link_by_way_of_a_linked_folder(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.move(folder / "config.json", elsewhere)
    (folder / "store").symlink_to(elsewhere)
    (folder / "config.json").symlink_to("store/config.json")
    with pytest.raises(ValueError, match=r"config\.json is a link to a file outside"):
        load(folder)


def test_links_that_are_read(folder: Path, tmp_path: Path) -> None:
    answer = load(folder)
    (folder / "store").mkdir()
    for path in [path for path in folder.iterdir() if path.is_file()]:
        shutil.move(path, folder / "store")
        path.symlink_to(f"store/{path.name}")
    (tmp_path / "link").symlink_to(folder)  # the folder itself may be a link
    assert load(tmp_path / "link") == answer


def test_links_of_the_cache_of_the_hub(folder: Path, tmp_path: Path) -> None:
    answer = load(folder)
    repository = tmp_path / "models--owner--name"
    snapshot = repository / "snapshots" / COMMIT / "subfolder"
    snapshot.mkdir(parents=True)
    blobs = repository / "blobs"
    shutil.move(folder, blobs)
    for path in blobs.iterdir():
        (snapshot / path.name).symlink_to(f"../../../blobs/{path.name}")
    assert load(snapshot) == answer
    others = tmp_path / "models--someone--else" / "blobs"
    others.parent.mkdir()
    shutil.move(blobs, others)
    blobs.symlink_to(others)  # the blobs of another repository are outside
    with pytest.raises(ValueError, match="is a link to a file outside of the model's folder"):
        load(snapshot)


def test_files_of_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some installers make a link of each file of a package."""
    (tmp_path / "elsewhere").write_text("{}")
    (tmp_path / "package").mkdir()
    link = tmp_path / "package" / "config.json"
    link.symlink_to(tmp_path / "elsewhere")
    assert leads_outside(link)
    monkeypatch.setattr(links, "_BUNDLED_FOLDER", tmp_path / "package")
    assert not leads_outside(link)
