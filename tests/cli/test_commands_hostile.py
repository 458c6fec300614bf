"""Error messages and warnings show what they quote on their line, and obey nothing of it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import npbert
from npbert.cli.commands import main
from tests.support.command_line import run_npbert
from tests.support.hostile_texts import CONTROLS, FAKE_LINE
from tests.support.terminals import obeyed, run_on_terminals

EVIL = "".join(CONTROLS.values()) + FAKE_LINE
OPTION = "--" + EVIL.replace(" ", "")  # argparse takes what has a blank for a text


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Return the exit code, and the last line of standard error, which obeys nothing."""
    try:
        code = main(arguments)
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    assert obeyed(captured.out + captured.err) == set()
    return code, captured.err.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments",
    [
        [EVIL],
        [OPTION],
        ["classify", "a", OPTION],
        ["classify", "a", "--f" + OPTION],
        ["classify", "a", "--format", EVIL],
        ["classify", "a", "--format=" + EVIL],
        ["classify", "a", "--top-k", EVIL],
        ["classify", "a", "--threads", EVIL],
        ["classify", "a", "--encoding", "x" + EVIL],
        ["classify", "a", "--delimiter", EVIL],
        ["classify", "a", "--escape", EVIL],
        ["classify", "a", "--long-text", EVIL],
        ["classify", "--input", "a", "b", "--output", EVIL + ".csv"],
        ["explain", "a", "--method", EVIL],
        ["explain", "a", EVIL, "--compare", EVIL],
        ["info"],
        ["info", "mini", EVIL],
        ["export", "mini", "x", OPTION],
        ["serve", "--port", EVIL],
        ["serve", "--max-client-batch-size", EVIL],
    ],
    ids=lambda arguments: " ".join(arguments).encode("ascii", "ignore").decode()[:30],
)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    code, line = run(capsys, *arguments)
    assert code == 2
    assert line.startswith("npbert")
    assert ": error: " in line


