"""Parts of a tokenizer.json over which the tokenizers library panics are refused before it does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import npbert
from tests.tokenization.test_costly_parts import read, sequence

STRIP = {"type": "Strip", "content": "a", "start": 1, "stop": 1}
PRECOMPILED = {"type": "Precompiled", "precompiled_charsmap": "damaged"}


def template(single: list[str], pair: list[str]) -> dict[str, Any]:
    def pieces(tokens: list[str]) -> list[dict[str, Any]]:
        text = {"Sequence": {"id": "A", "type_id": 0}}
        return [text, *({"SpecialToken": {"id": token, "type_id": 0}} for token in tokens)]

    known = {"[SEP]": {"id": "[SEP]", "ids": [2], "tokens": ["[SEP]"]}}
    return {
        "type": "TemplateProcessing",
        "single": pieces(single),
        "pair": pieces(pair),
        "special_tokens": known,
    }


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"post_processor": template(["[SEP]", "a"], [])}, "has 'a' for a single, which is not"),
        ({"post_processor": template([], ["\x1b"])}, r"has '\x1b' for a pair, which is not among"),
        (
            {"post_processor": sequence("processors", template(["a"], []))},
            "has 'a' for a single, which is not among its special_tokens",
        ),
        ({"decoder": STRIP}, "the decoder has a Strip that takes 1 characters from the end"),
        ({"decoder": sequence("decoders", STRIP)}, "the decoder has a Strip that takes 1 char"),
        ({"normalizer": PRECOMPILED}, "the normalizer has a Precompiled, which only tokenizers"),
        ({"normalizer": sequence("normalizers", PRECOMPILED)}, "the normalizer has a Precompiled"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*is not what transformers 5 makes")
def test_what_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], parts: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=r"tokenizer\.json: ") as error:
        read(tmp_path, **parts)
    assert message in str(error.value)
    assert capfd.readouterr().err == ""  # nor has the library written a trace


@pytest.mark.filterwarnings("ignore:.*is not what transformers 5 makes")
def test_escapes_of_json_hide_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    read(tmp_path, decoder=None)
    path = tmp_path / "tokenizer.json"
    whole = json.dumps({**json.loads(path.read_text()), "normalizer": PRECOMPILED})
    path.write_text(whole.replace('"type": "Prec', '"typ\\u0065"  :\n"\\u0050rec'))
    with pytest.raises(ValueError, match="the normalizer has a Precompiled"):
        npbert.AutoTokenizer.from_pretrained(tmp_path)
    assert capfd.readouterr().err == ""


@pytest.mark.filterwarnings("ignore:.*is not what transformers 5 makes")
def test_what_is_accepted(tmp_path: Path) -> None:
    strip = {**STRIP, "stop": 0}
    tokenizer = read(tmp_path, decoder=strip, post_processor=template(["[SEP]"], ["[SEP]"]))
    assert tokenizer("a")["input_ids"][-1] == 2
    assert tokenizer.decode([]) == ""


@pytest.mark.filterwarnings("ignore:.*is not what transformers 5 makes")
def test_an_error_is_not_blamed_on_the_cutting(tmp_path: Path) -> None:
    """Without a token for unknown words, such a word is an error."""
    tokenizer = read(tmp_path, model={"unk_token": "[NOTHING]"})
    with pytest.raises(
        ValueError, match=r"the text cannot be tokenized with the tokenizer of .*: "
    ):
        tokenizer("\u1234", truncation=True, max_length=5)


@pytest.mark.parametrize("merge", ["a b", ["a", "b"]])
@pytest.mark.filterwarnings("ignore:.*is not what transformers 5 makes")
def test_a_merge_that_is_shorter_than_the_prefix(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], merge: str | list[str]
) -> None:
    read(tmp_path, decoder=None)
    path = tmp_path / "tokenizer.json"
    vocab = {"[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "a": 5, "b": 6, "ab": 7, "##b": 8}
    model = {"type": "BPE", "unk_token": "[UNK]", "continuing_subword_prefix": "##"}
    whole = json.loads(path.read_text())
    whole["model"] = {**model, "vocab": vocab, "merges": [merge]}
    path.write_text(json.dumps(whole))
    with pytest.raises(ValueError, match="the model has a merge with 'b', expected a second part"):
        npbert.AutoTokenizer.from_pretrained(tmp_path)
    assert capfd.readouterr().err == ""
    whole["model"]["merges"] = [["a", "##b"]]
    path.write_text(json.dumps(whole))
    assert npbert.AutoTokenizer.from_pretrained(tmp_path).tokenize("ab") == ["ab"]
