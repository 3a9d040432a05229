// The panel at the side that shows one thing in full.

import { at, cell, element, row } from "./dom.js";

let wanted = 0;

at("panel-close").addEventListener("click", () => at("panel").close());
at("panel").addEventListener("click", (event) => {
  if (event.target === at("panel")) at("panel").close(); // beside it
});

// Open it with what ``make`` returns; an error is shown in the server's words.
export async function openPanel(title, subtitle, make) {
  wanted += 1;
  const mine = wanted;
  at("panel-title").textContent = title;
  at("panel-subtitle").textContent = subtitle;
  at("panel-body").replaceChildren(element("p", { class: "muted" }, "Loading"));
  if (!at("panel").open) at("panel").showModal();
  let made;
  try {
    made = await make();
  } catch (error) {
    made = [element("p", { class: "error", role: "alert" }, error.message)];
  }
  if (mine === wanted) at("panel-body").replaceChildren(...made.filter(Boolean));
}

export function facts(pairs) {
  return element("dl", { class: "facts" }, ...pairs.filter(Boolean).flatMap(([name, value]) => [
    element("dt", {}, name), element("dd", {}, value),
  ]));
}

export function table(caption, heads, rows) {
  return element(
    "table", { class: "cards", role: "table", "aria-label": caption },
    element("thead", { role: "rowgroup" }, row("", ...heads.map(
      (head) => element("th", { role: "columnheader", scope: "col" }, head)))),
    element("tbody", { role: "rowgroup" }, ...rows.map((cells) => row("", ...cells.map(
      (content, index) => cell(heads[index], index ? "wrap" : "main wrap", content))))),
  );
}

export function codeBlock(title, text) {
  const copy = element("button", { type: "button", class: "quiet" }, "Copy");
  copy.addEventListener("click", async () => {
    copy.textContent = await copied(text) ? "Copied" : "Select and copy";
    setTimeout(() => { copy.textContent = "Copy"; }, 2000);
  });
  return element("section", { class: "code-block" },
    element("header", {}, element("h3", {}, title), copy),
    element("pre", { tabindex: "0", role: "region", "aria-label": title }, text));
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // a browser may allow it to secure addresses only
  }
}
