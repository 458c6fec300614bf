"""Every code block of the documents is run, and prints what stands there."""

from __future__ import annotations

import doctest
import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import npbert
from tests.support.served_program import program

CHECKOUT = Path(__file__).parents[1]
DOCS = CHECKOUT / "docs"
SCALE = DOCS / "scale.md"
SERVE = DOCS / "serve.md"
LEARN = DOCS / "learn"
CHAPTERS = sorted(LEARN.glob("[0-9]*.md"))
WITH_PYTHON = [
    CHECKOUT / "README.md",
    DOCS / "deploy.md",
    DOCS / "explain.md",
    SCALE,
    *CHAPTERS,
    LEARN / "course.md",
]
DOCUMENTS = [*WITH_PYTHON, DOCS / "files.md"]
PAGES = sorted(
    [
        *CHECKOUT.glob("*.md"),
        *CHECKOUT.glob("examples/*.md"),
        *DOCS.glob("*.md"),
        *LEARN.glob("*.md"),
    ]
)
PUBLISHED = Path(__file__).parent / "data" / "published_logits.jsonl"

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"-?\d+(?:\.\d*)?(?:e[+-]?\d+)?")
PADDING = re.compile(r" +(?=[,\]])")


class Checker(doctest.OutputChecker):
    """Compares numbers by value: machines differ in their last digits."""

    def check_output(self, want: str, got: str, _: int) -> bool:
        return same(want, got)


def same(want: str, got: str) -> bool:
    """Equal but for white space and for the rounding of decimal numbers."""
    # NumPy fills up a number that has fewer digits than the others: "0.3131314 ,".
    shapes = [PADDING.sub("", NUMBER.sub("#", text)).split() for text in (want, got)]
    if shapes[0] != shapes[1]:
        return False
    pairs = zip(NUMBER.findall(want), NUMBER.findall(got), strict=True)
    return all(a == b or (("." in a + b) and close(a, b)) for a, b in pairs)


def close(a: str, b: str) -> bool:
    return math.isclose(float(a), float(b), rel_tol=1e-3, abs_tol=1e-4)


def blocks(document: Path, *languages: str) -> list[str]:
    text = document.read_text(encoding="utf-8")
    return [body for language, body in FENCE.findall(text) if language in languages]


def test_numbers_are_compared_by_value_and_the_rest_exactly() -> None:
    assert same("[0.3131314 , 0.6868686 ]", "[0.31313157, 0.6868685 ]")
    assert same("[ 0.99981,  3]", "[ 0.99983,  3]")
    assert not same("0.9998", "0.9978")
    assert not same("3", "4")
    assert not same("1 True", "1 False")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_there_are_no_blocks_that_nothing_runs(document: Path) -> None:
    languages = {language for language, _ in FENCE.findall(document.read_text(encoding="utf-8"))}
    assert languages <= {"python", "console", "sh", "text"}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_to_headings_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)#(?!L\d)([^)]+)", page.read_text(encoding="utf-8"))
    for target, anchor in links:
        assert anchor in anchors(page.parent / target if target else page), f"{target}#{anchor}"


def test_the_glossary_is_complete_and_has_no_word_that_no_chapter_uses() -> None:
    chapters = "".join(chapter.read_text(encoding="utf-8") for chapter in CHAPTERS)
    used = set(re.findall(r"\]\(glossary\.md#([^)]+)", chapters))
    assert used == anchors(LEARN / "glossary.md") - {"glossary"}


