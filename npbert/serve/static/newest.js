/** Questions of which only the newest counts: an answer that comes late changes nothing. */

export class Newest {
  /** @type {AbortController | null} */
  #current = null;

  /**
   * Ask a question, and drop the one before.
   *
   * @template T
   * @param {(signal: AbortSignal) => Promise<T>} ask
   * @param {(answer: T) => void} show - Called with the answer, unless a newer question was asked.
   * @param {(error: Error) => void} fail - Called if there is none, under the same condition.
   */
  async ask(ask, show, fail) {
    this.drop();
    const own = new AbortController();
    this.#current = own;
    let answer;
    try {
      answer = await ask(own.signal);
    } catch (error) {
      if (own === this.#current) fail(/** @type {Error} */ (error));
      return;
    }
    if (own === this.#current) show(answer);
  }

  /** Drop the question that is open, if there is one. */
  drop() {
    this.#current?.abort();
    this.#current = null;
  }
}

/**
 * Make a function that waits for a pause: of several calls, only the last one is carried out.
 *
 * @param {number} milliseconds - How long the pause must be.
 * @param {() => void} work
 * @returns {() => void}
 */
export function afterPause(milliseconds, work) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, milliseconds);
  };
}
