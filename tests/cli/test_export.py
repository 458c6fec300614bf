"""`npbert export`: a folder that npbert and transformers read, with the same numbers."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file

import npbert
from npbert.cli.commands import main
from tests.support.heads import HEADS, assert_equal_at_tokens, auto_name, inputs_for, their_output
from tests.support.oracles import make_model
from tests.support.pipelines import assert_alike, make_folder_for
from tests.support.stored_weights import WEIGHTS, rewritten

Export = Callable[..., tuple[int, str, str]]

TEXTS = ["I love this film.", "", "I want my two hours back.", "word " * 600, "東京 é"]


@pytest.fixture
def export(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Export:
    """Run `npbert export` into the folder `out`: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*options: str, model: str = folder, target: str = "out") -> tuple[int, str, str]:
        try:
            code = main(["export", model, target, *options])
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def texts(tmp_path: Path) -> str:
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS), encoding="utf-8")
    return str(path)


# ------------------------------------------------------------------------- what is written


def test_the_whole_folder(export: Export, folder: str, tmp_path: Path) -> None:
    code, out, err = export()
    assert (code, err) == (0, "")
    names = ["config.json", WEIGHTS, "tokenizer_config.json", "vocab.txt"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    lines = [line.split("  ", 1) for line in out.splitlines()]
    assert [name for name, _ in lines] == ["folder", "license", "weights", "scores", *["file"] * 4]
    facts = {name: fact.strip() for name, fact in lines}
    assert facts["folder"] == "out"
    assert facts["weights"] == "F32; they do not change"
    assert facts["scores"] == "do not change, because the weights do not"
    assert facts["license"] == f"not stated in the folder; see the model card of {folder}"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("head", HEADS)
def test_every_head(export: Export, tmp_path: Path, head: str, half: bool) -> None:
    """transformers, which is not told a type, gives the numbers of npbert, as it did before."""
    source = make_folder_for(tmp_path / "model", head)
    (tmp_path / "few.txt").write_text("\n".join(TEXTS[:3]))
    code, out, _ = export("--texts", "few.txt", *["--half"] * half, model=str(source))
    assert code == 0
    ours = getattr(npbert, auto_name(head))
    before, after = ours.from_pretrained(source), ours.from_pretrained(tmp_path / "out")
    theirs = getattr(transformers, auto_name(head)).from_pretrained(tmp_path / "out").eval()
    assert theirs.dtype == torch.float32
    inputs = inputs_for(after)
    expected = their_output(theirs, inputs)
    for name, values in after(**inputs).items():
        assert_equal_at_tokens(name, values, expected[name], inputs["attention_mask"])
        is_same = np.array_equal(values, before(**inputs)[name])
        assert is_same != half
    stored = {str(tensor.dtype) for tensor in load_file(tmp_path / "out" / WEIGHTS).values()}
    assert stored == {"torch.float16" if half else "torch.float32"}
    how = r"change by at most [\d.e-]+" if half else "do not change"
    kinds = {"Model": "vectors", "ForMultipleChoice": "logits"}
    assert re.search(rf"^{kinds.get(head, 'scores')} +{how} on 2 texts", out, re.MULTILINE)


def test_half_is_half_the_size_and_what_transformers_makes(
    export: Export, folder: str, tmp_path: Path
) -> None:
    code, out, err = export("--half")
    assert (code, err) == (0, "")
    assert "weights     F16; they change by at most " in out
    assert "scores      not measured; --texts FILE says how far they change" in out
    size_bytes = (Path(folder) / WEIGHTS).stat().st_size
    assert (tmp_path / "out" / WEIGHTS).stat().st_size == pytest.approx(size_bytes / 2, rel=0.01)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    model.half().save_pretrained(tmp_path / "theirs")
    theirs, ours = (load_file(tmp_path / name / WEIGHTS) for name in ("theirs", "out"))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_pipeline_of_the_folder(export: Export, tmp_path: Path) -> None:
    assert export("--half")[0] == 0
    ours = npbert.pipeline("text-classification", tmp_path / "out", top_k=None)
    theirs = transformers.pipeline("text-classification", str(tmp_path / "out"), top_k=None)
    assert_alike(ours(TEXTS[:3]), theirs(TEXTS[:3]))


@pytest.mark.parametrize("options", [{"variant": "fp16"}, {"max_shard_size": "100KB"}], ids=str)
def test_variants_shards_and_subfolders_become_one_plain_folder(
    export: Export, folder: str, tmp_path: Path, options: dict[str, str]
) -> None:
    inside = tmp_path / "whole" / "inside"
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    model.save_pretrained(inside, **options)
    for name in ("vocab.txt", "tokenizer_config.json"):
        shutil.copy(Path(folder) / name, inside)
    (tmp_path / "whole" / "README.md").write_text("---\nlicense: mit\n---\n")
    more = ["--variant", "fp16"] if "variant" in options else []
    code, out, _ = export("--subfolder", "inside", *more, model=str(tmp_path / "whole"))
    assert code == 0
    assert "license     mit\n" in out
    assert (tmp_path / "out" / "README.md").exists()
    assert [path.name for path in (tmp_path / "out").glob("model*")] == [WEIGHTS]
    before, after = load_file(Path(folder) / WEIGHTS), load_file(tmp_path / "out" / WEIGHTS)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_mini_is_copied_byte_by_byte(export: Export, tmp_path: Path) -> None:
    code, out, _ = export("--half", model="mini")
    assert code == 0
    assert "license     apache-2.0" in out
    assert "weights     F16; they do not change" in out  # they are float16 already
    bundled = Path(npbert.__file__).parent / "checkpoints" / "mini"
    for path in bundled.iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


# ------------------------------------------------------------------------- what is measured


@pytest.mark.filterwarnings("ignore:1 of 4 texts had more than 512 tokens")
def test_the_largest_change_of_a_score(
    export: Export, folder: str, tmp_path: Path, texts: str
) -> None:
    code, out, _ = export("--half", "--texts", texts)
    assert code == 0
    both = [
        npbert.pipeline("text-classification", path, top_k=None, long_text="truncate")
        for path in (folder, tmp_path / "out")
    ]
    kept = [text for text in TEXTS if text]
    scores = [
        [{each["label"]: each["score"] for each in labels} for labels in classifier(kept)]
        for classifier in both
    ]
    largest = max(
        abs(old[label] - new[label]) for old, new in zip(*scores, strict=True) for label in old
    )
    assert f"scores      change by at most {largest:.2g} on 4 texts; no label changes\n" in out


def test_texts_of_a_column(export: Export, tmp_path: Path) -> None:
    (tmp_path / "reviews.csv").write_text("id,review\n1,good\n2,\n3,bad\n")
    code, out, _ = export("--texts", "reviews.csv", "--column", "review")
    assert code == 0
    assert "scores      do not change on 2 texts\n" in out


def test_weights_with_few_digits_in_float16_are_named(
    export: Export, folder: str, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "model")
    rewritten(tmp_path / "model", lambda tensors: tensors["classifier.weight"].__imul__(1e-6))
    code, _, err = export("--half", model="model")
    assert code == 0
    assert err == (
        "npbert: all values of classifier.weight are smaller than 6.1e-5, where float16 has fewer "
        "digits; see with --texts FILE how far the scores change\n"
    )


# ---------------------------------------------------------------------------------- errors


def test_existing_folders(export: Export, folder: str, tmp_path: Path) -> None:
    assert export()[0] == 0
    (tmp_path / "out" / "vocab.txt").write_text("changed")
    assert export() == (
        1,
        "",
        "npbert: error: out is there already; choose another name or --force\n",
    )
    assert (tmp_path / "out" / "vocab.txt").read_text(encoding="utf-8") == "changed"
    assert export("--force")[0] == 0
    vocab = (Path(folder) / "vocab.txt").read_bytes()
    assert (tmp_path / "out" / "vocab.txt").read_bytes() == vocab
    (tmp_path / "out" / "notes.txt").write_text("mine")
    code, _, err = export("--force")
    assert code == 1
    assert "out also has files that would not be replaced: 'notes.txt'; choose another" in err


def test_a_folder_is_halved_in_its_place(export: Export, folder: str, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "model")
    code, out, _ = export("--half", "--force", model="model", target="model")
    assert code == 0
    assert "weights     F16; they change by at most" in out
    assert npbert.classify("good", tmp_path / "model")[0]["label"] in ("BAD", "SO-SO", "GOOD")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def damage(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes))


