"""The zip file for AWS Lambda, whose handler runs with nothing but what is in the file."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import npbert
from tests.support.paths import CHECKOUT

EXAMPLE = CHECKOUT / "examples" / "aws_lambda"
# -S and -I: no package of this environment can be imported.
RUN = """
import json, sys
sys.path.insert(0, sys.argv[1])
import handler, npbert
assert npbert.__file__.startswith(sys.argv[1])
answers = [handler.handle(event) for event in json.load(sys.stdin)]
print(json.dumps([npbert.__version__, answers]))
"""


class Built(NamedTuple):
    """The zip file, what the script said, and the files that were in it."""

    archive: Path
    said: str
    folder: Path


def build(folder: Path) -> Built:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    options = ["--output", str(folder / "npbert.zip"), "--python", python]
    done = subprocess.run(
        [sys.executable, str(EXAMPLE / "build.py"), *options],
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(folder / "npbert.zip") as archive:
        archive.extractall(folder / "function")
    return Built(folder / "npbert.zip", done.stdout, folder / "function")


def handle(built: Built, *events: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """Let the handler answer events; also return the version that npbert says it has."""
    done = subprocess.run(
        [sys.executable, "-S", "-I", "-c", RUN, str(built.folder)],
        input=json.dumps(events),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    version, answers = json.loads(done.stdout)
    return version, answers


def post(content: object, **event: Any) -> dict[str, Any]:
    """An event of a function URL, in the format 2.0."""
    http = {"method": "POST", "path": "/", "protocol": "HTTP/1.1"}
    return {
        "version": "2.0",
        "requestContext": {"http": http},
        "body": json.dumps(content),
        "isBase64Encoded": False,
    } | event


def test_the_function(tmp_path: Path) -> None:
    """One test, because it takes long to build the file."""
    built = build(tmp_path)
    assert_the_size_is_said_and_is_under_the_limit(built)
    assert_the_handler_answers(built)


def assert_the_size_is_said_and_is_under_the_limit(built: Built) -> None:
    with zipfile.ZipFile(built.archive) as archive:
        n_bytes = sum(entry.file_size for entry in archive.infolist())
    packed, unpacked, room = map(float, re.findall(r"([\d.]+) MB", built.said)[:3])
    assert packed == pytest.approx(built.archive.stat().st_size / 1e6, abs=0.06)
    assert unpacked == pytest.approx(n_bytes / 1e6, abs=0.06)
    assert room == pytest.approx(250 - n_bytes / 1e6, abs=0.06)
    assert f"{room} MB under the limit of 250 MB" in built.said
    assert n_bytes < 110e6
    names = {path.name for path in built.folder.iterdir()}
    assert not [name for name in names if name.endswith((".dist-info", "__pycache__"))]
    assert not (built.folder / "npbert" / "checkpoints" / "mini").exists()


TEXTS = ["I love this film.", "I want my two hours back."]
REQUEST = {"inputs": TEXTS}
AS_BYTES = base64.b64encode(json.dumps(REQUEST).encode()).decode()
IN_FORMAT_1 = {"httpMethod": "POST", "requestContext": {}, "body": json.dumps(REQUEST)}

GOOD = {
    "format 2.0": post(REQUEST),
    "base64": post(None, body=AS_BYTES, isBase64Encoded=True),
    "format 1.0": IN_FORMAT_1,
}
REFUSED = {
    "no method": ({}, 405, "the method is None, expected POST"),
    "GET": ({"httpMethod": "GET"}, 405, "the method is GET, expected POST"),
    "no body": (post(None, body=None), 400, "the body is not JSON"),
    "no JSON": (post(None, body='{"inputs"'), 400, "the body is not JSON"),
    "no base64": (post(None, body="é", isBase64Encoded=True), 400, "the body is not base64"),
    "deep": (post(None, body="[" * 150_000), 400, "the body is not JSON"),
    "a list": (post(["a"]), 422, 'expected {"inputs": a text, or a list of texts}'),
    "no inputs": (post({"input": "a"}), 422, 'expected {"inputs": a text, or a list of texts}'),
    "a number": (post({"inputs": ["a", 1]}), 422, "a text, or a list of texts"),
    "many texts": (post({"inputs": ["a"] * 33}), 413, "there are 33 texts, expected at most 32"),
    "many bytes": (post({"inputs": "a" * 200_001}), 413, "expected at most 200000"),
}


def assert_the_handler_answers(built: Built) -> None:
    one = post({"inputs": TEXTS[0]})
    none, long = post({"inputs": []}), post({"inputs": "word " * 600})
    refused = [event for event, _, _ in REFUSED.values()]
    version, answers = handle(built, one, none, long, *GOOD.values(), *refused)
    assert version == npbert.__version__
    expected = npbert.classify(TEXTS, "mini")
    assert all(answer["headers"] == {"Content-Type": "application/json"} for answer in answers)
    contents = [json.loads(answer["body"]) for answer in answers]
    assert contents[0] == npbert.classify(TEXTS[0], "mini")
    assert contents[1] == []
    assert len(contents[2]) == 1
    for content in contents[3 : 3 + len(GOOD)]:
        assert [each["label"] for each in content] == [each["label"] for each in expected]
        assert [each["score"] for each in content] == pytest.approx(
            [each["score"] for each in expected]
        )
    statuses = [answer["statusCode"] for answer in answers]
    assert statuses == [200] * (3 + len(GOOD)) + [status for _, status, _ in REFUSED.values()]
    for (_, _, message), content in zip(REFUSED.values(), contents[-len(REFUSED) :], strict=True):
        assert list(content) == ["error"]
        assert message in content["error"]
