/**
 * The one way in which this page makes elements. Texts become text nodes, so nothing that a user
 * typed, or that the service sent, can become markup.
 */

/**
 * Make an element.
 *
 * @param {string} tag - Its name.
 * @param {Record<string, string | boolean | number>} attributes - Its attributes. The value true
 *     stands for an attribute without a value; an attribute with the value false is left out.
 * @param {...(Node | string)} children - What is inside of it.
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false) made.setAttribute(name, String(value));
  }
  made.append(...children);
  return made;
}

/**
 * Make words that only screen readers have.
 *
 * @param {string} words
 * @returns {HTMLElement}
 */
export function unseen(words) {
  return element("span", { class: "unseen" }, words);
}

/**
 * Make a button.
 *
 * @param {string} name
 * @param {() => void} onClick
 * @returns {HTMLElement}
 */
export function button(name, onClick) {
  const made = element("button", { type: "button", class: "plain" }, name);
  made.addEventListener("click", onClick);
  return made;
}

/**
 * Return an element of the page by its id.
 *
 * @param {string} id
 * @returns {any} It is known to exist: index.html has it.
 */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * Make a link into the repository of npbert.
 *
 * @param {string} path - The path of a file, and perhaps `#L` with the number of a line.
 * @param {string} name
 * @returns {HTMLElement}
 */
export function linkToCode(path, name) {
  const href = `https://github.com/npbert/npbert/blob/main/${path}`;
  return element("a", { href, rel: "noreferrer" }, name);
}
