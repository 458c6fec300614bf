/** Part 1: the words, what happens without some of them, and all effects as a table. */

import { button, byId, element } from "./elements.js";
import { sayLabel } from "./label.js";
import { Newest } from "./newest.js";
import { listed, plain, signed, written } from "./numbers.js";
import { vary } from "./variants.js";
import { Words, best } from "./words.js";

/**
 * @typedef {import("./label.js").Prediction} Prediction
 * @typedef {import("./words.js").Explanation} Explanation
 * @typedef {import("./words.js").Word} Word
 */

export class Why {
  /** @type {Explanation | null} */
  #explanation = null;
  #questions = new Newest();
  #words;
  #page;

  /**
   * @param {{
   *   service: import("./service.js").Service,
   *   label: import("./label.js").Label,
   *   announcer: import("./announcer.js").Announcer,
   *   maskToken: string | null,
   *   fail: (error: Error) => void,
   * }} page
   */
  constructor(page) {
    this.#page = page;
    this.#words = new Words(() => this.#vary(), page.maskToken !== null);
  }

  /**
   * Show the effects of the words.
   *
   * @param {Explanation} explanation
   */
  show(explanation) {
    this.#explanation = explanation;
    const { label, unit } = explanation;
    byId("why-lead").replaceChildren(
      `Cross out a ${unit}, and see what becomes of the label. The number below a ${unit} says `,
      "how far the lead of ",
      element("b", { dir: "auto" }, label),
      ` falls without it: + speaks for ${label}, \u2212 speaks against it. `,
      "Bold numbers turn the label.",
    );
    this.#words.show(explanation);
    this.#showOutcome([]);
    byId("why-more").replaceChildren(
      table(explanation),
      element("p", { class: "fine" }, explanation.note),
    );
  }

  /**
   * Show why there are no effects.
   *
   * @param {string} sentence
   */
  clear(sentence) {
    this.#explanation = null;
    this.#words.clear();
    byId("why-lead").textContent = sentence;
    byId("outcome").replaceChildren();
    byId("why-more").replaceChildren();
  }

  /** Forget the question that is open: the text has changed. */
  forget() {
    this.#questions.drop();
  }

