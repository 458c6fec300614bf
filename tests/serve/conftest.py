"""The bundled model behind HTTP, and a browser that shows its page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium import webdriver

from tests.support.browser import Screen, running_browser
from tests.support.http_service import Running, serving


@pytest.fixture(scope="session")
def mini() -> Iterator[Running]:
    """A service of `mini` with the default settings."""
    with serving(model="mini") as service:
        yield service


@pytest.fixture(scope="session")
def browser() -> Iterator[webdriver.Chrome]:
    with running_browser() as browser:
        yield browser


@pytest.fixture
def screen(browser: webdriver.Chrome, mini: Running) -> Iterator[Screen]:
    """The page of `mini`, with the effects of its words.

    The test fails if the browser complains, or if it has asked anyone else.
    """
    screen = Screen(browser)
    screen.complaints()
    screen.requested()
    screen.open(mini.url)
    screen.wait_for_words()
    yield screen
    assert screen.complaints() == []
    assert [url for url in screen.requested() if not url.startswith(f"{mini.url}/")] == []


@pytest.fixture
def lonely(browser: webdriver.Chrome) -> Iterator[Screen]:
    """A browser for a service of its own, or for none; its console may list what was refused."""
    screen = Screen(browser)
    yield screen
    screen.browser.get("about:blank")
    assert all("Failed to load resource" in line for line in screen.complaints())
