"""A real browser without a window, Debian's chromium with its driver, and what tests do in it."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, TypeVar

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

import npbert

T = TypeVar("T")

SECONDS = 20  # after which a test gives up
WIDE, NARROW = (1280, 900), (360, 740)  # CSS pixels
FIRST = "The plot is thin, but the cast is not bad at all."  # what the page begins with
MINUS = "\u2212"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


def verdict_for(text: str) -> str:
    """Return what the page says of a text, by what `classify` says."""
    (answer,) = npbert.classify([text], model="mini")
    assert 0.001 < answer["score"] < 0.999
    return f"{answer['label']} {answer['score']:.3f}"


@contextmanager
def running_browser() -> Iterator[webdriver.Chrome]:
    """Start a browser, and end it with the block; skip the test where there is none."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("there is no chromium with chromedriver: apt-get install chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    options.add_argument("--headless=new")
    options.add_argument("--hide-scrollbars")
    options.add_argument("--disable-dev-shm-usage")  # /dev/shm is small in containers
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # the sandbox does not work for root
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        yield browser
    finally:
        browser.quit()


@dataclass(frozen=True)
class Screen:
    """The page of a service in the browser, as somebody sees it.

    Attributes
    ----------
    browser : selenium's Chrome
    """

    browser: webdriver.Chrome

    def open(
        self,
        url: str,
        size: tuple[int, int] = WIDE,
        colours: str = "light",
        motion: str = "no-preference",
    ) -> None:
        """Open a page, on a screen of this size and for a user of these preferences."""
        features = {"prefers-color-scheme": colours, "prefers-reduced-motion": motion}
        self.command(
            "Emulation.setEmulatedMedia",
            features=[{"name": name, "value": value} for name, value in features.items()],
        )
        self.resize(*size)
        self.browser.get(url)

    def resize(self, width: int, height: int) -> None:
        """Give the screen another size."""
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def command(self, name: str, **parameters: Any) -> Any:
        """Send a command of Chrome's developer tools."""
        return self.browser.execute_cdp_cmd(name, parameters)

    def run(self, script: str, *arguments: object) -> Any:
        """Run JavaScript in the page."""
        return self.browser.execute_script(script, *arguments)

    def find(self, selector: str) -> WebElement:
        """Return the first element of a CSS selector."""
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def find_all(self, selector: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def named(self, text: str, within: str = "body") -> WebElement:
        """Return the button, label or summary that reads like this."""
        found = self.run(
            "return [...document.querySelectorAll(arguments[0])].find("
            "(each) => each.checkVisibility() && each.innerText.trim().startsWith(arguments[1]))",
            ", ".join(f"{within} {kind}" for kind in ("button", "label", "summary")),
            text,
        )
        assert found is not None, f"nothing in {within} is called {text!r}"
        return found  # type: ignore[no-any-return]

    def text(self, selector: str) -> str:
        """Return what an element shows."""
        found = self.run("return document.querySelector(arguments[0])?.innerText", selector)
        assert found is not None, f"there is no {selector}"
        return str(found).strip()

    def contents(self, selector: str) -> list[str]:
        """Return the texts of all elements of a selector, also where nobody sees them."""
        return self.run(  # type: ignore[no-any-return]
            "return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent)",
            selector,
        )

    def wait_for(self, what: Callable[[], T]) -> T:
        """Wait until something is so, and return what the function returns.

        It is not so yet while the function returns False or an empty list, or an assertion fails.
        """
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                found = what()
                assert found is not False, "it did not happen"
                assert found != [], "it did not appear"
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
            else:
                return found
            time.sleep(0.02)

    def wait_for_words(self, first: str = "The") -> None:
        """Wait until the words of a text are there, of which the first one is given."""

        def there_are_words() -> None:
            assert [*self.contents(".word .form"), ""][0] == first
            assert not self.find_all(".is-waiting")

        self.wait_for(there_are_words)

    def wait_for_verdict(self, verdict: str) -> None:
        """Wait until the page says that a text has this label."""

        def it_is_there() -> None:
            assert " ".join(self.text("#verdict").split()).startswith(verdict)

        self.wait_for(it_is_there)

    def press(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        for key in keys:
            self.browser.switch_to.active_element.send_keys(key)

    def write(self, text: str) -> None:
        """Type into the field of the text, in place of what is there."""
        field = self.find("#text")
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text)

    def paste(self, text: str) -> None:
        """Put a long text into the field, in place of what is there."""
        field = self.find("#text")
        self.run("arguments[0].value = arguments[1]", field, text)
        field.send_keys(" ")

    def word(self, form: str) -> WebElement:
        """Return the button of a word."""
        forms = self.contents(".word .form")
        assert form in forms, f"there is no word {form!r}"
        return self.find_all(".word")[forms.index(form)]

    def violations(self) -> list[str]:
        """Return what axe finds wrong, one line for each rule and element."""
        source = files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
        self.run(source)
        found = self.browser.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run({runOnly: arguments[0], resultTypes: ['violations']})"
            ".then(done, (error) => done({error: String(error)}));",
            TAGS,
        )
        assert "error" not in found, found["error"]
        assert len(found["passes"]) > 20, "axe has not looked"
        return [
            f"{rule['id']}: {node['html']} ({node['failureSummary']})"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]

    def complaints(self) -> list[str]:
        """Return what the browser has written to its console since it was asked last."""
        return [entry["message"] for entry in self.browser.get_log("browser")]  # type: ignore[no-untyped-call]

    def requested(self) -> list[str]:
        """Return the addresses that the browser has asked since it was asked last."""
        entries = self.browser.get_log("performance")  # type: ignore[no-untyped-call]
        messages = [json.loads(entry["message"])["message"] for entry in entries]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]
