// The page's own sound, the MIDI that hangs on this machine, and the computer's keys.

import { h, write } from "./dom.js";
import { INSTRUMENTS, YOURS } from "./sound.js";

export class SoundTab {
  constructor({ store, sound, midi, keys }) {
    Object.assign(this, { store, sound, midi, keys });
    this.element = h("div", { class: "pane" }, this.synth(), this.ports(), this.computer(), this.about());
    store.on("midi", () => this.showPorts());
    store.on("sound hello link pages", () => this.showSound());
    setInterval(() => this.level(), 100);
  }

  synth() {
    const { sound } = this;
    this.vu = h("span", { class: "vu", "aria-hidden": "true" });
    this.state = h("p", { class: "help", "aria-live": "polite" });
    this.yours = this.toggle("Sound what you play", "you");
    this.theirs = this.toggle("Sound what improv plays", "improv");
    return h(
      "section",
      { class: "group" },
      h("h2", { text: "This page's synth" }),
      this.state,
      this.slide("volume", sound.volume, 0, 1, 0.01, (v) => sound.setVolume(v)),
      this.vu,
      this.yours.element,
      this.instrument("Your instrument", YOURS),
      this.theirs.element,
      this.instrument("improv's instrument", "improv"),
    );
  }

  slide(label, value, min, max, step, act) {
    const id = `own-${label}`;
    const input = h("input", { type: "range", id, min, max, step, value });
    const paint = () => input.style.setProperty("--fill", `${(100 * (input.value - min)) / (max - min)}%`);
    input.addEventListener("input", () => {
      act(Number(input.value));
      paint();
    });
    paint();
    return h("div", { class: "row" }, h("div", { class: "row-head" }, h("label", { for: id, text: label })), input);
  }

  toggle(label, whose) {
    const input = h("input", { type: "checkbox", checked: true, on: { change: () => (this.sound.on[whose] = input.checked) } });
    return { input, element: h("label", { class: "check" }, input, h("span", { text: label })) };
  }

  instrument(label, source) {
    const id = `instrument-${source}`;
    const select = h("select", { id, on: { change: () => (this.sound.programs[source] = Number(select.value)) } }, INSTRUMENTS.map(([number, name]) => h("option", { value: number, text: name })));
    select.value = this.sound.programs[source];
    return h("div", { class: "row" }, h("label", { for: id, text: label }), select);
  }

  ports() {
    this.ask = h("button", { type: "button", text: "Use MIDI of this machine", on: { click: () => this.begin() } });
    this.input = h("select", { id: "midi-in", on: { change: () => this.midi.listen(this.input.value) } });
    this.output = h("select", { id: "midi-out", on: { change: () => this.midi.send(this.output.value) } });
    this.chosen = h("div", { class: "row" }, h("label", { for: "midi-in", text: "keyboard" }), this.input, h("label", { for: "midi-out", text: "improv's notes also go to" }), this.output);
    this.chosen.hidden = true;
    this.midiTold = h("p", { class: "help", "aria-live": "polite", text: this.midi.there ? "A keyboard or a synth that is plugged into the machine which shows this page." : "This browser has no Web MIDI. Chrome, Edge and Firefox have it." });
    this.ask.hidden = !this.midi.there;
    return h("section", { class: "group" }, h("h2", { text: "MIDI here" }), this.midiTold, this.ask, this.chosen);
  }

  async begin() {
    try {
      await this.midi.ask();
      this.ask.hidden = true;
    } catch (error) {
      write(this.midiTold, `The browser does not allow it: ${error.message}`);
    }
  }

  showPorts() {
    const fill = (select, ports, chosen) => {
      select.replaceChildren(h("option", { value: "", text: ports.length ? "none" : "none is plugged in" }), ...ports.map((p) => h("option", { value: p.id, text: p.name ?? p.id })));
      select.value = chosen?.id ?? "";
    };
    this.chosen.hidden = !this.midi.access;
    fill(this.input, this.midi.inputs, this.midi.input);
    fill(this.output, this.midi.outputs, this.sound.out);
  }

  computer() {
    return h(
      "section",
      { class: "group" },
      h("h2", { text: "The computer's keys" }),
      h("p", { class: "help", text: "Two rows play: Z X C… with S D… as black keys, and Q W E… with 2 3… an octave above. [ and ] or the page keys change the octave. Shift plays an accent. Esc is panic." }),
      this.slide("touch", this.keys.velocity, 20, 100, 1, (v) => (this.keys.velocity = v)),
    );
  }

  about() {
    this.pages = h("p", { class: "help" });
    return h("section", { class: "group" }, h("h2", { text: "This page" }), this.pages);
  }

  showSound() {
    const { store, sound } = this;
    if (store.hello.page && store.hello.page !== this.page) {
      this.page = store.hello.page;
      if (!store.hello.sounds) for (const [toggle, whose] of [[this.yours, "you"], [this.theirs, "improv"]]) toggle.input.checked = sound.on[whose] = false;
    }
    const others = store.scene.pages - 1;
    const heard = store.hello.sounds ? "" : " A synth is connected to improv, so this page is silent unless you choose otherwise.";
    write(this.state, (sound.running ? "It sounds." : "It is silent until you touch the page.") + heard);
    write(this.pages, `improv ${store.hello.improv ?? ""}. ${others > 0 ? `${others} other page${others > 1 ? "s are" : " is"} connected.` : "No other page is connected."} The synth is webaudio-tinysynth by g200kg (Apache-2.0).`);
  }

  level() {
    if (this.element.hidden) return;
    this.vu.style.setProperty("--level", Math.min(1, this.sound.level() * 1.6).toFixed(3));
  }
}
