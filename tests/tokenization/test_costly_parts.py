"""Parts of a tokenizer.json that would end the process, or take for ever, are refused by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import npbert

MINI = Path(npbert.__file__).parent / "checkpoints" / "mini"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def replace(pattern: str, content: str, kind: str = "String") -> dict[str, Any]:
    return {"type": "Replace", "pattern": {kind: pattern}, "content": content}


def split(expression: str) -> dict[str, Any]:
    pattern = {"Regex": expression}
    return {"type": "Split", "pattern": pattern, "behavior": "Isolated", "invert": False}


def sequence(kind: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Sequence", kind: list(parts)}


def read(folder: Path, **parts: Any) -> npbert.DistilBertTokenizer:
    """Read the tokenizer of `mini` with other parts."""
    for name in ("config.json", "tokenizer_config.json", "vocab.txt"):
        shutil.copy(MINI / name, folder)
    backend = npbert.AutoTokenizer.from_pretrained("mini").backend_tokenizer
    whole = json.loads(backend.to_str())
    whole["model"] |= parts.pop("model", {})
    (folder / "tokenizer.json").write_text(json.dumps(whole | parts))
    return npbert.AutoTokenizer.from_pretrained(folder)


BOMB = [replace("a", "a" * 100)] * 4


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"normalizer": sequence("normalizers", *BOMB)}, "100,000,000 times as long, expected"),
        ({"normalizer": replace("a", "b" * 17)}, "can make a text 17 times as long"),
        ({"normalizer": replace("", "b")}, "can make a text inf times as long"),
        (
            {"normalizer": sequence("normalizers", replace("ab", "c" * 32), replace("c", "dd"))},
            "can make a text 32 times as long",
        ),
        ({"normalizer": replace(" {2,}", "b" * 17, "Regex")}, "can make a text 17 times as long"),
        (
            {"normalizer": {"type": "Prepend", "prepend": "x" * 17}},
            "the normalizer has a Prepend of 17 characters, expected at most 16",
        ),
        (
            {"normalizer": replace("(a*)*b", "", "Regex")},
            r"the normalizer has a Replace with the regular expression '(a*)*b'",
        ),
        (
            {
                "pre_tokenizer": sequence(
                    "pretokenizers", sequence("pretokenizers", split("(a|a)*b"))
                )
            },
            r"the pre_tokenizer has a Split with the regular expression '(a|a)*b'",
        ),
        (
            {"decoder": replace("(a*)*b", "", "Regex")},
            r"the decoder has a Replace with the regular expression '(a*)*b'",
        ),
        (
            {"model": {"max_input_chars_per_word": 1001}},
            "max_input_chars_per_word is 1,001, expected at most 1,000; BERT has 100",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:.*is not what transformers 5 makes")
def test_what_is_refused(tmp_path: Path, parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r"tokenizer\.json: ") as error:
        read(tmp_path, **parts)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "parts",
    [
        {"normalizer": sequence("normalizers", replace("``", '"'), replace("''", '"'))},
        {"normalizer": {"type": "Prepend", "prepend": "▁"}},
        {"normalizer": replace(" {2,}", " ", "Regex")},
        {"normalizer": sequence("normalizers", {"type": "NFKC"}, {"type": "Lowercase"})},
        {"pre_tokenizer": split(GPT2)},
        {"pre_tokenizer": {"type": "Whitespace"}},
        {"model": {"max_input_chars_per_word": 1000}},
    ],
)
@pytest.mark.filterwarnings("ignore:.*is not what transformers 5 makes")
def test_what_tokenizers_in_use_have(tmp_path: Path, parts: dict[str, Any]) -> None:
    assert len(read(tmp_path, **parts)("a good film")["input_ids"]) > 2


@pytest.mark.filterwarnings("ignore:.*is not what transformers 5 makes")
def test_the_slowest_word_of_those_that_are_accepted(tmp_path: Path) -> None:
    """A word of a thousand letters, a hundred times; what is slow would take minutes here."""
    tokenizer = read(tmp_path, model={"max_input_chars_per_word": 1000})
    assert len(tokenizer(" ".join(["ab" * 500] * 100), truncation=True)["input_ids"]) == 512
