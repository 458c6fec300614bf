"""Repositories on the hub whose files are in a subfolder, of a variant, or not what is needed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import transformers

import npbert
from npbert.checkpoints.sources import ModelSource
from tests.support.hub_server import (
    Files,
    Hub,
    PullRequest,
    Repository,
    environment,
    evaluate,
    files_of,
)
from tests.support.oracles import make_folder

COMMIT, EARLIER, CONVERTED = "a" * 40, "b" * 40, "c" * 40
TEXT = "I love this film."
WEIGHTS = "model.safetensors"
SETTINGS = {"config.json", "tokenizer_config.json", "vocab.txt"}

Answer = Callable[..., tuple[dict[str, Any], str]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_folder(tmp_path_factory.mktemp("model"), id2label={0: "BAD", 1: "GOOD"})
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 512}')
    return folder


@pytest.fixture(scope="module")
def files(model: Path) -> Files:
    return files_of(model)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as hub:
        yield hub


@pytest.fixture
def answer(hub: Hub, tmp_path: Path) -> Answer:
    """Evaluate an expression; give its value or error, and what was written to standard error."""

    def answer(expression: str, **variables: str) -> tuple[dict[str, Any], str]:
        return evaluate(expression, environment(hub, tmp_path) | variables)

    return answer


def serve(hub: Hub, files: Files) -> None:
    hub.repositories["me/it"] = Repository({COMMIT: files}, {"main": COMMIT})


def inside(folder: str, files: Files) -> Files:
    return {f"{folder}/{name}": body for name, body in files.items()}


CLASSIFY = f"npbert.classify({TEXT!r}, 'me/it', %s)"
LOAD = "str(npbert.AutoModelForSequenceClassification.from_pretrained('me/it', %s))"


# ------------------------------------------------------------------- subfolders and variants


@pytest.mark.parametrize("subfolder", ["checkpoint-500", "a/b", "[x]*", "./checkpoint-500/"])
def test_subfolders(hub: Hub, answer: Answer, model: Path, files: Files, subfolder: str) -> None:
    path = Path(subfolder).as_posix()
    serve(hub, inside(path, files) | {WEIGHTS: b"another", "config.json": b"{}"})
    call = CLASSIFY % f"subfolder={subfolder!r}, revision={COMMIT!r}"
    assert answer(call)[0]["value"] == npbert.classify(TEXT, model)
    assert hub.files_sent() == {f"{path}/{name}" for name in SETTINGS | {WEIGHTS}}
    hub.forget()
    again, _ = answer(call)
    assert again == {"value": npbert.classify(TEXT, model), "clients": []}
    assert hub.requests == []


def test_the_tokenizer_and_the_config_of_a_subfolder(
    hub: Hub, answer: Answer, files: Files, tmp_path: Path
) -> None:
    serve(hub, inside("deep", {name: files[name] for name in SETTINGS - {"config.json"}}))
    load = "npbert.AutoTokenizer.from_pretrained('me/it', subfolder='deep').model_max_length"
    assert answer(load)[0]["value"] == 512  # a tokenizer needs no config.json
    hub.repositories.clear()
    serve(hub, inside("deep", {"config.json": files["config.json"]}))
    load = "npbert.AutoConfig.from_pretrained('me/it', subfolder='deep').id2label[1]"
    assert answer(load, HF_HUB_CACHE=str(tmp_path / "empty"))[0]["value"] == "GOOD"


def test_variants(hub: Hub, answer: Answer, model: Path, files: Files, tmp_path: Path) -> None:
    auto = transformers.AutoModelForSequenceClassification
    theirs = auto.from_pretrained(model)
    theirs.save_pretrained(tmp_path / "one", variant="fp16")
    theirs.save_pretrained(tmp_path / "many", variant="int.1", max_shard_size="1MB")
    settings = {name: files[name] for name in SETTINGS}
    one = {n: body for n, body in files_of(tmp_path / "one").items() if "fp16" in n}
    many = {n: body for n, body in files_of(tmp_path / "many").items() if "int.1" in n}
    assert len(one) == 1
    assert len(many) > 2
    serve(hub, {**settings, **one, **many, WEIGHTS: b"not this one"})
    for variant, expected in (("fp16", one), ("int.1", many)):
        hub.forget()
        call = CLASSIFY % f"variant={variant!r}, revision={COMMIT!r}"
        assert answer(call)[0]["value"] == npbert.classify(TEXT, model)
        assert hub.files_sent() - SETTINGS == {*expected}
        hub.forget()
        assert answer(call)[0] == {"value": npbert.classify(TEXT, model), "clients": []}
        assert hub.requests == []


# ------------------------------------------------------------------------- what goes wrong

PICKLE = "pytorch_model.bin"
OTHERS: list[tuple[Callable[[Files], Files], str, list[str]]] = [
    (lambda f: {**f, "tf_model.h5": b""}, "", ["those of TensorFlow (tf_model.h5)", "from_tf=Tr"]),
    (
        lambda f: {**f, "flax_model.msgpack": b""},
        "",
        ["those of Flax (flax_model.msgpack)", "from_flax=True"],
    ),
    (lambda f: {**f, "onnx/model.onnx": b""}, "", ["graph of ONNX alone (onnx/model.onnx)"]),
    (lambda f: {**f, "rust_model.ot": b""}, "", ["format of another program (rust_model.ot)"]),
    (
        lambda f: {**f, "adapter_config.json": b"{}", "adapter_model.safetensors": b""},
        "",
        ["an adapter of PEFT", "call merge_and_unload(), then save_pretrained(new_folder)"],
    ),
    (
        lambda _: {"adapter_config.json": b"{}", "adapter_model.safetensors": b"", "R.md": b""},
        "",
        ["an adapter of PEFT", "merge_and_unload()"],
    ),
    (
        lambda f: {**f, "model.fp16.safetensors": b"", PICKLE: b""},
        "",
        ["there are weights for variant='fp16': pass one of these"],
    ),
    (
        lambda f: {**f, "model.fp16.safetensors": b"", WEIGHTS: b""},
        "variant='bf16'",
        ["there is no model.bf16.safetensors", "weights for variant='fp16', no variant: pass one"],
    ),
    (lambda f: {**f, "x/" + WEIGHTS: b""}, "", ["but in a subfolder: pass subfolder='x'"]),
    (lambda f: {**f, "my.safetensors": b""}, "", ["but my.safetensors; give the right file the"]),
    (lambda f: f, "", ["only config.json, tokenizer_config.json, vocab.txt; choose"]),
    (
        lambda f: inside("a", f) | inside("b", f) | {"R.md": b""},
        "subfolder='c'",
        ["there is no subfolder 'c'; those with a config.json or a tokenizer are: a, b"],
    ),
    (lambda f: f, "subfolder='c'", ["there is no subfolder 'c'; leave the subfolder out"]),
    (
        lambda f: inside("a", f),
        "",
        ["the folder has no config.json; expected a model's folder", "or pass subfolder='a'"],
    ),
    (lambda _: {"a/x.txt": b""}, "subfolder='a'", ["the subfolder 'a' has no config.json"]),
]


@pytest.mark.parametrize(
    ("change", "arguments", "parts"), OTHERS, ids=[row[2][0] for row in OTHERS]
)
def test_what_is_there_instead(
    hub: Hub,
    answer: Answer,
    files: Files,
    change: Callable[[Files], Files],
    arguments: str,
    parts: list[str],
) -> None:
    serve(hub, change({name: files[name] for name in SETTINGS}))
    found, noise = answer(LOAD % arguments)
    assert found.get("error") == "FileNotFoundError", found
    assert found["message"].startswith(f"'me/it' on {hub.address}: ")
    for part in parts:
        assert part in found["message"]
    assert noise == ""  # no notice and no progress bar of the client
    assert hub.files_sent() <= SETTINGS | {"adapter_config.json"}


# The function with which transformers finds the conversion.
PREVIOUS_PR = (
    "__import__('functools').partial(__import__('transformers.safetensors_conversion', "
    "fromlist=['x']).previous_pr, __import__('huggingface_hub').HfApi())"
)
TITLE, BOT = "Adding `safetensors` variant of this model", "SFconvertbot"
REQUESTS: list[tuple[list[PullRequest] | None, str, bool]] = [
    ([PullRequest(7, TITLE, BOT)], COMMIT, True),
    ([PullRequest(1, "Another", "me"), PullRequest(7, TITLE, BOT)], COMMIT, True),
    ([], COMMIT, False),
    (None, COMMIT, False),  # a mirror without pull requests
    ([PullRequest(7, TITLE, "me")], COMMIT, False),
    ([PullRequest(7, "Another", BOT)], COMMIT, False),
    ([PullRequest(7, TITLE, BOT, "closed")], COMMIT, False),
    ([PullRequest(7, TITLE, BOT)], EARLIER, False),  # main has a newer commit than it
]


@pytest.mark.parametrize(("requests", "parent", "is_named"), REQUESTS, ids=str)
def test_the_hubs_own_conversion_is_named(
    hub: Hub,
    answer: Answer,
    model: Path,
    files: Files,
    requests: list[PullRequest] | None,
    parent: str,
    is_named: bool,
) -> None:
    pickle = {**{name: files[name] for name in SETTINGS}, PICKLE: b"nobody should ask for this"}
    hub.repositories["me/it"] = Repository(
        {COMMIT: pickle, EARLIER: pickle, CONVERTED: pickle | files},
        {"main": COMMIT, "refs/pr/7": CONVERTED},
        parents={CONVERTED: parent, COMMIT: EARLIER},
        pull_requests=requests,
    )
    found, noise = answer(LOAD % "")
    assert found["error"] == "FileNotFoundError"
    assert f"the weights are a pickle ({PICKLE}), which npbert never opens" in found["message"]
    assert noise == ""
    hint = "pass revision='refs/pr/7', the hub's own conversion to safetensors; at 'main' "
    assert (hint in found["message"]) == is_named
    if is_named:
        assert found["message"].startswith(f"'me/it' on {hub.address}: {hint}the weights are")
        call = CLASSIFY % "revision='refs/pr/7'"
        assert answer(call)[0]["value"] == npbert.classify(TEXT, model)
    if requests:  # transformers looks at the author afterwards
        theirs, _ = answer(
            f"getattr({PREVIOUS_PR}('me/it', {TITLE!r}, None), 'git_reference', None)"
        )
        assert theirs["value"] == ("refs/pr/7" if is_named or requests[0].author == "me" else None)
    assert "refs/pr" not in answer(LOAD % "revision='main', subfolder='x'")[0]["message"]


@pytest.mark.parametrize("at", ["/discussions", "/commits/"])
def test_a_hub_that_is_silent_about_conversions(
    hub: Hub, answer: Answer, files: Files, at: str
) -> None:
    """The client sets no time limit for these requests."""
    serve(hub, {**{name: files[name] for name in SETTINGS}, PICKLE: b""})
    hub.repositories["me/it"].pull_requests = [PullRequest(7, TITLE, BOT)]
    hub.is_silent, hub.fails_at = True, at
    found, noise = answer(LOAD % "", HF_HUB_ETAG_TIMEOUT="1")
    assert f"the weights are a pickle ({PICKLE})" in found["message"]
    assert noise == ""


def test_offline_nothing_is_said_of_what_the_repository_has(
    hub: Hub, answer: Answer, files: Files
) -> None:
    serve(hub, {name: files[name] for name in SETTINGS})
    answer(LOAD % "")
    for arguments in ("", "subfolder='x'", "variant='fp16'"):
        found, _ = answer(LOAD % arguments, HF_HUB_OFFLINE="1")
        assert found["error"] == "ConnectionError"
        assert "HF_HUB_OFFLINE forbids the network" in found["message"]


# ---------------------------------------------------------------------------------- folders


@pytest.mark.parametrize("subfolder", ["..", "../x", "a/../../x", "/x", "a/..", 3, b"x", "a\0"])
def test_subfolders_that_are_not_inside(model: Path, subfolder: Any) -> None:
    with pytest.raises(ValueError, match="expected the name of a folder inside the model's"):
        npbert.AutoTokenizer.from_pretrained(model, subfolder=subfolder)


@pytest.mark.parametrize("variant", ["", "../x", "a/b", "*", ".", 3, b"x"])
def test_variants_that_are_none(model: Path, variant: Any) -> None:
    with pytest.raises(ValueError, match=r"the word in the names of the files, such as 'fp16'"):
        npbert.AutoModel.from_pretrained(model, variant=variant)


@pytest.mark.parametrize("none", [None, ""])
def test_no_subfolder_and_no_variant(model: Path, none: str | None) -> None:
    expected = npbert.classify(TEXT, model)
    assert npbert.classify(TEXT, model, subfolder=none, variant=None) == expected


def test_subfolders_and_variants_of_folders(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = npbert.classify(TEXT, model)
    (tmp_path / "it").mkdir()
    deep = (model / "config.json").parent
    (tmp_path / "it" / "deep").symlink_to(deep)
    assert npbert.classify(TEXT, tmp_path / "it", subfolder="deep") == expected
    monkeypatch.chdir(tmp_path)
    assert npbert.classify(TEXT, "it", subfolder="deep") == expected
    pipe = npbert.pipeline("text-classification", "it", model_kwargs={"subfolder": "deep"})
    assert pipe(TEXT) == expected
    assert npbert.AutoTokenizer.from_pretrained("it", subfolder="deep").tokenize("a") == ["a"]
    assert npbert.AutoConfig.from_pretrained("it", subfolder="deep").id2label[1] == "GOOD"
    with pytest.raises(FileNotFoundError, match=r"it: there is no subfolder 'c'; those with a con"):
        ModelSource("./it", subfolder="c").resolve()
    with pytest.raises(FileNotFoundError, match=r"the folder has no config\.json.*subfolder='dee"):
        ModelSource("./it").resolve()
    with pytest.raises(FileNotFoundError, match=r"mini: there is no subfolder 'c'"):
        ModelSource("mini", subfolder="c").resolve()


def test_variants_of_folders(model: Path, tmp_path: Path) -> None:
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(model)
    theirs.save_pretrained(tmp_path, variant="fp16")
    load = npbert.AutoModelForSequenceClassification.from_pretrained
    ours = load(tmp_path, variant="fp16")([[1, 2]]).logits
    assert (ours == load(model)([[1, 2]]).logits).all()
    with pytest.raises(
        npbert.CheckpointError, match=r"no model\.bf16\.safetensors.*variant='fp16'"
    ):
        load(tmp_path, variant="bf16")
    with pytest.raises(npbert.CheckpointError, match=r"weights for variant='fp16': pass one"):
        load(tmp_path)


def test_a_folder_with_an_adapter_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tuned").mkdir()
    (tmp_path / "tuned" / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA"}))
    monkeypatch.chdir(tmp_path)
    for name in ("tuned", "./tuned", tmp_path / "tuned"):
        with pytest.raises(FileNotFoundError, match=r"an adapter of PEFT.*merge_and_unload\(\)"):
            npbert.AutoModel.from_pretrained(name)


def test_a_subfolder_that_only_holds_another(tmp_path: Path) -> None:
    (tmp_path / "s" / "t").mkdir(parents=True)
    (tmp_path / "s" / "t" / "config.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"the subfolder 's' has no config\.json.*'s/t'$"):
        ModelSource(tmp_path, subfolder="s").resolve()


def test_a_file_in_the_place_of_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    path.write_text("")
    with pytest.raises(FileNotFoundError, match=r"vocab\.txt is a file, expected the folder that"):
        ModelSource(path).resolve()
