r"""Very long texts → shorter ones with the same tokens, before the backend sees them.

The `tokenizers` library tokenizes a whole text before it cuts it, which takes more than a hundred
bytes of memory per character. If only the first tokens are wanted, a shorter text has the same
ones. `shorten_texts` finds it in two ways. Both are proved for the rules of BERT alone, so any
other tokenizer gets its texts as they are.

**The beginning of a text is enough.** A *separator* is a blank, a punctuation mark, or a Chinese
character that the normalizer puts between blanks. A separator of a tokenizer stands in no added
token, except at its end. Let `b` be the place behind a separator. If ``text[:b]`` has more than
`max_length` tokens, its first `max_length` tokens are those of `text`:

- Added tokens are found first. A match across `b` would hold the separator before its end, and no
  token does. A token that takes the blanks beside it may take more of them in the whole text, but
  such a token is the last one of ``text[:b]``, and is cut off.
- The normalizer removes, replaces, pads, decomposes and lowercases each character by itself (the
  library's lowercasing knows no final sigma). Only the order of combining marks depends on their
  neighbours, and no mark is moved across a separator, which is not a combining mark.
- The pre-tokenizer splits at blanks and punctuation marks, so no word goes across `b`, and
  WordPiece looks at one word alone.

If ``text[:b]`` has fewer tokens, a beginning that is twice as long is tried.

**Runs that hold few tokens are shortened**, because the beginning with enough tokens may be nearly
the whole text. This moves the characters after a run, so it is not done if the caller asks for
offsets:

- A run of blanks, and of characters that the normalizer removes, keeps its first and its last
  character and, if there is a blank among them, a blank between them. The normalized text is then
  the same, except for the number of blanks between two words. Added tokens have none of these
  characters, so those that stay prevent a match where there was none. They are also the same
  neighbours for a token that must be a single word. Two combining marks that are not removed keep
  their order, because none of the marks that are left out is a "starter", at which the sorting of
  marks begins anew.
- A word with more than `max_input_chars_per_word` characters is one unknown token, whatever they
  are. So a long run of letters and digits loses its middle. Every added token has a punctuation
  mark, so it can reach into the run from outside, but not as far as the middle.
- A run of one character that is on none of the lists below loses its middle, too. If each of the
  run is a word of its own, or a hundred of them are an added token, what is left has more tokens
  than are wanted. If all of them are one word, it is one unknown token as before. If they are
  removed or are blanks, their number does not count.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import Final, NamedTuple

from tokenizers import Tokenizer as Backend
from tokenizers import models, normalizers, pre_tokenizers, processors

from npbert.tokenization.inputs import Input
from npbert.tokenization.truncation import Truncation

# The characters below are written as parts of a set in a regular expression. All of them were
# already in Unicode 8, so releases of the library agree on them.
_BLANKS: Final = r" \t\n\r\xa0\u2000-\u200a\u2028\u2029\u3000"
_MARKS: Final = (  # punctuation beyond ASCII
    r"\xa1\xab\xbb\xbf\u2010-\u2027\u2030-\u2043\u3001-\u3003\u3008-\u3011"
    r"\uff01-\uff03\uff05-\uff0a\uff0c-\uff0f\uff1a\uff1b\uff1f"
)
_IDEOGRAPHS: Final = r"\u4e00-\u9fa5"
# Characters that the normalizer removes, whatever stands beside them: with `clean_text` control
# characters and private ones, and with `strip_accents` combining marks. U+034F is the one mark in
# this block that is a starter.
_CONTROLS: Final = (
    r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ue000-\uf8ff"
    r"\ufeff\ufffd"
)
_ACCENTS: Final = r"\u0300-\u034e\u0350-\u036f"
# Letters, digits and symbols, of which each becomes at least one character of a word.
_LETTERS: Final = (
    r"0-9A-Za-z\xc0-\u02ff\u0410-\u044f\u05d0-\u05ea\u0621-\u063a\u0641-\u064a\u0e01-\u0e2e"
    r"\u3041-\u3094\u30a1-\u30fa\uac00-\ud7a3\u2600-\u26ff\U0001f300-\U0001f64f"
)

_ADDED_TOKEN: Final = re.compile("[!-~]+")  # the normalizer changes nothing but its case
_ASCII_MARK: Final = re.compile(f"[{re.escape(string.punctuation)}]")
_BLANK: Final = re.compile(f"[{_BLANKS}]")

# The length of the beginning that is tried first, which is enough for texts of ordinary words. A
# text is long if it has twice as many characters.
_CHARACTERS_PER_TOKEN: Final = 16
_SHORTEST_BEGINNING: Final = 4096
# What stays of a long word at either end. At least a quarter of it are letters, because runs of
# removed characters have been shortened to three at most.
_WORD_ENDS: Final = 1024
_LONGEST_TOKEN: Final = 100


class _Rules(NamedTuple):
    """What can be done with the long texts of one tokenizer.

    Attributes
    ----------
    beginning : Pattern
        Matches the text up to its last separator.
    gap, word : Pattern or None
        Match the runs that can be shortened. None means that an added token forbids it.
    most_alike : int
        A run of one character may have twice as many of it.
    """

    beginning: re.Pattern[str]
    gap: re.Pattern[str] | None
    word: re.Pattern[str] | None
    most_alike: int

    def squeeze(self, text: str) -> str:
        """Return a part of a text with its long runs shortened."""
        if self.gap is None or self.word is None:
            return text
        text = self.word.sub(_shorten_word, self.gap.sub(_shorten_gap, text))
        runs = re.compile(rf"(.)\1{{{2 * self.most_alike},}}", re.DOTALL)
        return runs.sub(lambda run: 2 * self.most_alike * run[1], text)


def shorten_texts(
    inputs: Sequence[Input], backend: Backend, truncation: Truncation, *, keep_offsets: bool
) -> list[Input]:
    """Replace very long texts by shorter ones that give the same tokens, cut in the same way.

    Parameters
    ----------
    inputs : sequence of str, of lists of words, or of pairs of either
        Only a single str is ever replaced.
    backend : tokenizers.Tokenizer
        The tokenizer, which has been set up to cut.
    truncation : Truncation
        How it cuts.
    keep_offsets : bool
        Whether the tokens must also have the same characters (start, end).

    Returns
    -------
    list
        The first part of each encoding is that of the original text, and so is the answer whether
        there are other parts. But these parts may lack some of the original's.
    """
    whole = list(inputs)
    first_size = max(_SHORTEST_BEGINNING, _CHARACTERS_PER_TOKEN * truncation.max_length)
    longest = 2 * first_size
    numbers = [
        number for number, text in enumerate(whole) if isinstance(text, str) and len(text) > longest
    ]
    rules = None
    if numbers and truncation.side == "right":
        rules = _read_rules(backend, truncation.max_length)
    if rules is None:
        return whole
    if keep_offsets:
        rules = rules._replace(gap=None, word=None)
    for number in numbers:
        text = whole[number]
        assert isinstance(text, str)
        whole[number] = _shorten(text, backend, rules, first_size)
    return whole


def _read_rules(backend: Backend, max_length: int) -> _Rules | None:
    """Return what can be done with long texts, or None if the tokenizer is not one of BERT."""
    normalizer, model = backend.normalizer, backend.model
    tokens = backend.get_added_tokens_decoder().values()
    if (
        type(normalizer) is not normalizers.BertNormalizer
        or type(backend.pre_tokenizer) is not pre_tokenizers.BertPreTokenizer
        or type(model) is not models.WordPiece
        or not isinstance(
            backend.post_processor,
            (processors.BertProcessing, processors.TemplateProcessing, type(None)),
        )
        or model.token_to_id(model.unk_token) is None  # an unknown word anywhere is an error
        or not all(_ADDED_TOKEN.fullmatch(token.content) for token in tokens)
    ):
        return None
    # Whether a token is a single word depends on what follows it, so it must not end at the cut.
    inner = {*"".join(t.content if t.single_word else t.content[:-1] for t in tokens)}
    ascii_marks = re.escape("".join(sorted({*string.punctuation} - inner)))
    ideographs = _IDEOGRAPHS if normalizer.handle_chinese_chars else ""
    beginning = re.compile(f"(?s:.*)[{_BLANKS}{_MARKS}{ideographs}{ascii_marks}]")
    if model.max_input_chars_per_word > _WORD_ENDS // 4 or not all(
        _ASCII_MARK.search(token.content) and len(token.content) <= _LONGEST_TOKEN
        for token in tokens
    ):
        return _Rules(beginning, None, None, 0)
    strips = normalizer.lowercase if normalizer.strip_accents is None else normalizer.strip_accents
    removed = (_CONTROLS if normalizer.clean_text else "") + (_ACCENTS if strips else "")
    gap = re.compile(f"[{_BLANKS}{removed}]{{4,}}")
    word = re.compile(f"[{_LETTERS}{removed}]{{{2 * _WORD_ENDS + 1},}}")
    return _Rules(beginning, gap, word, max(_LONGEST_TOKEN * max_length, _WORD_ENDS))


def _shorten(text: str, backend: Backend, rules: _Rules, size: int) -> str:
    """Return a shorter text with the same first tokens; `size` is the length to begin with."""
    kept = ""
    place, wanted = 0, size
    while place < len(text):
        more = max(size, len(kept))
        kept = rules.squeeze(kept + text[place : place + more])
        place += more
        # To try more than half of the text would take nearly as much as the whole text does.
        if wanted <= len(kept) <= len(text) // 2:
            beginning = rules.beginning.match(kept)
            if beginning and _is_cut(beginning[0], backend):
                return beginning[0]
            wanted = 2 * len(kept)
    return kept


def _is_cut(text: str, backend: Backend) -> bool:
    """Tell whether a text has more tokens than the backend leaves, special ones not included."""
    (encoding,) = backend.encode_batch_fast([text], add_special_tokens=False)
    return bool(encoding.overflowing)


def _shorten_gap(run: re.Match[str]) -> str:
    characters = run[0]
    blank = " " if _BLANK.search(characters) else ""
    return characters[0] + blank + characters[-1]


def _shorten_word(run: re.Match[str]) -> str:
    return run[0][:_WORD_ENDS] + run[0][-_WORD_ENDS:]
