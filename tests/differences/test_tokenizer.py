"""docs/differences.md, "Tokenizer": what transformers does, and what npbert does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import transformers

import npbert
from tests.support.differences import changed, row
from tests.support.pipelines import Sides


@row("`token_type_ids`")
def test_token_types(folder: Path, tmp_path: Path) -> None:
    other = changed(folder, tmp_path / "bert")
    settings = {"tokenizer_class": "BertTokenizer", "model_max_length": 512}
    (other / "tokenizer_config.json").write_text(json.dumps(settings))
    theirs = transformers.AutoTokenizer.from_pretrained(other)
    ours = npbert.AutoTokenizer.from_pretrained(other)
    assert "token_type_ids" in theirs("one")
    assert "token_type_ids" not in ours("one")
    expected = theirs("one", "two")["token_type_ids"]
    assert ours("one", "two", return_token_type_ids=True)["token_type_ids"] == expected


def write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values), encoding="utf-8")


@pytest.fixture
def described(folder: Path, tmp_path: Path) -> Path:
    """A copy of the model with a tokenizer.json and no vocab.txt."""
    other = changed(folder, tmp_path / "described")
    transformers.AutoTokenizer.from_pretrained(folder).save_pretrained(other)
    (other / "vocab.txt").unlink()
    return other


@row(
    "tokenizer.json of a BERT class, with parts that are not BERT's (no post-processor, so no "
    "`[CLS]`; another normalizer; longer words)"
)
def test_parts_of_tokenizer_json(described: Path) -> None:
    path = described / "tokenizer.json"
    write_json(path, json.loads(path.read_text(encoding="utf-8")) | {"post_processor": None})
    theirs = transformers.AutoTokenizer.from_pretrained(described)("film").input_ids
    with pytest.warns(UserWarning, match=r"post_processor \(none\).*the first word of the text"):
        ours = npbert.AutoTokenizer.from_pretrained(described)
    assert ours("film").input_ids == theirs[1:-1]
    rebuilt = npbert.AutoTokenizer.from_pretrained(described, rebuild=True)
    assert rebuilt("film").input_ids == theirs


@row(
    "vocab.txt of a class that is not BERT's (`MPNetTokenizer`, `BertJapaneseTokenizer`)",
)
def test_a_vocabulary_of_another_class(folder: Path, tmp_path: Path) -> None:
    other = changed(folder, tmp_path / "mpnet")
    write_json(other / "tokenizer_config.json", {"tokenizer_class": "MPNetTokenizer"})
    theirs = transformers.AutoTokenizer.from_pretrained(other)
    assert type(theirs).__name__ == "MPNetTokenizer"
    with pytest.raises(ValueError, match=r"tokenizer_class of .* is 'MPNetTokenizer'"):
        npbert.AutoTokenizer.from_pretrained(other)


@row("tokenizer.json of a class that is neither BERT's nor `PreTrainedTokenizerFast`")
def test_special_tokens_of_another_class(described: Path) -> None:
    settings = {"tokenizer_class": "MPNetTokenizer", "mask_token": "[MASK]"}
    write_json(described / "tokenizer_config.json", settings)
    assert "<s>" in transformers.AutoTokenizer.from_pretrained(described).get_vocab()
    ours = npbert.AutoTokenizer.from_pretrained(described)
    assert "<s>" not in ours.get_vocab()
    assert (ours.mask_token, ours.bos_token) == ("[MASK]", None)


@row("a tokenizer that is code in the repository (`auto_map`)")
def test_a_tokenizer_that_is_code(folder: Path, described: Path, tmp_path: Path) -> None:
    other = changed(folder, tmp_path / "code")
    expected = npbert.AutoTokenizer.from_pretrained(folder)("film").input_ids
    for place in (other, described):
        code = {"AutoTokenizer": ["tokenization_my.MyTokenizer", None]}
        write_json(place / "tokenizer_config.json", {"auto_map": code})
    assert transformers.AutoTokenizer.from_pretrained(other)("film").input_ids == expected
    with pytest.raises(ValueError, match=r"auto_map of .*tokenization_my.MyTokenizer"):
        npbert.AutoTokenizer.from_pretrained(other)
    assert npbert.AutoTokenizer.from_pretrained(described)("film").input_ids == expected


@row("a vocabulary without `[UNK]`, `[CLS]` or `[SEP]`")
def test_a_vocabulary_without_special_tokens(folder: Path, tmp_path: Path) -> None:
    other = changed(folder, tmp_path / "lacking")
    (other / "vocab.txt").write_text("[PAD]\n[UNK]\n[SEP]\nfilm")
    assert transformers.AutoTokenizer.from_pretrained(other).cls_token_id == 4
    with pytest.raises(ValueError, match=r"lacks the special tokens '\[CLS\]'; is it a vocabulary"):
        npbert.AutoTokenizer.from_pretrained(other)


@row("an id of an added token that contradicts the vocabulary")
def test_ids_that_contradict(folder: Path, tmp_path: Path) -> None:
    other = changed(folder, tmp_path / "contradicts")
    write_json(other / "added_tokens.json", {"<new>": 30600})
    theirs = transformers.AutoTokenizer.from_pretrained(other)
    assert theirs.convert_tokens_to_ids("<new>") == 30522
    with pytest.raises(ValueError, match=r"'<new>' should be token 30600, but .* gives it 30522"):
        npbert.AutoTokenizer.from_pretrained(other)


@row("null or an empty text for `cls_token` or `sep_token`, over a vocab.txt")
@pytest.mark.parametrize(("token", "number"), [(None, 2), ("", 100)])
def test_no_first_token(folder: Path, tmp_path: Path, token: str | None, number: int) -> None:
    other = changed(folder, tmp_path / "null")
    write_json(other / "tokenizer_config.json", {"cls_token": token})
    assert transformers.AutoTokenizer.from_pretrained(other)("film").input_ids[0] == number
    with pytest.raises(ValueError, match=rf"cls_token is {token!r}, expected a token of the voc"):
        npbert.AutoTokenizer.from_pretrained(other)


@row(
    "a value of a wrong type in tokenizer_config.json, special_tokens_map.json or "
    'added_tokens.json (`"clean_up_tokenization_spaces": "no"`, `"pad_token": 5`, the id null)'
)
def test_values_of_a_wrong_type(folder: Path, tmp_path: Path) -> None:
    def load_both(file: str, values: dict[str, Any], message: str) -> Any:
        other = changed(folder, tmp_path / file.partition(".")[0])
        write_json(other / file, values)
        with pytest.raises(ValueError, match=f"^{other / file}: {message}"):
            npbert.AutoTokenizer.from_pretrained(other)
        return transformers.AutoTokenizer.from_pretrained(other)

    loaded = load_both(
        "tokenizer_config.json",
        {"clean_up_tokenization_spaces": "no"},
        "clean_up_tokenization_spaces is 'no', expected true, false or null",
    )
    assert loaded.decode(loaded("one .")["input_ids"], skip_special_tokens=True) == "one."
    ignored = load_both("added_tokens.json", {"<new>": None}, "the id of '<new>' is None, expected")
    assert ignored.convert_tokens_to_ids("<new>") == 30522
    with pytest.raises(TypeError, match=r"^Special token pad_token has to be either str"):
        load_both("special_tokens_map.json", {"pad_token": 5}, "pad_token is 5, expected a token")


@row("a tokenizer that is saved beside an older special_tokens_map.json")
def test_saving_beside_an_older_file(tokenizers: Sides, tmp_path: Path) -> None:
    for side in tokenizers:
        place = tmp_path / type(side).__module__.partition(".")[0]
        place.mkdir()
        write_json(place / "special_tokens_map.json", {"mask_token": "film"})
        side.save_pretrained(place)
    for library in (npbert, transformers):
        masks = [
            library.AutoTokenizer.from_pretrained(tmp_path / name).mask_token
            for name in ("npbert", "transformers")
        ]
        assert masks == ["[MASK]", "film"]


@row(
    "a setting of the normalizer at loading that tokenizer.json makes void (`do_lower_case=False`)"
)
def test_settings_without_effect(described: Path) -> None:
    settings = {"tokenizer_class": "PreTrainedTokenizerFast"}
    write_json(described / "tokenizer_config.json", settings)
    theirs = transformers.AutoTokenizer.from_pretrained(described, do_lower_case=False)
    assert theirs("FILM").input_ids == theirs("film").input_ids
    with pytest.raises(ValueError, match=r"do_lower_case is False, but .* has a normalizer of its"):
        npbert.AutoTokenizer.from_pretrained(described, do_lower_case=False)


@row("`save_pretrained` where other files would be replaced")
def test_saving_over_other_files(tokenizers: Sides, tmp_path: Path) -> None:
    target = tmp_path / "tokenizer.json"
    target.write_text("mine")
    with pytest.raises(FileExistsError):
        tokenizers.ours.save_pretrained(tmp_path)
    assert target.read_text(encoding="utf-8") == "mine"
    tokenizers.theirs.save_pretrained(tmp_path)
    assert target.read_text(encoding="utf-8") != "mine"


@row("`batch_decode` of an empty list, or of one id that is not in a list")
def test_batch_decode(tokenizers: Sides) -> None:
    ours, theirs = tokenizers
    assert ours.batch_decode([]) == []
    assert ours.batch_decode(2143) == ["film"]
    if transformers.__version__.startswith("5.23."):
        assert theirs.batch_decode([]) == [""]
        assert theirs.batch_decode(2143) == ["film"]
    else:
        assert theirs.batch_decode([]) == []
        with pytest.raises(TypeError):
            theirs.batch_decode(2143)
