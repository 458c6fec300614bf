"""The page in a browser for all eyes, ears and fingers: axe, screen readers, narrow screens."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.support.browser import NARROW, WIDE, Screen
from tests.support.http_service import Running
from tests.support.paths import CHECKOUT


def test_what_a_screen_reader_says(screen: Screen) -> None:
    def says(sentence: str) -> None:
        assert screen.contents("#announcement") == [sentence]

    screen.wait_for(lambda: says("POSITIVE, 87 percent"))
    screen.word("not").click()
    screen.wait_for(lambda: says("without “not”: NEGATIVE, 99.6 percent"))
    name = screen.word("not").accessible_name
    assert name == "not , effect +7.5 , strongly for POSITIVE; without it NEGATIVE"
    assert screen.find("#words").aria_role == "toolbar"
    assert screen.run("return document.documentElement.lang") == "en"
    headings = [heading.split()[-1] for heading in screen.contents("main .parts h2")]
    assert headings == ["Why?", "Pieces", "Attention", "way", "if?"]


@pytest.mark.parametrize(("size", "colours"), [(WIDE, "light"), (WIDE, "dark"), (NARROW, "light")])
def test_axe_finds_no_violation(
    size: tuple[int, int], colours: str, screen: Screen, mini: Running
) -> None:
    open_everything(screen, mini, size, colours)
    assert screen.violations() == []


def open_everything(screen: Screen, mini: Running, size: tuple[int, int], colours: str) -> None:
    """Open the page with something in each of its parts."""
    screen.open(mini.url, size, colours)
    screen.wait_for_words()
    screen.run("document.getElementById('attention-door').open = true")
    screen.wait_for(lambda: screen.find_all(".map"))
    screen.run("for (const each of document.querySelectorAll('details')) each.open = true")
    screen.word("not").click()
    screen.run("document.querySelector('#what-if-switches input').click()")
    screen.wait_for(lambda: screen.find_all("#outcome p"))
    screen.wait_for(lambda: screen.find_all("#what-if-outcome p"))
    time.sleep(0.3)


def test_dark_and_light(screen: Screen, mini: Running) -> None:
    grounds = []
    for colours in ("light", "dark"):
        screen.open(mini.url, colours=colours)
        colour = screen.find("body").value_of_css_property("background-color")
        grounds.append(sum(map(int, colour.strip("rgba()").split(", ")[:3])))
    light, dark = grounds
    assert light > 700
    assert dark < 100


def test_on_paper_there_are_no_buttons_but_the_words(screen: Screen) -> None:
    screen.word("not").click()
    screen.wait_for(lambda: screen.find_all("#outcome button"))
    screen.command("Emulation.setEmulatedMedia", media="print")
    visible = "return [...document.querySelectorAll('button')].filter((b) => b.checkVisibility())"
    assert all("word" in str(each.get_attribute("class")) for each in screen.run(visible))
    assert screen.find("#verdict").is_displayed()
    assert not screen.find("#attention").is_displayed()
    screen.command("Emulation.setEmulatedMedia", media="")


@pytest.mark.parametrize(("motion", "duration"), [("reduce", "0s"), ("no-preference", "0.26s")])
def test_nothing_moves_for_those_who_ask_for_it(
    motion: str, duration: str, screen: Screen, mini: Running
) -> None:
    screen.open(mini.url, motion=motion)
    screen.wait_for_words()
    assert screen.find(".fill").value_of_css_property("transition-duration") == duration


def test_a_picture_of_the_page(screen: Screen, tmp_path: Path) -> None:
    """With NPBERT_PICTURES in the environment, it is the picture of docs/serve.md."""
    folder = CHECKOUT / "docs" / "pictures" if os.environ.get("NPBERT_PICTURES") else tmp_path
    screen.resize(1280, 780)
    screen.named("Not bad").click()  # so that the time is not that of the first request
    time.sleep(0.5)
    screen.wait_for_words()
    screen.word("not").click()
    screen.wait_for_verdict("NEGATIVE 0.996 without “not”")
    screen.run("document.activeElement.blur()")
    time.sleep(0.4)  # until the bars stand still
    assert screen.browser.save_screenshot(str(folder / "page.png"))
    assert 20_000 < (folder / "page.png").stat().st_size < 200_000


def test_a_narrow_screen(screen: Screen, mini: Running) -> None:
    """Nothing makes the page scroll sideways, and every finger finds its button."""
    open_everything(screen, mini, NARROW, "light")
    width = "return document.documentElement.scrollWidth"
    assert screen.run(width) == NARROW[0]
    small = screen.run(
        "return [...document.querySelectorAll('button, summary, .segments label, .check, .switch')]"
        ".filter((each) => each.checkVisibility())"
        ".map((each) => [each.textContent, each.getBoundingClientRect()])"
        ".filter(([, place]) => place.height < 44 || place.width < 44).map(([name]) => name)"
    )
    assert small == []
    screen.write("W" * 300)
    screen.wait_for_words("W" * 300)
    assert screen.run(width) == NARROW[0]
