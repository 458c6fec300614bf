"""Random files of a tokenizer: vocab.txt or tokenizer.json, settings, special and added tokens."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from differential.chance import Chance

STANDARD: Final = {
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "mask_token": "[MASK]",
}
_OTHERS: Final = {
    "unk_token": "<unk>",
    "cls_token": "<s>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "mask_token": "<mask>",
}
WORDS: Final = (
    "the", "a", "film", "is", "good", "bad", "not", "love", "hate", "new", "york", "maria",
    "Film", "THE", "naive", "naïve", "café", "ss", "ß", "istanbul", "don", "been", "waiting",
    "un", "this", "example", "entailment", "[unused1]", "xx", "n't", "'s", "東", "京", "한국어",
    "한", "ไทย", "हि", "שלום", "مرحبا", "😀", "½", "ω", "α", "𝒳", "e\u0301", "##ing", "##ed",
    "##s", "##n", "##able", "##aff", "##東", "##é", "##.", "##x", "##e\u0301", ".", ",", "!",
    "?", "'", "-", ":", ";", "$", "(", ")", "[", "]", "/", "\"", "…",
)  # fmt: skip
LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
_CLASSES: Final = (
    *("DistilBertTokenizer", "DistilBertTokenizerFast", "BertTokenizer", "BertTokenizerFast"),
    "ElectraTokenizer",
)
CLASSES_WITHOUT_RULES: Final = ("PreTrainedTokenizerFast", "TokenizersBackend")


@dataclass
class TokenizerFiles:
    """What was drawn for a tokenizer, and the tokens that it has.

    Attributes
    ----------
    special : dict of str to str
        The special tokens by the names of their attributes.
    tokens : list of str
        The tokens of the vocabulary, by their ids.
    added : list of str
        The tokens beyond the vocabulary.
    """

    special: dict[str, str]
    tokens: list[str]
    added: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """The number of ids."""
        return len(self.tokens) + len(self.added)


def draw_vocabulary(chance: Chance) -> TokenizerFiles:
    """Draw the vocabulary, with the special tokens at any place in it."""
    special = dict(STANDARD)
    if chance.happens(0.1):
        for name in chance.sample(list(_OTHERS), chance.randint(1, 5)):
            special[name] = _OTHERS[name]
    letters = [*LETTERS, *(f"##{letter}" for letter in LETTERS)]
    words = [*chance.sample(WORDS, chance.randint(10, len(WORDS)))]
    if chance.happens(0.8):
        words += letters
    chance.shuffle(words)
    words = list(dict.fromkeys(words))
    where = chance.choice([0, 0, 0, chance.randint(0, len(words)), len(words)])
    words[where:where] = chance.sample(list(special.values()), len(special))
    return TokenizerFiles(special, words)


def write_tokenizer(chance: Chance, folder: Path) -> TokenizerFiles:
    """Draw the files of a tokenizer, and write them.

    Parameters
    ----------
    chance : Chance
    folder : Path

    Returns
    -------
    TokenizerFiles
    """
    files = draw_vocabulary(chance)
    settings = draw_settings(chance)
    named = {name: token for name, token in files.special.items() if token != STANDARD[name]}
    if chance.happens(0.3):
        named = dict(files.special)
    if chance.happens(0.35):
        _add_tokens(chance, folder, settings, files)
    # Beside added_tokens_decoder, special_tokens_map.json is not read.
    if chance.happens(0.3) and "added_tokens_decoder" not in settings:
        write_json(folder, "special_tokens_map.json", named)
    else:
        settings |= named
    kind = chance.random()
    if kind < 0.55:
        (folder / "vocab.txt").write_text("\n".join(files.tokens) + "\n", encoding="utf-8")
    elif kind < 0.85:
        _backend(chance, files, settings).save(str(folder / "tokenizer.json"))
    else:
        settings["tokenizer_class"] = chance.choice(CLASSES_WITHOUT_RULES)
        settings |= files.special
        _own_backend(chance, files).save(str(folder / "tokenizer.json"))
    if settings or chance.happens(0.5):
        write_json(folder, "tokenizer_config.json", settings)
    return files


def draw_settings(chance: Chance) -> dict[str, Any]:
    """Draw settings for tokenizer_config.json."""
    settings = chance.options(
        {
            "do_lower_case": [True, False],
            "strip_accents": [True, False, None],
            "tokenize_chinese_chars": [True, False],
            "clean_up_tokenization_spaces": [True, False],
            "padding_side": ["left", "right"],
            "truncation_side": ["left", "right"],
            "tokenizer_class": _CLASSES,
            "split_special_tokens": [True, False],
            "model_input_names": [["input_ids", "attention_mask"]],
            "name_or_path": ["somewhere"],
            "never_split": [None],
        },
        0.25,
    )
    if chance.happens(0.85):
        settings["model_max_length"] = chance.choice([8, 12, 16, 24, 32, 64, 512, int(1e30)])
    return settings


def _add_tokens(
    chance: Chance, folder: Path, settings: dict[str, Any], files: TokenizerFiles
) -> None:
    """Draw tokens beyond the vocabulary, and put them where releases have kept them."""
    texts = chance.sample(["<new>", "New York", "film2", "Ärger", "##zz", "[NEW]", "東京都"], 3)
    files.added = texts[: chance.randint(1, 3)]
    first = len(files.tokens)
    way = chance.random()
    if way < 0.4:
        write_json(
            folder, "added_tokens.json", {text: first + n for n, text in enumerate(files.added)}
        )
    elif way < 0.8:
        flags = ("lstrip", "rstrip", "single_word", "normalized")
        listed: dict[str, Any] = {}
        if chance.happens(0.7):
            for token in files.special.values():
                state = {"content": token, **dict.fromkeys(flags, False), "special": True}
                listed[str(files.tokens.index(token))] = state
        for number, text in enumerate(files.added, first):
            state = {"content": text, **{flag: chance.happens(0.4) for flag in flags}}
            listed[str(number)] = state | {"special": chance.happens(0.4)}
        settings["added_tokens_decoder"] = listed
    else:
        name = chance.choice(["additional_special_tokens", "extra_special_tokens"])
        settings[name] = files.added


def _backend(chance: Chance, files: TokenizerFiles, settings: dict[str, Any]) -> Any:
    """Make the tokenizer.json that BERT's rules give for these settings."""
    vocab = {token: number for number, token in enumerate(files.tokens)}
    backend = tokenizers.Tokenizer(models.WordPiece(vocab, unk_token=files.special["unk_token"]))
    backend.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=settings.get("tokenize_chinese_chars", True),
        strip_accents=settings.get("strip_accents"),
        lowercase=settings.get("do_lower_case", True),
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix="##")
    backend.post_processor = template(files)
    known = list(files.special.values())
    backend.add_special_tokens(known if chance.happens(0.8) else known[:3])
    if chance.happens(0.2):
        backend.enable_truncation(chance.randint(4, 20))
    if chance.happens(0.2):
        backend.enable_padding(pad_id=vocab[files.special["pad_token"]])
    return backend


