// Ask for what has changed every second while the page is visible, and hand it to the parts of the page.

import { showContainers } from "./containers.js";
import { at, ask, changed } from "./dom.js";
import { otherZone, switchZone, zone } from "./format.js";
import { Plot } from "./plot.js";
import { Records } from "./records.js";
import { Requests } from "./requests.js";
import { drawStreams } from "./streams.js";

const EVERY = 1000; // milliseconds
const plot = new Plot();
const records = new Records();
const requests = new Requests();
let last; // the last answer
let seen = "";

function wanted() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "";
  }
}

let shown; // the stream, which stays when another gets its first records

function chosenOf(streams) {
  return streams.find((stream) => stream.externalId === wanted())
    ?? streams.find((stream) => stream.externalId === shown && stream.records > 0)
    ?? streams.find((stream) => stream.records > 0)
    ?? streams[0];
}

function draw(state) {
  at("project").textContent = state.project;
  document.title = `Local CDF: ${state.project}`;
  const chosen = chosenOf(state.streams);
  shown = chosen?.externalId;
  drawStreams(state.streams, chosen?.externalId);
  records.show(chosen);
  requests.draw(state.project);
  plot.draw(state.now);
  at("zone").textContent = zone();
  at("switch-zone").textContent = otherZone();
  at("switch-zone").hidden = otherZone() === "";
  if (changed("schema", [state.schema, state.start])) showContainers();
}

function say(isLive) {
  at("live").className = isLive ? "on" : "off";
  if (changed("live", isLive)) at("live").textContent = isLive ? "live" : "the server does not answer";
}

async function look() {
  let state;
  try {
    state = await ask("state", { seen });
  } catch {
    say(false);
    return;
  }
  if (state.isAll) {
    requests.forget();
    plot.forget();
  }
  seen = state.seen;
  state.start = seen.split(".")[0];
  last = state;
  requests.add(state.requests, state.running);
  plot.add(state.activity);
  draw(state);
  say(true);
}

let next;
async function keepLooking() {
  clearTimeout(next);
  if (document.hidden) return;
  await look();
  clearTimeout(next);
  next = setTimeout(keepLooking, EVERY);
}

at("switch-zone").addEventListener("click", () => {
  switchZone();
  if (last) draw(last);
  records.redraw();
});
addEventListener("hashchange", () => last && draw(last));
document.addEventListener("visibilitychange", keepLooking);
keepLooking();
