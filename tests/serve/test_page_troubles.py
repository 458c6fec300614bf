"""The page in a browser, where something goes wrong: strange texts, late answers, no service."""

from __future__ import annotations

import time

import pytest
from selenium.webdriver.common.keys import Keys

from npbert.serve.settings import Limits
from tests.support.browser import FIRST, Screen, verdict_for
from tests.support.http_service import Running, serving

INJECTION = "<img src=x onerror=window.hurt=1><script>window.hurt=1</script> not <b>bad</b>"


def test_a_text_stays_text(screen: Screen) -> None:
    screen.write(INJECTION)
    screen.wait_for_words("<")
    screen.word("onerror").click()
    screen.wait_for(lambda: "onerror" in screen.text("#outcome"))
    screen.named("Look through the heads").click()
    screen.wait_for(lambda: screen.find_all(".map"))
    assert screen.run("return window.hurt") is None
    assert screen.find_all("img, main script, main .words b") == []
    assert "".join(screen.contents(".word .form")) == INJECTION.replace(" ", "")


def test_a_late_answer_changes_nothing(screen: Screen) -> None:
    """The answers to the first text arrive when those to the second one are shown."""
    screen.run(
        "const ask = window.fetch; window.late = 0;"
        "window.fetch = (path, options) => ask(path, {...options, signal: undefined}).then("
        "  (answer) => options.body?.includes('terrible')"
        "    ? new Promise((show) => setTimeout(() => { window.late++; show(answer); }, 1200))"
        "    : answer);"
    )
    screen.write("A terrible film.")
    time.sleep(0.5)
    second = "I like this film."
    screen.write(second)
    screen.wait_for_words("I")
    screen.wait_for_verdict(verdict := verdict_for(second))
    screen.wait_for(lambda: screen.run("return window.late") >= 2)
    assert screen.text("#verdict") == verdict
    assert screen.contents(".word .form")[0] == "I"


def test_the_service_is_gone_and_comes_back(lonely: Screen, mini: Running) -> None:
    with serving(model="mini") as own:
        lonely.open(own.url)
        lonely.wait_for_words()
    lonely.write("Is anyone there?")
    lonely.wait_for(lambda: "The service does not answer" in lonely.text("#trouble"))
    lonely.wait_for_verdict(verdict_for(FIRST))
    assert lonely.run("return getComputedStyle(verdict, '::after').content") == '"old"'
    lonely.open(mini.url)
    lonely.wait_for_words()
    connection = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    lonely.command("Network.enable")
    lonely.command("Network.emulateNetworkConditions", offline=True, **connection)
    lonely.write("I am here again.")
    lonely.wait_for(lambda: "The service does not answer" in lonely.text("#trouble"))
    lonely.command("Network.emulateNetworkConditions", offline=False, **connection)
    lonely.wait_for_words("I")  # by itself
    lonely.wait_for(lambda: not lonely.find("#trouble").is_displayed())
    assert not lonely.find_all(".is-old")


def test_where_no_word_can_be_left_out_nothing_of_another_text_stays(
    lonely: Screen, mini: Running
) -> None:
    lonely.open(mini.url)
    lonely.wait_for_words()
    lonely.named("Look through the heads").click()
    lonely.named("No positions").click()
    lonely.wait_for(lambda: lonely.find_all(".map") and lonely.find_all("#what-if-outcome p"))
    lonely.paste("\u200b")
    lonely.wait_for(lambda: "has no word" in lonely.text("#why-lead"))
    assert lonely.contents(".word, .piece, .way li, .map, #what-if-outcome p") == []


def test_a_refusal_is_shown_as_text(lonely: Screen) -> None:
    with serving(model="mini", limits=Limits(payload_limit=200)) as own:
        lonely.open(own.url)
        lonely.wait_for_words()
        lonely.write("<b>long</b> " * 30)
        refusal = own.post("/predict", {"inputs": "<b>long</b> " * 30}).error
        lonely.wait_for(lambda: refusal in lonely.text("#trouble"))
        assert "old" in lonely.run("return getComputedStyle(verdict, '::after').content")
        lonely.wait_for(lambda: not lonely.find_all(".is-waiting"))
        assert lonely.violations() == []


def test_a_key_is_asked_for_and_kept_in_memory_alone(lonely: Screen) -> None:
    with serving(model="mini", api_key="open-sesame") as own:
        lonely.open(own.url)
        lonely.wait_for(lambda: lonely.find("#key-dialog").is_displayed())
        assert lonely.violations() == []
        lonely.press("wrong", Keys.ENTER)
        lonely.wait_for(lambda: "does not know this key" in lonely.text("#key-dialog"))
        lonely.press("open-sesame", Keys.ENTER)
        lonely.wait_for_words()
        assert not lonely.find("#key-dialog").is_displayed()
        stored = "return [localStorage.length, sessionStorage.length, document.cookie]"
        assert lonely.run(stored) == [0, 0, ""]
        assert "Authorization: Bearer KEY" in lonely.text("#command")


@pytest.mark.filterwarnings("ignore:none of the model's labels")
def test_a_model_that_labels_no_texts(lonely: Screen) -> None:
    with serving(model="mini", task="zero-shot-classification") as own:
        lonely.open(own.url)
        lonely.wait_for(lambda: "labels that each request brings" in lonely.text("#other-title"))
        assert not lonely.find("#desk").is_displayed()
        assert f"curl {own.url}/ " in lonely.text("#command")
        assert lonely.violations() == []
