// An earlier session as a picture that sounds: click into it to listen from there.

import { h } from "./dom.js";

const COLOURS = { you: "#f3e8cd", chord: "#46d68a", scale: "#71abff", outside: "#ffa052", plain: "#71abff" };
const AHEAD = 0.15; // seconds that are handed to the audio clock at a time

export class Take {
  constructor(sound) {
    this.sound = sound;
    this.at = null;
    this.playing = false;
  }

  /** take: a SessionTake; see messages.py. */
  show(room, take) {
    this.close();
    this.at = room;
    this.take = take;
    this.from = this.first;
    this.canvas = h("canvas", { class: "take", role: "img", "aria-label": `Piano roll of ${take.title}` });
    this.canvas.addEventListener("pointerdown", (event) => {
      const box = this.canvas.getBoundingClientRect();
      this.from = ((event.clientX - box.left) / box.width) * take.seconds;
      if (this.playing) this.begin();
      else this.draw(this.from);
    });
    room.replaceChildren(this.canvas);
    this.draw(this.from);
  }

  /** A moment before the first note. */
  get first() {
    return Math.max(0, (this.take.notes[0]?.[0] ?? 0) - 0.3);
  }

  close() {
    this.stop();
    this.at?.replaceChildren();
    this.at = null;
  }

  draw(now) {
    const { canvas, take } = this;
    const scale = Math.min(devicePixelRatio || 1, 2);
    const [width, height] = [canvas.clientWidth || 320, canvas.clientHeight || 110];
    canvas.width = width * scale;
    canvas.height = height * scale;
    const c = canvas.getContext("2d");
    c.setTransform(scale, 0, 0, scale, 0, 0);
    c.fillStyle = "#101218";
    c.fillRect(0, 0, width, height);
    const pitches = take.notes.map((n) => n[2]);
    const low = pitches.reduce((a, b) => Math.min(a, b), 60) - 2;
    const high = pitches.reduce((a, b) => Math.max(a, b), 72) + 2;
    const seconds = Math.max(take.seconds, 1);
    const lane = height / (high - low + 1);
    for (const [time, end, pitch, , source, tone] of take.notes) {
      c.fillStyle = source < 0 ? COLOURS.you : (COLOURS[tone] ?? COLOURS.plain);
      c.fillRect((time / seconds) * width, (high - pitch) * lane, Math.max(((end - time) / seconds) * width, 1.5), Math.max(lane - 0.5, 1.5));
    }
    c.fillStyle = "#e6b85e";
    for (const [time] of take.marks ?? []) c.fillRect((time / seconds) * width, 0, 1, 8);
    c.fillRect((now / seconds) * width, 0, 1.5, height);
  }

  async play() {
    await this.sound.begin();
    if (this.from >= this.take.seconds - 0.1) this.from = this.first;
    this.begin();
  }

  begin() {
    this.stop();
    this.playing = true;
    const began = this.sound.context.currentTime + 0.1 - this.from;
    let next = this.take.notes.findIndex((n) => n[0] >= this.from - 0.01);
    if (next < 0) next = this.take.notes.length;
    this.timer = setInterval(() => {
      const now = this.sound.context.currentTime - began;
      for (; next < this.take.notes.length && this.take.notes[next][0] < now + AHEAD; next++) this.note(this.take.notes[next], began);
      this.from = Math.max(0, now);
      this.draw(this.from);
      if (now > this.take.seconds + 0.5) this.stop();
    }, 40);
  }

  note([time, end, pitch, velocity, source], began) {
    const { synth, programs } = this.sound;
    const channel = source < 0 ? 0 : 1;
    synth.setProgram(channel, source < 0 ? programs.you : programs.improv);
    synth.noteOn(channel, pitch, velocity, began + time);
    synth.noteOff(channel, pitch, began + Math.max(end, time + 0.03));
  }

  stop() {
    clearInterval(this.timer);
    if (this.playing) for (const channel of [0, 1]) this.sound.synth?.allSoundOff(channel);
    this.playing = false;
  }
}
