// The streams, of which one is chosen.

import { at, cell, element, isToDraw, line, onClick, replaceKeepingFocus, row } from "./dom.js";
import { bytes, NONE, number, rate, time, zoneKey } from "./format.js";

export function drawStreams(streams, chosen) {
  if (!isToDraw("streams", [streams, chosen, zoneKey()])) return;
  at("streams").hidden = streams.length === 0;
  at("no-streams").hidden = streams.length > 0;
  replaceKeepingFocus(at("streams").tBodies[0], streams.map((stream) => {
    const isChosen = stream.externalId === chosen;
    const name = stream.externalId;
    const button = element(
      "button", { type: "button", class: "name", "data-key": name, "aria-pressed": isChosen, title: name }, name,
    );
    const isMutable = stream.type === "Mutable";
    const small = (text, classes = "muted") => element("span", { class: `small ${classes}`, title: text }, text);
    const now = stream.recordsPerSecond ? [
      small(`${rate.format(stream.recordsPerSecond)} records/s`, "rate"),
      small(`${bytes(stream.bytesPerSecond)}/s`, "rate"),
    ] : [];
    const made = row(
      isChosen ? "pick chosen" : "pick",
      cell("Stream", "main", button, small(isMutable ? "mutable" : "immutable"), small(stream.template)),
      cell("Records", "number", number.format(stream.records),
        element("span", { class: "muted small" }, bytes(stream.bytes))),
      cell("Last change", "when", stream.lastChange ? time(stream.lastChange) : line(NONE, "muted"),
        ...now),
    );
    onClick(made, () => {
      location.hash = encodeURIComponent(name);
    });
    return made;
  }));
}
