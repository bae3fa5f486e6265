// A setting as something to turn: its value, its range, its help, and the controller that it learns.

import { freshId, h, toast, write } from "./dom.js";

const SEGMENTS = 7; // choices at the most that stand side by side
const THROTTLE = 70; // ms between two values of one slider
const HANDS_OFF = 700; // ms that a slider which is being moved is left alone
const UNTIL_BAR = 8000; // ms that a choice which waits for the next bar is shown as chosen

export const wordsOf = (name) => name.replaceAll("_", " ");

/** What most in the desk needs: the store, the link, and a way to ask that says what went wrong. */
export class Asker {
  constructor(store, link) {
    this.store = store;
    this.link = link;
  }

  /** Returns the reply, or null where it was refused: then it was told. */
  async ask(request, own = false) {
    const whole = own && this.store.performer ? { ...request, performer: this.store.performer } : request;
    try {
      return await this.link.ask(whole);
    } catch (error) {
      toast(error.message, true);
      return null;
    }
  }

  set(info, value) {
    return this.ask({ do: "set", name: info.name, value }, info.whose === "performer");
  }
}

/** The row of a setting. Returns { element, show }. */
export function settingRow(info, asker, { big = false } = {}) {
  const make = info.kind === "word" ? (info.choices.length <= SEGMENTS ? segmented : list) : slider;
  const id = freshId(info.name);
  const part = make(info, asker, id);
  const learn = info.kind === "word" && !info.choices?.length ? null : learnButton(info, asker);
  const reset = h("button", {
    type: "button",
    class: "reset",
    title: `Back to ${info.default}`,
    "aria-label": `${wordsOf(info.name)}: back to ${info.default}`,
    text: "↺",
    on: { click: () => asker.set(info, info.default) },
  });
  const helpId = `${id}-help`;
  for (const control of part.controls) control.setAttribute("aria-describedby", helpId);
  const element = h(
    "div",
    { class: big ? "row big" : "row", "data-setting": info.name },
    h("div", { class: "row-head" }, part.label, h("span", { class: "row-tools" }, part.readout, reset, learn?.element)),
    part.element,
    h("p", { class: "help", id: helpId, text: helpOf(info) }),
  );
  const show = () => {
    const value = asker.store.settings[info.name] ?? info.default;
    part.show(value);
    reset.hidden = value === info.default;
    learn?.show();
    for (const control of [...part.controls, reset]) control.disabled = !asker.store.steers;
  };
  show();
  return { element, show };
}

/** What it does, in which range, and when. */
export function helpOf(info) {
  const range = info.kind === "word" ? "" : ` (${Number(info.low)} to ${Number(info.high)}${info.unit ? ` ${info.unit}` : ""})`;
  const when = info.when === "next bar" ? "; from the next bar" : "";
  return `${info.help}${range}${when}`;
}

function slider(info, asker, id) {
  const span = info.high - info.low;
  const step = info.kind === "whole" ? 1 : span > 20 ? 1 : span > 3 ? 0.05 : 0.01;
  const input = h("input", { type: "range", id, min: info.low, max: info.high, step });
  const readout = h("output", { for: id, class: "value" });
  let touched = 0;
  let timer = null;
  const paint = (value) => {
    write(readout, shown(value, info));
    input.style.setProperty("--fill", `${(100 * (value - info.low)) / span}%`);
  };
  input.addEventListener("input", () => {
    touched = performance.now();
    paint(Number(input.value));
    timer ??= setTimeout(() => {
      timer = null;
      asker.set(info, Number(input.value));
    }, THROTTLE);
  });
  return {
    element: input,
    label: h("label", { for: id, text: wordsOf(info.name) }),
    readout,
    controls: [input],
    show: (value) => {
      if (performance.now() - touched < HANDS_OFF && document.activeElement === input) return;
      input.value = value;
      paint(Number(value));
    },
  };
}

export const shown = (value, info) => (info?.kind === "number" ? String(Math.round(value * 100) / 100) : String(value));

/** A choice that was made is shown at once, as one that waits, until it holds. */
class Wanted {
  constructor(info, element) {
    this.info = info;
    this.element = element;
    this.value = null;
  }

  choose(value, asker) {
    this.value = value;
    this.since = performance.now();
    asker.set(this.info, value).then((reply) => {
      if (reply) return;
      this.value = null;
      asker.store.tell("performers");
    });
  }

  /** What is to be shown, where `value` holds now. */
  shown(value) {
    const over = performance.now() - this.since > (this.info.when === "next bar" ? UNTIL_BAR : HANDS_OFF);
    if (value === this.value || over) this.value = null;
    this.element.classList.toggle("waits", this.value !== null);
    return this.value ?? value;
  }
}

function segmented(info, asker, id) {
  const buttons = info.choices.map((choice) => {
    const input = h("input", { type: "radio", name: id, value: choice, id: `${id}-${choice}`, on: { change: () => wanted.choose(choice, asker) } });
    return { choice, input, element: h("label", { class: "segment", for: `${id}-${choice}`, title: info.meanings?.[choice] ?? null }, input, h("span", { text: choice })) };
  });
  const label = h("span", { class: "label", id: `${id}-label`, text: wordsOf(info.name) });
  const element = h("div", { class: "segments", role: "radiogroup", "aria-labelledby": `${id}-label` }, buttons.map((b) => b.element));
  const wanted = new Wanted(info, element);
  return {
    element,
    label,
    readout: null,
    controls: buttons.map((b) => b.input),
    show: (value) => {
      const shown = wanted.shown(value);
      for (const { choice, input } of buttons) input.checked = choice === shown;
    },
  };
}

function list(info, asker, id) {
  const select = h("select", { id, on: { change: () => wanted.choose(select.value, asker) } }, info.choices.map((c) => h("option", { value: c, text: c })));
  const wanted = new Wanted(info, select);
  return {
    element: select,
    label: h("label", { for: id, text: wordsOf(info.name) }),
    readout: null,
    controls: [select],
    show: (value) => {
      select.value = wanted.shown(value);
    },
  };
}

/** Press it and move a controller: from then on that controller moves this setting. */
function learnButton(info, asker) {
  const element = h("button", { type: "button", class: "learn", on: { click: press } }, h("span", { text: "MIDI" }));
  const state = () => {
    const { learning, learned } = asker.store.scene;
    if (learning === info.name) return "waiting";
    return learned.some((line) => new RegExp(`\\b${info.name}\\b`).test(line)) ? "bound" : "free";
  };
  async function press() {
    if (state() === "free") await asker.ask({ do: "learn", name: info.name }, info.whose === "performer");
    else await asker.ask({ do: "unlearn", name: info.name });
  }
  const titles = {
    free: "Learn: press, then move a controller",
    waiting: "Move a controller now. Press again to leave it",
    bound: "A controller moves this. Press to take it off",
  };
  return {
    element,
    show: () => {
      const now = state();
      element.hidden = !asker.store.steers || !asker.store.hello.commands.some((c) => c.name === "learn");
      if (element.dataset.state === now) return;
      element.dataset.state = now;
      element.title = titles[now];
      element.setAttribute("aria-label", `${wordsOf(info.name)}: ${titles[now]}`);
      element.setAttribute("aria-pressed", String(now !== "free"));
      write(element.firstChild, now === "waiting" ? "move it…" : "MIDI");
    },
  };
}
