"""A server on localhost that answers as the Hugging Face hub does, for its real client."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from tests.support.command_line import unmeasured

REPOSITORY = r"(?P<repo>[^/]+/[^/]+)"
REVISION = r"(?P<revision>refs/pr/\d+|[^/]+)"
API = re.compile(rf"/api/models/{REPOSITORY}/(?P<what>revision|tree|commits)/{REVISION}")
DISCUSSIONS = re.compile(rf"/api/models/{REPOSITORY}/(?P<what>discussions)")
FILE = re.compile(rf"/{REPOSITORY}/resolve/{REVISION}/(?P<name>.+)")

Files = dict[str, bytes]


@dataclass
class PullRequest:
    """A pull request, whose commits are those of the branch refs/pr/NUMBER."""

    number: int
    title: str
    author: str
    status: str = "open"


@dataclass
class Repository:
    """One model on the hub."""

    commits: dict[str, Files]  # the files of each commit, by its hash
    refs: dict[str, str]  # the commit hash of each branch and tag
    token: str | None = None  # the token that reads it; None if everybody can
    gated: bool = False  # without the token it is forbidden, and not just unknown
    parents: dict[str, str] = field(default_factory=dict)  # the commit before each commit
    pull_requests: list[PullRequest] | None = None  # None if the server has no such thing

    def history(self, commit: str) -> list[str]:
        """Return a commit and those before it, newest first."""
        return [commit, *(self.history(self.parents[commit]) if commit in self.parents else [])]


@dataclass
class Request:
    """A request that the server got."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Hub:
    """The server, what it serves, and how it misbehaves."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    cut_bodies_at: list[int] = field(default_factory=list)  # bytes to send of the next large ones
    stops_at: int | None = None  # bytes of a large body after which nothing more comes
    fail_with: HTTPStatus | None = None
    fail_headers: dict[str, str] = field(default_factory=dict)  # of an answer that fails
    fails_at: str = ""  # a pattern: only requests with such a path fail, or are not answered
    is_silent: bool = False  # whether it takes requests and does not answer
    etag: str | None = None  # of every file, in place of the right one
    page: bytes | None = None  # sent to everybody, as a proxy's login page is

    def __enter__(self) -> Self:
        hub = self
        self._ending = threading.Event()

        class BoundHandler(Handler):
            pass

        BoundHandler.hub = hub
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), BoundHandler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        """The address of the server, as HF_ENDPOINT takes it."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def files_sent(self) -> set[str]:
        """Return the names of the files whose contents were asked for."""
        matches = (FILE.match(r.path) for r in self.requests if r.method == "GET")
        return {match["name"] for match in matches if match}

    def headers_sent(self, header: str, method: str = "", name: str = "") -> list[str | None]:
        """Return one header of every request, or of every request of a method for a file."""
        return [
            request.headers.get(header)
            for request in self.requests
            if method in request.method and request.path.endswith(name)
        ]

    def forget(self) -> None:
        """Behave well again, and begin a new list of requests."""
        self.requests.clear()
        self.cut_bodies_at.clear()
        self.fail_headers.clear()
        self.fail_with = self.page = self.etag = None
        self.fails_at = ""
        self.is_silent = False
        self.stops_at = None

    def wait_for_the_end(self) -> None:
        """Wait until nobody needs the server any longer."""
        self._ending.wait()


