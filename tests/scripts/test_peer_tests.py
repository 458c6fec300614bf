"""scripts/peer_tests: the stand-ins reach npbert, and the verdict is that of the list."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import unittest
from pathlib import Path

import pytest
import torch
from peer_tests.__main__ import LIST
from peer_tests.release import unpack
from peer_tests.stand_ins import require_agreement
from peer_tests.verdict import Reason, Record, read_list, report

from tests.support.paths import CHECKOUT

# What transformers' modules of these names have, in small. They also import what is not there.
MODULES = {
    "test_tokenization_common": """
from .test_tokenizers_backend_mixin import TokenizersBackendTesterMixin

class TokenizerTesterMixin:
    def test_tensors(self):
        tokenizer = self.tokenizer_class.from_pretrained(self.from_pretrained_id)
        ids = tokenizer("the film", return_tensors="pt").input_ids
        self.assertEqual(ids.tolist(), [[101, 1996, 2143, 102]])

    def test_chat_template(self):
        self.tokenizer_class.from_pretrained(self.from_pretrained_id).apply_chat_template([])

    def test_nothing(self):
        pass
""",
    "test_modeling_common": """
import torch
from .generation.test_utils import GenerationTesterMixin

def ids_tensor(shape, vocab_size):
    return torch.randint(vocab_size, shape)

def random_attention_mask(shape):
    return torch.ones(shape, dtype=torch.long)

class ModelTesterMixin:
    def _prepare_for_class(self, inputs, model_class, return_labels=False):
        return inputs

    def test_forward(self):
        config, inputs = self.model_tester.prepare_config_and_inputs_for_common()
        for model_class in self.all_model_classes:
            with self.subTest(model_class.__name__):
                if model_class.__name__ == "DistilBertForMultipleChoice":
                    self.skipTest("its inputs have another axis")
                model = model_class(config).eval()
                output = model(**self._prepare_for_class(inputs, model_class), return_dict=False)
                self.assertIsInstance(output, tuple)
                self.assertIsInstance(output[0], torch.Tensor)
""",
    "test_pipeline_mixin": """
import os
import transformers

class PipelineTesterMixin:
    def test_pipeline_text_classification(self):
        model_class = self.pipeline_model_mapping["text-classification"]
        folder = f"{os.environ['TRANSFORMERS_TINY_MODEL_PATH']}/distilbert/{model_class.__name__}"
        pipe = transformers.TextClassificationPipeline(
            model=model_class.from_pretrained(folder),
            tokenizer=transformers.DistilBertTokenizer.from_pretrained(folder),
            dtype="float32",
        )
        self.assertEqual(list(pipe("the film")[0]), ["label", "score"])
        self.assertRaises(ValueError, pipe, [None])
