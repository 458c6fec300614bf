"""Explanations as HTML: well-formed, without scripts, ids or anything from outside."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import pytest

import npbert
from npbert.explanations.page import to_html, to_page

Classifier = npbert.TextClassificationPipeline
VOID = {"meta", "hr", "br"}
TAGS = {"html", "head", "body", "title", "meta", "div", "p", "span", "sub", "table", "tr", "th"}
TAGS |= {"td", "details", "summary", "b", "br", "hr", "svg", "rect"}
ATTRIBUTES = {"style", "dir", "lang", "charset", "name", "content", "open", "role", "aria-label"}
ATTRIBUTES |= {"width", "height", "viewbox", "fill", "fill-opacity", "x", "y"}


class Checker(HTMLParser):
    """Collects the text of a page, and fails where tags are not in pairs or not expected."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        assert {name for name, _ in attrs} <= ATTRIBUTES
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def found(mini: Classifier) -> npbert.Explanation:
    text = "Not <script>alert('bad')</script> & \x1b[31mgood\u202e film \U0001f600 مرحبا"
    return npbert.explain(text, mini, steps=True, attention=True)


def test_a_piece_of_html(found: npbert.Explanation) -> None:
    piece = found._repr_html_()
    assert piece == to_html(found)
    text = Checker(piece).text
    assert found.note in text
    for word in found.words:
        assert word.text.removesuffix("\u202e") in text
    assert "<script" not in piece
    assert not re.search(r"\b(id|class|href|src|on\w+)=|https?:|url\(|@import", piece)
    assert all(character.isprintable() for character in piece)


def test_the_sign_is_there_without_colours(mini: Classifier) -> None:
    piece = npbert.explain("The plot is thin, but the cast is not bad at all.", mini)._repr_html_()
    for_it, against_it = (
        re.search(rf"<span[^>]*>{word}.*?</span>", piece) for word in ("not", "thin")
    )
    assert for_it is not None
    assert against_it is not None
    assert " +7.5</sub>" in for_it[0]
    assert "solid" in for_it[0]
    assert " -3.2</sub>" in against_it[0]
    assert "dotted" in against_it[0]


def test_the_attention_has_a_picture_for_each_head(found: npbert.Explanation) -> None:
    piece = found._repr_html_()
    assert piece.count("<svg") == 4 * 12
    assert found.attention is not None
    assert found.tokens is not None
    weight = found.attention[0, 2, 2, 1]
    looking, seen = found.tokens[2], found.tokens[1]
    assert f"<title>{looking} looks at {seen}: {weight:.2f}</title>" in html.unescape(piece)


def test_a_page_of_several(found: npbert.Explanation) -> None:
    page = to_page([found, found])
    checked = Checker(page)
    assert checked.text.count(found.note) == 2
    assert page.startswith("<!DOCTYPE html>")
    assert 'charset="utf-8"' in page