  /** Ask what the model says of the text with its present marks. */
  #vary() {
    const explanation = /** @type {Explanation} */ (this.#explanation);
    const { service, label, announcer, maskToken, fail } = this.#page;
    const marks = this.#words.marks;
    if (!marks.size) {
      this.#questions.drop();
      label.showWhole();
      this.#showOutcome([]);
      announcer.say(`All ${explanation.unit}s are back. ${sayLabel(label.whole[0])}`);
      return;
    }
    const inputs = vary(explanation.text, explanation.words, marks, maskToken ?? "");
    const change = this.#describe();
    this.#questions.ask(
      (signal) =>
        Promise.all([
          service.post("/predict", { inputs, truncate: true }, signal),
          service.post("/predict", { inputs, truncate: true, raw_scores: true }, signal),
        ]),
      ([predictions, logits]) => {
        label.showVariant(predictions, change);
        const effect = explanation.lead - leadOf(explanation, logits);
        this.#showOutcome(this.#outcome(predictions[0], effect, change));
        announcer.say(`${change}: ${sayLabel(predictions[0])}`);
      },
      fail,
    );
  }

  /**
   * Say what was done to the words: "without not and bad".
   *
   * @returns {string}
   */
  #describe() {
    const marks = this.#words.marks;
    const words = /** @type {Explanation} */ (this.#explanation).words;
    const named = (/** @type {string} */ kind) =>
      [...marks.keys()]
        .sort((a, b) => a - b)
        .filter((number) => marks.get(number) === kind)
        .map((number) => `\u201c${words[number].text}\u201d`);
    const parts = [];
    if (named("out").length) parts.push(`without ${listed(named("out"))}`);
    if (named("masked").length) parts.push(`with ${listed(named("masked"))} masked`);
    return parts.join(", ");
  }

  /**
   * @param {Prediction} best
   * @param {number} effect
   * @param {string} change
   * @returns {(Node | string)[]}
   */
  #outcome(best, effect, change) {
    const says = element(
      "p",
      { dir: "auto" },
      `${change[0].toUpperCase()}${change.slice(1)}: `,
      element("strong", {}, best.label),
      ` ${written(best.score)}. Effect ${signed(effect, 2)}.${this.#together(effect)}`,
    );
    const back = button("Put back", () => this.#words.restore());
    const kinds = [...this.#words.marks.values()];
    const isMasked = kinds.every((kind) => kind === "masked");
    const other = isMasked
      ? button("Cross out instead", () => this.#words.markAll("out"))
      : button("Mask instead", () => this.#words.markAll("masked"));
    const buttons = this.#page.maskToken === null ? [back] : [back, other];
    return [says, element("p", { class: "buttons" }, ...buttons)];
  }

  /**
   * Compare the effect of two words with their effects alone.
   *
   * @param {number} effect
   * @returns {string}
   */
  #together(effect) {
    const marks = this.#words.marks;
    if (marks.size !== 2 || [...marks.values()].includes("masked")) return "";
    const words = /** @type {Explanation} */ (this.#explanation).words;
    const [first, second] = [...marks.keys()].sort((a, b) => a - b).map((n) => words[n].effect);
    const difference = effect - first - second;
    const side = difference < 0 ? "less" : "more";
    return [
      ` Alone, the two have ${signed(first, 2)} and ${signed(second, 2)}:`,
      `together they do ${plain(Math.abs(difference))} ${side} than the sum.`,
    ].join(" ");
  }

  /** @param {(Node | string)[]} children */
  #showOutcome(children) {
    const outcome = byId("outcome");
    const hadFocus = outcome.contains(document.activeElement);
    outcome.replaceChildren(...children);
    if (hadFocus) this.#words.focus();
  }
}

/**
 * Compute how far a label leads, as npbert does: its logit minus the mean of the others. Where each
 * label has a score of its own, the lead is the logit alone.
 *
 * @param {Explanation} explanation
 * @param {Prediction[]} logits
 * @returns {number}
 */
function leadOf(explanation, logits) {
  const own = logits.find((one) => one.label === explanation.label)?.score ?? NaN;
  const others = logits.filter((one) => one.label !== explanation.label);
  const isExclusive = explanation.steps[explanation.steps.length - 1].name === "softmax";
  if (!isExclusive || !others.length) return own;
  return own - others.reduce((sum, one) => sum + one.score, 0) / others.length;
}

/**
 * Make the table of all effects, the largest first.
 *
 * @param {Explanation} explanation
 * @returns {HTMLElement}
 */
function table(explanation) {
  const sorted = [...explanation.words].sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect));
  const largest = Math.abs(sorted[0].effect) || 1;
  const head = [explanation.unit, "effect", "label without it"].map((name) =>
    element("th", { scope: "col" }, name),
  );
  return element(
    "details",
    {},
    element("summary", {}, `All effects as a table`),
    element(
      "div",
      { class: "scroller", tabindex: 0, role: "group", "aria-label": "All effects" },
      element(
        "table",
        { class: "effects" },
        element("thead", {}, element("tr", {}, ...head)),
        element("tbody", {}, ...sorted.map((word) => row(word, largest))),
      ),
    ),
  );
}

/**
 * @param {Word} word
 * @param {number} largest
 * @returns {HTMLElement}
 */
function row(word, largest) {
  const side = word.effect > 0 ? "is-for" : "is-against";
  const then = best(word.without);
  const stick = element("span", { class: "stick", "aria-hidden": "true" });
  const made = element(
    "tr",
    { class: side },
    element("th", { scope: "row", dir: "auto" }, word.text),
    element(
      "td",
      { class: "effect-cell" },
      element("span", { class: "effect" }, signed(word.effect, 2)),
      stick,
    ),
    element("td", {}, `${then} ${written(word.without[then])}`),
  );
  made.style.setProperty("--share", String(Math.abs(word.effect) / largest));
  return made;
}
