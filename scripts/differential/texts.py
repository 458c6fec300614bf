"""Random texts: words that a vocabulary has and words that it lacks, in all parts of Unicode."""

from __future__ import annotations

import re
from collections.abc import Sequence

from differential.chance import Chance
from differential.other_tokenizers import BLANK, END, MARKS, SPACE_BYTE

# Words that are hard for a tokenizer: accents in both forms, letters that become longer in lower
# case, marks that change the direction, joined emoji, blanks and controls, and very long words.
HARD = (
    "don't", "naïve", "CAFÉ", "İstanbul", "ß", "ﬁne", "½", "…", "東京", "東", "京a都", "한국어",
    "한", "ภาษาไทย", "हिन्दी", "שָׁלוֹם", "مرحبا", "😀", "𝒳", "##a", "a##", "[", "]", "[MASK",
    "a[MASK]b", "[mask]", "ǅ", "Ω", "ς", "ΑΣ", "ŉ", "-", "--", "...", "$5", "\xa0", "\u200b",
    "nai\u0308ve", "e\u0301\u0323", "\u202eabc\u202c",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0001f3f3\ufe0f\u200d\U0001f308",
    "\U0002a6d6", "\U0001f1e9\U0001f1ea", "\u0345", "\xad", "\ufeff", "\ufffd", "\x1b[31m",
    "\x00", "\x01", "\x7f", "\x85", "\u2028", "\u3000", "\t", "\n", "\r\n",
    "x" * 101, "x" * 100, "é" * 120,
)  # fmt: skip
# What tokens of many kinds have beside their letters.
_MARK = re.compile(f"^({'|'.join([*MARKS, BLANK, SPACE_BYTE])})|{END}$")
_PLANES = ((0, 0x7F), (0x80, 0x24F), (0x250, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x10FFFF))


class Texts:
    """A source of texts for a tokenizer.

    Parameters
    ----------
    chance : Chance
    tokens : sequence of str
        The tokens of the vocabulary.
    special : sequence of str
        The special tokens and the added tokens, which are written in some texts.
    """

    def __init__(self, chance: Chance, tokens: Sequence[str], special: Sequence[str]) -> None:
        self._chance = chance
        self._words = [_MARK.sub("", each) for each in tokens if not each.startswith(MARKS)]
        self._pieces = [_MARK.sub("", token) for token in tokens]
        self._special = special

    def text(self, usual_words: int = 8) -> str:
        """Return a text; few of them are empty, and few are long."""
        chance = self._chance
        if chance.happens(0.02):
            return chance.choice(["", " ", "\n", "\x00", "a", "."])
        most = 400 if chance.happens(0.03) else 40
        if most == 400:
            usual_words = 150
        words = [self.word() for _ in range(1 + chance.length(usual_words, most))]
        return chance.choice(["", " ", " ", " ", " ", "  ", "\t", ", "]).join(words)

    def word(self) -> str:
        """Return a word, or a few characters of any kind."""
        chance = self._chance
        kind = chance.random()
        if kind < 0.55:
            word = chance.choice(self._words)
            return chance.choice([word, word, word, word.upper(), word.title()])
        if kind < 0.75:
            return "".join(chance.choice(self._pieces) for _ in range(chance.randint(1, 4)))
        if kind < 0.86:
            return chance.choice(HARD)
        if kind < 0.90 and self._special:
            return chance.choice(self._special)
        if kind > 0.9995:
            return "half a pair \ud83d"  # which no tokenizer takes
        return "".join(self._character() for _ in range(chance.randint(1, 5)))

    def words(self) -> list[str]:
        """Return a text as a list of its words, some of which are empty or have blanks."""
        words = self._chance.several(self.word, 1, 8)
        if self._chance.happens(0.05):
            words.append(self._chance.choice(["", " ", "two words"]))
        return words

    def _character(self) -> str:
        first, last = self._chance.choice(_PLANES)
        return chr(self._chance.randint(first, last))
