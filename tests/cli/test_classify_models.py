"""Which files of a model `npbert classify` reads: a subfolder, a variant."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.command_line import Classify, read_json_lines
from tests.support.oracles import make_folder


@pytest.fixture
def variants(folder: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder whose subfolder has weights, and other weights that are the variant fp16."""
    inside = tmp_path / "checkpoints" / "last"
    shutil.copytree(folder, inside)
    labels = {0: "BAD", 1: "SO-SO", 2: "GOOD"}
    other = make_folder(tmp_path_factory.mktemp("other"), seed=9, id2label=labels)
    shutil.copy(other / "model.safetensors", inside / "model.fp16.safetensors")
    return str(tmp_path)


def test_a_subfolder_and_a_variant(classify: Classify, variants: str, folder: str) -> None:
    inside = ["good", "--subfolder", "checkpoints/last"]
    expected = classify("good")
    assert classify(*inside, model=variants)[:2] == expected[:2]
    code, out, _ = classify(*inside, "--variant", "fp16", model=variants)
    assert code == 0
    assert read_json_lines(out) != read_json_lines(expected[1])
    code, _, err = classify("good", model=variants)
    assert code == 1
    assert "has no config.json" in err
    code, _, err = classify("good", "--variant", "int8", model=folder)
    assert code == 1
    assert "int8" in err


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (["--subfolder", "checkpoints/last"], "variant is None, was 'fp16'"),
        (
            ["--subfolder", "checkpoints/copy", "--variant", "fp16"],
            "subfolder is 'checkpoints/copy', was 'checkpoints/last'",
        ),
    ],
)
def test_other_files_of_the_model_are_another_run(
    classify: Classify, variants: str, other: list[str], difference: str
) -> None:
    """The digest of all files cannot tell which of them were read."""
    checkpoints = Path(variants) / "checkpoints"
    shutil.copytree(checkpoints / "last", checkpoints / "copy")
    texts = Path(variants) / "in.csv"
    texts.write_text('text\ngood\n"' + "x" * 130_000 + '"\na,b\n')
    same = ["--input", str(texts), "--output", str(texts.with_name("out.csv"))]
    first = ["--subfolder", "checkpoints/last", "--variant", "fp16"]
    code, _, err = classify(*same, *first, model=variants)
    assert code == 1
    assert "line 4" in err
    code, _, err = classify(*same, *other, "--resume", model=variants)
    assert code == 1
    assert difference in err
