// How it stands: whose turn it is and why, tempo, clock, lateness, what is missing, the title.

import { find, h, write } from "./dom.js";
import { anchorAt, barAt, beatAt } from "./music.js";

const WHO = { player: "You", improv: "improv", both: "Together", nobody: "Listening" };
const SPOKEN = { player: "Your turn", improv: "improv plays", both: "You play together", nobody: "improv listens" };

export class Standing {
  constructor(store, now) {
    this.store = store;
    this.now = now;
    this.told = {};
    this.entered = ""; // why it came in, while it plays
    this.lines = []; // warnings of the last moments
    this.facts = Object.fromEntries(
      [
        ["bar", "Bar"],
        ["tempo", "Tempo"],
        ["clock", "Clock"],
        ["late", "Lateness"],
      ].map(([name, label]) => [name, this.fact(name, label)]),
    );
    store.on("turns link", () => this.turn());
    store.on("title", () => this.title());
    store.on("link missing waits inputs said", () => this.warnings());
    store.on("lateness", () => this.lateness());
    store.on("hello", () => (this.lines = []));
    store.on("said", (line) => line.warning && this.remember(line.text));
    setInterval(() => this.tick(), 100);
    this.title();
    this.turn();
  }

  fact(name, label) {
    const value = h("dd", { class: `fact-${name}`, text: "–" });
    find("facts").append(h("div", { class: "fact" }, h("dt", { text: label }), value));
    return value;
  }

  title() {
    const { title } = this.store.scene;
    write(find("title"), title);
    document.title = title ? `${title} – improv` : "improv";
  }

  /** Of several performers, the one that is about to do most; those who accompany count where there is nobody else. */
  get current() {
    const all = Object.entries(this.store.scene.turns);
    const leading = all.filter(([name]) => !this.store.accompanies(name));
    const turns = (leading.length ? leading : all).map(([, turn]) => turn);
    const rank = { both: 3, improv: 2, player: 1, nobody: 0 };
    return turns.reduce((a, b) => (rank[b.whose] > rank[a.whose] ? b : a), { whose: "nobody", why: "" });
  }

  turn() {
    const { whose, why, enters } = this.current;
    if (enters) this.entered = why.replace("enters", "entered");
    else if (whose !== "improv") this.entered = "";
    find("turn").dataset.who = whose;
    write(find("who"), WHO[whose] ?? WHO.nobody);
    write(find("why"), (whose === "improv" && this.entered) || why || this.store.scene.waits || "");
    if (whose === this.told.who) return;
    this.told.who = whose;
    write(find("said"), SPOKEN[whose] ?? SPOKEN.nobody);
  }

  tick() {
    const now = this.now();
    const anchor = anchorAt(this.store.anchors, now);
    const beat = beatAt(this.store.anchors, now);
    write(this.facts.bar, beat === null || beat < 0 ? "–" : String(barAt(this.store.scene, beat + 1e-6).number + 1));
    write(this.facts.tempo, anchor ? String(Math.round(anchor.tempo * 10) / 10) : "–");
    this.clock();
    const { enters } = this.current;
    find("turn").classList.toggle("soon", Boolean(enters && enters > now && enters - now < 4));
  }

  clock() {
    const { beat } = this.store.scene;
    const state = !beat?.running ? "waiting" : (beat.sure ?? 1) > 0.5 ? "locked" : "searching";
    const words = beat?.lock || { locked: "locked", searching: "looking for the beat", waiting: "not running yet" }[state];
    write(this.facts.clock, beat?.clock ?? (beat ? "internal" : "–"));
    this.facts.clock.dataset.lock = state;
    this.facts.clock.title = words;
  }

  /** A few bars, one for each row of the histogram that has notes near it, and p99 in words. */
  lateness() {
    const late = this.store.scene.lateness;
    const counts = late?.counts ?? [];
    const most = Math.max(1, ...counts.map((n) => Math.log1p(n)));
    const columns = counts.map((n, i) => {
      const upTo = late.le?.[i];
      const column = h("i", { class: upTo !== undefined && upTo <= 5 ? "good" : upTo <= 20 ? "fair" : "bad" });
      column.style.setProperty("--height", `${n ? Math.max(12, (100 * Math.log1p(n)) / most) : 3}%`);
      return column;
    });
    const words = late?.p99 === null || late?.p99 === undefined ? "–" : `${late.p99.toFixed(1)} ms`;
    this.facts.late.replaceChildren(
      h("span", { class: "histogram", "aria-hidden": "true" }, columns),
      h("span", { text: words, title: "99 of 100 notes were handed over within this time" }),
    );
  }

  warnings() {
    const { link, refusal, scene } = this.store;
    const found = [];
    if (link === "lost") found.push("The connection is lost. The music goes on; this page looks for it again.");
    if (link === "refused") found.push(refusal || "This page is not let in.");
    if (link === "open") {
      found.push(...scene.missing);
      for (const [name, input] of Object.entries(scene.inputs)) if (input.echo) found.push(`${name}: what improv plays comes back, so it is not listened to`);
      found.push(...this.lines);
    }
    const key = found.join("\n");
    if (key === this.told.warnings) return;
    this.told.warnings = key;
    find("warnings").replaceChildren(...found.map((text) => h("p", { text })));
  }

  /** A warning that was told stays for a while. */
  remember(text) {
    this.lines = [...this.lines.filter((l) => l !== text), text].slice(-2);
    setTimeout(() => {
      this.lines = this.lines.filter((l) => l !== text);
      this.warnings();
    }, 20000);
    this.warnings();
  }
}
