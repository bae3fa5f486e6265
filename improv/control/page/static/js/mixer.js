// A band's faders, one for each performer: the setting `level`; and the button that lets the band end.

import { h } from "./dom.js";

const THROTTLE = 80; // ms between two requests of a fader that moves

export class Mixer {
  constructor(asker) {
    this.asker = asker;
    this.faders = new Map(); // by the performer's name: { input, value }
    this.rows = h("div");
    this.end = h("button", { type: "button", class: "quiet", text: "End the tune", on: { click: () => asker.ask({ do: "ending" }) } });
    this.element = h("section", { class: "group" }, h("h2", { text: "Mixer" }), this.rows, this.end);
    asker.store.on("hello performers", () => this.show());
    this.show();
  }

  show() {
    const { store } = this.asker;
    const performers = Object.entries(store.scene.performers);
    const info = store.hello.settings.find((row) => row.name === "level");
    this.element.hidden = performers.length < 2 || !info;
    this.end.hidden = !performers.some(([name]) => store.accompanies(name));
    this.end.disabled = !store.steers;
    if (this.element.hidden) return;
    const names = performers.map(([name]) => name);
    if (names.join("\n") !== [...this.faders.keys()].join("\n")) {
      this.faders = new Map(names.map((name) => [name, this.fader(name, info)]));
      this.rows.replaceChildren(...[...this.faders.values()].map((fader) => fader.element));
    }
    for (const [name, performer] of performers) {
      const { input, value } = this.faders.get(name);
      input.disabled = !store.steers;
      if (document.activeElement !== input) input.value = performer.settings?.level ?? info.default;
      this.paint(input, value);
    }
  }

  fader(name, info) {
    const id = `level-${name}`;
    const value = h("output", { for: id });
    const input = h("input", { type: "range", id, min: info.low ?? 0, max: info.high ?? 1.5, step: 0.05, value: info.default });
    let timer = null;
    input.addEventListener("input", () => {
      this.paint(input, value);
      timer ??= setTimeout(() => {
        timer = null;
        this.asker.ask({ do: "set", name: "level", value: Number(input.value), performer: name });
      }, THROTTLE);
    });
    const element = h("div", { class: "row" }, h("div", { class: "row-head" }, h("label", { for: id, text: name }), value), input);
    return { element, input, value };
  }

  paint(input, value) {
    value.textContent = Number(input.value).toFixed(2);
    input.style.setProperty("--fill", `${(100 * (input.value - input.min)) / (input.max - input.min)}%`);
  }
}
