// The running piano roll: what was played to the left of the line, what is planned to the right. One canvas.

import { pretty, reduced } from "./dom.js";
import { barAt, isBlack, pitchName, timeOf } from "./music.js";

const COLOURS = {
  you: [243, 232, 205],
  chord: [70, 214, 138],
  scale: [113, 171, 255],
  outside: [255, 160, 82],
  plain: [113, 171, 255],
  brass: [230, 184, 94],
  drums: [196, 178, 220],
};
const HEAD = 30; // pixels for bar numbers and chords
const AHEAD = 0.34; // share of the width that shows what comes
const USUAL = [53, 77]; // the pitches that are shown while nothing is played
const FRAME = 30; // ms between two pictures: the performance may share this machine
const STILL = 250; // the same, where no motion is wanted
const SPAN = 22; // semitones that are shown at least
const DRUM_LANE = 14; // pixels of each of the drums' lanes, below the pitches
const FEET = [35, 36, 44]; // General MIDI's keys: bass drums and the pedal of the hi-hat
const METAL = [42, 46, 49, 51, 52, 53, 55, 56, 57, 59, 80, 81]; // hi-hats, cymbals, bells

const rgba = ([r, g, b], alpha) => `rgba(${r},${g},${b},${alpha})`;

export class Roll {
  /** now: tells the performance's time. */
  constructor(canvas, store, now) {
    this.canvas = canvas;
    this.store = store;
    this.now = now;
    [this.low, this.high] = USUAL;
    this.drawn = { plan: 0, notes: 0, outlined: 0, drums: 0 }; // what the last picture showed
    this.last = 0;
    new ResizeObserver(() => this.resize()).observe(canvas);
    this.resize();
    store.on("performers", () => this.canvas.parentElement.style.setProperty("--kit", `${this.kit}px`)); // what lies over the picture leaves it free
    const step = (time) => {
      requestAnimationFrame(step);
      if (document.hidden || time - this.last < (reduced() ? STILL : FRAME)) return;
      this.last = time;
      this.picture();
    };
    requestAnimationFrame(step);
  }

  resize() {
    const scale = Math.min(devicePixelRatio || 1, 2);
    this.width = this.canvas.clientWidth || 300;
    this.height = this.canvas.clientHeight || 150;
    this.canvas.width = Math.round(this.width * scale);
    this.canvas.height = Math.round(this.height * scale);
    this.context = this.canvas.getContext("2d");
    this.context.setTransform(scale, 0, 0, scale, 0, 0);
    this.last = 0;
  }

  picture() {
    const now = this.now();
    this.store.prune(now);
    this.window(now);
    this.fit(now);
    this.ground(now);
    this.bars(now);
    this.notes(now);
    this.line(now);
  }

  /** Which seconds are shown. */
  window(now) {
    this.speed = Math.min(Math.max(this.width / 10, 60), 120); // pixels a second
    const span = this.width / this.speed;
    if (reduced()) {
      const page = span * (1 - AHEAD);
      this.from = Math.floor(now / page) * page - 0.02 * span;
    } else {
      this.from = now - span * (1 - AHEAD);
    }
    this.until = this.from + span;
  }

  x(time) {
    return (time - this.from) * this.speed;
  }

  /** Where the pitches end; below are the drums, if there are any. */
  get floor() {
    return this.height - this.kit;
  }

  /** Pixels that the drums take. */
  get kit() {
    return Object.keys(this.store.scene.performers).some((name) => this.store.drums(name)) ? 3 * DRUM_LANE + 8 : 0;
  }

  y(pitch) {
    return HEAD + ((this.high - pitch) / (this.high - this.low + 1)) * (this.floor - HEAD);
  }

  /** The middle of a drum's lane: metal above, skins, feet below. */
  drumY(key) {
    const lane = FEET.includes(key) ? 2 : METAL.includes(key) ? 0 : 1;
    return this.floor + 6 + (lane + 0.5) * DRUM_LANE;
  }

  /** Bring the pitches that are in the picture into it, without a leap. */
  fit() {
    let low = Infinity;
    let high = -Infinity;
    const widen = (pitch) => {
      low = Math.min(low, pitch);
      high = Math.max(high, pitch);
    };
    for (const note of this.store.notes) if ((note.off === null || note.off > this.from) && !this.store.drums(note.source)) widen(note.pitch);
    for (const [source, notes] of this.store.plan) if (!this.store.drums(source)) for (const note of notes) widen(note.pitch);
    if (low > high) [low, high] = USUAL;
    const spare = Math.max(0, SPAN - (high - low)) / 2;
    low -= spare + 2;
    high += spare + 2;
    const ease = reduced() ? 1 : 0.06;
    this.low += (low - this.low) * ease;
    this.high += (high - this.high) * ease;
    this.lane = (this.floor - HEAD) / (this.high - this.low + 1);
  }

