"""`npbert info`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import npbert
from npbert.cli.commands import main


def test_info(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", folder]) == 0
    out = capsys.readouterr().out
    assert "2 layers, dim 24, hidden_dim 64, 2 heads, gelu" in out
    assert "0 BAD, 1 SO-SO, 2 GOOD" in out
    model = npbert.AutoModelForSequenceClassification.from_pretrained(folder)
    n_head = sum(
        part.weight.size + part.bias.size
        for part in (model.head.pre_classifier, model.head.classifier)
    )
    n_layer = 4 * (24 * 24 + 24) + 2 * 24 * 64 + 64 + 24 + 4 * 24
    n_parameters = (30522 + 512) * 24 + 2 * 24 + 2 * n_layer + n_head
    assert f"{n_parameters:,} (F32)" in out
    size_bytes = (Path(folder) / "model.safetensors").stat().st_size
    assert f"model.safetensors, {size_bytes:,} bytes" in out


def test_info_of_a_subfolder_and_a_variant(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit = "c" * 40
    inside = tmp_path / "snapshots" / commit / "checkpoints" / "last"
    shutil.copytree(folder, inside)
    (inside / "model.safetensors").rename(inside / "model.fp16.safetensors")
    (inside.parents[1] / "README.md").write_text("---\nlicense: apache\x1b[2J\n")
    whole = str(inside.parents[1])
    assert main(["info", whole, "--subfolder", "checkpoints/last", "--variant", "fp16"]) == 0
    out = capsys.readouterr().out
    assert f"folder      {inside}\n" in out
    assert f"revision    {commit}\n" in out
    assert "license     apache\\x1b[2J\n" in out
    assert "model.fp16.safetensors, " in out
    assert main(["info", whole, "--subfolder", "checkpoints/last"]) == 1
    assert "pass one of these" in capsys.readouterr().err
    assert main(["info", str(tmp_path / "snapshots"), "--subfolder", f"{commit}/none"]) == 1


def test_info_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "./missing"]) == 1
    assert capsys.readouterr().err.startswith("npbert: error: ./missing: no such folder")
