// The containers, and the definition of one.

import { ask, at, cell, element, onClick, replaceKeepingFocus, row } from "./dom.js";
import { number } from "./format.js";
import { codeBlock, facts, openPanel, table } from "./panel.js";

export async function showContainers() {
  const { containers } = await ask("containers");
  at("containers").hidden = containers.length === 0;
  at("no-containers").hidden = containers.length > 0;
  replaceKeepingFocus(at("containers").tBodies[0], containers.map((container) => {
    const name = `${container.space}/${container.externalId}`;
    const button = element("button", { type: "button", class: "name", "data-key": name, title: name },
      container.externalId);
    const made = row(
      "pick",
      cell("Container", "main", button, element("span", { class: "muted small" }, container.space)),
      cell("Properties", "number", number.format(container.properties),
        container.usedFor === "record" ? undefined
          : element("span", { class: "muted small" }, `for ${container.usedFor}s, not records`)),
    );
    onClick(made, () => openContainer(container.space, container.externalId));
    return made;
  }));
}

function typeOf(type) {
  const limits = ["maxTextSize", "maxListSize"].filter((name) => type[name] !== undefined)
    .map((name) => `${name} ${type[name]}`);
  const values = type.type === "enum" ? [Object.keys(type.values ?? {}).join(" | ")] : [];
  return [type.list ? `list of ${type.type}` : type.type, ...limits, ...values].join(", ");
}

export async function openContainer(space, externalId) {
  await openPanel(`Container ${externalId}`, space, async () => {
    const { definition, json } = await ask("container", { space, externalId });
    const properties = Object.entries(definition.properties).map(([name, property]) => [
      element("code", {}, name),
      typeOf(property.type),
      property.nullable ? "optional" : "required",
      property.defaultValue === undefined || property.defaultValue === null
        ? "" : JSON.stringify(property.defaultValue),
    ]);
    const described = (found) => Object.entries(found ?? {}).map(([name, one]) => [
      element("code", {}, name),
      one.indexType ?? one.constraintType ?? "",
      (one.properties ?? []).join(", "),
    ]);
    const indexes = described(definition.indexes);
    const constraints = described(definition.constraints);
    return [
      facts([["Used for", definition.usedFor], ["Properties", String(properties.length)]]),
      table("Properties", ["Property", "Type", "Value", "Default"], properties),
      indexes.length ? table("Indexes", ["Index", "Type", "Properties"], indexes)
        : element("p", { class: "muted" }, "No indexes."),
      constraints.length ? table("Constraints", ["Constraint", "Type", "Properties"], constraints) : undefined,
      codeBlock("Definition as JSON", json),
    ];
  });
}
