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


def template(single: list[str], pair: list[str], text_of_single: str = "A") -> dict[str, Any]:
    def pieces(tokens: list[str], text_id: str = "A") -> list[dict[str, Any]]:
        text = {"Sequence": {"id": text_id, "type_id": 0}}
        return [text, *({"SpecialToken": {"id": token, "type_id": 0}} for token in tokens)]

    known = {"[SEP]": {"id": "[SEP]", "ids": [2], "tokens": ["[SEP]"]}}
    return {
        "type": "TemplateProcessing",
        "single": pieces(single, text_of_single),
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
        ({"post_processor": template([], [], "B")}, "has a second text for a single"),
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


@pytest.mark.parametrize(
    ("prefix", "merge", "message"),
    [
        ("##", "a b", "the model has a merge with 'b', expected a second part that begins with"),
        ("##", ["a", "b"], "a merge with 'b', expected a second part that begins with '##'"),
        ("é", ["a", "€b"], "a merge with '€b', expected a second part that begins with 'é'"),
        (None, ["a", "##b"], "a merge to 'a##b', which is not in its vocabulary"),
        (None, "[SEP] [SEP]", r"a merge to '\[SEP\]\[SEP\]', which is not in its vocabulary"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*is not what transformers 5 makes")
def test_merges_that_are_refused(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    prefix: str | None,
    merge: str | list[str],
    message: str,
) -> None:
    read(tmp_path, decoder=None)
    path = tmp_path / "tokenizer.json"
    pieces = ("[UNK]", "[CLS]", "[SEP]", "a", "b", "ab", "##b", "€b")
    model = {"type": "BPE", "unk_token": "[UNK]", "continuing_subword_prefix": prefix}
    vocab = {piece: number for number, piece in enumerate(pieces, 1)}
    whole = json.loads(path.read_text())
    whole["model"] = {**model, "vocab": vocab, "merges": [merge]}
    path.write_text(json.dumps(whole))
    with pytest.raises(ValueError, match=message):
        npbert.AutoTokenizer.from_pretrained(tmp_path)
    assert capfd.readouterr().err == ""
    whole["model"]["continuing_subword_prefix"] = "##"
    whole["model"]["merges"] = [["a", "##b"]]
    path.write_text(json.dumps(whole))
    assert npbert.AutoTokenizer.from_pretrained(tmp_path).tokenize("ab") == ["ab"]
