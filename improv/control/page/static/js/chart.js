// The chart: bars four in a row, the one that sounds now lit; and the chord of this moment, large.

import { find, h, reduced, symbolOf } from "./dom.js";
import { barAt, beatAt, chordIndex, placeIn } from "./music.js";

export class Chart {
  constructor(store, now) {
    this.store = store;
    this.now = now;
    this.root = find("chart");
    this.bar = this.chord = this.beat = this.dots = null;
    store.on("chart", () => this.build());
    store.on("chord bar metre", () => this.follow());
    setInterval(() => this.follow(), 33);
    this.build();
  }

  build() {
    const bars = this.store.scene.chart?.bars ?? [];
    this.cells = bars.map((bar, i) =>
      h(
        "li",
        { class: "bar", "data-bar": i + 1 },
        h("span", { class: "number", "aria-hidden": "true", text: i + 1 }),
        h("span", { class: "chords" }, bar.map((symbol) => h("span", { class: symbol === "%" ? "symbol held" : "symbol" }, symbolOf(symbol)))),
      ),
    );
    this.root.replaceChildren(
      bars.length
        ? h("ol", { class: "bars" }, this.cells)
        : h("p", { class: "empty", text: "No changes: hold chords and improv follows them, or write changes in the desk." }),
    );
    this.root.classList.toggle("bare", !bars.length);
    this.bar = this.chord = null;
    this.follow();
  }

  follow() {
    const { scene, anchors } = this.store;
    const beat = beatAt(anchors, this.now());
    const { chart } = scene;
    this.beats(beat);
    const index = beat === null || beat < 0 ? -1 : chordIndex(chart, beat);
    const bar = index < 0 ? null : barAt(scene, placeIn(chart, beat + 1e-6)).number;
    if (bar !== this.bar) this.light(bar);
    const chords = chart?.chords ?? [];
    const chord = index >= 0 ? chords[index].symbol : (scene.chord?.symbol ?? chords[0]?.symbol ?? "");
    const coming = chords.length ? this.after(chords, index, chord) : "";
    const both = `${chord}→${coming}`;
    if (both === this.chord) return;
    this.chord = both;
    find("sounding").replaceChildren(...(chord ? [h("span", { class: "unseen", text: "Chord now: " }), ...symbolOf(chord)] : []));
    find("coming").replaceChildren(...(coming ? [h("span", { class: "next", text: "next" }), ...symbolOf(coming)] : []));
  }

  /** The next chord that is another. */
  after(chords, index, chord) {
    for (let step = 1; step < chords.length; step++) {
      const next = chords[(Math.max(index, 0) + step) % chords.length].symbol;
      if (next !== chord) return next;
    }
    return "";
  }

  light(bar) {
    if (this.bar !== null) this.cells[this.bar]?.classList.remove("now");
    if (this.bar !== null) this.cells[this.bar]?.removeAttribute("aria-current");
    this.bar = bar;
    const cell = this.cells[bar];
    if (!cell) return;
    cell.classList.add("now");
    cell.setAttribute("aria-current", "true");
    const top = cell.offsetTop - (this.root.clientHeight - cell.offsetHeight) / 2;
    if (this.root.scrollHeight > this.root.clientHeight + 4) {
      this.root.scrollTo({ top: Math.max(0, top), behavior: reduced() ? "auto" : "smooth" });
    }
  }

  /** The beats of the bar as dots. */
  beats(beat) {
    const at = barAt(this.store.scene, beat ?? 0);
    const count = Math.max(1, at.count);
    const list = find("beats");
    if (list.children.length !== count) {
      list.replaceChildren(...Array.from({ length: count }, () => h("li")));
      this.beat = null;
    }
    const on = beat === null ? -1 : Math.min(Math.floor(((beat - at.begin) * count) / at.length + 1e-6), count - 1);
    if (on === this.beat) return;
    this.beat = on;
    [...list.children].forEach((dot, i) => dot.classList.toggle("on", i === on));
  }
}
