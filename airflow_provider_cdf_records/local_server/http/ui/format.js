// Numbers and times as people read them.

import { element } from "./dom.js";

export const number = new Intl.NumberFormat("en");
export const rate = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
export const NONE = "–";

export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (count >= 999.5 && unit < units.length - 1) {
    count /= 1000;
    unit += 1;
  }
  return `${unit ? count.toFixed(count < 10 ? 1 : 0) : number.format(Math.round(count))} ${units[unit]}`;
}

export function took(seconds) {
  return seconds < 1 ? `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms` : `${seconds.toFixed(2)} s`;
}

export function many(count, one, more = `${one}s`) {
  return `${number.format(count)} ${count === 1 ? one : more}`;
}

// Times: in the browser's zone, or in UTC.

const two = (part) => String(part).padStart(2, "0");
let inUtc = false;
try {
  inUtc = localStorage.getItem("times") === "utc";
} catch {
  // A browser may keep nothing.
}

export function switchZone() {
  inUtc = !inUtc;
  try {
    localStorage.setItem("times", inUtc ? "utc" : "local");
  } catch {
    // It holds until the page is loaded again.
  }
}

// The time of which the UTC parts are what is shown.
function shifted(milliseconds, utc) {
  const offset = utc ? 0 : new Date(milliseconds).getTimezoneOffset();
  return new Date(milliseconds - offset * 60_000);
}

function offsetName(milliseconds, utc) {
  const minutes = utc ? 0 : -new Date(milliseconds).getTimezoneOffset();
  if (minutes === 0) return "UTC";
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? "−" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

export function zone(milliseconds = Date.now()) {
  const offset = offsetName(milliseconds, inUtc);
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return inUtc || offset === name || !name ? offset : `${name} (${offset})`;
}

// What a button to switch the zone says; nothing where both are the same.
export function otherZone() {
  if (inUtc) return "show the browser's";
  return zone() === "UTC" ? "" : "show UTC";
}

export const zoneKey = () => (inUtc ? "utc" : "local");

export function clock(milliseconds, { utc = inUtc, fine = false } = {}) {
  return shifted(milliseconds, utc).toISOString().slice(11, fine ? 23 : 19);
}

export function dateTime(milliseconds, { utc = inUtc } = {}) {
  return shifted(milliseconds, utc).toISOString().slice(0, 23).replace("T", " ");
}

// A time with the other zone's in its title.
export function time(milliseconds, show = dateTime) {
  const other = `${dateTime(milliseconds, { utc: !inUtc })} ${offsetName(milliseconds, !inUtc)}`;
  const iso = new Date(milliseconds).toISOString();
  const title = `${dateTime(milliseconds)} ${offsetName(milliseconds, inUtc)} = ${other}`;
  return element("time", { datetime: iso, title }, show(milliseconds));
}
