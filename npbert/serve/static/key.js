/** The dialog that asks for the API key. */

import { byId } from "./elements.js";

/**
 * Ask the user for the key.
 *
 * @param {boolean} isWrong - Whether the key before was wrong.
 * @returns {Promise<string>}
 */
export function askForKey(isWrong) {
  const dialog = byId("key-dialog");
  const input = byId("key");
  byId("key-lead").textContent = isWrong
    ? "The service does not know this key. Please check it."
    : "Whoever runs the service can give it to you.";
  input.value = "";
  dialog.showModal();
  return new Promise((resolve) => {
    // Without a key nothing can be shown, so the dialog cannot be left.
    dialog.oncancel = (/** @type {Event} */ event) => event.preventDefault();
    byId("key-form").onsubmit = () => resolve(input.value.trim());
  });
}
