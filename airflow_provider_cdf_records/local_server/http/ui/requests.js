// The last requests, in the order in which they began.

import { at, cell, element, isToDraw, line, replaceKeepingFocus, row } from "./dom.js";
import { bytes, clock, NONE, number, time, took, zoneKey } from "./format.js";

const SHOWN = 100;

// What CDF said: its message where the body is CDF's, or the body as it is.
function wordsOf(refusal) {
  try {
    const body = JSON.parse(refusal);
    const words = body.error?.message ?? body.error_description;
    if (typeof words === "string" && words) return { words, body: JSON.stringify(body, undefined, 2) };
  } catch {
    // Cut, or not JSON.
  }
  return { words: refusal.slice(0, 300), body: refusal };
}

function statusOf(request, isRunning) {
  if (isRunning) return element("span", { class: "status muted" }, "running");
  const { status } = request;
  if (status === null) return element("span", { class: "status bad" }, "✕ cut");
  const tone = status >= 500 ? "bad" : status === 429 || status === 401 ? "wait" : status >= 400 ? "bad" : "good";
  return element("span", { class: `status ${tone}` }, `${status >= 400 ? "✕" : "✓"} ${status}`);
}

export class Requests {
  #ended = new Map();
  #running = [];
  #opened = new Set();
  #onlyRefused = false;
  #project = "";

  constructor() {
    at("only-refused").addEventListener("change", (event) => {
      this.#onlyRefused = event.target.checked;
      this.draw(this.#project);
    });
  }

  forget() {
    this.#ended.clear();
    this.#opened.clear();
  }

  add(ended, running) {
    for (const request of ended) this.#ended.set(request.number, request);
    const kept = [...this.#ended.keys()].sort((a, b) => b - a).slice(0, SHOWN);
    for (const number of this.#ended.keys()) if (number < kept.at(-1)) this.#ended.delete(number);
    this.#running = running;
  }

  draw(project) {
    this.#project = project;
    const running = new Set(this.#running.map((request) => request.number));
    const all = [...this.#running, ...this.#ended.values()].sort((a, b) => b.number - a.number);
    const shown = all.filter((request) => !this.#onlyRefused
      || (!running.has(request.number) && (request.status === null || request.status >= 400)));
    if (!isToDraw("requests", [shown, zoneKey()])) return;
    at("requests").hidden = shown.length === 0;
    at("no-requests").hidden = shown.length > 0;
    at("no-requests").textContent = all.length ? "None of the last requests was refused." : "No requests yet.";
    replaceKeepingFocus(at("requests").tBodies[0],
      shown.map((request) => this.#row(request, running.has(request.number))));
  }

  #row(request, isRunning) {
    const path = request.path.startsWith(`${this.#project}/`)
      ? request.path.slice(this.#project.length) : request.path;
    return row(
      "",
      cell("Began", "began", time(request.at, (at) => clock(at, { fine: true }))),
      cell("Status", "", statusOf(request, isRunning)),
      cell("Request", "request main", line(`${request.method} ${path}`, "code"), this.#refusal(request)),
      cell("Items", "number", request.items === null ? NONE : number.format(request.items)),
      cell("Size", "number", request.size ? bytes(request.size) : NONE),
      cell("Took", "number", isRunning ? NONE : took(request.seconds)),
      cell("Injected fault", request.fault ? "wait fault" : "muted fault", request.fault ?? NONE),
    );
  }

  #refusal(request) {
    if (!request.refusal) return undefined;
    const { words, body } = wordsOf(request.refusal);
    const details = element("details", {},
      element("summary", { "data-key": `refusal-${request.number}`, title: words }, words),
      element("pre", { tabindex: "0", role: "region", "aria-label": "The answer" }, body));
    details.open = this.#opened.has(request.number);
    details.addEventListener("toggle", () => {
      if (details.open) this.#opened.add(request.number);
      else if (details.isConnected) this.#opened.delete(request.number);
    });
    return details;
  }
}
