// The page's own synth: the player's notes at once, improv's at their time on the audio clock, scheduled a moment ahead.

import { SteppedClock } from "./clock.js";

const AHEAD = 0.1; // seconds before its time that a planned note is handed to the audio clock
const STEP = 25; // ms between looks at the plan
const DRUMS = 9;
const ACCOMPANIES = { bass: 32, comp: 0 }; // the sounds of a band's members, by their modes
export const YOURS = "you";
export const INSTRUMENTS = [
  [4, "Electric piano"],
  [0, "Piano"],
  [11, "Vibraphone"],
  [26, "Jazz guitar"],
  [32, "Double bass"],
  [66, "Tenor sax"],
  [59, "Muted trumpet"],
  [71, "Clarinet"],
  [73, "Flute"],
  [16, "Organ"],
];

export class Sound {
  /** store: the plan; far: the performance's clock. */
  constructor(store, far) {
    this.store = store;
    this.far = far;
    this.clock = new SteppedClock();
    this.voices = new Map(); // by the note's id: { source, at, note, begun, end, released }
    this.pedal = false;
    this.held = new Set(); // ids that only the pedal holds
    this.volume = 0.7;
    this.on = { you: true, improv: true };
    this.programs = { [YOURS]: 4, improv: 11 };
    this.out = null; // a MIDI output: see midi.js
    this.placed = []; // of the last notes that were scheduled: what their time was off by, in seconds
    setInterval(() => this.look(), STEP);
  }

  get running() {
    return this.context?.state === "running";
  }

  /** Begin to sound: browsers allow it once somebody has touched the page. */
  async begin() {
    if (!this.context) {
      const quiet = console.log;
      console.log = () => {}; // the synth's greetings
      this.synth = new globalThis.WebAudioTinySynth({ quality: 1, useReverb: 1, voices: 48 });
      console.log = quiet;
      this.context = this.synth.getAudioContext();
      this.meter = this.context.createAnalyser();
      this.meter.fftSize = 2048;
      this.synth.comp.disconnect();
      this.synth.comp.connect(this.meter);
      this.meter.connect(this.context.destination);
      this.context.onstatechange = () => this.store.tell("sound");
      this.setVolume(this.volume);
      this.synth.setReverbLev(0.25);
    }
    if (this.context.state !== "running") await this.context.resume();
    this.store.tell("sound");
  }

  setVolume(volume) {
    this.volume = volume;
    this.synth?.setMasterVol(volume);
  }

  /** How loud it is now: the peak of the last moments, 0 to 1. */
  level() {
    if (!this.running) return 0;
    this.samples ??= new Float32Array(this.meter.fftSize);
    this.meter.getFloatTimeDomainData(this.samples);
    return this.samples.reduce((peak, s) => Math.max(peak, Math.abs(s)), 0);
  }

  channel(source) {
    if (source === YOURS) return 0;
    const at = Object.keys(this.store.scene.performers).indexOf(source);
    return at < 0 ? 1 : [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15][at % 14];
  }

  /** A key of this page, or of a controller that hangs on it: at once. */
  strike(on, pitch, velocity) {
    const id = `own ${pitch}`;
    if (!on) return this.release(id);
    this.cut(id);
    if (this.on.you) this.start({ id, source: YOURS, pitch, velocity, at: null, begun: true });
  }

  setPedal(down) {
    this.pedal = down;
    if (down) return;
    for (const id of this.held) this.release(id);
    this.held.clear();
  }

  /** What happened: notes of others that were not planned begin at once. mine: the number of this page. */
  heard(events, plans, mine) {
    for (const event of events) {
      if (event.is === "control" && event.control === 120) this.silence();
      else if (event.is === "on" && event.page !== mine) this.begun(event);
      else if (event.is === "off") this.ended(event);
    }
    for (const [source, notes] of Object.entries(plans)) this.withdraw(source, new Set(notes.map((n) => n.id)));
    this.look();
  }

  begun(event) {
    const voice = this.voices.get(event.id);
    if (voice) {
      voice.begun = true;
      if (event.end !== undefined) voice.end = event.end;
      return;
    }
    if (!(event.heard ? this.on.you : this.on.improv)) return;
    this.start({ ...event, source: event.heard ? YOURS : event.source, drums: event.channel === DRUMS + 1 || this.store.drums(event.source), at: this.far.ours(event.time), begun: true });
  }