@pytest.mark.parametrize(
    "arguments",
    [
        ["classify", "a", "--model", EVIL],
        ["classify", "a", "--model", "./" + EVIL],
        ["classify", "a", "--model", "mini", "--revision", EVIL],
        ["classify", "a", "--model", "mini", "--subfolder", EVIL],
        ["classify", "a", "--model", "mini", "--variant", EVIL],
        ["classify", "--input", EVIL],
        ["classify", "--input", f"*{EVIL}"],
        ["classify", "a", "--model", "mini", "--output", f"{EVIL}/out.csv"],
        ["explain", "a", "--model", "mini", "--label", EVIL],
        ["explain", "good", "--model", "mini", "--html", f"/dev/null/{EVIL}"],
        ["info", EVIL],
        ["info", f"~{EVIL}"],
        ["export", EVIL, "out"],
        ["export", "mini", f"{EVIL}/a/b"],
        ["serve", "--model", EVIL],
        ["serve", "--model", "mini", "--task", EVIL],
        ["serve", "--model", "mini", "--host", EVIL],
        ["serve", "--model", "mini", "--api-key-file", EVIL],
    ],
    ids=lambda arguments: " ".join(arguments).encode("ascii", "ignore").decode()[:40],
)
def test_names_that_do_not_exist(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    code, line = run(capsys, *arguments)
    assert code in (1, 2)
    assert line.startswith("npbert")
    assert ": error: " in line


FILES = {
    "two columns": ("in.csv", f'"{EVIL}",b\n1,2\n'),
    "a column twice": ("in.csv", f'"{EVIL}","{EVIL}"\n1,2\n'),
    "a cell too many": ("in.csv", f'text\n1,"{EVIL}"\n'),
    "two keys": ("in.jsonl", json.dumps({EVIL: 1, "b": 2}) + "\n"),
    "a key twice": ("in.jsonl", f"{{{json.dumps(EVIL)}: 1, {json.dumps(EVIL)}: 2}}\n"),
    "no JSON": ("in.jsonl", CONTROLS["clear the screen"] + "\n"),
    "a column of arrays": ("in.jsonl", json.dumps({"text": [EVIL]}) + "\n"),
    "a whole table": ("in.jsonl", json.dumps({EVIL: {"0": EVIL}}) + "\n"),
    "a surrogate": ("in.jsonl", json.dumps({"text": EVIL + "\ud83d"}) + "\n"),
    "a column of labels": ("in.csv", "text,label\n1,2\n"),
}


@pytest.mark.parametrize("what", FILES)
def test_files_of_rows(capsys: pytest.CaptureFixture[str], tmp_path: Path, what: str) -> None:
    name, content = FILES[what]
    folder = tmp_path / "".join(character for character in EVIL[:80] if character != "/")
    folder.mkdir()
    (folder / name).write_text(content, encoding="utf-8", newline="")
    code, line = run(capsys, "classify", "--model", "mini", "--input", str(folder / name))
    assert code == 1
    assert line.startswith("npbert: error: ")
    arguments = ["--column", EVIL, "--encoding", "utf-8"]
    assert run(capsys, "classify", "--input", str(folder / name), *arguments)[0] == 1


def test_a_skipped_row_is_exact_in_its_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(f'text\n1,"{EVIL}"\n', encoding="utf-8", newline="")
    arguments = ["--bad-rows", "skip", "--input", str(source), "--output", str(target)]
    code, _ = run(capsys, "classify", "--model", "mini", *arguments)
    assert code == 0
    (skipped,) = (tmp_path / "out.csv.skipped.jsonl").read_text(encoding="utf-8").splitlines()
    assert EVIL in json.loads(skipped)["content"]


@pytest.mark.parametrize("evil", [*CONTROLS.values(), FAKE_LINE, "x" * 100_000])
def test_names_of_tensors(
    capsys: pytest.CaptureFixture[str], folder: str, tmp_path: Path, evil: str
) -> None:
    shutil.copytree(folder, tmp_path / "model")
    path = tmp_path / "model" / "model.safetensors"
    tensors = load_file(path)
    save_file({**tensors, evil: np.zeros(1, np.float32)}, path, {"format": "pt"})
    with pytest.warns(UserWarning, match="not used") as caught:
        npbert.AutoModelForSequenceClassification.from_pretrained(path.parent)
    assert all(str(one.message).isprintable() for one in caught)
    assert all(len(str(one.message)) < 1000 for one in caught)
    code, line = run(capsys, "classify", "--model", str(path.parent), "a")
    assert code == 0
    assert "not used: " in line


def test_names_of_shards(capsys: pytest.CaptureFixture[str], folder: str, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").unlink()
    index = tmp_path / "model" / "model.safetensors.index.json"
    for name in (EVIL, EVIL.replace("/", "")):
        index.write_text(json.dumps({"weight_map": {"a": name}}), encoding="utf-8")
        code, line = run(capsys, "classify", "--model", str(tmp_path / "model"), "a")
        assert code == 1
        assert line.startswith("npbert: error: ")


@pytest.mark.parametrize("key", ["activation", "model_type", "id2label", "problem_type", EVIL])
def test_values_of_a_config(
    capsys: pytest.CaptureFixture[str], folder: str, tmp_path: Path, key: str
) -> None:
    shutil.copytree(folder, tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, key: [EVIL]}), encoding="utf-8")
    main(["classify", "--model", str(tmp_path / "model"), "a"])
    captured = capsys.readouterr()
    assert obeyed(captured.out + captured.err) == set()


def test_on_real_terminals() -> None:
    for arguments, code in (
        (["classify", "a", OPTION], 2),
        (["classify", "a", "--model", "./" + EVIL], 1),
    ):
        out, err = run_on_terminals(*arguments, code=code)
        assert out == ""
        assert obeyed(err) == set()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_streams_of_few_characters(encoding: str, tmp_path: Path) -> None:
    model = tmp_path / "mödel 東京"
    shutil.copytree(Path(__file__).parents[2] / "npbert" / "checkpoints" / "mini", model)
    variables = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    for arguments, code in (
        (["info", str(model)], 0),
        (["info", f"{model} 空"], 1),
        (["classify", "--model", str(model), "東京", "--format", "table"], 0),
        (["classify", "--model", str(model), "東京", "--é"], 2),
        (["explain", "--model", str(model), "a 東京 film", "--steps"], 0),
        (["export", str(model), str(tmp_path / f"é 東 {encoding}")], 0),
        (["--help"], 0),
    ):
        done = run_npbert(*arguments, env=os.environ | variables)
        assert done.returncode == code, done.stderr
        assert b"Traceback" not in done.stderr
        assert b"codec" not in done.stderr
