/** The label of the text, the bars of all labels, and how both move when the text is varied. */

import { byId, element, unseen } from "./elements.js";
import { spoken, written } from "./numbers.js";

const MOST_ROWS = 5; // labels that have a bar; the others are in a list that opens

/**
 * @typedef {{ label: string, score: number }} Prediction
 */

export class Label {
  /** @type {Prediction[]} - Of the text as it is, best first. */
  #whole = [];
  /** @type {Map<string, { row: HTMLElement, number: HTMLElement }>} */
  #rows = new Map();
  #names;

  /** @param {string[]} names - The labels of the model, in its order. */
  constructor(names) {
    this.#names = names;
  }

  /** The predictions for the text as it is. */
  get whole() {
    return this.#whole;
  }

  /**
   * Show what the model says of the text.
   *
   * @param {Prediction[]} predictions - Of all labels, best first.
   * @param {number} milliseconds - How long the answer took.
   */
  show(predictions, milliseconds) {
    this.#whole = predictions;
    this.#buildRows();
    this.#move(predictions, "");
    byId("remark").textContent = `Answered in ${Math.max(1, Math.round(milliseconds))} ms.`;
  }

  /**
   * Show what the model says of a varied text, beside what it said of the whole one.
   *
   * @param {Prediction[]} predictions
   * @param {string} change - What was done: "without not".
   */
  showVariant(predictions, change) {
    this.#move(predictions, change);
  }

  /** Show the text as it is again. */
  showWhole() {
    this.#move(this.#whole, "");
  }

  /** Show that there is no text. */
  clear() {
    this.#whole = [];
    this.#rows.clear();
    byId("verdict").replaceChildren(element("span", { class: "quiet" }, "Type a text."));
    byId("scores").replaceChildren();
    byId("remark").textContent = "";
  }

  /** Make a row for each label: a table is the chart, and the bars are its picture. */
  #buildRows() {
    const few = this.#names.length <= MOST_ROWS;
    const shown = few ? this.#names : this.#whole.slice(0, MOST_ROWS).map((one) => one.label);
    const others = this.#names.filter((name) => !shown.includes(name));
    // The rows stay where they are while one types, so that the bars move and do not jump.
    if (shown.every((name, place) => [...this.#rows.keys()][place] === name)) return;
    this.#rows.clear();
    const wasOpen = byId("scores").querySelector("details")?.open ?? false;
    byId("result").classList.toggle("is-short", this.#names.length <= 3);
    byId("scores").replaceChildren(this.#table(shown));
    if (others.length) {
      const summary = element("summary", {}, `${others.length} more labels`);
      byId("scores").append(element("details", { open: wasOpen }, summary, this.#table(others)));
    }
  }

  /**
   * @param {string[]} names
   * @returns {HTMLElement}
   */
  #table(names) {
    const caption = element("caption", { class: "unseen" }, "The score of each label");
    return element("table", { class: "bars" }, caption, ...names.map((name) => this.#row(name)));
  }

  /**
   * @param {string} name
   * @returns {HTMLElement}
   */
  #row(name) {
    const bar = makeBar();
    const number = element("td", { class: "score" });
    const row = element(
      "tr",
      {},
      element("th", { scope: "row" }, name),
      element("td", { class: "track", "aria-hidden": "true" }, bar),
      number,
    );
    this.#rows.set(name, { row, number });
    return row;
  }

  /**
   * @param {Prediction[]} predictions
   * @param {string} change
   */
  #move(predictions, change) {
    if (!predictions.length) return;
    byId("verdict").replaceChildren(...verdict(predictions[0], change));
    for (const { label, score } of predictions) {
      const parts = this.#rows.get(label);
      if (!parts) continue;
      const was = this.#whole.find((one) => one.label === label)?.score ?? score;
      parts.row.classList.toggle("is-best", label === predictions[0].label);
      parts.row.classList.toggle("is-varied", change !== "");
      moveBar(parts.row, score, was);
      parts.number.replaceChildren(written(score));
      if (change) parts.number.append(unseen(`, before: ${written(was)}`));
    }
  }
}

/**
 * Make the picture of a score: a bar, and a mark where it was before.
 *
 * @returns {HTMLElement}
 */
export function makeBar() {
  return element(
    "span",
    { class: "bar" },
    element("span", { class: "fill" }),
    element("span", { class: "was" }),
  );
}

/**
 * Move the bar in a row of a table. A number that is not a share has no bar.
 *
 * @param {HTMLElement} row
 * @param {number} score
 * @param {number} was - Where the mark stands.
 */
export function moveBar(row, score, was) {
  row.classList.toggle("has-bar", score >= 0 && score <= 1 && was >= 0 && was <= 1);
  row.style.setProperty("--score", String(score));
  row.style.setProperty("--was", String(was));
}

/**
 * @param {Prediction} best
 * @param {string} change
 * @returns {(Node | string)[]}
 */
function verdict(best, change) {
  const parts = [
    element("strong", { dir: "auto" }, best.label),
    " ",
    element("span", { class: "figure" }, written(best.score)),
  ];
  if (change) parts.push(" ", element("span", { class: "change", dir: "auto" }, change));
  return parts;
}

/**
 * Say a label and its score: "POSITIVE, 87 percent".
 *
 * @param {Prediction} prediction
 * @returns {string}
 */
export function sayLabel(prediction) {
  return `${prediction.label}, ${spoken(prediction.score)}`;
}
