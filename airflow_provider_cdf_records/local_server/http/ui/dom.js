// Build parts of the page. Text goes in as text, never as markup.

export const at = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== undefined && child !== null && child !== false));
  return made;
}

export function svg(tag, attributes = {}, text = undefined) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// A cell that keeps its role where the style sheet shows rows as cards.
export function cell(label, classes, ...children) {
  return element("td", { role: "cell", class: classes, "data-label": label }, ...children);
}

export function row(classes, ...cells) {
  return element("tr", { role: "row", class: classes }, ...cells);
}

// Text that may be cut at the end of its line, with all of it in the title.
export function line(text, classes = "") {
  return element("span", { class: `line ${classes}`, title: text }, text);
}

// Replace the children of an element, and leave the focus on the one that has the same key.
export function replaceKeepingFocus(parent, children) {
  const focused = parent.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  parent.replaceChildren(...children);
  if (focused !== undefined) parent.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

// Whether text in an element is selected.
function isSelectedIn(parent) {
  const selection = getSelection();
  return !selection.isCollapsed && selection.containsNode(parent, true);
}

// Have a click on an element do something, but not the one that ends the selecting of its text.
export function onClick(parent, act) {
  parent.addEventListener("click", (event) => {
    if (event.target.closest("button") || !isSelectedIn(parent)) act();
  });
}

const drawn = new Map(); // what each part showed last, so that unchanged parts are left alone

export function changed(part, content) {
  const now = JSON.stringify(content);
  if (drawn.get(part) === now) return false;
  drawn.set(part, now);
  return true;
}

// Whether an element is to be drawn anew. A selection in it would be lost, so it is drawn when that is gone.
export function isToDraw(id, content) {
  return !isSelectedIn(at(id)) && changed(id, content);
}

// What the server refuses, in its own words.
export class Refused extends Error {}

// Ask the server; any other error means that it did not answer.
export async function ask(path, parameters = {}) {
  const answer = await fetch(`/ui/${path}?${new URLSearchParams(parameters)}`, { cache: "no-store" });
  const text = await answer.text();
  let content;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Refused(`The server answered ${answer.status}: ${text.slice(0, 200)}`);
  }
  if (!answer.ok) throw new Refused(content.error?.message ?? `The server answered ${answer.status}.`);
  return content;
}