FAILURES: list[tuple[Callable[[Path], object], str]] = [
    (lambda model: shutil.rmtree(model), "model: no such folder"),
    (lambda model: (model / "vocab.txt").unlink(), "no tokenizer.json and no vocab.txt"),
    (lambda model: (model / WEIGHTS).write_bytes(b""), "empty"),
    (lambda model: damage(model, architectures=None), "architectures is [], so the head of"),
    (lambda model: damage(model, architectures=["A"]), "write its class there, one of: DistilBert"),
    (
        lambda model: damage(model, architectures=["DistilBertForMaskedLM"]),
        "vocab_transform.weight: missing, expected shape (24, 24)",
    ),
    (
        lambda model: rewritten(model, lambda weights: weights["classifier.bias"].fill(1e6)),
        "too large for float16, which ends at 65504: classifier.bias: 3 values, the largest is 1e+",
    ),
]


@pytest.mark.parametrize(("harm", "message"), FAILURES)
def test_failures_are_one_line_and_leave_nothing(
    export: Export, folder: str, tmp_path: Path, harm: Callable[[Path], object], message: str
) -> None:
    shutil.copytree(folder, tmp_path / "model")
    harm(tmp_path / "model")
    code, out, err = export("--half", model="./model")
    assert (code, out) == (1, "")
    assert err.startswith("npbert: error: ")
    assert err.count("\n") == 1
    assert message in err
    assert {path.name for path in tmp_path.iterdir()} <= {"model"}


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--texts", "missing.txt"], 1, "No such file or directory: 'missing.txt'"),
        (["--texts", "empty.txt"], 1, "empty.txt has no text; --texts needs at least one"),
        (["--column", "review"], 2, "--column needs --texts FILE"),
        (["--revision", "main"], 1, "is a folder on this machine, which has no revisions"),
        (["--variant", "fp16"], 1, "there is no model.fp16.safetensors"),
        (["--subfolder", "x"], 1, "there is no subfolder 'x'"),
    ],
)
def test_options_that_cannot_be_honoured(
    export: Export, tmp_path: Path, options: list[str], code: int, message: str
) -> None:
    (tmp_path / "empty.txt").write_text("\n \n")
    found, out, err = export(*options)
    assert (found, out) == (code, "")
    assert message in err
    assert not (tmp_path / "out").exists()


def test_an_empty_name(export: Export) -> None:
    code, _, err = export(target="")
    assert code == 2
    assert "the name of FOLDER is empty" in err


def test_a_model_of_another_architecture(export: Export, tmp_path: Path) -> None:
    make_model(tmp_path / "model")
    damage(tmp_path / "model", model_type="bert")
    code, _, err = export(model="model")
    assert code == 1
    assert "model_type is 'bert'" in err
