"""The page of the service in a real browser: what one sees and does."""

from __future__ import annotations

import numpy as np
from selenium.webdriver.common.keys import Keys

import npbert
from npbert.explanations.what_if import Changes, what_if
from npbert.explanations.words import find_words, leave_out, mask
from tests.support.browser import FIRST, MINUS, NARROW, Screen, verdict_for
from tests.support.http_service import Running


def signed(effect: float, decimals: int = 1) -> str:
    shown = f"{effect:+.{decimals}f}".replace("-", MINUS)
    return shown[1:] if float(f"{effect:.{decimals}f}") == 0 else shown


# ------------------------------------------------------------------------------- what one sees


def test_the_label_the_words_and_the_pieces(screen: Screen) -> None:
    found = npbert.explain(FIRST, "mini")
    screen.wait_for_verdict(verdict_for(FIRST))
    assert screen.contents(".bars th") == ["NEGATIVE", "POSITIVE"]
    assert screen.contents(".bars .score") == [f"{score:.3f}" for score in found.scores.values()]
    assert screen.contents(".word .form") == [word.text for word in found.words]
    assert screen.contents(".word .effect") == [signed(word.effect) for word in found.words]
    inputs = npbert.AutoTokenizer.from_pretrained("mini")(FIRST)
    assert screen.contents(".piece .form") == inputs.tokens()
    assert screen.contents(".piece .id") == [*map(str, inputs["input_ids"])]
    assert screen.text("#count") == "16 pieces of 512"
    assert "mini" in screen.text("#served")


def test_effects_have_a_sign_a_colour_and_an_underline(screen: Screen) -> None:
    styles = {}
    for form in ("not", "thin", "plot"):
        letters = screen.word(form).find_element("css selector", ".form")
        line = letters.value_of_css_property("border-bottom-style")
        styles[form] = line, letters.value_of_css_property("background-color")
    (for_line, for_colour), (against_line, against_colour) = styles["not"], styles["thin"]
    assert (for_line, against_line) == ("solid", "dotted")
    assert len({for_colour, against_colour, styles["plot"][1]}) == 3


def test_the_label_moves_while_one_types(screen: Screen) -> None:
    text = "I want my two hours back, please."
    screen.write(text)
    screen.wait_for_verdict(verdict_for(text))
    screen.wait_for_words("I")
    screen.write("   ")
    screen.wait_for(lambda: screen.text("#verdict") == "Type a text.")
    screen.wait_for(lambda: screen.contents(".word, .piece") == [])
    screen.named("Two halves", "#examples").click()
    screen.wait_for_words("A")
    assert str(screen.find("#text").get_attribute("value")).startswith("A slow start")


def test_a_text_of_many_words_is_explained_by_its_sentences(lonely: Screen, mini: Running) -> None:
    """The service refuses to explain the words, and advises to take sentences."""
    lonely.open(mini.url)
    lonely.wait_for_words()
    lonely.paste("The film is slow and it is long. " * 30 + "I loved it.")
    lonely.wait_for_words("The film is slow and it is long.")
    assert len(lonely.find_all(".word")) == 31
    assert "Cross out a sentence" in lonely.text("#why-lead")


def test_a_text_beyond_the_model_is_read_as_far_as_it_goes(lonely: Screen, mini: Running) -> None:
    lonely.open(mini.url)
    lonely.wait_for_words()
    lonely.paste("Quite good. " * 300)
    lonely.wait_for_words("Quite good.")
    assert lonely.text("#count") == "902 pieces of 512"
    assert len(lonely.find_all(".piece.is-beyond")) == 902 - 512
    assert len(lonely.find_all(".word")) == 510 // 3


# ------------------------------------------------------------------------ crossing words out


def test_crossing_out_by_mouse(screen: Screen) -> None:
    found = npbert.explain(FIRST, "mini")
    screen.word("not").click()
    screen.wait_for_verdict("NEGATIVE 0.996 without “not”")
    assert screen.word("not").get_attribute("aria-pressed") == "true"
    assert "Without “not”: NEGATIVE 0.996. Effect +7.52." in screen.text("#outcome")
    screen.word("bad").click()
    screen.wait_for_verdict(verdict_for("The plot is thin, but the cast is at all."))
    pair = found.pairs[0]
    assert {found.words[pair.first].text, found.words[pair.second].text} == {"not", "bad"}
    outcome = screen.text("#outcome")
    assert f"Effect {signed(pair.effect, 2)}. Alone, the two have +7.52 and +6.18" in outcome
    assert f"{-pair.interaction:.2f} less than the sum" in outcome
    screen.named("Put back", "#outcome").click()
    screen.wait_for_verdict(verdict_for(FIRST))
    assert screen.text("#outcome") == ""
    assert screen.find_all(".word[aria-pressed=true]") == []


