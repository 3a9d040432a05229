// The records of the chosen stream: newest first, page by page, filtered.

import { ask, at, cell, element, isToDraw, line, onClick, Refused, replaceKeepingFocus, row } from "./dom.js";
import { examplesOf } from "./examples.js";
import { many, NONE, number, time, zoneKey } from "./format.js";
import { openRecord } from "./record.js";

const NARROWEST_COLUMN = 110; // pixels
const BESIDE = 370; // pixels of the columns that are always there
const MOST_COLUMNS = 12;
const NARROWEST_TABLE = 700; // pixels; below, each record is a card
const IN_A_CARD = 4; // properties
const SLOW = 500; // milliseconds

const keyOf = (property) => JSON.stringify([property.space, property.container, property.name]);

const textOf = (value) => (value === "" ? '""' : String(value));

export class Records {
  #stream;
  #records = [];
  #next = null;
  #filter = ""; // of the records that are shown
  #asking = false;
  #unanswered = null; // what was asked for when the server did not answer
  #refused = false; // the filter in the form, which the reader is at
  #examined = 0;
  #pages = 1;
  #asked = 0;
  #known = "";
  #ready = false;

  constructor() {
    at("filter-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#apply(at("filter").value);
    });
    at("filter").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#apply(at("filter").value);
    });
    at("clear-filter").addEventListener("click", () => {
      at("filter").value = "";
      this.#apply("");
    });
    at("examples").addEventListener("change", (event) => {
      if (event.target.value) at("filter").value = event.target.value;
      event.target.value = "";
      at("filter").focus();
    });
    at("more").addEventListener("click", () => this.#load(true));
    at("newer").addEventListener("click", () => this.#load(false));
    new ResizeObserver(() => this.redraw()).observe(at("records-section"));
  }

  // Called every second: the first page of all records is kept fresh, anything else waits for the reader.
  show(stream) {
    at("records-section").hidden = !stream;
    if (!stream) return;
    const isOther = stream.externalId !== this.#stream?.externalId || stream.createdTime !== this.#stream?.createdTime;
    const now = `${stream.records} ${stream.lastChange}`;
    const isNews = now !== this.#known;
    this.#stream = stream;
    if (isOther) {
      this.#filter = "";
      this.#refused = false;
      at("filter").value = "";
      this.#records = [];
      this.#ready = false;
      this.#load(false);
    } else if (this.#asking) {
      // A slow answer is waited for: asking again would drop it, once a second.
    } else if (this.#unanswered) {
      this.#load(...this.#unanswered);
    } else if (isNews && !this.#filter && !this.#refused && this.#pages === 1) {
      this.#load(false);
    } else {
      at("newer").hidden = !isNews;
    }
    this.redraw();
  }

  #apply(text) {
    this.#load(false, text.trim());
  }

  async #load(isMore, filter = this.#filter) {
    const { externalId, records, lastChange } = this.#stream;
    this.#asked += 1;
    const mine = this.#asked;
    if (!isMore) {
      this.#known = `${records} ${lastChange}`;
      at("newer").hidden = true;
    }
    const parameters = { stream: externalId };
    if (filter) parameters.filter = filter;
    if (isMore && this.#next) parameters.after = this.#next;
    this.#asking = true;
    this.#unanswered = null;
    at("records-section").setAttribute("aria-busy", "true");
    const slow = setTimeout(() => { at("records-shown").textContent = "searching"; }, SLOW);
    let answer;
    let failure;
    try {
      answer = await ask("records", parameters);
    } catch (error) {
      failure = error;
    }
    clearTimeout(slow);
    if (mine !== this.#asked) return; // another was asked for meanwhile
    this.#asking = false;
    at("records-section").removeAttribute("aria-busy");
    this.#tell();
    if (failure && !(failure instanceof Refused)) {
      this.#unanswered = [isMore, filter];
      return;
    }
    this.#refused = Boolean(failure);
    this.#fail(failure);
    if (failure) return;
    this.#filter = filter;
    this.#records = isMore ? [...this.#records, ...answer.records] : answer.records;
    this.#examined = (isMore ? this.#examined : 0) + answer.examined;
    this.#pages = isMore ? this.#pages + 1 : 1;
    this.#next = answer.next;
    this.#ready = true;
    this.redraw();
  }

  #fail(error) {
    at("filter-error").hidden = !error;
    at("filter-error").textContent = error?.message ?? "";
    at("filter").setAttribute("aria-invalid", String(Boolean(error)));
  }

  redraw() {
    const stream = this.#stream;
    if (!stream || !this.#ready) return;
    const width = at("records-section").clientWidth;
    const shown = width < NARROWEST_TABLE ? IN_A_CARD
      : Math.min(MOST_COLUMNS, Math.floor((width - BESIDE) / NARROWEST_COLUMN));
    if (!isToDraw("records", [this.#records, this.#next, this.#filter, stream.externalId, shown, zoneKey()])) return;
    const records = this.#records;
    at("records").hidden = records.length === 0;
    at("no-records").hidden = records.length > 0;
    const newest = this.#next ? ` among the newest ${number.format(this.#examined)} changes` : "";
    at("no-records").textContent = this.#filter ? `No record matches${newest}.` : newest
      ? `No record is left${newest}.` : "No records in this stream.";
    at("more").hidden = !this.#next;
    at("more").textContent = this.#filter || !records.length ? "Search on" : "Show more";
    at("records-of").textContent = `of ${stream.externalId}`;
    this.#tell();
    this.#drawTable(records, shown);
    const examples = examplesOf(records);
    at("examples").replaceChildren(element("option", { value: "" }, "Examples…"),
      ...examples.map(([name, value]) => element("option", { value }, name)));
  }

  #tell() {
    const count = this.#records.length;
    at("records-shown").textContent = count
      ? `${many(count, "record")}, newest first${this.#filter ? `; ${number.format(this.#examined)} examined` : ""}`
      : "";
  }

  #drawTable(records, shown) {
    const all = new Map();
    const spaces = new Set(records.map((record) => record.space)).size;
    for (const record of records) for (const one of record.properties) all.set(keyOf(one), one);
    const columns = [...all].slice(0, shown);
    const numeric = new Set(columns.map(([key]) => key).filter((key) => records.every((record) => {
      const held = record.properties.find((one) => keyOf(one) === key);
      return !held || held.value === null || typeof held.value === "number";
    })));
    const head = (title, classes, ...more) =>
      element("th", { role: "columnheader", scope: "col", class: classes }, ...more, title);
    const heads = [head("External id"), head("Last updated")];
    for (const [key, one] of columns) {
      const made = head(one.name, numeric.has(key) ? "number" : undefined, element("small", {}, one.container));
      made.title = `${one.space} / ${one.container} / ${one.name}`;
      heads.push(made);
    }
    const left = all.size - columns.length;
    at("more-columns").textContent = left ? `${many(left, "more property", "more properties")}: open a record` : "";
    at("records").tHead.replaceChildren(row("", ...heads));
    replaceKeepingFocus(at("records").tBodies[0], records.map((record) => this.#row(record, columns, numeric, spaces > 1)));
  }

  #row(record, columns, numeric, withSpace) {
    const held = new Map(record.properties.map((one) => [keyOf(one), one.value]));
    const button = element("button", {
      type: "button", class: "name code", title: `${record.space} / ${record.externalId}`, "data-key": `${record.space}/${record.seq}`,
    }, record.externalId);
    const made = row("pick",
      cell("External id", "main", button, withSpace && element("span", { class: "muted small" }, record.space)),
      cell("Last updated", "when", time(record.lastUpdatedTime)),
      ...columns.map(([key, one]) => {
        const value = held.get(key);
        const isThere = value !== undefined && value !== null;
        return cell(one.name, numeric.has(key) ? "number" : "", line(isThere ? textOf(value) : NONE, isThere ? "" : "muted"));
      }));
    const stream = this.#stream.externalId;
    onClick(made, () => openRecord(stream, record));
    return made;
  }
}
