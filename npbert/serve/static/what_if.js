/** Part 5: switches that change the model for one request. */

import { byId, element } from "./elements.js";
import { makeBar, moveBar, sayLabel } from "./label.js";
import { Newest } from "./newest.js";
import { listed, written } from "./numbers.js";

/**
 * @typedef {{
 *   positions?: false, without_layers?: number[], activation?: string, scale?: false
 * }} Changes - As the service takes them.
 * @typedef {{ before: Record<string, number>, after: Record<string, number> }} Outcome
 * @typedef {{ name: string, hint: string, says: string, change: Changes }} Part
 */

/** @type {Part[]} */
const PARTS = [
  {
    name: "No positions",
    hint: "Every position gets the same vector, so the order of the words does not count.",
    says: "without positions",
    change: { positions: false },
  },
  {
    name: "ReLU in place of GELU",
    hint: "The bend between two linear layers becomes a corner: max(x, 0).",
    says: "with ReLU",
    change: { activation: "relu" },
  },
  {
    name: "No square root",
    hint: "Scores of attention are not divided by \u221ahead_dim, so heads are more decided.",
    says: "without the square root",
    change: { scale: false },
  },
];

export class WhatIf {
  #text = "";
  #nLayers = 0;
  /** @type {Set<Part>} */
  #chosen = new Set();
  /** @type {Set<number>} */
  #layersOut = new Set();
  #questions = new Newest();
  #page;

  /**
   * @param {{
   *   service: import("./service.js").Service,
   *   announcer: import("./announcer.js").Announcer,
   *   fail: (error: Error) => void,
   * }} page
   */
  constructor(page) {
    this.#page = page;
  }

  /**
   * Show another text.
   *
   * @param {string} text
   * @param {number} nLayers - How many layers the model has.
   */
  show(text, nLayers) {
    this.#text = text;
    if (nLayers !== this.#nLayers) {
      this.#nLayers = nLayers;
      byId("what-if-switches").replaceChildren(
        ...PARTS.map((part) => this.#switch(part)),
        this.#layers(),
      );
    }
    this.#ask();
  }

  /** Show that there is no text. */
  clear() {
    this.#text = "";
    this.#ask();
  }

  #ask() {
    if (!this.#text || (!this.#chosen.size && !this.#layersOut.size)) {
      this.#questions.drop();
      byId("what-if-outcome").replaceChildren();
      return;
    }
    const changes = { without_layers: [...this.#layersOut] };
    for (const part of this.#chosen) Object.assign(changes, part.change);
    this.#questions.ask(
      (signal) => this.#page.service.post("/what-if", { inputs: this.#text, changes }, signal),
      (outcome) => this.#draw(outcome),
      this.#page.fail,
    );
  }

  /**
   * @param {Part} part
   * @returns {HTMLElement}
   */
  #switch(part) {
    const input = /** @type {HTMLInputElement} */ (
      element("input", { type: "checkbox", role: "switch" })
    );
    input.addEventListener("change", () => {
      if (input.checked) this.#chosen.add(part);
      else this.#chosen.delete(part);
      this.#ask();
    });
    const name = element("span", { class: "name" }, part.name);
    const hint = element("span", { class: "fine" }, part.hint);
    return element("label", { class: "switch" }, input, element("span", {}, name, " ", hint));
  }

  /** @returns {HTMLElement} */
  #layers() {
    const inputs = Array.from({ length: this.#nLayers }, (_, number) => {
      const input = /** @type {HTMLInputElement} */ (element("input", { type: "checkbox" }));
      input.addEventListener("change", () => {
        if (input.checked) this.#layersOut.add(number);
        else this.#layersOut.delete(number);
        // One layer has to stay.
        for (const each of inputs) {
          each.disabled = !each.checked && this.#layersOut.size === this.#nLayers - 1;
        }
        this.#ask();
      });
      return input;
    });
    const labels = inputs.map((input, number) =>
      element("label", {}, input, element("span", {}, String(number))),
    );
    return element(
      "fieldset",
      { class: "segments" },
      element("legend", {}, "Layers left out"),
      ...labels,
    );
  }

  /** @param {Outcome} outcome */
  #draw(outcome) {
    const said = [...this.#chosen].map((part) => part.says);
    const numbers = [...this.#layersOut].sort().map(String);
    if (numbers.length)
      said.push(`without layer${numbers.length > 1 ? "s" : ""} ${listed(numbers)}`);
    const [before, after] = [bestOf(outcome.before), bestOf(outcome.after)];
    const turns = before.label === after.label ? "The label stays." : "The label turns.";
    byId("what-if-outcome").replaceChildren(
      element(
        "p",
        {},
        `The model ${listed(said)}: `,
        element("strong", {}, after.label),
        ` ${written(after.score)}. ${turns}`,
      ),
      table(outcome),
    );
    this.#page.announcer.say(`The model ${listed(said)}: ${sayLabel(after)}. ${turns}`);
  }
}

/**
 * Make the table of the scores before and after.
 *
 * @param {Outcome} outcome
 * @returns {HTMLElement}
 */
function table(outcome) {
  const labels = Object.keys(outcome.after)
    .sort((a, b) => outcome.after[b] - outcome.after[a])
    .slice(0, 5);
  const head = element(
    "tr",
    {},
    element("th", { scope: "col" }, "label"),
    element("td", { "aria-hidden": "true" }),
    element("th", { scope: "col" }, "as it is"),
    element("th", { scope: "col" }, "changed"),
  );
  const rows = labels.map((label) => {
    const row = element(
      "tr",
      { class: "is-varied" },
      element("th", { scope: "row" }, label),
      element("td", { class: "track", "aria-hidden": "true" }, makeBar()),
      element("td", { class: "score" }, written(outcome.before[label])),
      element("td", { class: "score" }, written(outcome.after[label])),
    );
    moveBar(row, outcome.after[label], outcome.before[label]);
    return row;
  });
  const caption = element(
    "caption",
    { class: "unseen" },
    "The scores of the model as it is, and changed",
  );
  return element(
    "table",
    { class: "bars" },
    caption,
    element("thead", {}, head),
    element("tbody", {}, ...rows),
  );
}

/**
 * @param {Record<string, number>} scores
 * @returns {import("./label.js").Prediction}
 */
function bestOf(scores) {
  const [label, score] = Object.entries(scores).reduce((a, b) => (b[1] > a[1] ? b : a));
  return { label, score };
}
