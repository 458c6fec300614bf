"""Texts that try to write outside of their place, or to take all time and memory."""

from __future__ import annotations

CONTROLS = {
    "clear the screen": "\x1b[2J\x1b[Hnpbert",
    "set the title": "\x1b]0;owned\x07",
    "a link": "\x1b]8;;http://example.org\x1b\\click\x1b]8;;\x1b\\",
    "C1": "\x9b2J\x90q\x9c\x85",
    "carriage return": "good\rbad",
    "line up": "good\x1b[1A\x0b\x0c",
    "backspaces": "good\x08\x08\x08\x7f",
    "right to left": "\u202egnp.exe\u202c",
    "isolates": "\u2066a\u2067b\u2068c\u2069",
    "other lines": "good\u2028bad\u2029",
    "invisible": "go\u200b\u2060\ufeff\u00ad\U000e0041od",
    "private": "\ue000\U0010ffff",
}
# These cannot be arguments of a program, or not in all of its files.
NUL = "a\0b"
FAKE_LINE = "good\nnpbert: error: bad"
HALVES = ["\ud83d", "a\udc9f"]  # of surrogate pairs

LONG = {
    "one letter": "a" * 10_000_000,
    "one punctuation mark": "!" * 10_000_000,
    "one unknown character": "\U0001f9ff" * 10_000_000,
    "one blank": "a" + " " * 10_000_000 + "b",
    "marks": "a" + "\u0301" * 100_000,
    "marks that stay": "a" + "\u0338" * 100_000,
    "joined emoji": "\U0001f469\u200d" * 50_000,
    "right to left": "\u202e\u202c" * 50_000 + "a",
    "NUL": "\0" * 10_000_000 + "a",
    "ideographs": "\u6771" * 10_000_000,
}
