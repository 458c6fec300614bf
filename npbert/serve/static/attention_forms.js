/** The two forms in which the attention of one head is drawn: a map, and a list. */

import { element, unseen } from "./elements.js";

const MOST_IN_LIST = 3; // pieces at which one looks
const LEAST_IN_LIST = 0.05; // share of the attention

/**
 * Draw a map: a row for each piece that looks, and a column for each that is seen.
 *
 * @param {import("./attention.js").HeadAttention} found
 * @param {number[]} places - The pieces that are shown.
 * @param {number} layer
 * @param {number} head
 * @returns {HTMLElement}
 */
export function drawMap(found, places, layer, head) {
  const corner = element("td", { class: "corner" });
  const columns = places.map((seen) =>
    element("th", { scope: "col" }, element("span", {}, found.tokens[seen])),
  );
  const rows = places.map((looking) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, found.tokens[looking]),
      ...places.map((seen) => cell(found.weights[looking][seen])),
    ),
  );
  const says = [
    `Layer ${layer}, head ${head}: a row is the piece that looks, a column is the piece that is`,
    `seen, and strong colour is much. ${summary(found, places)}`,
  ].join(" ");
  return element(
    "div",
    { class: "scroller", tabindex: 0, role: "group", "aria-label": "Map of attention" },
    element(
      "table",
      { class: "map" },
      element("caption", {}, says),
      element("thead", {}, element("tr", {}, corner, ...columns)),
      element("tbody", {}, ...rows),
    ),
  );
}

/**
 * @param {number} weight
 * @returns {HTMLElement}
 */
function cell(weight) {
  const made = element("td", {}, unseen(weight.toFixed(2)));
  made.style.setProperty("--weight", weight.toFixed(3));
  return made;
}

/**
 * Say the most decided look in a sentence.
 *
 * @param {import("./attention.js").HeadAttention} found
 * @param {number[]} places
 * @returns {string}
 */
function summary(found, places) {
  let most = { looking: 0, seen: 0, weight: -1 };
  for (const looking of places) {
    for (const seen of places) {
      const weight = found.weights[looking][seen];
      if (weight > most.weight && seen !== looking) most = { looking, seen, weight };
    }
  }
  if (most.weight < 0) return "";
  const [looking, seen] = [found.tokens[most.looking], found.tokens[most.seen]];
  const weight = most.weight.toFixed(2);
  return `The most decided one: \u201c${looking}\u201d looks at \u201c${seen}\u201d, ${weight}.`;
}

/**
 * List for each piece at which others it looks most.
 *
 * @param {import("./attention.js").HeadAttention} found
 * @param {number[]} places
 * @returns {HTMLElement}
 */
export function drawList(found, places) {
  const items = places.map((looking) => {
    const weights = found.weights[looking];
    const seen = [...places]
      .sort((a, b) => weights[b] - weights[a])
      .filter((place, rank) => rank === 0 || weights[place] >= LEAST_IN_LIST)
      .slice(0, MOST_IN_LIST)
      .map((place) => `${found.tokens[place]}\u00a0${weights[place].toFixed(2)}`);
    return element(
      "li",
      {},
      element("b", {}, found.tokens[looking]),
      ` looks at ${seen.join(", ")}`,
    );
  });
  return element("ul", { class: "looks" }, ...items);
}
