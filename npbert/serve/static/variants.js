/** The text without some of its words, as the module words.py of npbert makes it. */

/**
 * @typedef {"out" | "masked"} Mark - What was done to a word: it was crossed out, or masked.
 * @typedef {{ start: number, end: number }} Span - Where a word stands, in characters.
 */

/**
 * Return a text without the words that are marked, or with masks in their places.
 *
 * @param {string} text
 * @param {Span[]} words
 * @param {Map<number, Mark>} marks - By the number of the word.
 * @param {string} maskToken
 * @returns {string}
 */
export function vary(text, words, marks, maskToken) {
  const fromTheEnd = [...marks.keys()].sort((a, b) => b - a);
  for (const number of fromTheEnd) {
    const characters = Array.from(text); // by code points, as Python counts them
    const before = characters.slice(0, words[number].start).join("");
    const after = characters.slice(words[number].end).join("");
    text = marks.get(number) === "masked" ? before + maskToken + after : join(before, after);
  }
  return text;
}

/**
 * Join two parts of a text with one blank, or with none if a part is empty.
 *
 * @param {string} before
 * @param {string} after
 * @returns {string}
 */
function join(before, after) {
  const parts = [before.trimEnd(), after.trimStart()];
  return parts.filter((part) => part !== "").join(" ");
}