def test_masking(screen: Screen) -> None:
    screen.word("thin").click()
    screen.wait_for_verdict("POSITIVE")
    screen.wait_for(lambda: screen.named("Mask instead", "#outcome")).click()
    masked = "The plot is [MASK], but the cast is not bad at all."
    screen.wait_for_verdict(f"{verdict_for(masked)} with “thin” masked")
    word = npbert.explain(FIRST, "mini", method="mask").words[3]
    assert f"Effect {signed(word.effect, 2)}" in screen.text("#outcome")
    assert "masked" in str(screen.word("thin").get_attribute("textContent"))


def test_by_keyboard_alone(screen: Screen) -> None:
    """Tab comes to the words once, and leaves them with the next press."""
    screen.find("#text").send_keys(Keys.TAB)
    for _ in range(3):
        screen.press(Keys.TAB)
    screen.press(Keys.TAB)
    forms = screen.contents(".word .form")

    def focus() -> str:
        letters = screen.run("return document.activeElement.querySelector('.form')?.textContent")
        return str(letters)

    assert focus() == "The"
    screen.press(*[Keys.ARROW_RIGHT] * forms.index("not"))
    assert focus() == "not"
    screen.press(Keys.SPACE)
    screen.wait_for_verdict("NEGATIVE 0.996 without “not”")
    screen.press("m")
    screen.wait_for_verdict("NEGATIVE 0.996 with “not” masked")
    screen.press(Keys.ARROW_RIGHT, Keys.SPACE)
    screen.wait_for_verdict("NEGATIVE 0.971 without “bad”, with “not” masked")
    screen.press(Keys.ESCAPE)
    screen.wait_for_verdict(verdict_for(FIRST))
    assert focus() == "bad"
    screen.press(Keys.TAB)
    assert focus() == "None"
    screen.press(Keys.SHIFT + Keys.TAB)
    assert focus() == "bad", "the toolbar remembers the word"
    screen.press(Keys.HOME)
    assert focus() == "The"
    screen.press(Keys.END)
    assert focus() == "."


def test_the_focus_is_never_lost(screen: Screen) -> None:
    """A button that does its work and goes away gives the focus to what it has changed."""
    screen.word("not").send_keys(Keys.SPACE)
    screen.wait_for(lambda: screen.find_all("#outcome button"))
    screen.press(Keys.TAB, Keys.ENTER)
    screen.wait_for_verdict(verdict_for(FIRST))
    assert screen.text("#outcome") == ""
    assert screen.browser.switch_to.active_element == screen.word("not")
    screen.named("Look through the heads").click()
    screen.wait_for(lambda: screen.find_all(".jumps button"))
    screen.find(".jumps button").send_keys(Keys.ENTER)
    screen.wait_for(lambda: screen.browser.switch_to.active_element == screen.find("#head"))


def test_arrows_move_between_lines(screen: Screen) -> None:
    screen.resize(*NARROW)
    screen.word("thin").send_keys(Keys.ARROW_DOWN)
    below = screen.browser.switch_to.active_element
    assert below.rect["y"] > screen.word("thin").rect["y"]
    assert abs(below.rect["x"] - screen.word("thin").rect["x"]) < 80
    below.send_keys(Keys.ARROW_UP)
    assert screen.browser.switch_to.active_element.rect["y"] == screen.word("thin").rect["y"]


def test_variants_are_those_of_npbert(screen: Screen) -> None:
    """The page leaves words out of a text in JavaScript, and `explain` does so in Python."""
    texts = [
        FIRST,
        "  blanks  around, and\ttabs ",
        "an emoji 😀😀 and 👩‍👩‍👧, naïve",
        "word",
        "日本語。",
    ]
    for text in texts:
        words = find_words(text)
        for numbers in ([0], [len(words) - 1], [*range(0, len(words), 2)], [*range(len(words))]):
            for kind, expected in (
                ("out", leave_out(text, words, numbers)),
                ("masked", mask(text, words, numbers, "[MASK]")),
            ):
                varied = screen.browser.execute_async_script(
                    "const [text, words, marks, done] = arguments;"
                    "import('/static/variants.js').then(({vary}) =>"
                    " done(vary(text, words, new Map(marks), '[MASK]')))",
                    text,
                    [{"start": start, "end": end} for start, end in words],
                    [[number, kind] for number in numbers],
                )
                assert varied == expected


# ------------------------------------------------------------------- the parts below the words