def _own_backend(chance: Chance, files: TokenizerFiles) -> Any:
    """Make a tokenizer.json that is read as it is, by a class without rules of its own."""
    vocab = {token: number for number, token in enumerate(files.tokens)}
    backend = tokenizers.Tokenizer(models.WordPiece(vocab, unk_token=files.special["unk_token"]))
    backend.normalizer = chance.choice(
        [
            normalizers.BertNormalizer(lowercase=chance.happens(0.5)),
            normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()]),
            normalizers.Lowercase(),
            normalizers.NFKC(),
        ]
    )
    backend.pre_tokenizer = chance.choice(
        [
            pre_tokenizers.BertPreTokenizer(),
            pre_tokenizers.Whitespace(),
            pre_tokenizers.Sequence(
                [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()]
            ),
        ]
    )
    backend.decoder = decoders.WordPiece(prefix="##", cleanup=chance.happens(0.5))
    backend.post_processor = template(files)
    if chance.happens(0.5):
        cls, sep = files.special["cls_token"], files.special["sep_token"]
        backend.post_processor = processors.BertProcessing((sep, vocab[sep]), (cls, vocab[cls]))
    backend.add_special_tokens(list(files.special.values()))
    return backend


def template(files: TokenizerFiles) -> Any:
    """Return the post-processor that adds the special tokens as BERT does."""
    cls, sep = files.special["cls_token"], files.special["sep_token"]
    return processors.TemplateProcessing(
        single=f"{cls}:0 $A:0 {sep}:0",
        pair=f"{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1",
        special_tokens=[(token, files.tokens.index(token)) for token in (cls, sep)],
    )


def write_json(folder: Path, name: str, values: object) -> None:
    """Write a file of a folder."""
    (folder / name).write_text(json.dumps(values), encoding="utf-8")
