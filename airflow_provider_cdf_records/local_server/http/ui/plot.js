// Records stored and requests over the last minutes, as bars; refused requests are hatched.

import { at, changed, svg } from "./dom.js";
import { clock, many, number, zone, zoneKey } from "./format.js";

const NARROWEST_BAR = 6; // pixels
const STEPS = [1, 2, 5, 10, 15, 30, 60]; // seconds of a bar
const TICKS = [10, 15, 30, 60, 120, 300]; // seconds between times
const TOP = { from: 16, height: 84 }; // records
const BOTTOM = { from: 116, height: 40 }; // requests
const AXIS = 172;
const KEPT = 15 * 60; // seconds
const EMPTY = { records: 0, requests: 0, refused: 0 };

export class Plot {
  #seconds = new Map(); // epoch second -> counts
  #bars = [];
  #now = Date.now();
  #chosen = null; // start of the bar that is pointed to, in seconds
  #minutes = 5;

  constructor() {
    const plot = at("plot");
    at("range").addEventListener("change", (event) => {
      this.#minutes = Number(event.target.value);
      this.#chosen = null;
      this.draw(this.#now);
    });
    plot.addEventListener("pointermove", (event) => this.#point(event.clientX - plot.getBoundingClientRect().left));
    plot.addEventListener("pointerdown", (event) => this.#point(event.clientX - plot.getBoundingClientRect().left));
    plot.addEventListener("pointerleave", () => this.#choose(null));
    plot.addEventListener("blur", () => this.#choose(null));
    plot.addEventListener("focus", () => this.#choose(this.#bars.at(-1)?.start ?? null));
    plot.addEventListener("keydown", (event) => this.#move(event));
    new ResizeObserver(() => this.draw(this.#now)).observe(at("plot-box"));
  }

  forget() {
    this.#seconds.clear();
  }

  add(activity) {
    for (const [second, records, requests, refused] of activity) this.#seconds.set(second, { records, requests, refused });
  }

  draw(now) {
    this.#now = now;
    const last = Math.floor(now / 1000);
    for (const second of this.#seconds.keys()) if (second <= last - KEPT) this.#seconds.delete(second);
    const width = at("plot-box").clientWidth;
    if (!width) return;
    const range = this.#minutes * 60;
    const step = STEPS.find((one) => (width * one) / range >= NARROWEST_BAR) ?? STEPS.at(-1);
    const end = Math.floor(last / step) * step + step; // the bar of now is there, and grows
    const count = Math.ceil(range / step);
    this.#bars = Array.from({ length: count }, (_, index) => this.#sum(end - (count - index) * step, step));
    this.#total();
    this.#tell();
    if (!changed("plot", [this.#bars, width, zoneKey(), this.#chosen])) return;
    this.#paint(width, step);
  }

  #sum(start, step) {
    const bar = { start, step, ...EMPTY };
    for (let second = start; second < start + step; second += 1) {
      const counts = this.#seconds.get(second) ?? EMPTY;
      for (const name of Object.keys(EMPTY)) bar[name] += counts[name];
    }
    return bar;
  }

  #total() {
    for (const name of Object.keys(EMPTY)) {
      at(`total-${name}`).textContent = number.format(this.#bars.reduce((sum, bar) => sum + bar[name], 0));
    }
    at("legend-refused").classList.toggle("some", this.#bars.some((bar) => bar.refused));
  }

  #paint(width, step) {
    const plot = at("plot");
    plot.setAttribute("viewBox", `0 0 ${width} 190`);
    const wide = width / this.#bars.length;
    const mostRecords = Math.max(...this.#bars.map((bar) => bar.records));
    const mostRequests = Math.max(...this.#bars.map((bar) => bar.requests));
    const parts = [
      this.#level(TOP, width, mostRecords, "record", step),
      this.#level(BOTTOM, width, mostRequests, "request", step),
      ...this.#times(width),
    ].flat();
    this.#bars.forEach((bar, index) => {
      const x = index * wide;
      const add = (name, panel, from, share) => {
        if (!share) return;
        const height = Math.max(share * panel.height, 2);
        parts.push(svg("rect", {
          class: name, x: x + 0.5, width: Math.max(wide - 1, 1), height,
          y: panel.from + panel.height - from * panel.height - height,
        }));
      };
      if (bar.start === this.#chosen) {
        parts.push(svg("rect", { class: "pointed", x, width: wide, y: TOP.from, height: AXIS - TOP.from - 14 }));
      }
      add("records", TOP, 0, bar.records / mostRecords);
      const good = (bar.requests - bar.refused) / mostRequests;
      add("requests", BOTTOM, 0, good);
      add("refused", BOTTOM, good, bar.refused / mostRequests);
    });
    at("plot-parts").replaceChildren(...parts);
  }

  #level(panel, width, most, name, step) {
    const bottom = panel.from + panel.height;
    const each = step === 1 ? "a second" : `in ${step} s`;
    return [
      svg("line", { class: "grid", x1: 0, x2: width, y1: panel.from, y2: panel.from }),
      svg("line", { class: "base", x1: 0, x2: width, y1: bottom, y2: bottom }),
      svg("text", { x: 0, y: panel.from - 4 }, most ? `${many(most, name)} ${each}` : `no ${name}s`),
    ];
  }

  #times(width) {
    const first = this.#bars[0].start;
    const range = this.#bars.length * this.#bars[0].step;
    const every = TICKS.find((one) => (width * one) / range >= 90) ?? TICKS.at(-1);
    const made = [];
    for (let second = Math.ceil(first / every) * every; second < first + range; second += every) {
      const x = ((second - first) / range) * width;
      made.push(svg("line", { class: "tick", x1: x, x2: x, y1: AXIS - 14, y2: AXIS - 10 }));
      if (x > 30 && x < width - 30) made.push(svg("text", { class: "time", x, y: AXIS + 2 }, clock(second * 1000)));
    }
    return made;
  }

  #point(x) {
    const index = Math.floor((x / at("plot-box").clientWidth) * this.#bars.length);
    this.#choose(this.#bars[index]?.start ?? null);
  }

  #move(event) {
    const last = this.#bars.length - 1;
    const index = this.#bars.findIndex((bar) => bar.start === this.#chosen);
    const at = index < 0 ? last : index;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at - 10, PageDown: at + 10, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#choose(this.#bars[Math.max(0, Math.min(last, to))].start);
  }

  #choose(start) {
    if (start === this.#chosen) return;
    this.#chosen = start;
    this.draw(this.#now);
  }

  // The numbers of the bar that is pointed to, for the eye and for a screen reader.
  #tell() {
    const index = this.#bars.findIndex((bar) => bar.start === this.#chosen);
    const bar = this.#bars[index];
    const plot = at("plot");
    plot.setAttribute("aria-valuemax", this.#bars.length - 1);
    plot.setAttribute("aria-valuenow", index < 0 ? this.#bars.length - 1 : index);
    const words = bar && `${clock(bar.start * 1000)} to ${clock((bar.start + bar.step) * 1000)} (${zone(bar.start * 1000)}): `
      + `${many(bar.records, "record")}, ${many(bar.requests, "request")}, ${number.format(bar.refused)} refused`;
    plot.setAttribute("aria-valuetext", words ?? "no time is chosen");
    at("plot-words").textContent = words ?? `Point at the plot, or use the arrow keys, for the numbers. Times: ${zone()}.`;
  }
}
