// The computer's keys as two rows of a piano, like a tracker's: by their place on the keyboard, whatever is printed on them.

const LOWER = ["KeyZ", "KeyS", "KeyX", "KeyD", "KeyC", "KeyV", "KeyG", "KeyB", "KeyH", "KeyN", "KeyJ", "KeyM", "Comma", "KeyL", "Period", "Semicolon", "Slash"];
const UPPER = ["KeyQ", "Digit2", "KeyW", "Digit3", "KeyE", "KeyR", "Digit5", "KeyT", "Digit6", "KeyY", "Digit7", "KeyU", "KeyI", "Digit9", "KeyO", "Digit0", "KeyP"];
const FIRST = 48; // the C of the lower row where nobody moved it
const DOWN = new Set(["BracketLeft", "PageDown"]);
const UP = new Set(["BracketRight", "PageUp"]);

/** The pitch above the lower row's C of a key, by its place; undefined: none. */
export const STEPS = new Map([...LOWER.map((code, i) => [code, i]), ...UPPER.map((code, i) => [code, i + 12])]);

export class Keys {
  /** play: gets (true, pitch, velocity) and (false, pitch). panic: Esc. moved: the octave is another. */
  constructor({ play, panic, moved }) {
    this.play = play;
    this.moved = moved;
    this.down = new Map(); // key -> pitch
    this.first = FIRST;
    this.velocity = 90;
    addEventListener("keydown", (event) => {
      if (event.code === "Escape" && !event.repeat) panic();
      if (this.deaf(event)) return;
      if (DOWN.has(event.code) || UP.has(event.code)) {
        event.preventDefault();
        if (!event.repeat) this.octave(UP.has(event.code) ? 1 : -1);
        return;
      }
      const step = STEPS.get(event.code);
      if (step === undefined) return;
      event.preventDefault();
      if (event.repeat || this.down.has(event.code)) return;
      const pitch = this.first + step;
      this.down.set(event.code, pitch);
      this.play(true, pitch, Math.min(127, this.velocity + (event.shiftKey ? 27 : 0)));
    });
    addEventListener("keyup", (event) => this.up(event.code));
    addEventListener("blur", () => this.release()); // no key-up will come
    document.addEventListener("visibilitychange", () => document.hidden && this.release());
  }

  /** Whether the key is for something else: a text that is written, a list, a shortcut. */
  deaf(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
    const target = event.target;
    if (!(target instanceof Element)) return false;
    if (target.closest("textarea, select, [contenteditable]")) return true;
    return target instanceof HTMLInputElement && !["range", "checkbox", "radio", "button"].includes(target.type);
  }

  up(code) {
    const pitch = this.down.get(code);
    if (pitch === undefined) return;
    this.down.delete(code);
    if (![...this.down.values()].includes(pitch)) this.play(false, pitch);
  }

  release() {
    for (const code of [...this.down.keys()]) this.up(code);
  }

  octave(step) {
    const first = this.first + 12 * step;
    if (first < 12 || first > 84) return;
    this.first = first;
    this.moved();
  }
}

/** What is printed on the keys, by their place, where the browser tells; else as on an American keyboard. */
export async function printed() {
  const usual = new Map([...STEPS.keys()].map((code) => [code, code.replace(/^(Key|Digit)/, "")]));
  for (const [code, sign] of Object.entries({ Comma: ",", Period: ".", Semicolon: ";", Slash: "/" })) usual.set(code, sign);
  try {
    const layout = await navigator.keyboard.getLayoutMap();
    for (const code of usual.keys()) if (layout.has(code)) usual.set(code, layout.get(code).toUpperCase());
  } catch {
    // a browser that does not tell
  }
  return usual;
}