  ground(now) {
    const { context: c, width, height } = this;
    c.fillStyle = "#13151b";
    c.fillRect(0, 0, width, height);
    for (let pitch = Math.floor(this.low) - 1; pitch <= this.high + 1; pitch++) {
      const y = this.y(pitch);
      if (isBlack(pitch)) {
        c.fillStyle = "#0b0c10";
        c.fillRect(0, y, width, this.lane);
      }
      if (pitch % 12 === 0) {
        c.fillStyle = "rgba(255,255,255,0.09)";
        c.fillRect(0, y + this.lane - 1, width, 1);
      }
    }
    const x = this.x(now);
    const future = c.createLinearGradient(x, 0, width, 0);
    future.addColorStop(0, rgba(COLOURS.brass, 0.1));
    future.addColorStop(1, rgba(COLOURS.brass, 0.02));
    c.fillStyle = future;
    c.fillRect(x, HEAD, width - x, height - HEAD);
    c.fillStyle = "#0c0d11";
    c.fillRect(0, 0, width, HEAD);
    if (this.kit) {
      c.fillRect(0, this.floor, width, this.kit);
      c.fillStyle = "rgba(255,255,255,0.14)";
      c.fillRect(0, this.floor, width, 1);
    }
  }

  /** Bar lines with their numbers, beats, and the chords above. */
  bars() {
    const { context: c, store } = this;
    const { chart } = store.scene;
    for (let i = 0; i < store.anchors.length; i++) {
      const anchor = store.anchors[i];
      const end = Math.min(store.anchors[i + 1]?.time ?? Infinity, this.until);
      const fresh = !store.anchors[i - 1]?.running; // it ran a moment before it was told
      const start = Math.max(!i ? -Infinity : fresh ? Math.min(anchor.time, timeOf(anchor, 0)) : anchor.time, this.from);
      if (!anchor.running || end <= start) continue;
      const first = anchor.beat + ((start - anchor.time) * anchor.tempo) / 60 - 1e-6;
      let at = barAt(store.scene, first);
      for (let beat = at.begin; timeOf(anchor, beat) < end; ) {
        const onBar = beat === at.begin;
        const next = Math.min(beat + 1, at.begin + at.length);
        if (beat >= first) this.beatLine(anchor, beat, onBar, at.number);
        if (next >= at.begin + at.length - 1e-6) {
          at = barAt(store.scene, next + 1e-6);
          beat = at.begin;
        } else beat = next;
      }
      if (chart?.chords.length && chart.length > 0) this.chords(anchor, start, end, chart);
    }
    c.font = "500 11px Inter, system-ui, sans-serif";
    c.textBaseline = "bottom";
    c.fillStyle = "rgba(255,255,255,0.42)";
    for (let pitch = Math.ceil(this.low / 12) * 12; pitch <= this.high; pitch += 12) {
      c.fillText(pitchName(pitch), 6, this.y(pitch) + this.lane - 2);
    }
    if (this.kit) c.fillText("Drums", 6, this.height - 4);
  }

  /** A beat's line, or a bar's with its number. */
  beatLine(anchor, beat, onBar, number) {
    const { context: c } = this;
    const x = Math.round(this.x(timeOf(anchor, beat))) + 0.5;
    c.strokeStyle = onBar ? "rgba(255,255,255,0.2)" : "rgba(255,255,255,0.06)";
    c.beginPath();
    c.moveTo(x, onBar ? HEAD - 10 : HEAD);
    c.lineTo(x, this.height);
    c.stroke();
    if (onBar && beat >= 0) this.barNumber(x, number + 1);
  }

  barNumber(x, number) {
    const c = this.context;
    c.font = "500 11px Inter, system-ui, sans-serif";
    c.textBaseline = "middle";
    c.textAlign = "left";
    c.fillStyle = "rgba(255,255,255,0.5)";
    c.fillText(String(number), x + 5, HEAD - 8);
  }

  chords(anchor, start, end, chart) {
    const c = this.context;
    c.textBaseline = "middle";
    c.font = "700 15px Inter, system-ui, sans-serif";
    const from = Math.max(0, anchor.beat + ((start - anchor.time) * anchor.tempo) / 60);
    const round = chart.loops === false ? 0 : Math.floor(from / chart.length) * chart.length;
    const last = chart.loops === false ? 0 : Infinity;
    for (let form = round; form <= last && timeOf(anchor, form) < end; form += chart.length) {
      for (const chord of chart.chords) {
        const time = timeOf(anchor, form + chord.position);
        if (time < start - 0.01 || time >= end) continue;
        c.fillStyle = "rgba(243,232,205,0.85)";
        c.fillText(pretty(chord.symbol), this.x(time) + 24, HEAD - 15);
      }
    }
  }

