"""Sixteen threads share one pipeline, each with its own texts and options."""

from __future__ import annotations

from pathlib import Path

import endurance
import pytest

from npbert.distilbert.blas import blas_threads
from tests.support.oracles import make_folder

pytestmark = pytest.mark.filterwarnings("ignore:.* had more than 4 tokens:UserWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("model"))


def test_each_gets_the_answer_of_one_thread(folder: Path) -> None:
    run = endurance.endure("calls", str(folder), n_texts=1500, seed=0)
    assert run.faults == []
    assert run.n_done >= 1500
    assert blas_threads._limits == []