def anchors(page: Path) -> set[str]:
    """Return the names by which links find the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


REVIEWS = [None if number % 7 == 0 else f"number {number} of many films" for number in range(999)]


def run_engine(name: str, folder: Path) -> None:
    """Run the block that names an engine, as it stands, and compare with one process."""
    (block,) = (block for block in blocks(SCALE, "python") if name in block)
    rows = {"id": range(len(REVIEWS)), "review": REVIEWS}
    pq.write_table(pa.table(rows), folder / "reviews.parquet")
    (folder / "script.py").write_text(block)
    done = run("RAY_USAGE_STATS_ENABLED=0 SPARK_LOCAL_IP=127.0.0.1 python script.py", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    labelled = pq.read_table(folder / "labelled").sort_by("id")
    assert labelled.select(list(rows)).to_pydict() == {"id": [*range(999)], "review": REVIEWS}
    expected = iter(npbert.classify([text for text in REVIEWS if text is not None], "mini"))
    for row in labelled.to_pylist():
        result = {"label": None, "score": None} if row["review"] is None else next(expected)
        assert row["label"] == result["label"]
        assert row["score"] == pytest.approx(result["score"], abs=1e-5)


@pytest.mark.engine
@pytest.mark.skipif(not find_spec("ray"), reason="Ray Data: pip install -e '.[ray]'")
def test_ray_block(tmp_path: Path) -> None:
    run_engine("import ray", tmp_path)


@pytest.mark.engine
@pytest.mark.skipif(not find_spec("pyspark"), reason="Spark: pip install -e '.[spark]'")
@pytest.mark.skipif(not shutil.which("java"), reason="Spark: Java is not installed")
def test_spark_block(tmp_path: Path) -> None:
    run_engine("import SparkSession", tmp_path)


@pytest.mark.parametrize("document", WITH_PYTHON, ids=lambda path: path.name)
def test_python_blocks(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(document.parent)
    source = "\n".join(blocks(document, "python"))
    examples = doctest.DocTestParser().get_doctest(source, {}, document.name, str(document), 0)
    assert examples.examples
    runner = doctest.DocTestRunner(Checker(), verbose=False)
    report: list[str] = []
    runner.run(examples, out=report.append)
    assert not runner.failures, "".join(report)


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command line with the programs of this environment, in a folder of its own."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=os.environ | {"PATH": path, "COLUMNS": "100"},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_console_blocks(document: Path, tmp_path: Path) -> None:
    for block in blocks(document, "console"):
        for session in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, want = session.partition("\n")
            done = run(command, tmp_path)
            assert done.returncode == 0, done.stderr
            assert same(want, done.stdout), f"{command}\n{done.stdout}"


def test_blocks_about_the_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The service that the first block starts answers those behind it, on another port."""
    start = blocks(SERVE, "sh")[0].splitlines()[1]
    (ready,) = blocks(SERVE, "text")
    with program(*shlex.split(start)[2:]) as served:
        port = served.url.rpartition(":")[2]
        assert ready == f"npbert: serving mini (text-classification) on {served.url}\n".replace(
            port, "8080"
        )
        page = tmp_path / SERVE.name
        text = SERVE.read_text(encoding="utf-8")
        page.write_text(text.replace("localhost:8080", f"127.0.0.1:{port}"), encoding="utf-8")
        test_console_blocks(page, tmp_path)
        test_python_blocks(page, monkeypatch)


def test_set_up_block(tmp_path: Path) -> None:
    """CI runs its lines as they stand; here is what they run once npbert is installed."""
    first, second = blocks(CHECKOUT / "README.md", "sh")[0].splitlines()
    assert second == "pip install -e '.[test]' && pytest --numprocesses auto"
    install, _, command = first.partition(" && ")
    assert install == "pip install ."
    done = run(command, tmp_path)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [result["label"] for result in results] == ["POSITIVE", "NEGATIVE"]
    assert [result["text"] for result in results] == shlex.split(command)[-2:]


def test_other_commands_of_a_checkout() -> None:
    for block in blocks(DOCS / "exactness.md", "sh"):
        for command in block.splitlines():
            done = run(command, CHECKOUT)
            assert done.returncode == 0, done.stdout + done.stderr


def test_published_numbers() -> None:
    """The table of the course of Hugging Face repeats what was published for the default model."""
    known = set(NUMBER.findall(PUBLISHED.read_text(encoding="utf-8")))
    known_values = {float(number) for number in known}
    page = (LEARN / "course.md").read_text(encoding="utf-8")
    stated = NUMBER.findall("".join(re.findall(r"^\|[^|]*\|([^|]*)\|", page, re.MULTILINE)))
    assert len(stated) > 50
    for number in stated:
        assert float(number) in known_values, number
