"""Files that cannot be read as a tokenizer."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import npbert


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no tokenizer.json and no vocab.txt"),
        (
            {"vocab.txt": "[UNK]\n[SEP]\n", "tokenizer_config.json": '{"cls_token": null}'},
            r"cls_token is None, expected a token.*leave the key out to have \[CLS\]$",
        ),
        *(
            (
                {
                    "vocab.txt": f"[UNK]\n[SEP]\n{token}\n",
                    "added_tokens.json": json.dumps({token: 2 if token == token.strip() else 3}),
                    "tokenizer_config.json": json.dumps({"cls_token": token}),
                },
                f"cls_token is {re.escape(repr(token))}, expected a token without a blank",
            )
            for token in (" ", "a b", "a:", "$A", "$B:1")
        ),
        ({"vocab.txt": "a\nb\n"}, r"lacks the special tokens '\[UNK\]', '\[SEP\]', '\[CLS\]'; is"),
        ({"vocab.txt": b"\xff\xfe"}, "not a UTF-8 text file"),
        ({"tokenizer.json": "{}"}, "cannot be read as a tokenizer"),
        ({"tokenizer.json": "<html>"}, "cannot be read as a tokenizer"),
        ({"vocab.txt": "a", "tokenizer_config.json": "nonsense"}, "not a JSON file"),
        ({"vocab.txt": "a", "tokenizer_config.json": "[]"}, "expected a JSON object"),
        ({"vocab.txt": "a", "added_tokens.json": '{"<x>": 7}'}, "'<x>' should be token 7.*it 1"),
        ({"vocab.txt": "a", "special_tokens_map.json": "[]"}, "expected a JSON object"),
    ],
    ids=str,
)
def test_bad_files(tmp_path: Path, files: dict[str, str | bytes], message: str) -> None:
    (tmp_path / "config.json").write_text("{}")
    for name, content in files.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message):
        npbert.AutoTokenizer.from_pretrained(tmp_path)