class Handler(BaseHTTPRequestHandler):
    """The answers to the requests of one connection."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.hub.requests.append(Request(self.command, path, headers))
        if self.hub.page is not None:
            self._send(HTTPStatus.OK, self.hub.page, {"Content-Type": "text/html"})
        elif self.hub.is_silent and re.search(self.hub.fails_at, path):
            self.hub.wait_for_the_end()
            self.close_connection = True
        elif self.hub.fail_with is not None and re.search(self.hub.fails_at, path):
            self._send(self.hub.fail_with, b"", self.hub.fail_headers)
        elif match := (API.fullmatch(path) or DISCUSSIONS.fullmatch(path) or FILE.fullmatch(path)):
            self._answer_for(**match.groupdict())
        else:
            self._error(HTTPStatus.NOT_FOUND, "EntryNotFound")

    def _answer_for(
        self, repo: str, revision: str = "main", what: str | None = None, name: str | None = None
    ) -> None:
        repository = self.hub.repositories.get(repo)
        if repository is None:
            return self._error(HTTPStatus.UNAUTHORIZED, "RepoNotFound")
        if repository.token and self.headers["Authorization"] != f"Bearer {repository.token}":
            if repository.gated:
                return self._error(HTTPStatus.FORBIDDEN, "GatedRepo")
            return self._error(HTTPStatus.UNAUTHORIZED, "RepoNotFound")
        commit = repository.refs.get(revision, revision)
        files = repository.commits.get(commit)
        if files is None:
            return self._error(HTTPStatus.NOT_FOUND, "RevisionNotFound")
        if what == "revision":
            siblings = [{"rfilename": name} for name in files]
            return self._send_json({"id": repo, "sha": commit, "siblings": siblings})
        if what == "tree":
            return self._send_json([_entry(name, body) for name, body in files.items()])
        if what == "commits":
            return self._send_json([_commit(name) for name in repository.history(commit)])
        if what == "discussions" and repository.pull_requests is not None:
            requests = [_discussion(request, repo) for request in repository.pull_requests]
            return self._send_json({"discussions": requests, "count": len(requests), "start": 0})
        if name is None or name not in files:
            return self._error(HTTPStatus.NOT_FOUND, "EntryNotFound")
        return self._send_file(files[name], commit)

    def _send_file(self, body: bytes, commit: str) -> None:
        headers = {
            "ETag": f'"{self.hub.etag or _hash(body)}"',
            "X-Repo-Commit": commit,
            "Accept-Ranges": "bytes",
        }
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted is None:
            return self._send(HTTPStatus.OK, body, headers)
        start = int(wanted[1])
        headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        return self._send(HTTPStatus.PARTIAL_CONTENT, body[start:], headers)

    def _send_json(self, value: Any) -> None:
        self._send(HTTPStatus.OK, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _error(self, status: HTTPStatus, code: str) -> None:
        self._send(status, b"", {"X-Error-Code": code, "X-Error-Message": code})

    def _send(self, status: HTTPStatus, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if len(body) > 100_000 and self.hub.stops_at is not None:
            self.wfile.write(body[: self.hub.stops_at])
            self.hub.wait_for_the_end()
        if len(body) > 100_000 and self.hub.cut_bodies_at:
            body = body[: self.hub.cut_bodies_at.pop(0)]
            self.close_connection = True  # after fewer bytes than were promised
        self.wfile.write(body)


def _hash(body: bytes) -> str:
    return hashlib.sha1(body, usedforsecurity=False).hexdigest()


def _entry(name: str, body: bytes) -> dict[str, Any]:
    return {"type": "file", "oid": _hash(body), "size": len(body), "path": name}


def _commit(commit: str) -> dict[str, Any]:
    day = "2026-01-01T00:00:00.000Z"
    return {"id": commit, "title": "", "message": "", "date": day, "authors": []}


def _discussion(request: PullRequest, repo: str) -> dict[str, Any]:
    return {
        "num": request.number,
        "title": request.title,
        "author": {"name": request.author},
        "status": request.status,
        "isPullRequest": True,
        "createdAt": "2026-01-01T00:00:00.000Z",
        "repo": {"name": repo, "type": "model"},
    }


# ------------------------------------------------------------------------------- its clients


def files_of(folder: Path) -> Files:
    """Return the files of a folder, as a commit has them."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Evaluates one expression, and prints its value or its error, and the clients it imported.
PROGRAM = """
import json, sys, warnings, npbert
warnings.simplefilter("ignore")
try:
    answer = {"value": eval(sys.argv[1])}
except Exception as error:
    answer = {"error": type(error).__name__, "message": str(error)}
clients = {"huggingface_hub", "httpx", "httpx2", "requests"} & set(sys.modules)
print(json.dumps(answer | {"clients": sorted(clients)}))
"""


def environment(hub: Hub | str, home: Path) -> dict[str, str]:
    """Return the environment of a machine whose hub is the server and whose cache is empty."""
    kept = {name: value for name, value in unmeasured().items() if not name.startswith("HF_")}
    address = hub if isinstance(hub, str) else hub.address
    return kept | {"HF_ENDPOINT": address, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1"}


def evaluate(expression: str, variables: dict[str, str]) -> tuple[dict[str, Any], str]:
    """Evaluate an expression in a new process, and return the answer and what it complained of."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, expression],
        env=variables,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer, done.stderr
