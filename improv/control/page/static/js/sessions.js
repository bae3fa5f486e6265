// Earlier sessions: look, listen, save as MIDI, and answer them anew with another model.

import { h, toast, write } from "./dom.js";
import { fileOf, saveFile } from "./files.js";
import { Take } from "./take.js";

const PAGE = 30;

export class SessionsTab {
  constructor(asker, sound) {
    this.asker = asker;
    this.take = new Take(sound);
    this.list = h("ul", { class: "sessions" });
    this.more = h("button", { type: "button", class: "quiet", text: "More", on: { click: () => this.load(this.count) } });
    this.more.hidden = true;
    this.count = 0;
    this.told = h("p", { class: "help", role: "status" });
    this.element = h("div", { class: "pane" }, h("div", { class: "row-head" }, h("h2", { text: "Sessions" }), h("button", { type: "button", class: "quiet", text: "Look again", on: { click: () => this.opened() } })), this.told, this.list, this.more);
    asker.store.on("title", () => this.opened(true));
  }

  /** The tab is shown, or something is new. */
  opened(ifOpen = false) {
    if (ifOpen && this.element.hidden) return;
    this.list.replaceChildren();
    this.load(0);
  }

  async load(from) {
    this.count = from;
    try {
      const { sessions = [] } = await this.asker.link.request({ type: "sessions", most: PAGE, skip: from });
      if (from !== this.count) return;
      this.count = from + sessions.length;
      this.list.append(...sessions.map((row) => this.row(row)));
      this.more.hidden = sessions.length < PAGE;
      write(this.told, this.count ? "" : "No sessions yet: this one is the first.");
    } catch (error) {
      write(this.told, error.message);
    }
  }

  row(row) {
    const button = (text, act, label) => h("button", { type: "button", class: "quiet", text, "aria-label": `${label ?? text}: ${row.title || row.name}`, on: { click: act } });
    const room = h("div", { class: "room" });
    const state = row.state && row.state !== "whole" ? h("span", { class: `state ${row.state}`, text: row.state }) : null;
    return h(
      "li",
      { class: "session", "data-name": row.name },
      h("div", { class: "session-head" }, h("strong", { text: row.title || row.name }), state),
      h("p", { class: "help", text: told(row) }),
      h("div", { class: "buttons" }, button("Listen", () => this.look(row, room, true)), button("Look", () => this.look(row, room, false)), button("MIDI", () => this.midi(row, null), "Download MIDI"), this.again(row)),
      room,
    );
  }

  /** Another model answers what was played then. */
  again(row) {
    const select = h("select", { class: "again", "aria-label": `Answer ${row.title || row.name} with another model` }, h("option", { value: "", text: "with model…" }));
    const fill = () => {
      for (const name of this.asker.store.scene.models.slice(select.options.length - 1)) select.append(h("option", { value: name, text: name }));
    };
    fill();
    select.addEventListener("focus", fill);
    select.addEventListener("change", async () => {
      const model = select.value;
      if (!model) return;
      toast(`${model} answers ${row.title || row.name}…`);
      await this.midi(row, model);
      select.value = "";
    });
    return select;
  }

  async midi(row, model) {
    try {
      const reply = await this.asker.link.request({ type: "session_midi", name: row.name, ...(model && { model }) });
      saveFile(fileOf(reply));
      toast(`Saved: ${reply.file}`);
    } catch (error) {
      toast(error.message, true);
    }
  }

  async look(row, room, listens) {
    if (this.take.at === room && listens && this.take.playing) return this.take.stop();
    try {
      if (this.take.at !== room) {
        const { session } = await this.asker.link.request({ type: "session", name: row.name });
        this.take.show(room, session);
      } else if (!listens) {
        return this.take.close();
      }
      if (listens) await this.take.play();
    } catch (error) {
      toast(error.message, true);
    }
  }
}

function told(row) {
  const began = new Date(row.began);
  const when = Number.isNaN(began.getTime()) ? row.began : began.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  const seconds = Math.round(row.seconds ?? 0);
  const long = row.seconds === null || row.seconds === undefined ? "" : ` · ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const marks = row.marks ? ` · ${row.marks} mark${row.marks > 1 ? "s" : ""}` : "";
  return `${when}${long} · you ${row.heard}, improv ${row.played}${marks}`;
}
