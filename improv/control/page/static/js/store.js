// What the page knows, in one place. Who shows something listens for its topic; nobody keeps a second copy.

const ACCOMPANY = ["bass", "comp", "drums"];
const ROLL = 60; // seconds of notes that are kept

/** A scene of which nothing is known: see Scene in messages.py. */
export const blank = () => ({
  beat: null, metre: [4, 4], bar: 4, chart: null, chord: null, turns: {}, waits: "", spelling: [], missing: [], lateness: null, counts: {}, performers: {},
  inputs: {}, title: "", session: "", since: "", models: [], presets: [], bookmarks: [], learning: "", learned: [], pages: 1, sounding: [],
});

export class Store {
  constructor() {
    this.listeners = new Map();
    this.link = "connecting"; // connecting, open, lost, refused
    this.refusal = "";
    this.hello = { settings: [], groups: {}, commands: [], sounds: true, may: "watch", page: 0 };
    this.scene = blank();
    this.anchors = []; // where the beat was and is: see music.js
    this.notes = []; // { id, source, heard, pitch, velocity, on, off, tone, filled, channel }
    this.plan = new Map(); // by performer: [{ id, time, end, pitch, velocity, tone }]
    this.whose = null; // the performer that the desk steers
    this.saidLines = []; // the latest
  }

  get steers() {
    return this.hello.may === "steer";
  }

  on(topics, listener) {
    for (const topic of topics.split(" ")) {
      if (!this.listeners.has(topic)) this.listeners.set(topic, new Set());
      this.listeners.get(topic).add(listener);
    }
  }

  tell(topic, fact) {
    for (const listener of this.listeners.get(topic) ?? []) listener(fact);
  }

  /** Take over some fields, and tell their topic. */
  take(topic, fields) {
    Object.assign(this, fields);
    this.tell(topic, fields);
  }

  /** A note begins: { id, source, heard, pitch, velocity, on, tone }. */
  noteOn(note) {
    this.notes.push({ off: null, ...note });
    this.tell("note");
  }

  /** Returns the note, where it is known. */
  noteOff(id, time) {
    for (let i = this.notes.length - 1; i >= 0; i--) {
      const note = this.notes[i];
      if (note.id !== id || note.off !== null) continue;
      note.off = Math.max(time, note.on);
      this.tell("note");
      return note;
    }
    return null;
  }

  /** All that sounds has ended: a panic, or the other end is gone. own: the page's own keys as well. */
  closeAll(time) {
    for (const note of this.notes) if (note.off === null) note.off = Math.max(time, note.on);
    this.plan.clear();
    this.tell("note");
  }

  /** Forget what nobody can see any more. */
  prune(now) {
    const first = this.notes.findIndex((n) => n.off === null || n.off > now - ROLL);
    if (first > 0) this.notes.splice(0, first);
    if (this.notes.length > 2000) this.notes.splice(0, this.notes.length - 2000);
    while (this.anchors.length > 1 && this.anchors[1].time < now - ROLL) this.anchors.shift();
    if (this.anchors.length > 500) this.anchors.splice(0, this.anchors.length - 500);
  }

  /** The name of the performer that the desk steers. */
  get performer() {
    const names = Object.keys(this.scene.performers);
    return names.includes(this.whose) ? this.whose : (names[0] ?? null);
  }

  /** A performer who plays drums: its keys are no pitches. */
  drums(name) {
    return this.scene.performers[name]?.settings?.mode === "drums";
  }

  /** A performer who accompanies others: its turn is never what one waits for. */
  accompanies(name) {
    return ACCOMPANY.includes(this.scene.performers[name]?.settings?.mode);
  }

  get settings() {
    return this.scene.performers[this.performer]?.settings ?? {};
  }
}
