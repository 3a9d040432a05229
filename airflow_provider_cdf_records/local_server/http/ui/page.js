"use strict";

const EVERY = 1000; // milliseconds
const drawn = new Map(); // what each part showed last, so that unchanged parts are left alone

const at = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");
const rate = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

// Text goes into the page as text, never as markup.
function element(tag, text, classes) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (classes) made.className = classes;
  return made;
}

function cell(text, classes) {
  const made = element("td", text, classes);
  made.title = text;
  return made;
}

function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (count >= 999.5 && unit < units.length - 1) {
    count /= 1000;
    unit += 1;
  }
  return `${unit ? count.toFixed(count < 10 ? 1 : 0) : number.format(Math.round(count))} ${units[unit]}`;
}

function took(seconds) {
  return seconds < 1 ? `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms` : `${seconds.toFixed(2)} s`;
}

function clock(milliseconds) {
  const time = new Date(milliseconds);
  const two = (part) => String(part).padStart(2, "0");
  const parts = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":");
  return `${parts}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

function day(milliseconds) {
  const time = new Date(milliseconds);
  return [time.getFullYear(), time.getMonth() + 1, time.getDate()].map((p) => String(p).padStart(2, "0")).join("-");
}

function changed(part, content) {
  const now = JSON.stringify(content);
  if (drawn.get(part) === now) return false;
  drawn.set(part, now);
  return true;
}

function rows(table, made) {
  document.querySelector(`#${table} tbody`).replaceChildren(...made);
}

function show(table, isThere) {
  at(table).closest(".table").hidden = !isThere;
  at(`no-${table}`).hidden = isThere;
}

function drawStreams(streams, chosen) {
  if (!changed("streams", [streams, chosen])) return;
  show("streams", streams.length > 0);
  const focused = document.activeElement?.dataset?.stream;
  rows("streams", streams.map((stream) => {
    const row = element("tr", undefined, stream.externalId === chosen ? "pick chosen" : "pick");
    const name = element("td");
    const button = element("button", stream.externalId);
    button.type = "button";
    button.dataset.stream = stream.externalId;
    button.setAttribute("aria-pressed", String(stream.externalId === chosen));
    name.append(button);
    name.title = stream.externalId;
    row.append(
      name,
      cell(stream.type),
      cell(stream.template, "muted"),
      cell(number.format(stream.records), "number"),
      cell(bytes(stream.bytes), "number"),
      cell(stream.recordsPerSecond ? rate.format(stream.recordsPerSecond) : "–", "number"),
      cell(stream.bytesPerSecond ? bytes(stream.bytesPerSecond) : "–", "number"),
    );
    row.addEventListener("click", () => {
      location.hash = encodeURIComponent(stream.externalId);
    });
    return row;
  }));
  if (focused !== undefined) document.querySelector(`[data-stream="${CSS.escape(focused)}"]`)?.focus();
}

function drawRecords(records, stream) {
  if (!changed("records", [records, stream])) return;
  at("records-section").hidden = !stream;
  if (!stream) return;
  show("records", records.length > 0);
  const count = records.length === 1 ? "the last one" : `the last ${records.length}`;
  at("records-of").textContent = records.length ? `of ${stream.externalId}, ${count}` : `of ${stream.externalId}`;
  const key = (property) => JSON.stringify([property.space, property.container, property.name]);
  const columns = new Map();
  for (const record of records) for (const property of record.properties) columns.set(key(property), property);
  const numeric = new Set([...columns.keys()].filter((column) => records.every((record) => {
    const held = record.properties.find((property) => key(property) === column);
    return !held || held.value === null || typeof held.value === "number";
  })));

  const head = element("tr");
  for (const title of ["External id", "Last updated"]) head.append(element("th", title));
  for (const [column, property] of columns) {
    const title = element("th", undefined, numeric.has(column) ? "number" : "");
    title.append(element("small", property.container), property.name);
    title.title = `${property.space} / ${property.container} / ${property.name}`;
    head.append(title);
  }
  head.append(element("th", "Space"));
  document.querySelector("#records thead").replaceChildren(head);

  rows("records", records.map((record) => {
    const held = new Map(record.properties.map((property) => [key(property), property.value]));
    const row = element("tr");
    const updated = `${day(record.lastUpdatedTime)} ${clock(record.lastUpdatedTime)}`;
    row.append(cell(record.externalId, "code"), cell(updated, "muted"));
    for (const column of columns.keys()) {
      const value = held.get(column);
      const isThere = value !== undefined && value !== null;
      row.append(cell(isThere ? String(value) : "–", numeric.has(column) ? "number" : isThere ? "" : "muted"));
    }
    row.append(cell(record.space, "muted"));
    return row;
  }));
}

function drawRequests(requests, project) {
  if (!changed("requests", requests)) return;
  show("requests", requests.length > 0);
  rows("requests", requests.map((request) => {
    const tone = request.status === null || request.status >= 500 ? "bad"
      : request.status === 429 || request.status === 401 ? "wait"
      : request.status >= 400 ? "bad" : "good";
    const path = request.path.startsWith(`${project}/`) ? request.path.slice(project.length) : request.path;
    const row = element("tr");
    row.append(
      cell(clock(request.at), "muted number"),
      cell(request.status === null ? "cut" : String(request.status), tone),
      cell(`${request.method} ${path}`, "code"),
      cell(request.items === null ? "–" : number.format(request.items), "number"),
      cell(request.size ? bytes(request.size) : "–", "number"),
      cell(took(request.seconds), "number"),
      cell(request.fault ?? "–", request.fault ? "wait" : "muted"),
    );
    return row;
  }));
}

function wanted() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "";
  }
}

async function draw() {
  const live = at("live");
  try {
    const answer = await fetch(`/ui/state?stream=${encodeURIComponent(wanted())}`, { cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const state = await answer.json();
    at("project").textContent = state.project;
    document.title = `Local CDF: ${state.project}`;
    drawStreams(state.streams, state.stream);
    drawRecords(state.records, state.streams.find((stream) => stream.externalId === state.stream));
    drawRequests(state.requests, state.project);
    live.textContent = "live";
    live.className = "on";
  } catch {
    live.textContent = "the server does not answer";
    live.className = "off";
  }
}

let next;
async function keepDrawing() {
  clearTimeout(next);
  if (!document.hidden) await draw();
  clearTimeout(next);
  next = setTimeout(keepDrawing, EVERY);
}

addEventListener("hashchange", keepDrawing);
document.addEventListener("visibilitychange", keepDrawing);
keepDrawing();
