// The desk beside the stage: tabs, and what is in each. On a phone the tabs lie at the foot, and the stage is one of them.

import { find, h } from "./dom.js";
import { KeepTab } from "./keep.js";
import { PlayTab } from "./play.js";
import { Asker, settingRow } from "./rows.js";
import { SessionsTab } from "./sessions.js";
import { SoundTab } from "./soundtab.js";

/** All settings, in their groups. */
class SettingsTab {
  constructor(asker) {
    this.asker = asker;
    this.element = h("div", { class: "pane" });
    this.rows = [];
    asker.store.on("hello", () => this.build());
    asker.store.on("performers learning learned", () => this.rows.forEach((row) => row.show()));
  }

  build() {
    const { settings, groups } = this.asker.store.hello;
    this.rows = [];
    const sections = Object.entries(groups).map(([group, text]) => {
      const rows = settings.filter((info) => info.group === group).map((info) => settingRow(info, this.asker));
      this.rows.push(...rows);
      return h("section", { class: "group" }, h("h2", { text: text.charAt(0).toUpperCase() + text.slice(1) }), rows.map((row) => row.element));
    });
    this.element.replaceChildren(...sections);
  }
}

export class Desk {
  constructor({ store, link, sound, midi, keys }) {
    this.store = store;
    this.root = find("desk");
    const asker = new Asker(store, link);
    this.tabs = [
      ["stage", "Stage", null],
      ["play", "Play", new PlayTab(asker)],
      ["settings", "Settings", new SettingsTab(asker)],
      ["keep", "Keep", new KeepTab(asker)],
      ["sessions", "Sessions", new SessionsTab(asker, sound)],
      ["sound", "Sound", new SoundTab({ store, sound, midi, keys })],
    ];
    this.build();
    store.on("link hello", () => this.allowed());
    store.on("performers", () => this.whose());
    const narrow = matchMedia("(max-width: 900px)");
    narrow.addEventListener("change", () => this.choose(narrow.matches ? "stage" : "play"));
    this.choose(narrow.matches ? "stage" : "play");
  }

  build() {
    this.buttons = this.tabs.map(([name, label, tab]) =>
      h("button", {
        type: "button",
        role: "tab",
        class: "tab",
        id: `tab-${name}`,
        "aria-controls": tab ? `pane-${name}` : "stage",
        text: label,
        on: { click: () => this.choose(name), keydown: (e) => this.arrows(e, name) },
      }),
    );
    this.panes = this.tabs.filter(([, , tab]) => tab).map(([name, , tab]) => {
      tab.element.id = `pane-${name}`;
      tab.element.setAttribute("role", "tabpanel");
      tab.element.setAttribute("aria-labelledby", `tab-${name}`);
      tab.element.tabIndex = 0;
      return tab.element;
    });
    this.who = h("div", { class: "whose" });
    this.root.append(h("div", { class: "tabs", role: "tablist", "aria-label": "Desk" }, this.buttons), this.who, ...this.panes);
  }

  choose(name) {
    document.body.dataset.tab = name;
    this.tabs.forEach(([tab], i) => {
      const on = tab === name;
      this.buttons[i].setAttribute("aria-selected", String(on));
      this.buttons[i].tabIndex = on ? 0 : -1;
    });
    for (const pane of this.panes) pane.hidden = pane.id !== `pane-${name}`;
    this.tabs.find(([tab]) => tab === name)[2]?.opened?.();
  }

  arrows(event, name) {
    const seen = this.tabs.filter((_, i) => this.buttons[i].offsetParent !== null);
    const at = seen.findIndex(([tab]) => tab === name);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: seen.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = seen[(to + seen.length) % seen.length][0];
    this.choose(next);
    find(`tab-${next}`).focus();
  }

  /** Of several performers, which one the desk steers. */
  whose() {
    const names = Object.keys(this.store.scene.performers);
    const key = names.join(" ");
    if (key === this.known) return;
    this.known = key;
    this.who.hidden = names.length < 2;
    const choice = (name) =>
      h("label", { class: "segment" }, h("input", { type: "radio", name: "whose", value: name, checked: name === this.store.performer, on: { change: () => this.steer(name) } }), h("span", { text: name }));
    this.who.replaceChildren(h("div", { class: "segments", role: "radiogroup", "aria-label": "Performer" }, names.map(choice)));
  }

  steer(name) {
    this.store.whose = name;
    this.store.tell("performers");
  }

  allowed() {
    document.body.dataset.link = this.store.link;
    document.body.classList.toggle("watching", this.store.link === "open" && !this.store.steers);
  }
}
