"""Very long texts give the tokens of the whole text, though only a shorter one is tokenized."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import (
    AddedToken,
    Encoding,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

import npbert
from npbert.tokenization import long_texts
from npbert.tokenization.long_texts import shorten_texts
from npbert.tokenization.tokenizer import Tokenizer
from npbert.tokenization.truncation import Truncation
from tests.support.tokenizers import make_tokenizer
from tests.tokenization.conftest import VARIANTS

# Pieces of which a text is made. Each stands in it many times, so that a text is long with few
# draws: words, separators, removed characters, marks with different classes of order, letters
# whose lowercase has several characters or depends on the context, and added tokens.
PIECES = [
    *("film ", "unaffable", "don't ", "x", "é", "e\u0301", "Σ", "ΟΔΟΣ ", "İ", "ß", "7", "한", "ไ"),
    *(" ", "\t", "\n", "\xa0", "\u3000", "\u2028", "\x0b", "\x85", "+", "/", "...", "_", "[", "]"),
    *("東", "京", "\uf900", "。", "—", "½", "😀", "👩\u200d💻", "\u2260", "\u037e", "\u1fef"),
    *("\x00", "\x7f", "\u200b", "\ue000", "\ufffd", "\u0301", "\u0323", "\u034f", "\u302e"),
    *("[MASK]", "[SEP]", "[mask]", "[MA", "SK]", "<tag>", "@x", "#one#", "two)", "a[MASK]b"),
]  # fmt: skip
COUNTS = st.sampled_from([1, 1, 1, 2, 3, 5, 40, 900])
RUNS = st.lists(st.tuples(st.sampled_from(PIECES), COUNTS), min_size=1, max_size=8)
TOKENS = [
    AddedToken("<tag>", lstrip=True, rstrip=True),
    AddedToken("@x", single_word=True),
    AddedToken("#one#", single_word=True, normalized=True),
    AddedToken("two)", rstrip=True, normalized=True),
]
CHANGES: dict[str, Callable[[Any], None]] = {
    "no-clean-text": lambda backend: setattr(
        backend, "normalizer", normalizers.BertNormalizer(clean_text=False)
    ),
    "added-tokens": lambda backend: backend.add_tokens(TOKENS),
    "added-word": lambda backend: backend.add_tokens(["unaffable"]),
    "old-post-processor": lambda backend: setattr(
        backend, "post_processor", processors.BertProcessing(("[SEP]", 102), ("[CLS]", 101))
    ),
    "short-words": lambda backend: setattr(backend.model, "max_input_chars_per_word", 5),
}


def load(folder: Path, name: str) -> Tokenizer:
    tokenizer = npbert.AutoTokenizer.from_pretrained(
        make_tokenizer(folder / name, **VARIANTS.get(name, {}))
    )
    CHANGES.get(name, lambda _: None)(tokenizer.backend_tokenizer)
    return tokenizer


@pytest.fixture(scope="module", params=[*VARIANTS, *CHANGES])
def tokenizer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Tokenizer:
    return load(tmp_path_factory.mktemp("tokenizer"), request.param)


def describe(encoding: Encoding, with_offsets: bool) -> list[object]:
    columns: list[object] = [encoding.ids, encoding.type_ids, encoding.special_tokens_mask]
    if with_offsets:
        columns += [encoding.tokens, encoding.offsets, encoding.word_ids, encoding.sequence_ids]
    return [*columns, bool(encoding.overflowing)]


def assert_same(tokenizer: Tokenizer, texts: list[Any], max_length: int) -> None:
    for with_offsets in (False, True):
        options: Any = {"truncation": True, "max_length": max_length, "with_offsets": with_offsets}
        expected = tokenizer.encode_batch(texts, **options)
        got = tokenizer.encode_batch(texts, **options, keeps_rest=False)
        for one, other in zip(got, expected, strict=True):
            assert describe(one, with_offsets) == describe(other, with_offsets)


@settings(max_examples=40, deadline=None)
@given(runs=RUNS, max_length=st.sampled_from([8, 9, 30, 400]))
def test_a_long_text_has_the_tokens_of_the_whole(
    tokenizer: Tokenizer, runs: list[tuple[str, int]], max_length: int
) -> None:
    text = "".join(piece * count for piece, count in runs)
    with pytest.MonkeyPatch.context() as patch:  # cuts in many places of a text that is not so long
        patch.setattr(long_texts, "_SHORTEST_BEGINNING", 30)
        patch.setattr(long_texts, "_CHARACTERS_PER_TOKEN", 1)
        patch.setattr(long_texts, "_WORD_ENDS", 400)
        assert_same(tokenizer, ["short", text], max_length)


# Characters that are on no list of the module, and some that are: of later releases of Unicode,
# marks, symbols, ideographs, punctuation and controls.
ALIKE = [
    *(
        "\U0001f9ff",
        "\U0001fae0",
        "\u0338",
        "\u20dd",
        "\u0e31",
        "\u093f",
        "\u302e",
        "\u0600",
        "\ufb03",
    ),
    *(
        "\u2e2e",
        "\U00010100",
        "\U000323af",
        "\u9fef",
        "\U0001d173",
        "\U0001e8d0",
        "\U00011a01",
        "\u1fef",
    ),
    *("\U000e0041", "\ud7b0", "\u0378", "İ", "!", "東", "\x00", " ", "x"),
]


@pytest.mark.parametrize("character", ALIKE, ids=ascii)
def test_a_run_of_one_character(tokenizer: Tokenizer, character: str) -> None:
    text = f"a film{character * 5000}of {character * 5000} a [MASK]{character * 5000}"
    for max_length in (8, 9):
        assert_same(tokenizer, [text, character * 5000, f"{character * 5000}b c"], max_length)


@pytest.mark.parametrize("character", ALIKE, ids=ascii)
def test_a_run_of_one_character_is_cut(tmp_path: Path, character: str) -> None:
    truncation = Truncation("longest_first", 64, 0, "right")
    with load(tmp_path, "cased")._set_up(truncation) as backend:
        (shorter,) = shorten_texts([character * 10**6], backend, truncation, keep_offsets=False)
    assert len(shorter) <= 2 * 6400


# Texts whose beginning has other tokens if it ends inside an added token or a word: the tokens that
# are added, a change of the backend, the text that is repeated, and the characters of a beginning
# that has just enough tokens.
EDGES: dict[str, tuple[list[AddedToken], dict[str, object], str, int]] = {
    "token": ([AddedToken("a-b-c")], {}, "a-b-c", 5 * 37 + 4),
    "single word": (
        [AddedToken("(b)", single_word=True, normalized=False), AddedToken("+(b)")],
        {"post_processor": None},
        "+(b)c",
        5 * 20 + 4,
    ),
    "token with a mark at its end": ([AddedToken("<b>", rstrip=True)], {}, "<b>  c", 6 * 21),
    "ideographs": (
        [],
        {"normalizer": normalizers.BertNormalizer(handle_chinese_chars=False)},
        "東" * 50 + "龥 ",
        45,
    ),
}


@pytest.mark.parametrize("name", EDGES)
def test_the_beginning_ends_between_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    tokens, parts, text, size = EDGES[name]
    tokenizer = load(tmp_path, "uncased")
    tokenizer.backend_tokenizer.add_tokens(tokens)
    for part, value in parts.items():
        setattr(tokenizer.backend_tokenizer, part, value)
    for characters in range(size - 3, size + 4):
        monkeypatch.setattr(long_texts, "_SHORTEST_BEGINNING", characters)
        monkeypatch.setattr(long_texts, "_CHARACTERS_PER_TOKEN", 1)
        for max_length in range(38, 43):
            assert_same(tokenizer, [text * 60], max_length)


@pytest.mark.parametrize(
    "text",
    [
        "film\x00 \x00\x00film",  # the only blank is within the run
        "[MA\x00\x00\x00\x00SK]",  # no token, although the normalized text has it
        "e\u0301\u0323\u0327\u0301\u0323[mask]",
        "x\x00\x00\x00\x00@x\x00\x00\x00\x00x",  # a single word, because of its neighbours
        "x    @x    x",
        "x" * 3000 + "[MASK]" + "x" * 3000,
        "film" + "\x00" * 3000 + "x" * 80 + "\x00" * 3000 + " ",  # a word that is long by what goes
    ],
)
def test_runs_are_shortened_with_the_same_tokens(tmp_path: Path, text: str) -> None:
    tokenizer = load(tmp_path, "added-tokens")
    assert_same(tokenizer, ["\x00" * 20_000 + text * 3, text * (20_000 // len(text))], 40)


CELL = 60_000
CELLS = {
    "words": "the quick brown fox ",
    "one word": "x",
    "hexadecimal": "0a9f",
    "base64": "QWxhZGRpbjpvcGVuIHNlc2FtZQ+aGVsbG8gd29ybGQ/",
    "Chinese": "東京都",
    "Chinese marks": "。，",
    "combining marks": "e\u0301",
    "only marks": "\u0301\u0323",
    "blanks": " ",
    "newlines": "\r\n",
    "control characters": "\x00\x01\x7f",
    "blanks and control characters": "\x00 ",
    "special tokens": "[MASK]",
    "long words": "x" * 300 + " ",
    "Thai": "กข",
    "emoji": "😀",
    "quotation marks": "“—”",
}


@pytest.mark.parametrize("name", CELLS)
def test_the_backend_gets_a_short_text(ours: Tokenizer, name: str) -> None:
    """Every kind of text is shortened, alone and behind a beginning of another kind."""
    cell = CELLS[name] * (CELL // len(CELLS[name]))
    for text in (cell, " " * CELL + cell, "x" * CELL + cell):
        truncation = Truncation("longest_first", 32, 0, "right")
        with ours._set_up(truncation) as backend:
            (short,) = shorten_texts([text], backend, truncation, keep_offsets=False)
        assert len(short) < 0.4 * CELL
        assert_same(ours, [text], 32)


def test_a_text_is_counted_as_cut() -> None:
    classify = npbert.pipeline("text-classification", model="mini")
    options = classify.options_for({"long_text": "truncate"})
    texts = ["film " * 9000, " " * 90_000 + "film", " " * 90_000]
    assert [one.is_cut for one in classify.outcomes(texts, range(3), options)] == [
        True,
        False,
        False,
    ]


# ------------------------------------------------------------- what is left to the plain path


def shortens(tokenizer: Tokenizer, item: Any = "film " * 20_000, side: str = "right") -> bool:
    truncation = Truncation("longest_first", 64, 0, side)
    with tokenizer._set_up(truncation) as backend:
        (short,) = shorten_texts([item], backend, truncation, keep_offsets=False)
    return bool(short != item)


def change(part: str, value: Any) -> Callable[[Any], None]:
    return lambda backend: setattr(backend, part, value)


LOWERCASE = normalizers.Lowercase()
OTHERS: dict[str, Callable[[Any], Any]] = {
    "normalizer": change("normalizer", LOWERCASE),
    "no normalizer": change("normalizer", None),
    "sequence": change("normalizer", normalizers.Sequence([normalizers.BertNormalizer()])),
    "pre-tokenizer": change("pre_tokenizer", pre_tokenizers.Whitespace()),
    "model": change("model", models.BPE(unk_token="[UNK]")),
    "unknown token": change("model", models.WordPiece({"film": 0}, unk_token="[UNK]")),
    "post-processor": change("post_processor", processors.ByteLevel()),
    "added token with a blank": lambda backend: backend.add_tokens(["new york"]),
    "added token beyond ASCII": lambda backend: backend.add_tokens(["東京"]),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_tokenizers_get_the_whole_text(tmp_path: Path, name: str) -> None:
    tokenizer = load(tmp_path, "uncased")
    assert shortens(tokenizer)
    OTHERS[name](tokenizer.backend_tokenizer)
    assert not shortens(tokenizer)


def test_other_inputs_are_left_as_they_are(ours: Tokenizer) -> None:
    long = "film " * 20_000
    assert shortens(ours, long)
    assert not shortens(ours, (long, long))
    assert not shortens(ours, long.split())
    assert not shortens(ours, long, side="left")
    assert not shortens(ours, "film " * 1000)


def test_runs_stay_where_an_added_token_could_be_in_them(tmp_path: Path) -> None:
    tokenizer = load(tmp_path, "added-word")
    text = "x" * 50_000 + "unaffable" + "x" * 50_000
    assert not shortens(tokenizer, text)
    assert_same(tokenizer, [text], 64)
    assert shortens(load(tmp_path, "uncased"), text)


def test_offsets_are_those_of_the_whole_text(ours: Tokenizer) -> None:
    text = " " * 50_000 + "film"
    (encoding,) = ours.encode_batch(
        [text], truncation=True, max_length=64, with_offsets=True, keeps_rest=False
    )
    assert encoding.offsets[1] == (50_000, 50_004)


# ------------------------------------------------------------------- what the rules rely on


def members(of: str) -> list[str]:
    """List the characters of a part of a set in a regular expression."""
    pattern = re.compile(f"[{of}]")
    return [one for one in map(chr, range(0x20000)) if pattern.match(one)]


def words_of(tokenizer: Tokenizer, text: str) -> list[str]:
    backend = tokenizer.backend_tokenizer
    normalized = backend.normalizer.normalize_str(text)
    return [word for word, _ in backend.pre_tokenizer.pre_tokenize_str(normalized)]


@pytest.mark.parametrize("name", [*VARIANTS, "no-clean-text"])
def test_every_character_is_what_its_set_says(tmp_path: Path, name: str) -> None:
    tokenizer = load(tmp_path, name)
    normalizer = tokenizer.backend_tokenizer.normalizer
    for one in members(long_texts._BLANKS):
        assert words_of(tokenizer, f"x{one}x") == ["x", "x"]
    for one in members(long_texts._MARKS):
        assert words_of(tokenizer, f"x{one}x") == ["x", one, "x"]
    for one in members(long_texts._LETTERS):
        (word,) = words_of(tokenizer, f"x{one}x")
        assert len(word) >= 3
    rules = long_texts._read_rules(tokenizer.backend_tokenizer, 8)
    assert rules is not None
    assert rules.gap is not None
    removed = [one for one in map(chr, range(0x20000)) if rules.gap.match(one * 4)]
    for one in removed:
        assert normalizer.normalize_str(one).isspace() or normalizer.normalize_str(one) == ""
        assert unicodedata.category(one) != "Mn" or unicodedata.combining(one) > 0
    if normalizer.handle_chinese_chars:
        for one in members(long_texts._IDEOGRAPHS):
            assert words_of(tokenizer, f"x{one}x") == ["x", one, "x"]
