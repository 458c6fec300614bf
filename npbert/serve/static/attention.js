/** Part 3: where the pieces look, by layer and head, as a map and as a list. */

import { drawList, drawMap } from "./attention_forms.js";
import { button, byId, element } from "./elements.js";
import { Newest } from "./newest.js";

const MOST_ON_MAP = 48; // pieces; a larger map could not be read
const WIDE = matchMedia("(min-width: 600px)");

/**
 * @typedef {{ head: number, looking: number, seen: number, weight: number }} Look
 * @typedef {{
 *   tokens: string[], n_layers: number, n_heads: number, weights: number[][], looks: Look[]
 * }} HeadAttention - As the service has it.
 */

export class Attention {
  #text = "";
  #layer = 0;
  #head = 0;
  #hidesSpecial = false;
  /** @type {HeadAttention | null} */
  #found = null;
  /** @type {Map<string, boolean>} - Which of the two forms the user has opened or closed. */
  #openForms = new Map();
  #questions = new Newest();
  #service;
  #fail;
  #door = byId("attention-door");
  #view = element("div", { class: "view" });
  #shape = "";

  /**
   * @param {import("./service.js").Service} service
   * @param {(error: Error) => void} fail
   */
  constructor(service, fail) {
    this.#service = service;
    this.#fail = fail;
    this.#door.addEventListener("toggle", () => this.#ask());
  }

  /**
   * Show another text, if the part is open.
   *
   * @param {string} text - It can be empty.
   */
  show(text) {
    this.#text = text;
    if (!text) {
      this.#questions.drop();
      this.#view.replaceChildren();
    }
    this.#ask();
  }

  #ask() {
    if (!this.#door.open || !this.#text) return;
    const parameters = { layer: this.#layer, head: this.#head };
    this.#questions.ask(
      (signal) => this.#service.post("/attention", { inputs: this.#text, parameters }, signal),
      (found) => {
        this.#found = found;
        this.#draw();
      },
      this.#fail,
    );
  }

  /** @param {HeadAttention} found */
  #buildControls(found) {
    const shape = `${found.n_layers} ${found.n_heads}`;
    if (shape === this.#shape) return;
    this.#shape = shape;
    byId("attention-body").replaceChildren(
      element("div", { class: "controls" }, this.#layers(found), this.#heads(found), this.#hide()),
      this.#view,
    );
  }

  /**
   * @param {HeadAttention} found
   * @returns {HTMLElement}
   */
  #layers(found) {
    const choices = Array.from({ length: found.n_layers }, (_, number) => {
      const input = element("input", {
        type: "radio",
        name: "layer",
        value: number,
        checked: number === this.#layer,
      });
      input.addEventListener("change", () => {
        this.#layer = number;
        this.#ask();
      });
      return element("label", {}, input, element("span", {}, String(number)));
    });
    return element("fieldset", { class: "segments" }, element("legend", {}, "Layer"), ...choices);
  }

  /**
   * @param {HeadAttention} found
   * @returns {HTMLElement}
   */
  #heads(found) {
    const input = /** @type {HTMLInputElement} */ (
      element("input", {
        type: "number",
        id: "head",
        min: 0,
        max: found.n_heads - 1,
        value: this.#head,
      })
    );
    input.addEventListener("input", () => {
      if (input.value === "" || !input.validity.valid) return;
      this.#head = input.valueAsNumber;
      this.#ask();
    });
    return element(
      "p",
      { class: "field" },
      element("label", { for: "head" }, `Head, 0 to ${found.n_heads - 1}`),
      input,
    );
  }

  /** @returns {HTMLElement} */
  #hide() {
    const input = /** @type {HTMLInputElement} */ (element("input", { type: "checkbox" }));
    input.addEventListener("change", () => {
      this.#hidesSpecial = input.checked;
      this.#draw();
    });
    return element("label", { class: "check" }, input, "Hide [CLS] and [SEP]");
  }

  #draw() {
    const found = /** @type {HeadAttention} */ (this.#found);
    this.#buildControls(found);
    const all = found.tokens.map((_, place) => place);
    const places = this.#hidesSpecial ? all.slice(1, -1) : all;
    const parts = [this.#jumps(found)];
    if (places.length > MOST_ON_MAP) {
      parts.push(
        element("p", { class: "fine" }, `A map of ${places.length} pieces could not be read.`),
        drawList(found, places),
      );
    } else {
      parts.push(
        this.#form("As a map", drawMap(found, places, this.#layer, this.#head), WIDE.matches),
        this.#form("As a list", drawList(found, places), !WIDE.matches),
      );
    }
    const hadFocus = this.#view.contains(document.activeElement);
    this.#view.replaceChildren(...parts);
    if (hadFocus) byId("head").focus();
  }

  /**
   * Make the buttons that lead to the heads with the most decided looks in this layer.
   *
   * @param {HeadAttention} found
   * @returns {HTMLElement}
   */
  #jumps(found) {
    const looks = found.looks.slice(0, 4).map((look) => {
      const [looking, seen] = [found.tokens[look.looking], found.tokens[look.seen]];
      const says = `head ${look.head}: ${looking} \u2192 ${seen} ${look.weight.toFixed(2)}`;
      return button(says, () => {
        this.#head = look.head;
        byId("head").value = String(look.head);
        this.#ask();
      });
    });
    if (!looks.length) return element("p");
    return element(
      "div",
      { class: "jumps", role: "group", "aria-labelledby": "jumps-title" },
      element(
        "p",
        { class: "eyebrow", id: "jumps-title" },
        `The most decided heads of layer ${this.#layer}`,
      ),
      element("div", { class: "buttons" }, ...looks),
    );
  }

  /**
   * Make one of the two forms, which can be opened and closed.
   *
   * @param {string} name
   * @param {HTMLElement} content
   * @param {boolean} isOpen - Unless the user has decided otherwise.
   * @returns {HTMLElement}
   */
  #form(name, content, isOpen) {
    const open = this.#openForms.get(name) ?? isOpen;
    const summary = element("summary", {}, name);
    summary.addEventListener("click", () => {
      this.#openForms.set(name, !(/** @type {HTMLDetailsElement} */ (made).open));
    });
    const made = element("details", { open }, summary, content);
    return made;
  }
}