  ended(event) {
    const voice = this.voices.get(event.id);
    if (voice && !(voice.released !== null && voice.released <= event.time)) this.release(event.id, event.time);
  }

  /** The plan has changed: what was scheduled and will not come is taken back. */
  withdraw(source, planned) {
    for (const [id, voice] of this.voices) if (voice.source === source && !voice.begun && !planned.has(id)) this.cut(id);
  }

  /** Hand what is about to come to the audio clock. */
  look() {
    if (this.context) this.clock.read(performance.now() / 1000, this.context.currentTime);
    const now = this.far.theirs(performance.now() / 1000);
    if (this.on.improv) {
      for (const [source, notes] of this.store.plan) {
        for (const note of notes) {
          if (note.time > now + AHEAD || note.time < now - AHEAD || this.voices.has(note.id)) continue;
          this.start({ ...note, source, drums: this.store.drums(source), at: this.far.ours(note.time), begun: false });
        }
      }
    }
    for (const [id, voice] of this.voices) {
      if (voice.released === null && voice.end < now + AHEAD) this.release(id, voice.end);
      else if (voice.released !== null && voice.released < now - 4) this.voices.delete(id);
    }
  }

  /** at: by the page's clock, in seconds; null: now. */
  start({ id, source, pitch, velocity, at, begun, end = Infinity, drums = false }) {
    const channel = drums ? DRUMS : this.channel(source);
    const voice = { source, pitch, channel, begun, end, released: null, note: null, at };
    this.voices.set(id, voice);
    if (this.out && source !== YOURS) this.out.send([0x90 | channel, pitch, velocity], at === null ? undefined : at * 1000);
    if (!this.running) return;
    const when = at === null ? 0 : Math.max(this.clock.theirs(at), this.context.currentTime);
    if (!begun) this.placed = [...this.placed.slice(-199), when - this.clock.theirs(at)];
    this.synth.setProgram(channel, this.programs[source] ?? ACCOMPANIES[this.store.scene.performers[source]?.settings?.mode] ?? this.programs.improv);
    this.synth.noteOn(channel, pitch, velocity, when);
    voice.note = channel === DRUMS ? null : this.synth.notetab.at(-1); // the synth's own record of this note
  }

  /** time: of the performance; null: now. */
  release(id, time = null) {
    const voice = this.voices.get(id);
    if (!voice) return;
    if (voice.source === YOURS && this.pedal) {
      this.held.add(id);
      return;
    }
    const at = time === null ? null : this.far.ours(time) - 0.002; // before the next note of this pitch
    voice.released = time ?? this.far.theirs(performance.now() / 1000);
    if (this.out && voice.source !== YOURS) this.out.send([0x80 | voice.channel, voice.pitch, 64], at === null ? undefined : at * 1000);
    if (voice.note && this.running) {
      const end = at === null ? 0 : this.clock.theirs(at);
      this.synth._releaseNote(voice.note, Math.max(end, this.context.currentTime, voice.note.t)); // it knows no end before the beginning
    }
    if (typeof id === "string") this.voices.delete(id);
  }

  /** No release, no tail: it is not heard any more, or not at all. */
  cut(id) {
    const voice = this.voices.get(id);
    if (!voice) return;
    this.voices.delete(id);
    this.held.delete(id);
    if (this.out && voice.source !== YOURS) this.out.send([0x80 | voice.channel, voice.pitch, 64], voice.at === null ? undefined : voice.at * 1000 + 1);
    const at = this.synth?.notetab.indexOf(voice.note) ?? -1;
    if (at < 0) return;
    this.synth._pruneNote(voice.note);
    this.synth.notetab.splice(at, 1);
  }

  /** Silence, now. */
  silence() {
    for (const id of [...this.voices.keys()]) this.cut(id);
    if (this.synth) for (let channel = 0; channel < 16; channel++) this.synth.allSoundOff(channel);
    if (this.out) for (let channel = 0; channel < 16; channel++) this.out.send([0xb0 | channel, 120, 0]);
  }
}
