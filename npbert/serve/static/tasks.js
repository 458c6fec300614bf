/** How the service is called for each task, for programs and for models that do not label texts. */

import { byId } from "./elements.js";

/** @type {Record<string, { does: string, body: object }>} */
const TASKS = {
  "text-classification": {
    does: "labels texts",
    body: { inputs: "I love this film." },
  },
  "token-classification": {
    does: "labels the words of texts, such as names of people and places",
    body: { inputs: "My name is Wolfgang and I live in Berlin." },
  },
  "fill-mask": {
    does: "guesses hidden words",
    body: { inputs: "Paris is the [MASK] of France." },
  },
  "question-answering": {
    does: "finds the answers to questions in texts",
    body: { inputs: { question: "Who lives in Berlin?", context: "Wolfgang lives in Berlin." } },
  },
  "zero-shot-classification": {
    does: "labels texts with labels that each request brings",
    body: {
      inputs: "The battery lasts two days.",
      parameters: { candidate_labels: ["phones", "films"] },
    },
  },
  "feature-extraction": {
    does: "computes a vector for each piece of a text",
    body: { inputs: "I love this film." },
  },
};

/**
 * Show the command that calls the service.
 *
 * @param {string} task
 * @param {boolean} needsKey - Whether requests have to show a key.
 */
export function showCommand(task, needsKey) {
  const path = task === "text-classification" ? "/predict" : "/";
  const body = JSON.stringify(TASKS[task].body);
  const parts = [`curl ${location.origin}${path}`, "-H 'Content-Type: application/json'"];
  if (needsKey) parts.push("-H 'Authorization: Bearer KEY'");
  byId("command").textContent = [...parts, `-d '${body}'`].join(" \\\n  ");
  // A browser could not follow this link with the key.
  if (needsKey) byId("openapi").removeAttribute("href");
  byId("call").hidden = false;
}

/**
 * Say what a model does that does not label texts.
 *
 * @param {import("./page.js").Info} info
 */
export function showOtherTask(info) {
  byId("other-title").textContent = `This model ${TASKS[info.pipeline_tag].does}`;
  byId("other-lead").textContent = [
    `It is served for ${info.pipeline_tag}.`,
    "This page can only show how a model labels texts, so please call this one from a program.",
  ].join(" ");
  byId("other").hidden = false;
}