  notes(now) {
    const shown = { plan: 0, notes: 0, outlined: 0, drums: 0 };
    this.drums(now, shown);
    this.context.save();
    this.context.beginPath();
    this.context.rect(0, HEAD, this.width, this.floor - HEAD); // none strays among the chords or drums while the picture follows it
    this.context.clip();
    for (const note of this.store.notes) {
      if ((note.off !== null && note.off < this.from) || this.store.drums(note.source)) continue;
      this.played(note, now);
      shown.notes++;
    }
    for (const [source, notes] of this.store.plan) {
      if (this.store.drums(source)) continue;
      for (const note of notes) {
        if (note.end < now || note.time > this.until) continue;
        this.planned(note, now);
        shown.plan++;
        if (note.time > now) shown.outlined++;
      }
    }
    this.context.restore();
    this.drawn = shown;
  }

  /** What is struck has no length: a dot as large as it is loud, an outline where it is still to come. */
  drums(now, shown) {
    if (!this.kit) return;
    const dot = (time, key, velocity) => {
      this.context.beginPath();
      this.context.arc(this.x(time), this.drumY(key), 2 + (3.5 * velocity) / 127, 0, 2 * Math.PI);
    };
    for (const note of this.store.notes) {
      if (note.on < this.from || !this.store.drums(note.source)) continue;
      dot(note.on, note.pitch, note.velocity);
      this.context.fillStyle = rgba(COLOURS.drums, now - note.on < 0.12 ? 1 : 0.4 + 0.4 * (note.velocity / 127));
      this.context.fill();
      shown.drums++;
    }
    for (const [source, notes] of this.store.plan) {
      if (!this.store.drums(source)) continue;
      for (const note of notes) {
        if (note.time < now || note.time > this.until) continue;
        dot(note.time, note.pitch, note.velocity);
        this.context.strokeStyle = rgba(COLOURS.drums, 0.8);
        this.context.stroke();
      }
    }
  }

  box(from, until, pitch) {
    const inset = Math.min(1.5, this.lane * 0.1);
    const x = this.x(from);
    const width = Math.max(this.x(until) - x - 1, 4);
    const height = Math.max(this.lane - 2 * inset, 3);
    this.context.beginPath();
    this.context.roundRect(x, this.y(pitch) + inset, width, height, Math.min(4, height / 2, width / 2));
  }

  played(note, now) {
    const c = this.context;
    const sounding = note.off === null;
    const colour = note.heard ? COLOURS.you : COLOURS[note.tone] ?? COLOURS.plain;
    const until = sounding ? Math.max(now, note.on + 0.03) : note.off;
    if (sounding) {
      const x = this.x(until);
      const y = this.y(note.pitch) + this.lane / 2;
      const glow = c.createRadialGradient(x, y, 0, x, y, this.lane * 3.5);
      glow.addColorStop(0, rgba(colour, 0.55));
      glow.addColorStop(1, rgba(colour, 0));
      c.fillStyle = glow;
      c.fillRect(x - this.lane * 4, y - this.lane * 4, this.lane * 8, this.lane * 8);
    }
    this.box(note.on, until, note.pitch);
    c.fillStyle = rgba(colour, sounding ? 1 : 0.55 + 0.4 * (note.velocity / 127));
    c.fill();
  }

  planned(note, now) {
    const c = this.context;
    const colour = COLOURS[note.tone] ?? COLOURS.plain;
    this.box(Math.max(note.time, Math.min(now, note.end)), note.end, note.pitch);
    c.fillStyle = rgba(colour, 0.13);
    c.fill();
    c.lineWidth = 1.6;
    c.strokeStyle = rgba(colour, 0.9);
    c.stroke();
    c.lineWidth = 1;
  }

  line(now) {
    const { context: c, height } = this;
    const x = this.x(now);
    const glow = c.createLinearGradient(x - 14, 0, x + 14, 0);
    glow.addColorStop(0, rgba(COLOURS.brass, 0));
    glow.addColorStop(0.5, rgba(COLOURS.brass, 0.28));
    glow.addColorStop(1, rgba(COLOURS.brass, 0));
    c.fillStyle = glow;
    c.fillRect(x - 14, HEAD, 28, height - HEAD);
    c.fillStyle = rgba(COLOURS.brass, 0.95);
    c.fillRect(x - 1, HEAD - 6, 2, height - HEAD + 6);
  }
}
