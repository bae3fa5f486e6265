// A piano on the screen, for fingers and the mouse. It shows what sounds, and which of the computer's keys is which.

import { find, h } from "./dom.js";
import { isBlack, pitchName, spell } from "./music.js";
import { printed, STEPS } from "./keys.js";

export class Piano {
  /** play: as of Keys. keys: those of the computer. */
  constructor(store, keys, play) {
    this.store = store;
    this.keys = keys;
    this.play = play;
    this.fingers = new Map(); // pointer -> pitch
    this.root = find("piano");
    this.board = h("div", { class: "board", role: "group", "aria-label": "Piano keys" });
    this.octave = h("output", { class: "octave", "aria-label": "Lowest key" });
    const shift = (step, text, label) => h("button", { type: "button", class: "shift", "aria-label": label, title: label, text, on: { click: () => keys.octave(step) } });
    this.root.append(h("div", { class: "octaves" }, shift(-1, "−", "Octave down ( [ )"), this.octave, shift(1, "+", "Octave up ( ] )")), this.board);
    for (const name of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) this.board.addEventListener(name, (e) => this.pointer(name, e));
    this.board.addEventListener("contextmenu", (e) => e.preventDefault());
    new ResizeObserver(() => this.build()).observe(this.root);
    store.on("note", () => (this.waits ??= requestAnimationFrame(() => this.light())));
    store.on("spelling hello", () => {
      if (!spell(store.scene.spelling)) return;
      this.built = null;
      this.build();
    });
    printed().then((signs) => {
      this.signs = signs;
      this.built = null;
      this.build();
    });
  }

  build() {
    const white = this.root.clientWidth < 560 ? 11 : this.root.clientWidth < 1000 ? 18 : 21; // as many white keys as fingers can hit
    const first = this.keys.first;
    const key = `${white} ${first}`;
    if (key === this.built) return;
    this.built = key;
    this.octave.textContent = pitchName(first);
    const signs = new Map();
    if (matchMedia("(hover: hover)").matches) for (const [code, step] of STEPS) if (!signs.has(first + step) || step > 11) signs.set(first + step, this.signs?.get(code));
    this.places = new Map();
    const keys = [];
    let whites = 0;
    for (let pitch = first; whites < white || isBlack(pitch); pitch++) {
      if (pitch > 127) break;
      const black = isBlack(pitch);
      if (whites >= white && black) break;
      const sign = signs.get(pitch);
      const element = h(
        "button",
        { type: "button", tabindex: -1, class: black ? "key black" : "key", "data-pitch": pitch, "aria-label": pitchName(pitch) },
        sign && h("kbd", { "aria-hidden": "true", text: sign }),
        pitch % 12 === 0 && h("span", { class: "c", "aria-hidden": "true", text: pitchName(pitch) }),
      );
      element.style.setProperty("--at", whites / white);
      element.style.setProperty("--wide", 1 / white);
      if (!black) whites++;
      this.places.set(pitch, element);
      keys.push(element);
    }
    this.board.replaceChildren(...keys);
    this.light();
  }

  pointer(name, event) {
    const id = event.pointerId;
    if (name === "pointerdown") {
      if (event.button) return;
      event.preventDefault();
      this.board.setPointerCapture(id);
    } else if (!this.fingers.has(id)) {
      return;
    }
    const over = name === "pointerup" || name === "pointercancel" ? null : document.elementFromPoint(event.clientX, event.clientY)?.closest(".key");
    const pitch = over && this.board.contains(over) ? Number(over.dataset.pitch) : null;
    const held = this.fingers.get(id);
    if (held === pitch && name === "pointermove") return;
    if (held !== undefined && held !== null) this.play(false, held);
    if (name === "pointerup" || name === "pointercancel") {
      this.fingers.delete(id);
      return;
    }
    this.fingers.set(id, pitch);
    if (pitch !== null) this.play(true, pitch, velocityAt(over, event.clientY));
  }

  release() {
    for (const pitch of this.fingers.values()) if (pitch !== null) this.play(false, pitch);
    this.fingers.clear();
  }

  light() {
    this.waits = null;
    const lit = new Map();
    const { store } = this;
    for (const note of store.notes) if (note.off === null && !store.drums(note.source)) lit.set(note.pitch, note.heard ? "you" : (note.tone ?? "plain"));
    for (const [pitch, element] of this.places ?? []) {
      const colour = lit.get(pitch) ?? "";
      if ((element.dataset.lit ?? "") !== colour) element.dataset.lit = colour;
    }
  }
}

/** Struck near its end, a key is loud; near its root, soft. */
function velocityAt(key, y) {
  const box = key.getBoundingClientRect();
  return Math.round(55 + 60 * Math.min(Math.max((y - box.top) / box.height, 0), 1));
}
