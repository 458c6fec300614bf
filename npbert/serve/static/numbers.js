/** How numbers are written, and how they are said. */

const MINUS = "\u2212";

/**
 * Write a number with its sign: "+7.5", or "0.0" if nothing is left after rounding.
 *
 * @param {number} number
 * @param {number} decimals
 * @returns {string}
 */
export function signed(number, decimals = 1) {
  const digits = Math.abs(number).toFixed(decimals);
  if (Number(digits) === 0) return digits;
  return (number > 0 ? "+" : MINUS) + digits;
}

/**
 * Write a number with the minus sign of print.
 *
 * @param {number} number
 * @param {number} decimals
 * @returns {string}
 */
export function plain(number, decimals = 2) {
  return number
    .toFixed(decimals)
    .replace(/^-(?=.*[1-9])/, MINUS)
    .replace(/^-/, "");
}

/**
 * Write a score; close to 0 and to 1 it has more decimals, so that it never looks like 0 or 1.
 *
 * @param {number} score
 * @returns {string}
 */
export function written(score) {
  return plain(score, score > 0.999 || score < 0.001 ? 5 : 3);
}

/**
 * Say a score: "87 percent", or the number itself where it is not a share.
 *
 * @param {number} score
 * @returns {string}
 */
export function spoken(score) {
  if (score < 0 || score > 1) return plain(score);
  const percent = score * 100;
  const decimals = percent > 99 || percent < 1 ? 1 : 0;
  return `${percent.toFixed(decimals)} percent`;
}

/**
 * Write a count with its noun: "1 piece", "16 pieces".
 *
 * @param {number} count
 * @param {string} noun
 * @returns {string}
 */
export function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * Join names as English does: "a", "a and b", "a, b and c".
 *
 * @param {string[]} names
 * @returns {string}
 */
export function listed(names) {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}
