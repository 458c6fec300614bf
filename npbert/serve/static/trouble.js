/** What the page says when the service refuses or is gone. The last result stays, marked as old. */

import { button, byId, element } from "./elements.js";
import { NoAnswer } from "./service.js";

const BETWEEN_TRIES = 3000; // milliseconds

export class Trouble {
  #isGone = false;
  #service;
  #again;

  /**
   * @param {import("./service.js").Service} service
   * @param {() => void} again - Asks everything again.
   */
  constructor(service, again) {
    this.#service = service;
    this.#again = again;
  }

  /**
   * Say that there is no new result.
   *
   * @param {Error} error
   */
  show(error) {
    const isGone = error instanceof NoAnswer;
    const sentence = isGone
      ? "The service does not answer. What you see is its last result; this page goes on asking."
      : error.message;
    byId("trouble").replaceChildren(
      element("p", {}, sentence),
      element("p", { class: "buttons" }, button("Try again", this.#again)),
    );
    byId("trouble").hidden = false;
    document.body.classList.add("is-old");
    if (isGone && !this.#isGone) {
      this.#isGone = true;
      setTimeout(() => this.#wait(), BETWEEN_TRIES);
    }
  }

  /** Say that all is well. */
  clear() {
    this.#isGone = false;
    if (byId("trouble").contains(document.activeElement)) byId("text").focus();
    byId("trouble").hidden = true;
    byId("trouble").replaceChildren();
    document.body.classList.remove("is-old");
  }

  /** Ask for a sign of life until there is one. */
  async #wait() {
    if (!this.#isGone) return;
    try {
      await this.#service.get("/health");
    } catch {
      setTimeout(() => this.#wait(), BETWEEN_TRIES);
      return;
    }
    this.#again();
  }
}
