/** Part 4: the way of the text through the model, station by station. */

import { byId, element, linkToCode } from "./elements.js";
import { plain, signed } from "./numbers.js";

/**
 * @typedef {{
 *   name: string, what: string, shape: number[], lead: number | null, where: string,
 *   formula: string, numbers: number[], chapter: string
 * }} Step - As the service has it.
 */

/**
 * Show the steps of a text. Stations that were open stay open.
 *
 * @param {Step[]} steps
 * @param {string} label - The label whose lead is shown.
 */
export function showWay(steps, label) {
  byId("way-lead").replaceChildren(
    "From the text to its label, with the shape of each array, and with the lead that ",
    element("b", { dir: "auto" }, label),
    " would have if the head read [CLS] after this step. The head was trained to read it after ",
    "the last layer.",
  );
  const list = byId("way-list");
  const open = new Set(
    [...list.querySelectorAll("details[open]")].map((station) => station.dataset.name),
  );
  const largest = Math.max(...steps.map((step) => Math.abs(step.lead ?? 0))) || 1;
  list.replaceChildren(
    ...steps.map((step) => element("li", {}, station(step, largest, open.has(step.name)))),
  );
}

/**
 * @param {Step} step
 * @param {number} largest - The size of the largest lead.
 * @param {boolean} isOpen
 * @returns {HTMLElement}
 */
function station(step, largest, isOpen) {
  const made = element(
    "details",
    { "data-name": step.name, open: isOpen },
    element(
      "summary",
      {},
      element("span", { class: "name" }, step.name),
      " ",
      element("span", { class: "shape" }, `(${step.shape.join(", ")})`),
      " ",
      ...lead(step),
    ),
    element("pre", { class: "formula", tabindex: 0 }, step.formula),
    element("p", { class: "what" }, step.what),
    element("p", { class: "numbers" }, ...numbers(step)),
    element("p", { class: "links" }, ...links(step)),
  );
  made.style.setProperty("--share", String((step.lead ?? 0) / largest));
  return made;
}

/**
 * @param {Step} step
 * @returns {(Node | string)[]}
 */
function lead(step) {
  if (step.lead === null) return [];
  const side = step.lead > 0 ? "is-for" : "is-against";
  return [
    element("span", { class: `lead ${side}` }, `lead ${signed(step.lead, 2)}`),
    element("span", { class: `lever ${side}`, "aria-hidden": "true" }),
  ];
}

/**
 * @param {Step} step
 * @returns {(Node | string)[]}
 */
function numbers(step) {
  const areWhole = step.name === "pieces";
  const written = step.numbers.map((number) => (areWhole ? String(number) : plain(number, 4)));
  const size = step.shape[0];
  const more = size > written.length ? ` \u2026 and ${size - written.length} more` : "";
  const ofWhat = step.shape.length > 1 ? "The vector of [CLS] afterwards: " : "It gives: ";
  return [ofWhat, element("span", { class: "figures" }, written.join("  ")), more];
}

/**
 * @param {Step} step
 * @returns {(Node | string)[]}
 */
function links(step) {
  const [path, line] = step.where.split(":");
  const chapter = step.chapter.replace(/^.*\/(\d+)_.*$/, "$1");
  return [
    "In the code: ",
    linkToCode(`npbert/${path}#L${line}`, `npbert/${path}, line ${line}`),
    ". In the course: ",
    linkToCode(step.chapter, `chapter ${chapter}`),
    ".",
  ];
}
