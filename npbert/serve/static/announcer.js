/** What screen readers say when something has changed: once, when nothing moves any longer. */

import { afterPause } from "./newest.js";

const PAUSE = 900; // milliseconds

export class Announcer {
  #sentence = "";
  #speak;

  /** @param {HTMLElement} region - A polite live region. */
  constructor(region) {
    this.#speak = afterPause(PAUSE, () => {
      region.textContent = this.#sentence;
    });
  }

  /**
   * Say a sentence, unless another one comes soon.
   *
   * @param {string} sentence
   */
  say(sentence) {
    this.#sentence = sentence;
    this.#speak();
  }
}
