"""scripts/bench.py: engines that agree, a report that says what was measured."""

from __future__ import annotations

import re
from pathlib import Path

import bench
import bench_engines
import bench_files
import bench_measure
import pytest
from bench_material import Work, make_folder, reviews, sentences, works
from bench_measure import Engine, Host, Timing, Way

TINY = {"dim": 24, "n_heads": 2, "n_layers": 2, "hidden_dim": 48}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bench") / "model"
    make_folder(made, **TINY)
    return made


@pytest.mark.parametrize("name", ["transformers", "torch"])
@pytest.mark.parametrize(("batch_size", "sort"), [(1, False), (4, True)])
def test_engines_give_the_same_scores(folder: Path, name: str, batch_size: int, sort: bool) -> None:
    texts = [*sentences()[:6], *reviews(None, 2)]
    ours = bench_engines.ENGINES["npbert"](folder, 1)(texts, 1, False)
    theirs = bench_engines.ENGINES[name](folder, 1)(texts, batch_size, sort)
    assert theirs == pytest.approx(ours, abs=1e-5)
    assert len(set(ours)) == len(texts)  # a mix-up of texts would show


def test_other_scores_are_refused() -> None:
    bench_measure.check_scores(Way("torch"), [0.5, 0.25], [0.5, 0.25])
    with pytest.raises(SystemExit, match=r"torch.*other scores than npbert, by 1\.0e-03"):
        bench_measure.check_scores(Way("torch"), [0.5, 0.251], [0.5, 0.25])


def test_an_engine_that_ends_is_reported(tmp_path: Path) -> None:
    with (
        Engine("npbert", Host(tmp_path, 1, bench.clean_environment())) as engine,
        pytest.raises(SystemExit, match="an engine ended"),
    ):
        engine.label(Work("one", ["A film."]))


def test_settings_that_change_the_blas_kernel_are_unset(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OPENBLAS_L2_SIZE", raising=False)
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert "OPENBLAS_CORETYPE" not in bench.clean_environment()
    assert capsys.readouterr().err == "OPENBLAS_CORETYPE unset for every engine\n"


def test_a_row_of_the_report() -> None:
    ours = Timing("sentences", Way("npbert"), True, [0.01, 0.012, 0.02])
    theirs = Timing("sentences", Way("torch", 8, sort=True), True, [0.02, 0.03, 0.024])
    row = bench.row_of(theirs, [ours, theirs])
    assert row == "| sentences | torch, sorted, by 8 (its best) | 24.00 | 42% | 2.00 |"


def test_texts_are_those_of_the_issue(tmp_path: Path) -> None:
    table = tmp_path / "reviews.csv"
    table.write_text('label,text\npos,"one, two"\nneg,three\n', encoding="utf-8")
    assert reviews(table, 5) == ["one, two", "three"]
    sst, long, *ones = works(quick=False, review_file=None)
    assert (len(sst.texts), len(long.texts)) == (872, 200)
    assert [work.texts[0].count("film") + 2 for work in ones] == [8, 16, 32, 128, 512]


def test_installed_size_counts_each_package_once() -> None:
    numpy_mib = bench_measure.installed_mib("numpy")
    assert numpy_mib > 10
    assert bench_measure.installed_mib("numpy", "NumPy") == numpy_mib
    assert bench_measure.installed_mib("npbert") > numpy_mib + 20  # `mini` alone is 22 MiB


def test_the_whole_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench.main(["--quick", "--folder", str(folder), "--peers", "torch", "--threads", "2"])
    report = capsys.readouterr().out
    for work in ("SST-2 sentences", "long reviews", "one text of 16 tokens"):
        assert re.search(rf"\| {work} \| npbert \| [\d.]+ \| 0% \| 1\.00 \|", report)
        assert re.search(rf"\| {work} \| torch.* \| [\d.]+ \| 0% \| [\d.]+ \|", report)
    assert re.search(r"\| npbert \| [\d.]+ \| 1\.0 \| \d+ \| 1\.00 \|", report)
    assert re.search(r"Private memory .* at most [\d.]+ MiB with 1,000 texts", report)
    assert re.search(r"Four processes on one model: \d+ MiB in all", report)
    assert re.search(r"\| npbert \| \d+ \| 1\.0 \|", report)
    assert "Traceback" not in report


def test_the_report_on_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--rows", "1200", "--list-rows", "300", "--rounds", "1"]
    bench_files.main([*sizes, "--few-rows", "600", "--folder", str(folder), "--threads", "2"])
    report = capsys.readouterr().out
    assert re.search(r"a csv file of 300 rows takes [\d.]+ of the time of classify", report)
    assert re.search(
        r"^1,200 rows of csv with mini: [\d,]+ rows/s, peak memory .*\d MiB$", report, re.M
    )
    assert re.search(r"peak memory of 1,200 rows above that of 600: [+-][\d.]+ MiB", report)
    assert len(re.findall(r"one worker, one thread, .*: [\d.,]+ .* a second", report)) == 4
    assert len(re.findall(r"4 workers on one model of .*PSS.*RSS.*USS", report)) == 2
