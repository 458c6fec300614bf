"""scripts/bench serve: the services answer alike, and the report says how they bear a load."""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
from pathlib import Path

import pytest
from bench.__main__ import main
from bench.load import Load, bodies_file, put_under_load
from bench.material import make_folder, reviews, sentences, with_reviews
from bench.serve import middle, row_of
from bench.service_process import ServiceProcess
from bench.services import Service, gathered, gathered_and_sorted, plain

TINY = {"dim": 24, "n_heads": 2, "n_layers": 2, "hidden_dim": 48}
FAILING = """
import http.server, sys

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(500)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"failing on http://127.0.0.1:{server.server_port}", file=sys.stderr, flush=True)
server.serve_forever()
"""
needs_wrk = pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is not installed")


class Engine:
    """An engine that waits until it is told to go on, and notes how it is called."""

    def __init__(self) -> None:
        self.may_go_on = threading.Event()
        self.calls: list[tuple[list[str], int, bool]] = []

    def label(self, texts: list[str], batch_size: int, sort: bool) -> list[float]:
        self.calls.append((texts, batch_size, sort))
        assert self.may_go_on.wait(10)
        return [len(text) / 100 for text in texts]


def test_a_plain_service_labels_one_text_at_a_time() -> None:
    engine = Engine()
    engine.may_go_on.set()
    answers = [plain(engine.label)(text) for text in ("a", "bc")]
    assert [answer.result(10) for answer in answers] == [0.01, 0.02]
    assert engine.calls == [(["a"], 1, False), (["bc"], 1, False)]


@pytest.mark.parametrize(
    ("service", "batch_size", "sort"), [(gathered, 32, False), (gathered_and_sorted, 8, True)]
)
def test_a_gathering_service_labels_what_waits(
    service: Service, batch_size: int, sort: bool
) -> None:
    engine = Engine()
    ask = service(engine.label)
    first = ask("first")
    while not engine.calls:
        pass
    texts = ["a" * number for number in range(1, 41)]  # these wait while the first is labelled
    answers = [ask(text) for text in texts]
    engine.may_go_on.set()
    assert first.result(10) == 0.05
    assert [answer.result(10) for answer in answers] == [len(text) / 100 for text in texts]
    assert [call[0] for call in engine.calls] == [["first"], texts[:32], texts[32:]]
    assert {call[1:] for call in engine.calls} == {(batch_size, sort)}


def test_every_tenth_text_is_a_review() -> None:
    texts = with_reviews(None)
    assert len(texts) == 872
    assert texts[9::10] == reviews(None, 87)
    assert set(texts) - set(reviews(None, 87)) < set(sentences())


def test_a_row_of_the_report() -> None:
    ours = Load(60.0, 10.0, 20.0, [1.0])
    theirs = [Load(20.0, 30.0, 55.0, [4.0, 2.0]), Load(10.0, 50.0, 75.0, [3.0])]
    row = row_of("onnxruntime, gathered", middle(theirs), ours)
    assert row == "onnxruntime, gathered | 15.0 | 4.00 | 40.0 | 65.0 | 4.0 | 4.0 |"


@needs_wrk
def test_a_load_with_errors_is_no_figure() -> None:
    with (
        ServiceProcess("failing", [sys.executable, "-c", FAILING], os.environ) as service,
        bodies_file(["A film."]) as bodies,
        pytest.raises(SystemExit, match="failing, 2 clients: wrk saw errors"),
    ):
        put_under_load(service, bodies, 2, 1)


def test_a_service_that_does_not_start_is_reported() -> None:
    command = [sys.executable, "-c", "raise ValueError('no model')"]
    with (
        pytest.raises(SystemExit, match=r"(?s)does not serve:.*no model"),
        ServiceProcess("broken", command, os.environ),
    ):
        pass


@needs_wrk
def test_the_report_of_services(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "model"
    make_folder(folder, **TINY)
    peer = "transformers, gathered"
    size = ["--rounds", "1", "--seconds", "1", "--clients", "1", "8", "--models", "base"]
    main(["serve", *size, "--peers", peer, "--folder", str(folder), "--threads", "1"])
    report = capsys.readouterr().out
    for texts in ("sentences", "mixed"):
        for clients in (1, 8):
            start = rf"\| base \| {texts} \| {clients}"
            assert re.search(rf"{start} \| npbert \| [\d.]+ \| 1\.00( \| [\d.]+){{4}} \|", report)
            assert re.search(rf"{start} \| {peer} \| [\d.]+( \| [\d.]+){{5}} \|", report)
    assert re.search(
        r"base, one client and one text of 16 words: p50 [\d.]+ ms; .*ms$", report, re.M
    )
    assert re.search(r"base, memory .*: \d+ MiB with one worker, \d+ MiB with 4: \d+% of", report)
