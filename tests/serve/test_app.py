"""What every request has in common: statuses, keys, limits, metrics and the OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from npbert.serve.app import make_app
from npbert.serve.service import Service
from npbert.serve.settings import Limits, Settings
from tests.support.http_service import JSON, Running, running, serving

GOOD = "I love this film."
ALL_PATHS = {
    "/",
    "/health",
    "/info",
    "/metrics",
    "/openapi.json",
    "/predict",
    "/tokenize",
    "/explain",
    "/attention",
    "/what-if",
}


class TestWrongRequests:
    @pytest.mark.parametrize("path", ["/", "/predict", "/tokenize", "/explain"])
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b'{"inputs": "a"',
            b'{"inputs": NaN}',
            b"{'inputs': 'a'}",
            b'{"inputs": "\xff"}',
            b'{"inputs": "\\ud800"}',
            '{"inputs": "ä"}'.encode("utf-16"),
            b'{"inputs": "a"} {}',
            b'{"inputs": ' + b"[" * 100_000,
            b"\x00" * 100,
        ],
    )
    def test_no_json(self, mini: Running, path: str, body: bytes) -> None:
        answer = mini.request("POST", path, body, JSON)
        assert answer.status in ((400, 422) if b"[[" in body else (400,))
        assert len(answer.error) < 300
        if answer.status == 400:
            assert answer.error.startswith("the body cannot be read as JSON in UTF-8: ")

    @pytest.mark.parametrize("content_type", ["text/plain", "application/jsonl", "", "a\x1bb"])
    def test_other_content_types(self, mini: Running, content_type: str) -> None:
        """A page of another site cannot send JSON without asking, so it cannot send at all."""
        answer = mini.request("POST", "/predict", b"{}", {"content-type": content_type})
        assert answer.status in ((400,) if "\x1b" in content_type else (415,))
        if answer.status == 415:
            assert answer.error.endswith("send the header Content-Type: application/json")

    def test_the_content_type_may_have_a_charset(self, mini: Running) -> None:
        headers = {"content-type": "Application/JSON; charset=utf-8"}
        body = json.dumps({"inputs": GOOD}).encode()
        assert mini.request("POST", "/predict", body, headers).status == 200

    @pytest.mark.parametrize(
        "path", ["/nope", "/predict/", "//", "/static/../app.py", "/%00", "/static/"]
    )
    def test_unknown_paths(self, mini: Running, path: str) -> None:
        answer = mini.get(path)
        assert answer.status == 404
        assert answer.error.endswith("/openapi.json lists all paths")

    def test_a_terminal_is_not_written_to_by_a_path(self, mini: Running) -> None:
        assert "\\x1b" in mini.get("/%1b]0;title%07" + "x" * 10_000).error
        assert len(mini.get("/" + "x" * 10_000).error) < 200

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("GET", "/predict", {"POST"}),
            ("DELETE", "/", {"GET", "HEAD", "POST"}),
            ("POST", "/health", {"GET", "HEAD"}),
            ("OPTIONS", "/predict", {"POST"}),  # no other site is let in
        ],
    )
    def test_methods(self, mini: Running, method: str, path: str, allowed: set[str]) -> None:
        answer = mini.request(method, path)
        assert answer.status == 405
        assert set(answer.headers["allow"].split(", ")) == allowed
        assert answer.error.startswith(f"{path} does not take {method}, but ")
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]

    def test_head(self, mini: Running) -> None:
        assert mini.request("HEAD", "/health")[::2] == (200, b"")
        assert mini.request("HEAD", "/")[::2] == (200, b"")


@pytest.fixture(scope="module")
def small() -> Iterator[Running]:
    """A service that takes little."""
    limits = Limits(payload_limit=1000, max_client_batch_size=2, max_request_tokens=50)
    with serving(model="mini", limits=limits) as service:
        yield service


class TestLimits:
    def test_the_body(self, small: Running) -> None:
        edge = json.dumps({"inputs": ""}).encode()
        fits = edge[:-2] + b"x" * (1000 - len(edge)) + b'"}'
        assert small.request("POST", "/predict", fits, JSON).status == 200
        for too_long in (fits[:-2] + b'x"}', b"x" * 1001, b"x" * 9000):
            answer = small.request("POST", "/predict", too_long, JSON)
            assert answer.status == 413
            assert answer.error.startswith("the body has more than 1,000 bytes; ")
            assert "--payload-limit" in answer.error

    def test_the_inputs_of_a_request(self, small: Running) -> None:
        assert small.post("/", {"inputs": ["a", "b"]}).status == 200
        answer = small.post("/", {"inputs": ["a", "b", "c"]})
        assert (answer.status, answer.json["error_type"]) == (413, "Validation")

    def test_the_tokens_of_a_request(self, small: Running) -> None:
        assert small.post("/predict", {"inputs": "good " * 48}).status == 200
        for path, inputs in (
            ("/predict", "good " * 49),
            ("/predict", [["good " * 24], ["bad " * 24]]),
            ("/explain", "one two three four five six"),  # 8 tokens; many texts are computed
        ):
            answer = small.post(path, {"inputs": inputs})
            assert answer.status == 413
            assert answer.error.startswith("the request needs at least ")
            assert "tokens, expected at most 50" in answer.error

    def test_attention_of_long_texts(self, mini: Running) -> None:
        parameters = {"attention": True}
        answer = mini.post("/explain", {"inputs": "good " * 127, "parameters": parameters})
        assert answer.status == 413
        assert answer.error.startswith("the text has 129 tokens, expected at most 128")


@pytest.fixture(scope="module")
def locked() -> Iterator[Running]:
    """A service that asks for a key."""
    with serving(model="mini", api_key="s3cret") as service:
        yield service


class TestKey:
    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"authorization": "Bearer "},
            {"authorization": "Bearer s3cre"},
            {"authorization": "Bearer s3cret2"},
            {"authorization": "Basic s3cret"},
            {"authorization": "s3cret"},
            {"authorization": "Bearer s3cr\xe9t"},
        ],
    )
    def test_without_the_right_one(self, locked: Running, headers: dict[str, str]) -> None:
        for answer in (
            locked.post("/predict", {"inputs": GOOD}, headers),
            locked.post("/", {"inputs": GOOD}, headers),
            locked.get("/info", headers),
            locked.get("/metrics", headers),
            locked.get("/openapi.json", headers),
        ):
            assert answer.status == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "s3c" not in answer.error

    def test_with_the_right_one(self, locked: Running) -> None:
        for scheme in ("Bearer", "bearer"):
            headers = {"authorization": f"{scheme} s3cret"}
            assert locked.post("/predict", {"inputs": GOOD}, headers).status == 200
            assert locked.get("/info", headers).status == 200

    def test_what_needs_none(self, locked: Running) -> None:
        assert locked.get("/health").status == 200
        assert locked.get("/").status == 200

    def test_it_is_not_shown(self, locked: Running) -> None:
        assert "s3cret" not in repr(locked.service.settings)


def test_info(mini: Running) -> None:
    info = mini.get("/info").json
    assert info["model_id"] == "mini"
    assert info["model_type"] == {
        "classifier": {
            "id2label": {"0": "NEGATIVE", "1": "POSITIVE"},
            "label2id": {"NEGATIVE": 0, "POSITIVE": 1},
        }
    }
    assert info["max_input_length"] == 512


def test_metrics(mini: Running) -> None:
    names = [
        'npbert_requests_total{method="POST",path="/predict",status="200"}',
        'npbert_request_duration_seconds_count{path="/predict"}',
        "npbert_pack_texts_count",
        "npbert_pack_texts_sum",
        "npbert_pack_tokens_sum",
        'npbert_requests_total{method="",path="",status="404"}',
    ]
    before = [mini.metric(name) for name in names]
    mini.post("/predict", {"inputs": [["good"], ["very good"], ["good"]]})
    mini.get("/nope/1")
    mini.get("/nope/2")
    after = [mini.metric(name) for name in names]
    # The text that is there twice is computed once: 3 and 4 tokens.
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 1, 2, 7, 2]
    assert mini.metric("npbert_requests_inside") == 0


class TestLog:
    def test_requests_are_logged_without_their_texts(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with serving(model="mini", logs_requests=True) as service:
            service.post("/predict?text=secret", {"inputs": "secret"})
        line = capsys.readouterr().err
        assert line.startswith("POST /predict 200 ")
        assert "secret" not in line

    def test_an_unexpected_error_has_one_line_without_the_text(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        service = Service(Settings(model="mini"))
        with running(service) as served:
            service.pipeline.pack_watcher = lambda pack: print(pack.secret)  # type: ignore[attr-defined]
            answer = served.post("/predict", {"inputs": "secret"})
        assert (answer.status, answer.json["error_type"]) == (500, "Backend")
        assert answer.error == "the service failed; its log says where"
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("npbert: error: AttributeError at ")
        assert line.endswith("in answer to POST /predict")
        assert "secret" not in line


@pytest.fixture(scope="module")
def document(mini: Running) -> dict[str, Any]:
    """The OpenAPI document of `mini`."""
    found: dict[str, Any] = mini.get("/openapi.json").json
    return found


class TestOpenApi:
    def test_it_lists_exactly_the_routes(self, document: dict[str, Any], mini: Running) -> None:
        listed = {
            (path, method) for path, methods in document["paths"].items() for method in methods
        }
        routes = {
            (route.path, method.lower())  # type: ignore[attr-defined]
            for route in make_app(Service(mini.service.settings)).routes
            for method in route.methods  # type: ignore[attr-defined]
            if method != "HEAD"
        }
        of_the_page = {route for route in routes if route[0].startswith("/static/")}
        assert listed == routes - of_the_page
        assert {path for path, _ in listed} >= ALL_PATHS

    def test_it_is_valid(self, document: dict[str, Any]) -> None:
        from openapi_spec_validator import validate

        validate(document)

    def test_requests_and_answers_are_as_it_says(
        self, document: dict[str, Any], mini: Running
    ) -> None:
        from jsonschema import Draft202012Validator

        def check(schema: dict[str, Any], value: object) -> list[str]:
            whole = {**schema, "components": document["components"]}
            return [error.message for error in Draft202012Validator(whole).iter_errors(value)]

        for path, value in (
            ("/predict", {"inputs": GOOD, "truncate": True}),
            ("/predict", {"inputs": [[GOOD], [GOOD, "b"]]}),
            ("/", {"inputs": GOOD, "parameters": {"top_k": 1}}),
            ("/", {"inputs": [GOOD, {"text": "a", "text_pair": "b"}]}),
            ("/tokenize", {"inputs": [GOOD]}),
            ("/explain", {"inputs": GOOD, "parameters": {"steps": True, "attention": True}}),
            ("/attention", {"inputs": GOOD}),
            ("/what-if", {"inputs": GOOD, "changes": {"without_layers": [1], "scale": False}}),
            ("/what-if", {"inputs": GOOD, "changes": {"without_layers": [-1]}}),
            ("/predict", {"inputs": 1}),
        ):
            post = document["paths"][path]["post"]
            taken = post["requestBody"]["content"]["application/json"]["schema"]
            answer = mini.post(path, value)
            assert bool(check(taken, value)) == (answer.status == 422)
            given = post["responses"][str(answer.status)]["content"]["application/json"]["schema"]
            assert check(given, answer.json) == []
            assert check(given, "something else")
        info = document["paths"]["/info"]["get"]["responses"]["200"]["content"]
        assert check(info["application/json"]["schema"], mini.get("/info").json) == []
