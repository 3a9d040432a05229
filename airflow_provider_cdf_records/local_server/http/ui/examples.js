// Filters to begin with, of the properties that the shown records have.

const pretty = (filter) => JSON.stringify(filter, undefined, 1).replace(/\n\s*/g, " ");

export function examplesOf(records) {
  const found = [];
  const first = records[0];
  const add = (name, filter) => found.push([name, pretty(filter)]);
  if (first) {
    const start = first.externalId.slice(0, Math.max(1, Math.floor(first.externalId.length / 2)));
    add("External id starts with", { prefix: { property: ["externalId"], value: start } });
    add("One external id", { equals: { property: ["externalId"], value: first.externalId } });
    const having = (test) => first.properties.find((one) => one.value !== null && test(one.value));
    const path = (one) => [one.space, one.container, one.name];
    const text = having((value) => typeof value === "string" && value.length < 60);
    const amount = having((value) => typeof value === "number");
    if (text) add(`${text.name} equals`, { equals: { property: path(text), value: text.value } });
    if (amount) add(`${amount.name} in a range`, { range: { property: path(amount), gte: amount.value, lt: amount.value + 100 } });
    const any = text ?? amount;
    if (any) add(`${any.name} is missing`, { not: { exists: { property: path(any) } } });
    if (text && amount) {
      add("Both of two", {
        and: [{ exists: { property: path(text) } }, { range: { property: path(amount), gt: amount.value } }],
      });
    }
  }
  add("Changed in the last hour", {
    range: { property: ["lastUpdatedTime"], gt: new Date(Date.now() - 3_600_000).toISOString() },
  });
  return found;
}
