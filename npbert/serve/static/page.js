/** The page: what is asked when one types, and which part shows the answer. */

import { Announcer } from "./announcer.js";
import { Attention } from "./attention.js";
import { button, byId, element } from "./elements.js";
import { askForKey } from "./key.js";
import { Label, sayLabel } from "./label.js";
import { Newest, afterPause } from "./newest.js";
import { counted } from "./numbers.js";
import { readablePart, showPieces } from "./pieces.js";
import { Refusal, Service } from "./service.js";
import { showOtherTask, showCommand } from "./tasks.js";
import { Trouble } from "./trouble.js";
import { showWay } from "./way.js";
import { WhatIf } from "./what_if.js";
import { Why } from "./why.js";

const PAUSE_BEFORE_LABEL = 60; // milliseconds without typing
const PAUSE_BEFORE_WORDS = 300;

const EXAMPLES = {
  "Not bad": "The plot is thin, but the cast is not bad at all.",
  "Two halves": "A slow start, but the acting is wonderful.",
  Sarcasm: "Oh great, another two hours of my life that I will never get back.",
  "Rare words": "Unwatchable, overlong and unconvincing, yet strangely heartwarming.",
};

/**
 * @typedef {{
 *   model_id: string, pipeline_tag: string, max_input_length: number, mask_token: string | null,
 *   model_type: { classifier?: { id2label: Record<string, string> } }, version: string
 * }} Info - The parts of the service's description that this page reads.
 */

class Page {
  #label;
  #why;
  #attention;
  #whatIf;
  #trouble;
  #service;
  #info;
  #announcer = new Announcer(byId("announcement"));
  #labelQuestions = new Newest();
  #wordQuestions = new Newest();
  #askLabelSoon = afterPause(PAUSE_BEFORE_LABEL, () => this.#askLabel());
  #askWordsLater = afterPause(PAUSE_BEFORE_WORDS, () => this.#askWords());

  /**
   * @param {Service} service
   * @param {Info} info
   */
  constructor(service, info) {
    this.#service = service;
    this.#info = info;
    this.#trouble = new Trouble(service, () => this.#askAll());
    const fail = (/** @type {Error} */ error) => this.#trouble.show(error);
    const announcer = this.#announcer;
    this.#label = new Label(Object.values(info.model_type.classifier?.id2label ?? {}));
    this.#why = new Why({
      service,
      label: this.#label,
      announcer,
      maskToken: info.mask_token,
      fail,
    });
    this.#attention = new Attention(service, fail);
    this.#whatIf = new WhatIf({ service, announcer, fail });
  }

  /** Show the first example, and listen. */
  start() {
    const text = byId("text");
    text.addEventListener("input", () => this.#askAll());
    for (const [name, example] of Object.entries(EXAMPLES)) {
      const take = () => {
        text.value = example;
        this.#askAll();
      };
      byId("examples").append(button(name, take));
    }
    if (!text.value) text.value = Object.values(EXAMPLES)[0];
    byId("desk").hidden = byId("parts").hidden = false;
    this.#askAll();
  }

  /** Do not let the words of the text before be crossed out. */
  #wait() {
    this.#why.forget();
    byId("parts").classList.add("is-waiting");
    // What has the focus keeps it.
    byId("parts").inert = !byId("parts").contains(document.activeElement);
  }

  #stopWaiting() {
    byId("parts").classList.remove("is-waiting");
    byId("parts").inert = false;
  }

  /** @returns {string} */
  get #text() {
    return byId("text").value;
  }

  /** Ask for the label soon, and for the words once the text stays as it is. */
  #askAll() {
    this.#wordQuestions.drop();
    this.#wait();
    this.#askLabelSoon();
    this.#askWordsLater();
  }

  #askLabel() {
    if (!this.#text.trim()) {
      this.#labelQuestions.drop();
      this.#trouble.clear();
      this.#label.clear();
      return;
    }
    const began = performance.now();
    this.#labelQuestions.ask(
      (signal) => this.#service.post("/predict", { inputs: this.#text, truncate: true }, signal),
      (predictions) => {
        this.#trouble.clear();
        this.#label.show(predictions, performance.now() - began);
        this.#announcer.say(sayLabel(predictions[0]));
      },
      (error) => this.#trouble.show(error),
    );
  }

  #askWords() {
    if (!this.#text.trim()) {
      this.#wordQuestions.drop();
      this.#stopWaiting();
      this.#showNothing("Type a text, or take an example, and its words will stand here.");
      return;
    }
    this.#wordQuestions.ask(
      (signal) => this.#examine(this.#text, signal),
      ({ text, tokens, explanation }) => {
        this.#stopWaiting();
        this.#showPieces(tokens);
        const { steps, label } = explanation;
        this.#why.show(explanation);
        showWay(steps, label);
        this.#attention.show(text);
        const layers = steps.filter((/** @type {any} */ step) => step.name.startsWith("layer "));
        this.#whatIf.show(text, layers.length);
      },
      (error) => {
        this.#stopWaiting();
        if (error instanceof Refusal && error.status < 429) this.#showNothing(error.message);
        else this.#trouble.show(error);
      },
    );
  }

  /**
   * Ask for the pieces of a text, and for the explanation of what the model can read of it.
   *
   * @param {string} whole
   * @param {AbortSignal} signal
   */
  async #examine(whole, signal) {
    const [tokens] = await this.#service.post("/tokenize", { inputs: whole }, signal);
    const text = readablePart(whole, tokens, this.#info.max_input_length);
    return { text, tokens, explanation: await this.#explain(text, signal) };
  }

  /**
   * Ask which words count. A text of too many words is explained by its sentences, as the refusal
   * of the service advises.
   *
   * @param {string} inputs
   * @param {AbortSignal} signal
   */
  async #explain(inputs, signal) {
    const ask = (/** @type {string} */ unit) =>
      this.#service.post("/explain", { inputs, parameters: { steps: true, unit } }, signal);
    try {
      return await ask("word");
    } catch (error) {
      if (error instanceof Refusal && error.message.includes("unit='sentence'")) {
        return ask("sentence");
      }
      throw error;
    }
  }

  /** @param {import("./pieces.js").Token[]} tokens */
  #showPieces(tokens) {
    const most = this.#info.max_input_length;
    showPieces(tokens, most);
    byId("count").textContent = `${counted(tokens.length, "piece")} of ${most}`;
  }

  /**
   * Show no words, and nothing that is made from them.
   *
   * @param {string} reason
   */
  #showNothing(reason) {
    byId("count").textContent = "";
    this.#why.clear(reason);
    this.#attention.show("");
    this.#whatIf.clear();
    for (const id of ["pieces-lead", "pieces-list", "way-lead", "way-list"]) {
      byId(id).replaceChildren();
    }
  }
}

async function start() {
  const service = new Service(askForKey);
  let info;
  try {
    info = await service.get("/info");
  } catch (error) {
    const sentence = /** @type {Error} */ (error).message;
    byId("served").textContent = `${sentence} Please load this page again.`;
    return;
  }
  document.title = `${info.model_id} \u00b7 npbert`;
  byId("served").replaceChildren(
    element("b", { dir: "auto" }, info.model_id),
    ` \u00b7 DistilBERT in NumPy, version ${info.version}`,
  );
  showCommand(info.pipeline_tag, service.needsKey);
  if (info.pipeline_tag === "text-classification") new Page(service, info).start();
  else showOtherTask(info);
}

start();
