/** Requests to the service, and what can go wrong with them. */

/** The service answered that it will not, or cannot. */
export class Refusal extends Error {
  /**
   * @param {number} status - The status of HTTP.
   * @param {string} message - The sentence of the service.
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** There was no answer. */
export class NoAnswer extends Error {}

export class Service {
  #key = "";
  /** @type {Promise<string> | null} */
  #asked = null;
  #askForKey;

  /**
   * @param {(isWrong: boolean) => Promise<string>} askForKey - Asks the user for the API key. It is
   *     told whether a key was wrong.
   */
  constructor(askForKey) {
    this.#askForKey = askForKey;
  }

  /** Whether the service has asked for a key. */
  get needsKey() {
    return this.#key !== "";
  }

  /**
   * Get what stands at a path.
   *
   * @param {string} path
   * @returns {Promise<any>} The JSON of the answer.
   * @throws {Refusal | NoAnswer}
   */
  get(path) {
    return this.#request(path, { method: "GET" });
  }

  /**
   * Ask for an answer.
   *
   * @param {string} path
   * @param {object} body - It is sent as JSON.
   * @param {AbortSignal} signal - Ends the request when nobody waits for its answer any longer.
   * @returns {Promise<any>} The JSON of the answer.
   * @throws {Refusal | NoAnswer}
   */
  post(path, body, signal) {
    return this.#request(path, { method: "POST", body: JSON.stringify(body), signal });
  }

  /**
   * @param {string} path
   * @param {RequestInit} options
   * @returns {Promise<any>}
   */
  async #request(path, options) {
    const key = this.#key;
    const response = await this.#fetch(path, options, key);
    if (response.status === 401) {
      if (key === this.#key) await this.#renewKey(key !== "");
      return this.#request(path, options);
    }
    const answer = await response.json().catch(() => null);
    if (!response.ok || answer === null) {
      const sentence = answer?.error ?? `The service answered with status ${response.status}.`;
      throw new Refusal(response.status, sentence);
    }
    return answer;
  }

  /**
   * @param {string} path
   * @param {RequestInit} options
   * @param {string} key
   * @returns {Promise<Response>}
   */
  async #fetch(path, options, key) {
    /** @type {Record<string, string>} */
    const headers = {};
    if (options.body) headers["content-type"] = "application/json";
    if (key) headers.authorization = `Bearer ${key}`;
    try {
      return await fetch(path, { ...options, headers });
    } catch (error) {
      if (options.signal?.aborted) throw error;
      throw new NoAnswer("The service does not answer.");
    }
  }

  /**
   * Ask for a key, once for all requests that wait for it.
   *
   * @param {boolean} isWrong
   */
  async #renewKey(isWrong) {
    this.#asked ??= this.#askForKey(isWrong);
    this.#key = await this.#asked;
    this.#asked = null;
  }
}
