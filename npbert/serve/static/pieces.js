/** Part 2: the pieces that the model reads, each with its id. */

import { byId, element, linkToCode, unseen } from "./elements.js";
import { counted } from "./numbers.js";

/**
 * @typedef {{
 *   id: number, text: string, special: boolean, start: number | null, stop: number | null
 * }} Token - As the service has it.
 */

/**
 * Show the pieces of a text.
 *
 * @param {Token[]} tokens
 * @param {number} most - How many the model can read.
 */
export function showPieces(tokens, most) {
  const beyond = tokens.length - most;
  byId("pieces-lead").replaceChildren(
    `The model reads ${counted(Math.min(tokens.length, most), "piece")}, each by its number in `,
    "the vocabulary. A piece that begins with ## goes on with the word before it. ",
    beyond > 0 ? `${counted(beyond, "piece")} more cannot be read: the model takes ${most}. ` : "",
    "(",
    linkToCode("docs/learn/1_pieces.md", "Chapter 1"),
    ")",
  );
  byId("pieces-list").replaceChildren(
    ...tokens.map((token, place) => item(token, place >= most - 1 && beyond > 0)),
  );
}

/**
 * Return the part of a text that the model can read, up to the end of a word.
 *
 * @param {string} text
 * @param {Token[]} tokens
 * @param {number} most
 * @returns {string} The text itself, unless it is too long.
 */
export function readablePart(text, tokens, most) {
  if (tokens.length <= most) return text;
  const firstUnread = tokens[most - 1]; // the last place is that of [SEP]
  const part = Array.from(text)
    .slice(0, firstUnread.start ?? undefined)
    .join("");
  const lastBlank = Math.max(...[" ", "\n", "\t"].map((blank) => part.lastIndexOf(blank)));
  return lastBlank > 0 ? part.slice(0, lastBlank) : part;
}

/**
 * @param {Token} token
 * @param {boolean} isBeyond - Whether the model does not read it.
 * @returns {HTMLElement}
 */
function item(token, isBeyond) {
  const kinds = ["piece"];
  if (token.special) kinds.push("is-special");
  if (isBeyond && !token.special) kinds.push("is-beyond");
  return element(
    "li",
    { class: kinds.join(" ") },
    element("span", { class: "form" }, token.text),
    unseen(", id "),
    element("span", { class: "id" }, String(token.id)),
  );
}
