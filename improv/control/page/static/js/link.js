// The socket to the server: joins, asks, keeps the clocks together, and comes back by itself. What arrives goes to the store.

import { FarClock } from "./clock.js";
import { blank } from "./store.js";

const VERSION = 1;
const PAUSES = [0.25, 0.5, 1, 2, 4]; // seconds until it tries again
const EAGER = 12; // pings at the start, close together
const ASKED = 15; // seconds that a reply may take

export class Link {
  /** heard: gets the events and plans of each `notes` message; silence: what sounds here must end. */
  constructor(store, token, { heard, silence }) {
    this.store = store;
    this.token = token;
    this.heard = heard;
    this.silence = silence;
    this.clock = new FarClock();
    this.waiting = new Map();
    this.ids = 0;
    this.tries = 0;
    this.over = false;
    addEventListener("online", () => this.again(0));
    document.addEventListener("visibilitychange", () => document.hidden || this.again(0));
    setInterval(() => this.ping(), 1000);
    this.open();
  }

  /** The performance's time now, in seconds. */
  now() {
    return this.clock.theirs(performance.now() / 1000);
  }

  open() {
    clearTimeout(this.timer);
    this.timer = null;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = (this.socket = new WebSocket(`${scheme}//${location.host}/socket`));
    socket.onopen = () => socket.send(JSON.stringify({ type: "join", token: this.token, version: VERSION }));
    socket.onmessage = (event) => this.socket === socket && this.take(JSON.parse(event.data));
    socket.onclose = () => this.socket === socket && this.lost();
  }

  lost() {
    this.socket = null;
    for (const { reject } of this.waiting.values()) reject(new Error("the connection is lost"));
    this.waiting.clear();
    this.clock = new FarClock();
    this.silence();
    if (this.store.link === "refused" && this.over) return;
    this.store.take("link", { link: this.tries || this.store.link !== "connecting" ? "lost" : "connecting" });
    this.again(PAUSES[Math.min(this.tries++, PAUSES.length - 1)]);
  }

  /** Try again after some seconds, where there is no connection. */
  again(seconds) {
    if (this.over || this.socket) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), seconds * 1000);
  }

  tell(message) {
    if (this.socket?.readyState !== WebSocket.OPEN || this.store.link !== "open") return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** Ask for a command, such as { do: "panic" }. The promise gets what the reply has; it fails with words for people. */
  ask(request) {
    return this.request({ type: "ask", request });
  }

  request(message) {
    const id = ++this.ids;
    return new Promise((resolve, reject) => {
      if (!this.tell({ ...message, id })) return reject(new Error("there is no connection"));
      const timer = setTimeout(() => this.waiting.delete(id) && reject(new Error("no answer came")), ASKED * 1000);
      const done = (act) => (value) => {
        clearTimeout(timer);
        act(value);
      };
      this.waiting.set(id, { resolve: done(resolve), reject: done(reject) });
    });
  }

  ping() {
    this.tell({ type: "ping", page: performance.now() / 1000 });
  }

  take(message) {
    const { type, ...said } = message;
    this[`on_${type}`]?.(said);
  }

  on_hello(hello) {
    this.tries = 0;
    this.clock.heard(performance.now() / 1000 - 0.25, hello.time, performance.now() / 1000); // a first guess, until a ping is back
    this.store.hello = { settings: [], groups: {}, commands: [], sounds: true, input: "page", ...hello };
    this.store.take("link", { link: "open", refusal: "" });
    this.store.tell("hello");
    for (let i = 0; i < EAGER; i++) setTimeout(() => this.ping(), 40 * i);
  }

  on_pong({ page, time }) {
    this.clock.heard(page, time, performance.now() / 1000);
  }

  on_refused({ why, again }) {
    this.over = !again;
    this.store.take("link", { link: "refused", refusal: why });
  }

  on_said({ text, warning }) {
    this.store.saidLines = [...this.store.saidLines.slice(-19), { text, warning: Boolean(warning) }];
    this.store.tell("said", { text, warning: Boolean(warning) });
  }

  on_reply(reply) {
    const asked = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if (reply.ok) asked?.resolve(reply);
    else asked?.reject(Object.assign(new Error(reply.error ?? "it was refused"), { at: reply.at }));
  }

  on_notes({ events = [], plans = {} }) {
    this.heard(events, plans);
  }

  on_scene({ whole, lost, ...fields }) {
    const { store } = this;
    if (whole) {
      if (lost) this.silence();
      store.scene = blank();
      store.anchors = [];
      store.plan.clear();
    }
    Object.assign(store.scene, fields);
    if (fields.beat) this.anchor(fields.beat);
    if (fields.sounding) this.sounding(fields.sounding);
    for (const name of whole ? Object.keys(store.scene) : Object.keys(fields)) store.tell(name);
    store.tell("scene", fields);
  }

  anchor(beat) {
    const { anchors } = this.store;
    const anchor = { time: beat.time, beat: beat.position, tempo: beat.tempo, running: beat.running };
    while (anchors.length && anchors.at(-1).time >= anchor.time) anchors.pop();
    anchors.push(anchor);
  }

  /** Notes that began while nobody looked. */
  sounding(notes) {
    const known = new Set(this.store.notes.filter((n) => n.off === null).map((n) => n.id));
    for (const note of notes) if (!known.has(note.id)) this.store.noteOn({ heard: false, ...note, on: note.time });
  }
}