""",
}


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The folder of a release of transformers, with its tests."""
    tests = tmp_path / "transformers-0.1" / "tests"
    tests.mkdir(parents=True)
    for name, source in MODULES.items():
        (tests / f"{name}.py").write_text(source)
    return tests.parent


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the script, in a process of its own, because its ``tests`` are other ones than these."""
    return subprocess.run(
        [sys.executable, str(CHECKOUT / "scripts" / "peer_tests"), *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
    )


def test_a_source_distribution(release: Path) -> None:
    sdist = release.with_suffix(".tar.gz")
    with tarfile.open(sdist, "w:gz") as archive:
        archive.add(release, "transformers-0.1")
    done = run("--sdist", sdist, "--names")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pipelines are left out" in done.stdout
    assert "tests from transformers-0.1" in done.stdout
    lines = [line.strip() for line in done.stdout.splitlines()]
    titles = ["2 passed", "0 failed", "1 passed without reaching npbert"]
    assert [line for line in lines if line in titles] == titles
    assert lines[lines.index("2 passed") + 1 :][:2] == [
        "Tokenizer.test_tensors",
        "Model.test_forward",
    ]
    assert "1 There are no chat templates: DistilBERT generates no text." in lines
    assert lines[-1] == "Tokenizer.test_nothing"


def test_a_checkout(release: Path) -> None:
    (release / "tests" / "pipelines").mkdir()
    done = run("--checkout", release, "--only", "Pipeline.*", "--names")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed\n       Pipeline.test_pipeline_text_classification" in done.stdout


def test_a_tool_that_is_not_installed(release: Path) -> None:
    (release / "tests" / "test_modeling_common.py").write_text("import a_tool_of_the_tests")
    done = run("--checkout", release)
    assert done.returncode == 2
    assert done.stderr.endswith("import a_tool_of_the_tests: pip install -e '.[peers]'\n")


def test_a_release_without_tests(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "empty.tar.gz", "w:gz") as archive:
        archive.add(CHECKOUT / "README.md", "transformers-0.1/README.md")
    with pytest.raises(FileNotFoundError, match="expected tests/ in it"):
        unpack(tmp_path / "empty.tar.gz", tmp_path)


def record_of(*methods: str) -> Record:
    """Run tests that pass, fail, or are skipped, as their names say."""

    class Case(unittest.TestCase):
        def passes(self) -> None:
            pass

        def fails(self) -> None:
            for part in ("one", "two"):
                with self.subTest(part):
                    raise ValueError(f"part {part}")

        def is_skipped(self) -> None:
            self.skipTest("no accelerator")

    record = Record()
    unittest.TestSuite(map(Case, methods)).run(record)
    record.reached = set(record.started)
    return record


@pytest.mark.parametrize(
    ("methods", "reasons", "code"),
    [
        (["passes", "is_skipped"], [], 0),
        (["fails"], [], 1),
        (["fails"], [Reason("w", "part (one|two)", ["Case.f*"])], 0),
        (["fails"], [Reason("w", "part one", ["Case.f*"])], 1),  # its other part fails otherwise
        (["fails"], [Reason("w", "part", ["Other.*"])], 1),
        (["fails", "passes"], [Reason("w", "part", ["Case.*"])], 1),  # one is listed, but passes
        (["is_skipped"], [Reason("w", "part", ["Case.*"])], 0),
    ],
)
def test_verdict(methods: list[str], reasons: list[Reason], code: int) -> None:
    assert report(record_of(*methods), reasons, with_names=False) == code


def test_report(capsys: pytest.CaptureFixture[str]) -> None:
    report(record_of("passes", "fails", "is_skipped"), [], with_names=True)
    lines = capsys.readouterr().out.splitlines()
    assert "       Case.fails: ValueError: part one" in lines
    assert "     1 no accelerator" in lines
    assert "       Case.passes" in lines


def test_list() -> None:
    for reason in read_list(LIST):
        assert reason.why.endswith(".")
        assert reason.tests
        assert reason.fails_with


def test_agreement() -> None:
    mask = torch.tensor([[1, 1, 0]])
    theirs = {
        "logits": torch.tensor([[1.0, 2.0, 3.0]]),
        "hidden_states": (None, torch.ones(1, 3, 2)),
    }
    ours = {"logits": torch.tensor([[1.0, 2.0, 0.0]]), "hidden_states": (None, torch.ones(1, 3, 2))}
    require_agreement(ours, theirs, mask)  # the last token is padding
    with pytest.raises(AssertionError, match="logits"):
        require_agreement(ours, theirs, None)
    with pytest.raises(
        AssertionError, match="hidden_states, value 0: one of npbert and transformers gives"
    ):
        require_agreement(ours | {"hidden_states": (torch.ones(1, 3, 2),) * 2}, theirs, mask)
    with pytest.raises(AssertionError, match="hidden_states: got 1 values, expected 2"):
        require_agreement(ours | {"hidden_states": (None,)}, theirs, mask)
    with pytest.raises(AssertionError, match=r"npbert does not give \{'hidden_states'\}"):
        require_agreement({"logits": ours["logits"]}, theirs, mask)
