/** The words of the text as buttons: one crosses them out, masks them, and puts them back. */

import { byId, element, unseen } from "./elements.js";
import { signed } from "./numbers.js";

const STRONG = 0.1; // the share of the largest effect from which a word counts as strong

/**
 * @typedef {import("./variants.js").Mark} Mark
 * @typedef {{
 *   text: string, start: number, end: number, effect: number,
 *   without: Record<string, number>, other_way: number | null
 * }} Word - As the service has it.
 * @typedef {{
 *   text: string, label: string, scores: Record<string, number>, lead: number, words: Word[],
 *   unit: string, note: string, is_cut: boolean, steps: any[]
 * }} Explanation - The parts that this page reads.
 */

export class Words {
  /** @type {Map<number, Mark>} - What was done to the words, by their numbers. */
  marks = new Map();
  /** @type {HTMLElement[]} */
  #buttons = [];
  #toolbar = byId("words");
  #onChange;
  #canMask;

  /**
   * @param {() => void} onChange - Called when a mark was set or taken away.
   * @param {boolean} canMask - Whether the model has a mask token.
   */
  constructor(onChange, canMask) {
    this.#onChange = onChange;
    this.#canMask = canMask;
    this.#toolbar.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      this.#press(event);
    });
  }

  /**
   * Show the words of a text, with their effects.
   *
   * @param {Explanation} explanation
   */
  show(explanation) {
    this.marks.clear();
    const largest = Math.max(...explanation.words.map((word) => Math.abs(word.effect))) || 1;
    this.#buttons = explanation.words.map((word, number) => {
      const made = wordButton(word, explanation, largest);
      made.tabIndex = number === 0 ? 0 : -1;
      made.addEventListener("click", () => this.#toggle(number));
      made.addEventListener("focus", () => this.#moveTabStop(number));
      return made;
    });
    this.#toolbar.replaceChildren(...this.#buttons);
  }

  /** Show that there are no words. */
  clear() {
    this.marks.clear();
    this.#buttons = [];
    this.#toolbar.replaceChildren();
  }

  /** Give the focus to the word that had it last. */
  focus() {
    this.#buttons.find((word) => word.tabIndex === 0)?.focus();
  }

  /** Put all words back. */
  restore() {
    if (!this.marks.size) return;
    this.marks.clear();
    this.#changed();
  }

  /**
   * Do the same to all words that are marked.
   *
   * @param {Mark} mark
   */
  markAll(mark) {
    for (const number of this.marks.keys()) this.marks.set(number, mark);
    this.#changed();
  }

  /** @param {number} number */
  #toggle(number) {
    if (!this.marks.delete(number)) this.marks.set(number, "out");
    this.#changed();
  }

  /** @param {number} number */
  #mask(number) {
    if (this.marks.get(number) === "masked") this.marks.delete(number);
    else this.marks.set(number, "masked");
    this.#changed();
  }

  #changed() {
    for (const [number, word] of this.#buttons.entries()) {
      const mark = this.marks.get(number);
      word.setAttribute("aria-pressed", String(mark !== undefined));
      word.classList.toggle("is-masked", mark === "masked");
      word.querySelector(".mark")?.replaceChildren(mark === "masked" ? ", masked" : "");
    }
    this.#onChange();
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const current = this.#buttons.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (current < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const isReversed = getComputedStyle(this.#toolbar).direction === "rtl";
    const forward = isReversed ? -1 : 1;
    /** @type {Record<string, () => void>} */
    const actions = {
      ArrowRight: () => this.#goTo(current + forward),
      ArrowLeft: () => this.#goTo(current - forward),
      ArrowDown: () => this.#goTo(this.#inNextLine(current, 1)),
      ArrowUp: () => this.#goTo(this.#inNextLine(current, -1)),
      Home: () => this.#goTo(0),
      End: () => this.#goTo(this.#buttons.length - 1),
      Escape: () => this.restore(),
      m: () => this.#canMask && this.#mask(current),
    };
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  /** @param {number} number */
  #goTo(number) {
    this.#buttons[number]?.focus();
  }

  /**
   * Find the word below or above another one.
   *
   * @param {number} from
   * @param {1 | -1} direction - Down or up.
   * @returns {number}
   */
  #inNextLine(from, direction) {
    const places = this.#buttons.map((word) => word.getBoundingClientRect());
    const own = places[from];
    const isBeyond = (/** @type {DOMRect} */ place) => (place.top - own.top) * direction > 1;
    const beyond = places.filter(isBeyond);
    if (!beyond.length) return from;
    const top = Math[direction > 0 ? "min" : "max"](...beyond.map((place) => place.top));
    const distance = (/** @type {DOMRect} */ place) => Math.abs(place.left - own.left);
    const line = beyond.filter((place) => Math.abs(place.top - top) < 1);
    return places.indexOf(line.reduce((a, b) => (distance(b) < distance(a) ? b : a)));
  }

  /** @param {number} number */
  #moveTabStop(number) {
    for (const [each, word] of this.#buttons.entries()) word.tabIndex = each === number ? 0 : -1;
  }
}

/**
 * Make the button of a word: the word, and its effect below.
 *
 * @param {Word} word
 * @param {Explanation} explanation
 * @param {number} largest - The size of the largest effect.
 * @returns {HTMLElement}
 */
function wordButton(word, explanation, largest) {
  const share = Math.abs(word.effect) / largest;
  const kinds = ["word"];
  if (share >= STRONG) kinds.push(word.effect > 0 ? "is-for" : "is-against");
  if (flips(word, explanation)) kinds.push("is-decisive");
  const made = element(
    "button",
    { type: "button", class: kinds.join(" "), "aria-pressed": "false" },
    element("span", { class: "form" }, word.text),
    unseen(", effect "),
    element("span", { class: "effect" }, signed(word.effect)),
    unseen(`, ${inWords(word, share, explanation)}`),
    element("span", { class: "mark unseen" }),
  );
  made.style.setProperty("--share", share.toFixed(2));
  return made;
}

/**
 * Say what an effect means.
 *
 * @param {Word} word
 * @param {number} share - Its size, as a share of the largest one.
 * @param {Explanation} explanation
 * @returns {string}
 */
function inWords(word, share, explanation) {
  const side = `${word.effect > 0 ? "for" : "against"} ${explanation.label}`;
  if (share < STRONG) return "hardly counts";
  const strength = share >= 0.5 ? "strongly " : "";
  const turn = flips(word, explanation) ? `; without it ${best(word.without)}` : "";
  return strength + side + turn;
}

/**
 * Tell whether the text gets another label without the word.
 *
 * @param {Word} word
 * @param {Explanation} explanation
 * @returns {boolean}
 */
export function flips(word, explanation) {
  return best(word.without) !== best(explanation.scores);
}

/**
 * Return the label with the highest score.
 *
 * @param {Record<string, number>} scores
 * @returns {string}
 */
export function best(scores) {
  return Object.keys(scores).reduce((a, b) => (scores[b] > scores[a] ? b : a));
}
