// One record: its JSON, its times, and what is known of its changes.

import { ask, element } from "./dom.js";
import { time } from "./format.js";
import { codeBlock, facts, openPanel } from "./panel.js";

const WITHOUT_HISTORY = "CDF keeps no older versions of a record. This local server remembers those among its last "
  + "10,000 changes of mutable streams, until it ends.";

export async function openRecord(stream, { space, externalId, seq }) {
  await openPanel(externalId, `record in ${stream}`, async () => {
    const record = await ask("record", { stream, space, externalId, seq });
    return [
      facts([
        ["Space", space],
        ["External id", externalId],
        ["Created", time(record.createdTime)],
        [record.deleted ? "Deleted" : "Last updated", time(record.lastUpdatedTime)],
      ]),
      record.deleted ? element("p", { class: "error" }, "This record has been deleted since.")
        : codeBlock("Record as JSON", record.json),
      historyOf(record),
    ];
  });
}

function historyOf(record) {
  const events = record.history.map((event) => element("li", { class: event.kind },
    element("span", { class: "kind" }, event.kind), " ", time(event.at), versionOf(event)));
  return element("section", { class: "history" },
    element("h3", {}, "History"),
    element("ol", { "aria-label": "History, newest first" }, ...events),
    record.moreHistory ? element("p", { class: "muted" }, `and ${record.moreHistory} earlier changes`) : "",
    element("p", { class: "muted small" }, WITHOUT_HISTORY));
}

function versionOf(event) {
  if (!event.json) return event.kind === "deleted" ? undefined : element("span", { class: "muted" }, " values not kept");
  return element("details", {}, element("summary", {}, "properties then"),
    element("pre", { tabindex: "0", role: "region", "aria-label": "Properties then" }, event.json));
}