def test_attention_by_layer_and_head(screen: Screen) -> None:
    found = npbert.explain(FIRST, "mini", attention=True)
    assert found.attention is not None
    assert found.tokens is not None
    screen.named("Look through the heads").click()

    def shows(layer: int, head: int) -> None:
        assert screen.text(".map caption").startswith(f"Layer {layer}, head {head}:")

    screen.wait_for(lambda: shows(0, 0))
    assert screen.contents(".map thead th") == screen.contents(".map tbody th") == [*found.tokens]
    screen.find_all("#attention .segments label")[2].click()
    screen.wait_for(lambda: shows(2, 0))
    screen.find("#head").send_keys(Keys.CONTROL, "a")
    screen.find("#head").send_keys("7")
    screen.wait_for(lambda: shows(2, 7))
    weights = np.array(screen.contents(".map tbody td"), float).reshape(16, 16)
    np.testing.assert_allclose(weights, found.attention[2, 7], atol=0.0051)
    assert "“at” looks at “not”, 0.96" in screen.text(".map caption")
    screen.named("Hide [CLS]").click()
    inner = [*found.tokens[1:-1]]
    screen.wait_for(lambda: screen.contents(".map tbody th") == inner)
    decided = screen.find("#attention .jumps button")
    head = int(decided.text.removeprefix("head ").partition(":")[0])
    decided.click()
    screen.wait_for(lambda: shows(2, head))
    assert screen.find("#head").get_attribute("value") == str(head) != "7"


def test_on_a_narrow_screen_attention_is_a_list(screen: Screen, mini: Running) -> None:
    screen.open(mini.url, NARROW)
    screen.wait_for_words()
    screen.named("Look through the heads").click()
    screen.wait_for(lambda: screen.find_all(".looks li"))
    assert screen.find(".looks").is_displayed()
    assert not screen.find(".map").is_displayed()
    assert screen.find_all(".looks li")[0].text.startswith("[CLS] looks at ")
    screen.named("As a map").click()
    assert screen.find(".map").is_displayed()


def test_the_way_of_the_shapes(screen: Screen) -> None:
    steps = npbert.explain(FIRST, "mini", steps=True).steps
    assert steps is not None
    assert screen.contents(".way .name") == [step.name for step in steps]
    shapes = [f"({', '.join(map(str, step.shape))})" for step in steps]
    assert screen.contents(".way .shape") == shapes
    leads = [f"lead {signed(step.lead, 2)}" for step in steps if step.lead is not None]
    assert screen.contents(".way .lead") == leads
    assert screen.contents(".way .formula") == [step.formula for step in steps]
    (number,) = (n for n, step in enumerate(steps) if step.name == "embed")
    screen.find_all(".way summary")[number].click()
    station = screen.find(".way details[open]")
    numbers = steps[number].numbers
    assert f"{numbers[0]:.4f}".replace("-", MINUS) in station.text
    code, chapter = (
        str(link.get_attribute("href")) for link in station.find_elements("css selector", "a")
    )
    repository = "https://github.com/npbert/npbert/blob/main"
    assert code == f"{repository}/npbert/{steps[number].where.replace(':', '#L')}"
    assert chapter == f"{repository}/docs/learn/2_vectors.md"


def test_what_if(screen: Screen) -> None:
    mini = npbert.pipeline("text-classification", "mini")

    def shows(changes: Changes, sentence: str) -> None:
        after = what_if(mini, FIRST, changes).after
        best = max(after, key=after.__getitem__)

        def it_does() -> None:
            says = screen.text("#what-if-outcome p")
            assert says.startswith(f"The model {sentence}: {best} {after[best]:.3f}."), says

        screen.wait_for(it_does)

    screen.named("No positions").click()
    shows(Changes(positions=False), "without positions")
    assert screen.contents("#what-if-outcome tbody .score")[::2] == ["0.870", "0.130"]
    screen.named("No positions").click()
    screen.named("ReLU").click()
    shows(Changes(activation="relu"), "with ReLU")
    screen.named("No square root").click()
    shows(Changes(activation="relu", scale=False), "with ReLU and without the square root")
    for each in ("ReLU", "No square root"):
        screen.named(each).click()
    screen.wait_for(lambda: screen.text("#what-if-outcome") == "")
    for layer in screen.find_all("#what-if .segments label")[1:]:
        layer.click()
    changes = Changes(without_layers=(1, 2, 3))
    shows(changes, "without layers 1, 2 and 3")
    assert not screen.find("#what-if .segments input").is_enabled(), "one layer has to stay"
    screen.wait_for_verdict(verdict_for(FIRST))
