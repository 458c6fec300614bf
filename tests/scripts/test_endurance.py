"""scripts/endurance.py: what goes wrong in a long run is noticed."""

from __future__ import annotations

import faulthandler
import itertools
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import endurance
import pytest
from endurance import Run, Sample, differs, growth_of, short_texts

import npbert
from tests.support.oracles import make_folder

pytestmark = pytest.mark.filterwarnings("ignore:.* had more than 4 tokens:UserWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("model"))


def test_the_growth_of_the_memory() -> None:
    flat = [Sample(n * 1000, 100.0) for n in range(100)]
    grows = [Sample(n * 1000, 100.0 + 0.02 * n) for n in range(100)]
    fills = [Sample(n * 1000, 100.0 + min(n, 15)) for n in range(100)]
    assert growth_of(flat) == pytest.approx(0)
    assert growth_of(grows) == pytest.approx(2)
    assert growth_of(fills) == pytest.approx(0)
    assert growth_of([]) == growth_of(flat[:1]) == 0


def test_other_answers() -> None:
    found = [{"label": "A", "score": 0.5}]
    assert not differs(found, [{"label": "A", "score": 0.500001}])
    for other in ([{"label": "A", "score": 0.51}], [{"label": "B", "score": 0.5}], [], found * 2):
        assert differs(found, other)
    assert differs([{"label": "A", "score": float("nan")}], found)


def test_few_texts_are_equal() -> None:
    texts = list(itertools.islice(short_texts(0), 1000))
    assert len(set(texts)) > 600


@pytest.mark.parametrize("mode", endurance.MODES)
def test_a_short_run(folder: Path, mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert endurance.main([mode, "--model", str(folder), "--texts", "2000"]) == 0
    assert "MiB for 100,000 texts" in capsys.readouterr().out


@pytest.mark.parametrize("fails", [False, True])
def test_what_hangs_is_ended_and_nothing_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """A clock that goes on would end the process of the tests minutes later."""
    done: list[str] = []
    monkeypatch.setattr(
        faulthandler, "dump_traceback_later", lambda *_, exit, **__: done.append(f"set {exit}")
    )
    monkeypatch.setattr(faulthandler, "cancel_dump_traceback_later", lambda: done.append("cancel"))

    def work(_pipe: Any, run: Run, _seed: int) -> None:
        run.answered(1)
        monkeypatch.setattr(endurance, "time", SimpleNamespace(monotonic=lambda: 1e9))
        run.answered(1)
        if fails:
            raise ValueError("the work")

    monkeypatch.setitem(endurance.MODES, "texts", work)
    with pytest.raises(ValueError, match="the work") if fails else nullcontext():
        endurance.endure("texts", str(folder), 2, 0)
    assert done == ["set True", "set True", "cancel"]


def test_a_wrong_answer_is_a_fault(folder: Path) -> None:
    pipe: Any = npbert.pipeline("text-classification", folder)
    asked: set[str] = set()

    def call(texts: list[str], **options: Any) -> Any:
        """Answer rightly at first, and wrongly when the same texts come again, or many."""
        results = pipe(texts, **options)
        if str(texts) in asked or len(texts) > 100:
            results[0] = {"label": "another", "score": 0.5}
        asked.add(str(texts))
        return results

    for work in endurance.MODES.values():
        asked.clear()
        run = Run(1500)
        work(call, run, 0)
        assert run.faults
