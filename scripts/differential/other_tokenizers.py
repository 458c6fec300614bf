"""Random tokenizers of other kinds than BERT's: of bytes, characters, sentences and whole words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from differential.chance import Chance
from differential.tokenizer_files import (
    CLASSES_WITHOUT_RULES,
    LETTERS,
    STANDARD,
    WORDS,
    TokenizerFiles,
    draw_settings,
    template,
    write_json,
)

MARKS: Final = ("##", "@")  # before a piece that continues a word
END: Final = "</w>"  # after a piece that ends a word
BLANK: Final = "▁"  # in the place of a space
SPACE_BYTE: Final = "Ġ"  # the byte of a space, as ByteLevel writes it


def write_other_tokenizer(chance: Chance, folder: Path) -> TokenizerFiles:
    """Draw a tokenizer of another kind, and write its files.

    Parameters
    ----------
    chance : Chance
    folder : Path

    Returns
    -------
    TokenizerFiles
    """
    words = [word for word in WORDS if not word.startswith("##")]
    words = chance.sample(words, chance.randint(10, len(words)))
    backend = KINDS[chance.choice(list(KINDS))](chance, [*words, *LETTERS])
    tokens = sorted(backend.get_vocab(), key=backend.get_vocab().__getitem__)
    files = TokenizerFiles(STANDARD, tokens)
    cls, sep = (
        (STANDARD[name], tokens.index(STANDARD[name])) for name in ("cls_token", "sep_token")
    )
    trims = chance.happens(0.5)
    backend.post_processor = chance.choice(
        [
            template(files),
            processors.BertProcessing(sep, cls),
            processors.RobertaProcessing(sep, cls, trim_offsets=trims),
            processors.Sequence([processors.ByteLevel(trim_offsets=trims), template(files)]),
        ]
    )
    backend.add_special_tokens(list(STANDARD.values()))
    backend.save(str(folder / "tokenizer.json"))
    settings = draw_settings(chance) | STANDARD
    settings["tokenizer_class"] = chance.choice(CLASSES_WITHOUT_RULES)
    write_json(folder, "tokenizer_config.json", settings)
    return files


def of_bytes(chance: Chance, words: list[str]) -> Tokenizer:
    """Merge bytes, as GPT-2 and RoBERTa do; a space is a byte of the word after it."""
    split = pre_tokenizers.ByteLevel(chance.happens(0.5), use_regex=chance.happens(0.8))
    written = [word for word, _ in split.pre_tokenize_str(" ".join(words))]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = _merging(alphabet, map(list, written), models.BPE)
    made.pre_tokenizer, made.decoder = split, decoders.ByteLevel()
    return made


def of_characters(chance: Chance, words: list[str]) -> Tokenizer:
    """Merge characters, with a mark at the end of words, or before what continues them."""
    mark = chance.choice([None, *MARKS])
    if mark is None:
        written = [[*word[:-1], word[-1] + END] for word in words]
        settings = {"end_of_word_suffix": END}
    else:
        written = [[word[0], *(mark + letter for letter in word[1:])] for word in words]
        settings = {"continuing_subword_prefix": mark}
    alphabet = sorted({piece for word in written for piece in word})

    def model(vocab: dict[str, int], merges: list[tuple[str, str]]) -> models.BPE:
        return models.BPE(vocab, merges, unk_token=STANDARD["unk_token"], **settings)

    made = _merging(alphabet, written, model, mark or "")
    made.normalizer = _normalizer(chance)
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.decoder = decoders.BPEDecoder(END) if mark is None else decoders.WordPiece(mark)
    return made


def of_sentences(chance: Chance, words: list[str]) -> Tokenizer:
    """Find the likeliest pieces, as sentencepiece does; a space is a character of a piece."""
    pieces = [*words, BLANK, *(BLANK + word for word in words if chance.happens(0.7))]
    listed = [*STANDARD.values(), *dict.fromkeys(pieces)]
    scores = [(piece, -chance.randint(1, 12) - chance.random()) for piece in listed]
    made = Tokenizer(models.Unigram(scores, listed.index(STANDARD["unk_token"])))
    scheme = chance.choice(["always", "first", "never"])
    made.normalizer = _normalizer(chance)
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    made.decoder = decoders.Metaspace(prepend_scheme=scheme)
    return made


def of_words(chance: Chance, words: list[str]) -> Tokenizer:
    """Look up whole words; without a decoder, which joins them by spaces."""
    made = Tokenizer(models.WordLevel(_numbered(words), unk_token=STANDARD["unk_token"]))
    made.normalizer = _normalizer(chance)
    made.pre_tokenizer = chance.choice(
        [pre_tokenizers.Whitespace(), pre_tokenizers.WhitespaceSplit()]
    )
    return made


def of_pieces(chance: Chance, words: list[str]) -> Tokenizer:
    """Look up the longest pieces, as BERT does, but with another mark, or without any."""
    mark = chance.choice(["", "@", BLANK])
    pieces = [*words, *(mark + word for word in words)]
    made = Tokenizer(
        models.WordPiece(
            _numbered(pieces), unk_token=STANDARD["unk_token"], continuing_subword_prefix=mark
        )
    )
    made.normalizer = _normalizer(chance)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece(mark) if chance.happens(0.7) else None
    return made


KINDS: Final[dict[str, Callable[[Chance, list[str]], Tokenizer]]] = {
    "bytes": of_bytes,
    "characters": of_characters,
    "sentences": of_sentences,
    "words": of_words,
    "pieces": of_pieces,
}


def _merging(
    alphabet: list[str],
    words: Iterable[list[str]],
    model: Callable[[dict[str, int], list[tuple[str, str]]], models.BPE],
    mark: str = "",
) -> Tokenizer:
    """Merge the pieces of each word from its first one on."""
    tokens, merges = dict.fromkeys(alphabet), dict[tuple[str, str], None]()
    for first, *others in words:
        whole = first
        for piece in others:
            merges[whole, piece] = None
            whole += piece.removeprefix(mark)
            tokens[whole] = None
    return Tokenizer(model(_numbered([*tokens]), [*merges]))


def _normalizer(chance: Chance) -> normalizers.Normalizer | None:
    return chance.choice(
        [
            None,
            normalizers.Lowercase(),
            normalizers.NFKC(),
            normalizers.BertNormalizer(lowercase=chance.happens(0.5)),
        ]
    )


def _numbered(tokens: list[str]) -> dict[str, int]:
    listed = dict.fromkeys([*STANDARD.values(), *tokens])
    return {token: number for number, token in enumerate(listed)}
