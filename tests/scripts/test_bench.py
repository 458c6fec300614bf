"""scripts/bench: the engines agree, and the reports say what was measured."""

from __future__ import annotations

import platform
import re
from pathlib import Path

import pytest
from bench import pages
from bench.__main__ import main
from bench.engines import ENGINES
from bench.guards import GUARDS
from bench.material import Work, make_folder, reviews, sentences, works
from bench.measure import (
    Engine,
    Host,
    Timing,
    Way,
    check_scores,
    clean_environment,
    installed_mib,
)
from bench.speed import describe_blas, process_table, row_of, size_table, speed_table

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
    ours = ENGINES["npbert"](folder, 1)(texts, 1, False)
    theirs = ENGINES[name](folder, 1)(texts, batch_size, sort)
    assert theirs == pytest.approx(ours, abs=1e-5)
    assert len(set(ours)) == len(texts)  # a mix-up of texts would show


def test_other_scores_are_refused() -> None:
    check_scores(Way("torch"), [0.5, 0.25], [0.5, 0.25])
    with pytest.raises(SystemExit, match=r"torch.*differ from those of npbert by up to 1\.0e-03"):
        check_scores(Way("torch"), [0.5, 0.251], [0.5, 0.25])


def test_an_engine_that_ends_is_reported(tmp_path: Path) -> None:
    with (
        Engine("npbert", Host(tmp_path, 1, clean_environment())) as engine,
        pytest.raises(SystemExit, match="an engine ended"),
    ):
        engine.label(Work("one", ["A film."]))


def test_settings_that_change_the_speed_are_unset(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OPENBLAS_L2_SIZE", raising=False)
    names = {"OPENBLAS_CORETYPE", "PYTHONDONTWRITEBYTECODE"}
    for name in names:
        monkeypatch.setenv(name, "Haswell")
    assert not names & clean_environment().keys()
    expected = "OPENBLAS_CORETYPE and PYTHONDONTWRITEBYTECODE unset for every engine\n"
    assert capsys.readouterr().err == expected


def test_the_report_names_the_blas_kernel_of_the_engines(tmp_path: Path) -> None:
    environment = {**clean_environment(), "OPENBLAS_CORETYPE": "Nehalem"}
    kernel = describe_blas(Host(tmp_path, 1, environment))
    if "openblas" not in kernel or platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip(f"the kernel cannot be chosen here: {kernel}")
    assert re.fullmatch(r"openblas [\d.]+\S*, kernel Nehalem", kernel)


def test_a_row_of_the_report() -> None:
    ours = Timing("sentences", Way("npbert"), True, [0.01, 0.012, 0.02])
    theirs = Timing("sentences", Way("torch", 8, sort=True), True, [0.02, 0.03, 0.024])
    row = row_of(theirs, [ours, theirs])
    assert row == "| sentences | torch, sorted, batches of 8 (its best) | 24.00 | 42% | 2.00 |"


@pytest.mark.parametrize("path", sorted(pages.FOLDER.glob("*.md")), ids=lambda path: path.stem)
def test_a_page_is_what_the_command_writes_now(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    assert "by `python scripts/bench speed --write`" in page
    for line in (*speed_table([], path), *size_table()[:7], *process_table({})):
        assert f"{line}\n" in page


def test_the_overview_has_what_the_pages_say() -> None:
    assert pages.OVERVIEW.read_text(encoding="utf-8") == pages.overview()
    page = pages.read_page(pages.path_of("AMD EPYC with AVX-512"))
    assert page.title == "AMD EPYC with AVX-512"
    assert page.best["long reviews", "onnxruntime"] == "1.27"
    assert page.best["one text of 16 tokens", "torch"] == "2.05"


def test_the_texts_have_the_right_numbers_and_lengths(tmp_path: Path) -> None:
    table = tmp_path / "reviews.csv"
    table.write_text('label,text\npos,"one, two"\nneg,three\n', encoding="utf-8")
    assert reviews(table, 5) == ["one, two", "three"]
    sst, long, *ones = works(quick=False, review_file=None)
    assert (len(sst.texts), len(long.texts)) == (872, 200)
    assert [work.texts[0].count("film") + 2 for work in ones] == [8, 16, 32, 128, 512]


def test_installed_size_counts_each_package_once() -> None:
    numpy_mib = installed_mib("numpy")
    assert numpy_mib > 10
    assert installed_mib("numpy", "NumPy") == numpy_mib
    assert installed_mib("npbert") > numpy_mib + 20  # `mini` alone is 22 MiB


def test_the_whole_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["speed", "--quick", "--folder", str(folder), "--peers", "torch", "--threads", "2"])
    report = capsys.readouterr().out
    for work in ("SST-2 sentences", "long reviews", "one text of 16 tokens"):
        assert re.search(rf"\| {work} \| npbert \| [\d.]+ \| 0% \| 1\.00 \|", report)
        assert re.search(rf"\| {work} \| torch.* \| [\d.]+ \| 0% \| [\d.]+ \|", report)
    assert re.search(r"\| npbert \| [\d.]+ \| 1\.0 \| \d+ \| 1\.00 \|", report)
    assert re.search(r"Private memory .* at most [\d.]+ MiB with 1,000 texts", report)
    assert re.search(r"Four processes that share one model take \d+ MiB in all", report)
    assert re.search(r"\| npbert \| \d+ \| 1\.0 \|", report)
    assert "Traceback" not in report


def test_the_report_on_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--rows", "1200", "--list-rows", "300", "--rounds", "1"]
    main(["files", *sizes, "--few-rows", "600", "--folder", str(folder), "--threads", "2"])
    report = capsys.readouterr().out
    assert re.search(r"a csv file of 300 rows takes [\d.]+ times as long as classify", report)
    assert re.search(
        r"^1,200 rows of csv with mini: [\d,]+ rows per second, peak memory .*\d MiB$", report, re.M
    )
    assert re.search(r"peak memory of 1,200 rows, less that of 600 rows: [+-][\d.]+ MiB", report)
    assert len(re.findall(r"one worker, one thread, .*: [\d.,]+ .* per second", report)) == 4
    assert len(re.findall(r"4 workers that share one model of .*PSS.*RSS.*USS", report)) == 2


def test_the_report_of_explanations(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["explain", "--rounds", "1", "--folder", str(folder), "--threads", "1"])
    report = capsys.readouterr().out
    for model in ("mini", "base"):
        assert re.search(rf"\| {model} \| 0 \| 36 \| [\d.]+ \| [\d.]+ \| [\d.]+ \|", report)


def test_the_report_of_guards(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["guards", "--rounds", "1", "--folder", str(folder)])
    report = capsys.readouterr().out
    for guard in GUARDS:
        (row,) = re.findall(rf"^\| {guard.name} \| .* \| ([\d.]+) \| ([\d.]+) \|$", report, re.M)
        assert 0 <= float(row[1]) < float(row[0])
