"""Parts that a tokenizer.json can have, of all types that the tokenizers library knows."""

from __future__ import annotations

from typing import Any, Final

Part = dict[str, Any]

NESTED: Final = {
    "normalizer": "normalizers",
    "pre_tokenizer": "pretokenizers",
    "post_processor": "processors",
    "decoder": "decoders",
}
_METASPACE: Final[Part] = {
    "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True
}  # fmt: skip
_BYTES: Final[Part] = {
    "type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True
}  # fmt: skip
_VOCABULARY: Final = {"[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "a": 5, "b": 6, "ab": 7}
PARTS: Final[dict[str, list[Any]]] = {
    "normalizer": [
        *({"type": kind} for kind in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents")),
        *({"type": kind} for kind in ("Nmt", "ByteLevel")),
        {"type": "Strip", "strip_left": True, "strip_right": True},
        {"type": "Prepend", "prepend": "▁"},
        {"type": "Replace", "pattern": {"String": "a"}, "content": "bb"},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
        {"type": "Precompiled", "precompiled_charsmap": "ALQCAACEAAAAAACAAQAAgMz8AgC4BQAA"},
        {"type": "BertNormalizer", "clean_text": False, "handle_chinese_chars": False,
         "strip_accents": True, "lowercase": False},
    ],
    "pre_tokenizer": [
        *({"type": kind} for kind in ("Whitespace", "WhitespaceSplit", "UnicodeScripts")),
        {"type": "CharDelimiterSplit", "delimiter": "o"},
        {"type": "Digits", "individual_digits": True},
        {"type": "Punctuation", "behavior": "Contiguous"},
        {"type": "Split", "pattern": {"String": "o"}, "behavior": "MergedWithNext",
         "invert": False},
        {"type": "FixedLength", "length": 3},
        _METASPACE,
        _BYTES,
        None,
    ],
    "post_processor": [
        {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
        {"type": "RobertaProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2],
         "trim_offsets": True, "add_prefix_space": True},
        {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}],
         "pair": [{"Sequence": {"id": "B", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 1}}],
         "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}}},
        _BYTES,
        None,
    ],
    "decoder": [
        {"type": "WordPiece", "prefix": "##", "cleanup": True},
        {"type": "BPEDecoder", "suffix": "</w>"},
        {"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": True},
        {"type": "Strip", "content": "a", "start": 1, "stop": 1},
        {"type": "Replace", "pattern": {"String": "o"}, "content": "0"},
        *({"type": kind} for kind in ("Fuse", "ByteFallback")),
        _METASPACE,
        _BYTES,
        None,
    ],
    "model": [
        {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
         "max_input_chars_per_word": 100, "vocab": _VOCABULARY},
        {"type": "WordLevel", "unk_token": "[UNK]", "vocab": _VOCABULARY},
        {"type": "BPE", "dropout": None, "unk_token": "[UNK]", "continuing_subword_prefix": None,
         "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
         "ignore_merges": False, "vocab": _VOCABULARY, "merges": [["a", "b"]]},
        {"type": "Unigram", "unk_id": 1, "byte_fallback": False,
         "vocab": [["[PAD]", 0.0], ["[UNK]", -1.0], ["[CLS]", -2.0], ["[SEP]", -3.0], ["a", -4.0]]},
    ],
    "truncation": [
        {"direction": "Left", "max_length": 5, "strategy": "LongestFirst", "stride": 1},
    ],
    "padding": [
        {"strategy": {"Fixed": 20}, "direction": "Left", "pad_to_multiple_of": 8, "pad_id": 0,
         "pad_type_id": 0, "pad_token": "[PAD]"},
    ],
}  # fmt: skip
