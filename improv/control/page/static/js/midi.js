// A MIDI keyboard on the machine that shows the page, and a synth there, where the browser has Web MIDI.

export class PageMidi {
  /** play: as of Keys, with the page's time of each note; control: gets (control, value, at). sound: gets the chosen output. */
  constructor({ play, control, sound, store }) {
    Object.assign(this, { play, control, sound, store });
    this.access = null;
    this.input = null;
    this.down = new Set();
  }

  get there() {
    return typeof navigator.requestMIDIAccess === "function";
  }

  /** Ask the browser, which may ask the player. */
  async ask() {
    this.access = await navigator.requestMIDIAccess();
    this.access.onstatechange = () => this.changed();
    this.changed();
  }

  changed() {
    const inputs = this.inputs;
    if (this.input && !inputs.some((i) => i.id === this.input.id)) {
      this.release(); // pulled out
      this.input = null;
    }
    if (!this.input && inputs.length === 1) this.listen(inputs[0].id); // there is no choice to make
    if (this.sound.out && !this.outputs.some((o) => o.id === this.sound.out.id)) this.sound.out = null;
    this.store.tell("midi");
  }

  get inputs() {
    return this.access ? [...this.access.inputs.values()].filter((p) => p.state !== "disconnected") : [];
  }

  get outputs() {
    return this.access ? [...this.access.outputs.values()].filter((p) => p.state !== "disconnected") : [];
  }

  listen(id) {
    if (this.input) this.input.onmidimessage = null;
    this.release();
    this.input = this.inputs.find((i) => i.id === id) ?? null;
    if (this.input) this.input.onmidimessage = (event) => this.heard(event);
    this.store.tell("midi");
  }

  send(id) {
    this.sound.silence();
    this.sound.out = this.outputs.find((o) => o.id === id) ?? null;
    this.store.tell("midi");
  }

  heard({ data, timeStamp }) {
    const [status, first, second] = data;
    const at = (timeStamp || performance.now()) / 1000;
    const kind = status & 0xf0;
    if ((status & 0x0f) === 9 && kind !== 0xb0) return; // drums
    if (kind === 0x90 && second > 0) {
      this.down.add(first);
      this.play(true, first, second, at);
    } else if (kind === 0x80 || kind === 0x90) {
      this.down.delete(first);
      this.play(false, first, 0, at);
    } else if (kind === 0xb0 && first < 120) {
      this.control(first, second, at);
    }
  }

  release() {
    for (const pitch of this.down) this.play(false, pitch, 0, performance.now() / 1000);
    this.down.clear();
  }
}
