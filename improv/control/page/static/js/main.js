// Puts the page together.

import { Chart } from "./chart.js";
import { Desk } from "./desk.js";
import { find, h } from "./dom.js";
import { Keys } from "./keys.js";
import { Link } from "./link.js";
import { PageMidi } from "./midi.js";
import { Piano } from "./piano.js";
import { Roll } from "./roll.js";
import { Sound } from "./sound.js";
import { Standing } from "./standing.js";
import { Store } from "./store.js";

const store = new Store();
let piano = null;
let midi = null;

// The token stays in this tab, and is not left in the address for whoever looks over the shoulder.
const token = decodeURIComponent(location.hash.slice(1)) || sessionStorage.getItem("token") || "";
sessionStorage.setItem("token", token);
if (location.hash) history.replaceState(null, "", location.pathname + location.search);

const link = new Link(store, token, { heard, silence });
const now = () => link.now();
const sound = new Sound(store, { ours: (time) => link.clock.ours(time), theirs: (time) => link.clock.theirs(time) });

/** A key of this page goes down or up; at: the page's time, in seconds. */
function play(on, pitch, velocity = 0, at = performance.now() / 1000) {
  if (on && !store.steers) return;
  if (on) sound.begin();
  sound.strike(on, pitch, velocity);
  const time = link.clock.theirs(at);
  if (on) store.noteOn({ id: `own ${pitch}`, source: store.hello.input, heard: true, pitch, velocity, on: time });
  else store.noteOff(`own ${pitch}`, time);
  link.tell(on ? { type: "on", time, pitch, velocity } : { type: "off", time, pitch });
}

function control(number, value, at = performance.now() / 1000) {
  if (!store.steers) return;
  if (number === 64) sound.setPedal(value >= 64);
  link.tell({ type: "control", time: link.clock.theirs(at), control: number, value });
}

/** What happened in the performance, and what is planned now. The page's own notes are shown already. */
function heard(events, plans) {
  for (const event of events) {
    if (event.is === "on" && event.page !== store.hello.page) store.noteOn({ ...event, on: event.time });
    else if (event.is === "off") store.noteOff(event.id, event.time);
    else if (event.is === "control" && event.control === 120) store.closeAll(event.time);
  }
  for (const [performer, notes] of Object.entries(plans)) {
    if (notes.length) store.plan.set(performer, notes);
    else store.plan.delete(performer);
  }
  sound.heard(events, plans, store.hello.page);
}

function silence() {
  sound.silence();
  store.closeAll(now());
}

function panic() {
  keys.release();
  piano.release();
  midi.release();
  silence();
  if (store.steers) link.ask({ do: "panic" }).catch(() => {});
}

const keys = new Keys({ play, panic, moved: () => piano.build() });
midi = new PageMidi({ play, control, sound, store });
piano = new Piano(store, keys, play);
const roll = new Roll(find("roll"), store, now);
new Chart(store, now);
new Standing(store, now);
new Desk({ store, link, sound, midi, keys });
find("panic").addEventListener("click", panic);
addEventListener("pagehide", () => keys.release());
for (const name of ["pointerdown", "keydown"]) addEventListener(name, () => sound.context && !sound.running && sound.begin());

/** The stage alone, as it stays open while one plays; and, where the system has it, a screen that does not go dark. */
function stageAlone(alone) {
  document.body.classList.toggle("alone", alone);
  find("alone").textContent = alone ? "Show desk" : "Hide desk";
  find("alone").setAttribute("aria-expanded", String(!alone));
  localStorage.setItem("alone", alone ? "yes" : "");
}
find("alone").addEventListener("click", () => stageAlone(!document.body.classList.contains("alone")));
stageAlone(localStorage.getItem("alone") === "yes");

let awake = null;
async function stayAwake() {
  if (document.hidden || (awake && !awake.released)) return;
  try {
    awake = await navigator.wakeLock.request("screen");
  } catch {
    // a browser without it, or a battery that is low
  }
}
for (const name of ["pointerdown", "keydown", "visibilitychange"]) document.addEventListener(name, stayAwake);

/** An audience may listen along. */
find("listen").addEventListener("click", () => {
  const listens = find("listen").getAttribute("aria-pressed") !== "true";
  find("listen").setAttribute("aria-pressed", String(listens));
  sound.on.you = sound.on.improv = listens;
  if (listens) sound.begin();
  else sound.silence();
});

/** The first touch lets the browser sound. */
function welcome() {
  const begin = () => {
    sound.begin();
    root.close();
  };
  const root = h(
    "dialog",
    { class: "welcome", "aria-labelledby": "welcome-title" },
    h("p", { class: "brand", "aria-hidden": "true", text: "improv" }),
    h("h2", { id: "welcome-title", text: "Play a phrase, then stop. improv answers." }),
    h("p", { text: "The computer's keys are the piano: Z to M is one octave, Q to P the next. Or touch the piano on the screen, or plug in a MIDI keyboard (under Sound)." }),
    h("button", { type: "button", class: "begin", autofocus: true, text: "Start", on: { click: begin } }),
  );
  root.addEventListener("close", () => root.remove());
  root.addEventListener("keydown", (event) => event.key.length === 1 && !event.ctrlKey && begin());
  document.body.append(root);
  root.showModal();
}
store.on("hello", () => {
  if (!store.steers) sound.on.you = sound.on.improv = find("listen").getAttribute("aria-pressed") === "true";
  else if (store.hello.sounds && !sound.running && !document.querySelector("dialog")) welcome();
});

// For tests, and for the curious.
globalThis.improv = Object.freeze({ store, link, sound, roll, keys, play });
