"""From names to folders, with the real client of the hub and a server on localhost."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import transformers

import npbert
from npbert.checkpoints.sources import DEFAULT_MODEL, DEFAULT_REVISION, ModelSource
from tests.support.hub_server import Files, Hub, Repository, environment, evaluate, files_of
from tests.support.oracles import make_folder

OTHER_COMMIT = "a" * 40
TEXT = "I love this film."
NEEDED = {"config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt"}
# The other files of the default model's repository.
NOT_NEEDED = [
    ".gitattributes",
    "README.md",
    "map.jpeg",
    "onnx/added_tokens.json",
    "onnx/config.json",
    "onnx/model.onnx",
    "onnx/special_tokens_map.json",
    "onnx/tokenizer.json",
    "onnx/tokenizer_config.json",
    "onnx/vocab.txt",
    "pytorch_model.bin",
    "rust_model.ot",
    "tf_model.h5",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    labels = {0: "NEGATIVE", 1: "POSITIVE"}
    folder = make_folder(tmp_path_factory.mktemp("model"), id2label=labels)
    settings = '{"model_max_length": 512, "do_lower_case": true}'
    (folder / "tokenizer_config.json").write_text(settings)
    return folder


@pytest.fixture(scope="module")
def files(folder: Path) -> Files:
    return files_of(folder) | dict.fromkeys(NOT_NEEDED, b"nobody should ask for this")


@pytest.fixture
def hub(files: Files) -> Iterator[Hub]:
    """The default model, with a second commit that has other labels."""
    config = json.loads(files["config.json"])
    config["id2label"] = {"0": "OLD-NEGATIVE", "1": "OLD-POSITIVE"}
    other = files | {"config.json": json.dumps(config).encode()}
    commits = {DEFAULT_REVISION: files, OTHER_COMMIT: other}
    refs = {"main": DEFAULT_REVISION, "old": OTHER_COMMIT, "v1": OTHER_COMMIT}
    with Hub({DEFAULT_MODEL: Repository(commits, refs)}) as hub:
        yield hub


Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(hub: Hub, tmp_path: Path) -> Run:
    """Evaluate an expression in a new process, because the client reads its settings at import."""

    def run(expression: str, **variables: str) -> dict[str, Any]:
        answer, _ = evaluate(expression, environment(hub, tmp_path) | variables)
        return answer

    return run


CLASSIFY = f"npbert.classify({TEXT!r})"
LABELS = (
    f"npbert.AutoModelForSequenceClassification.from_pretrained({DEFAULT_MODEL!r}, %s)"
    ".config.id2label[0]"
)
LOAD = "str(npbert.AutoModelForSequenceClassification.from_pretrained(%s))"
RESOLVE = (
    "str(__import__('npbert.checkpoints.sources').checkpoints.sources.ModelSource(%s).resolve())"
)


# -------------------------------------------------------------------------------- downloads


def test_the_default_model(hub: Hub, run: Run, folder: Path) -> None:
    expected = npbert.classify(TEXT, folder)
    assert run(CLASSIFY)["value"] == expected
    assert hub.files_sent() == NEEDED

    hub.forget()
    again = run(CLASSIFY)
    assert again == {"value": expected, "clients": []}
    assert hub.requests == []
    again = run(CLASSIFY, HF_HUB_OFFLINE="1", HF_ENDPOINT="http://127.0.0.1:9")
    assert again == {"value": expected, "clients": []}


def test_branches_tags_and_commits(hub: Hub, run: Run) -> None:
    assert run(LABELS % "")["value"] == "NEGATIVE"
    assert run(LABELS % "revision='old'")["value"] == "OLD-NEGATIVE"
    assert run(LABELS % f"revision={OTHER_COMMIT!r}")["value"] == "OLD-NEGATIVE"
    hub.repositories[DEFAULT_MODEL].refs["main"] = OTHER_COMMIT  # as if somebody had pushed
    assert run(LABELS % "")["value"] == "OLD-NEGATIVE"
    hub.forget()
    assert run(LABELS % "local_files_only=True")["value"] == "OLD-NEGATIVE"
    assert hub.requests == []


class Moving(dict[str, str]):
    """Branches that move when one was looked up so many times, as if somebody had pushed.

    It is looked up twice: npbert asks whether the hub is there, and then the client asks.
    """

    def __init__(self, n_times: int) -> None:
        super().__init__(main=DEFAULT_REVISION)
        self._n_left = n_times

    def get(self, name: str, default: Any = None, /) -> Any:
        commit = super().get(name, default)
        self._n_left -= name == "main"
        if not self._n_left:
            self["main"] = OTHER_COMMIT
        return commit


@pytest.mark.parametrize(("n_times", "commit"), [(1, OTHER_COMMIT), (2, DEFAULT_REVISION)])
def test_config_and_weights_are_of_one_commit(
    hub: Hub, run: Run, n_times: int, commit: str
) -> None:
    repository = hub.repositories[DEFAULT_MODEL]
    repository.refs = Moving(n_times)
    # Only the later commit has this file, so the list of the files must be that of its commit.
    more = repository.commits[OTHER_COMMIT] | {"added_tokens.json": b"{}"}
    repository.commits = {**repository.commits, OTHER_COMMIT: more}
    label = "NEGATIVE" if commit == DEFAULT_REVISION else "OLD-NEGATIVE"
    assert run(LABELS % "")["value"] == label
    files = [request.path for request in hub.requests if "/resolve/" in request.path]
    assert any("model.safetensors" in path for path in files)
    assert all(f"/resolve/{commit}/" in path for path in files)
    assert ("added_tokens.json" in hub.files_sent()) == (commit == OTHER_COMMIT)


def test_tokenizer_and_weights_of_a_pipeline_are_of_one_commit(hub: Hub, run: Run) -> None:
    hub.repositories[DEFAULT_MODEL].refs = Moving(2)
    name = "name_or_path.rpartition('/')[2]"
    pipe = f"npbert.pipeline('sentiment-analysis', {DEFAULT_MODEL!r})"
    found = f"(lambda pipe: [pipe.tokenizer.{name}, pipe.model.config.id2label[0]])({pipe})"
    assert run(found)["value"] == [DEFAULT_REVISION, "NEGATIVE"]
    files = [request.path for request in hub.requests if "/resolve/" in request.path]
    assert all(f"/resolve/{DEFAULT_REVISION}/" in path for path in files)


def test_without_a_network_the_cache_does(hub: Hub, run: Run) -> None:
    run(LABELS % "revision='old'")
    gone = {"HF_ENDPOINT": "http://127.0.0.1:9"}
    assert run(LABELS % "revision='old'", **gone)["value"] == "OLD-NEGATIVE"
    hub.forget()
    assert run(LABELS % "revision='old'", HF_HUB_OFFLINE="1")["value"] == "OLD-NEGATIVE"
    assert hub.requests == []


@pytest.mark.parametrize("place", ["cache_dir", "HF_HUB_CACHE", "HF_HOME"])
def test_places_of_the_cache(hub: Hub, run: Run, tmp_path: Path, place: str) -> None:
    cache = tmp_path / "elsewhere"
    argument = f", cache_dir={str(cache)!r}" if place == "cache_dir" else ""
    variables = {} if argument else {place: str(cache)}
    expression = f"npbert.classify({TEXT!r}{argument})"
    first = run(expression, **variables)
    inside = cache / "hub" if place == "HF_HOME" else cache
    assert [path.name for path in inside.glob("models--*")] == [
        "models--distilbert--distilbert-base-uncased-finetuned-sst-2-english"
    ]
    hub.forget()
    second = run(expression, **variables)
    assert second == {"value": first["value"], "clients": []}
    assert hub.requests == []


def test_the_tokenizer_alone_needs_no_weights(hub: Hub, run: Run) -> None:
    run(f"npbert.AutoTokenizer.from_pretrained({DEFAULT_MODEL!r}).model_max_length")
    assert hub.files_sent() == NEEDED - {"model.safetensors"}


def test_shards_and_tokenizer_json(hub: Hub, run: Run, folder: Path, tmp_path: Path) -> None:
    auto = transformers.AutoModelForSequenceClassification
    auto.from_pretrained(folder).save_pretrained(tmp_path / "shards", max_shard_size="1MB")
    transformers.AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path / "shards")
    served = files_of(tmp_path / "shards") | {"onnx/model.safetensors": b"not this one"}
    assert "model-00001-of-00002.safetensors" in served
    hub.repositories["me/shards"] = Repository({OTHER_COMMIT: served}, {"main": OTHER_COMMIT})
    assert run(f"npbert.classify({TEXT!r}, 'me/shards')")["value"] == npbert.classify(TEXT, folder)
    weights = {name for name in served if name.startswith("model")}
    settings = {"config.json", "tokenizer.json", "tokenizer_config.json"}
    assert hub.files_sent() == settings | weights


# ----------------------------------------------------------------------------------- tokens


@pytest.fixture
def closed(hub: Hub, files: Files) -> Hub:
    """The hub, with a private and a gated model."""
    for name, gated in (("me/private", False), ("me/gated", True)):
        hub.repositories[name] = Repository(
            {OTHER_COMMIT: files}, {"main": OTHER_COMMIT}, token="hf_secret", gated=gated
        )
    return hub


@pytest.mark.parametrize("name", ["me/private", "me/gated"])
def test_tokens(closed: Hub, run: Run, name: str) -> None:
    call = f"npbert.classify({TEXT!r}, {name!r}%s)[0]['label']"
    refused = run(call % "", HF_TOKEN="")
    if name == "me/gated":
        assert refused["error"] == "PermissionError"
        assert "accept its terms" in refused["message"]
    else:
        assert refused["error"] == "FileNotFoundError"
        assert "or it is private" in refused["message"]
    assert "HF_TOKEN" in refused["message"]
    assert run(call % ", token='hf_wrong'")["error"] == refused["error"]
    assert run(call % ", token=False", HF_TOKEN="hf_secret")["error"] == refused["error"]
    closed.forget()
    assert "value" in run(call % ", token='hf_secret'")
    assert set(closed.headers_sent("authorization")) == {"Bearer hf_secret"}
    assert "value" in run(call % "", HF_TOKEN="hf_secret")
    assert run(call % ", token=True", HF_HUB_CACHE="empty")["error"] == "PermissionError"


def test_files_of_older_tokenizers(hub: Hub, run: Run, files: Files) -> None:
    older = files | {
        "special_tokens_map.json": b'{"mask_token": "[unused1]"}',
        "added_tokens.json": b'{"blorp": 30522}',
    }
    hub.repositories["me/older"] = Repository({OTHER_COMMIT: older}, {"main": OTHER_COMMIT})
    load = "npbert.AutoTokenizer.from_pretrained('me/older')"
    assert run(f"{load}.mask_token")["value"] == "[unused1]"
    assert run(f"{load}.tokenize('a blorp')")["value"] == ["a", "blorp"]
    assert "model.safetensors" not in hub.files_sent()


# -------------------------------------------------------------------------- what goes wrong

WRONG_NAMES = [
    ("'me/nothing'", "FileNotFoundError", "there is no 'me/nothing' on http://127.0.0.1"),
    (f"{DEFAULT_MODEL!r}, revision='v9'", "FileNotFoundError", "no revision 'v9'"),
    (f"{DEFAULT_MODEL!r}, revision={'b' * 40!r}", "FileNotFoundError", "no revision 'bbbbbb"),
    ("'a/b/c'", "ValueError", "cannot be a hub id; expected 'owner/name'"),
    ("'no spaces'", "ValueError", "cannot be a hub id"),
    ("''", "ValueError", "cannot be a hub id"),
    ("'me/pickle'", "FileNotFoundError", "the weights are a pickle (pytorch_model.bin)"),
    ("'me/empty'", "FileNotFoundError", "has no config.json"),
    ("'me/bert'", "ValueError", "model_type is 'bert', expected 'distilbert'"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), WRONG_NAMES)
def test_wrong_names(
    hub: Hub, run: Run, files: Files, arguments: str, error: str, message: str
) -> None:
    pickle = {name: body for name, body in files.items() if name != "model.safetensors"}
    contents = {
        "me/pickle": pickle,
        "me/empty": {"README.md": b"# Nothing"},
        "me/bert": files | {"config.json": b'{"model_type": "bert"}'},
    }
    for name, served in contents.items():
        hub.repositories[name] = Repository({OTHER_COMMIT: served}, {"main": OTHER_COMMIT})
    answer = run(LOAD % arguments)
    assert answer.get("error") == error, answer
    assert message in answer["message"]
    assert not hub.files_sent() & {"pytorch_model.bin", "model.safetensors"}


OFFLINE = [
    ({"HF_HUB_OFFLINE": "1"}, "", "HF_HUB_OFFLINE forbids the network"),
    ({}, ", local_files_only=True", "local_files_only=True forbids the network"),
]


@pytest.mark.parametrize(("variables", "argument", "reason"), OFFLINE, ids=str)
def test_nothing_in_the_cache_and_no_network(
    hub: Hub, run: Run, variables: dict[str, str], argument: str, reason: str
) -> None:
    answer = run(f"npbert.classify({TEXT!r}{argument})", **variables)
    assert answer["error"] == "ConnectionError"
    for part in (DEFAULT_MODEL, reason, "hf download", "HF_HOME", "model='mini'"):
        assert part in answer["message"]
    assert hub.requests == []


def test_half_a_model_in_the_cache(hub: Hub, run: Run) -> None:
    """Only the tokenizer was fetched before the network went away."""
    run(f"npbert.AutoTokenizer.from_pretrained({DEFAULT_MODEL!r}).model_max_length")
    answer = run(RESOLVE % f"{DEFAULT_MODEL!r}", HF_HUB_OFFLINE="1")
    assert answer["error"] == "ConnectionError"
    assert "hf download" in answer["message"]
    hub.forget()
    run(RESOLVE % f"{DEFAULT_MODEL!r}")
    assert hub.files_sent() == {"model.safetensors"}


def test_other_answers_than_the_hubs(hub: Hub, run: Run) -> None:
    hub.page = b"<!DOCTYPE html><title>Please log in</title>"
    answer = run(RESOLVE % "'me/model'")
    assert answer["error"] == "ConnectionError"
    assert "the answer is not one of the hub" in answer["message"]
    hub.page, hub.fail_with = None, HTTPStatus.FORBIDDEN
    answer = run(RESOLVE % "'me/model'")
    assert answer["error"] == "ConnectionError"
    assert "403" in answer["message"]


def test_a_download_that_breaks_off_is_resumed(hub: Hub, run: Run, tmp_path: Path) -> None:
    """The file is larger than the 10 MB that the client writes at a time and can resume from."""
    folder = make_folder(tmp_path / "large", dim=120)
    hub.repositories["me/large"] = Repository({OTHER_COMMIT: files_of(folder)}, {})
    name = f"'me/large', revision={OTHER_COMMIT!r}"
    run(f"npbert.AutoTokenizer.from_pretrained({name}).model_max_length")
    hub.forget()
    hub.cut_bodies_at = [12_000_000]
    assert run(f"npbert.classify({TEXT!r}, {name})")["value"] == npbert.classify(TEXT, folder)
    (first, again) = (value for value in hub.headers_sent("range", "GET", "model.safetensors"))
    assert first is None
    assert again is not None
    assert 0 < int(again.removeprefix("bytes=").rstrip("-")) <= 12_000_000


def test_a_download_that_never_ends_well(hub: Hub, run: Run, folder: Path) -> None:
    run(f"npbert.AutoTokenizer.from_pretrained({DEFAULT_MODEL!r}).model_max_length")
    hub.forget()
    hub.cut_bodies_at = [1000] * 100
    answer = run(CLASSIFY)
    assert answer["error"] == "ConnectionError"
    assert "try again" in answer["message"]
    assert run(CLASSIFY, HF_HUB_OFFLINE="1")["error"] == "ConnectionError"
    hub.forget()
    assert run(CLASSIFY)["value"] == npbert.classify(TEXT, folder)
    assert hub.files_sent() == {"model.safetensors"}


def test_the_command_line_says_it_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "npbert", "classify", TEXT],
        env=environment("http://127.0.0.1:9", tmp_path),
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    first, last = done.stderr.splitlines()
    assert "no model was named" in first
    assert last.startswith("npbert: error: ")
    for part in (DEFAULT_MODEL, "the hub did not answer", "hf download", "model='mini'"):
        assert part in last
    assert "Traceback" not in done.stderr


# ---------------------------------------------------------------------------------- folders


def test_names_of_folders(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    assert ModelSource(folder).resolve() == folder
    assert ModelSource(str(folder)).resolve() == folder
    assert ModelSource(folder.name).resolve() == Path(folder.name)
    assert ModelSource(f"./{folder.name}").resolve() == Path(folder.name)
    monkeypatch.setenv("HOME", str(folder.parent))
    assert ModelSource(f"~/{folder.name}").resolve() == folder


def test_a_folder_comes_before_a_bundled_model(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled = ModelSource("mini").resolve()
    assert (bundled / "model.safetensors").is_file()
    (tmp_path / "mini").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    assert ModelSource("mini").resolve() == Path("mini")


@pytest.mark.parametrize("model", [None, 3, b"mini", npbert.classify])
def test_names_that_are_none(model: Any) -> None:
    with pytest.raises(TypeError, match="expected a folder, a bundled name"):
        ModelSource(model).resolve()


def test_wrong_folders(tmp_path: Path) -> None:
    for name in ("./nowhere", "/nowhere", "~/nowhere/at/all", Path("nowhere")):
        with pytest.raises(FileNotFoundError, match=f"{name}: no such folder"):
            ModelSource(name).resolve()
    with pytest.raises(FileNotFoundError, match=r"the folder has no config\.json"):
        ModelSource(tmp_path).resolve()
    with pytest.raises(ValueError, match="which has no revisions"):
        ModelSource(ModelSource("mini").resolve(), "main").resolve()
