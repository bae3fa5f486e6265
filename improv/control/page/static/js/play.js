// What one reaches for while playing: the mode, the first knobs, the model, the changes, words for a mood.

import { h, symbolOf, toast, write } from "./dom.js";
import { Mixer } from "./mixer.js";
import { settingRow } from "./rows.js";

const FIRST = ["mode", "tempo"];
const KNOBS = ["temperature", "density", "recall", "trade"];
const WAIT = 250; // ms after the last letter until the changes are read

export class PlayTab {
  constructor(asker) {
    this.asker = asker;
    this.rows = [];
    this.element = h("div", { class: "pane" });
    this.first = h("div");
    this.knobs = h("div");
    this.meaning = h("p", { class: "meaning", "aria-live": "polite" });
    this.changes = new ChangesEditor(asker);
    this.model = this.modelRow();
    this.mood = this.moodRow();
    this.wake = h("button", { type: "button", class: "wake", text: "Go on playing", on: { click: () => asker.ask({ do: "play" }) } });
    this.wake.hidden = true;
    this.element.append(this.wake, this.first, this.changes.element, this.mood, this.model, this.knobs, new Mixer(asker).element);
    const { store } = asker;
    store.on("hello", () => this.build());
    store.on("performers learning learned", () => this.show());
    store.on("models performers", () => this.models());
  }

  build() {
    const infos = this.asker.store.hello.settings;
    const rowsOf = (names) => names.map((name) => infos.find((info) => info.name === name)).filter(Boolean).map((info) => settingRow(info, this.asker, { big: info.name === "mode" }));
    const [first, knobs] = [rowsOf(FIRST), rowsOf(KNOBS)];
    this.rows = [...first, ...knobs];
    this.first.replaceChildren(...first.map((row) => row.element));
    this.knobs.replaceChildren(...knobs.map((row) => row.element));
    this.rows[0]?.element.querySelector(".help")?.replaceWith(this.meaning);
    this.show();
  }

  show() {
    const { store } = this.asker;
    for (const row of this.rows) row.show();
    const mode = store.hello.settings.find((info) => info.name === "mode");
    write(this.meaning, mode?.meanings?.[store.settings.mode] ?? "");
    this.wake.hidden = !Object.values(store.scene.performers).some((p) => p.waits);
  }

  modelRow() {
    this.select = h("select", { id: "model", on: { change: () => this.asker.ask({ do: "model", name: this.select.value }, true) } });
    return h("div", { class: "row" }, h("div", { class: "row-head" }, h("label", { for: "model", text: "model" })), this.select);
  }

  models() {
    const { store } = this.asker;
    const mine = store.scene.performers[store.performer]?.model ?? "";
    const names = [...new Set([...store.scene.models, mine].filter(Boolean))];
    const key = names.join("\n");
    if (key !== this.known) {
      this.known = key;
      this.select.replaceChildren(...names.map((name) => h("option", { value: name, text: name })));
    }
    if (document.activeElement !== this.select || this.select.value === "") this.select.value = mine;
    this.select.disabled = !store.steers;
  }

  moodRow() {
    const input = h("input", { type: "text", id: "mood", maxlength: 256, placeholder: "hope and wonder", autocomplete: "off", enterkeyhint: "done" });
    const answer = h("p", { class: "help", "aria-live": "polite" });
    const submit = async (event) => {
      event.preventDefault();
      if (!input.value.trim()) return;
      const reply = await this.asker.ask({ do: "mood", text: input.value.trim() });
      if (reply) write(answer, reply.found?.text ?? "");
    };
    return h(
      "form",
      { class: "row", on: { submit } },
      h("div", { class: "row-head" }, h("label", { for: "mood", text: "mood, in words" })),
      h("div", { class: "with-button" }, input, h("button", { type: "submit", text: "Set" })),
      answer,
    );
  }
}

/** Changes as text, read while they are typed. What can't be read is told, with its place; what can is shown as bars. */
class ChangesEditor {
  constructor(asker) {
    this.asker = asker;
    this.dirty = false;
    this.area = h("textarea", { id: "changes", rows: 3, spellcheck: "false", autocapitalize: "off", autocomplete: "off", placeholder: "Dm7 | G7 | Cmaj7 | %", "aria-describedby": "changes-told" });
    this.told = h("p", { class: "told", id: "changes-told", "aria-live": "polite" });
    this.preview = h("div", { class: "preview", "aria-hidden": "true" });
    this.button = h("button", { type: "submit", text: "Play these", disabled: true });
    this.undo = h("button", { type: "button", class: "quiet", text: "As they are", on: { click: () => this.reset() } });
    this.undo.hidden = true;
    const submit = (event) => {
      event.preventDefault();
      this.take();
    };
    this.element = h(
      "form",
      { class: "row changes", on: { submit } },
      h("div", { class: "row-head" }, h("label", { for: "changes", text: "changes" })),
      this.area,
      this.told,
      this.preview,
      h("div", { class: "buttons" }, this.button, this.undo),
    );
    this.area.addEventListener("input", () => this.typed());
    this.area.addEventListener("keydown", (e) => e.key === "Enter" && (e.ctrlKey || e.metaKey) && this.take());
    asker.store.on("chart hello", () => this.dirty || this.reset());
  }

  get text() {
    return this.area.value.trim();
  }

  reset() {
    this.dirty = false;
    this.area.value = this.asker.store.scene.chart?.text ?? "";
    this.area.readOnly = !this.asker.store.steers;
    this.button.disabled = true;
    this.undo.hidden = true;
    this.area.removeAttribute("aria-invalid");
    write(this.told, this.asker.store.scene.chart?.told ?? "");
    this.preview.replaceChildren();
  }

  typed() {
    this.dirty = true;
    this.undo.hidden = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), WAIT);
  }

  async check() {
    const text = this.text;
    try {
      const { chart } = await this.asker.link.request({ type: "check", text });
      if (text !== this.text || !this.dirty) return;
      this.good(chart);
    } catch (error) {
      if (text === this.text && this.dirty) this.bad(error);
    }
  }

  good(chart) {
    this.button.disabled = false;
    this.area.removeAttribute("aria-invalid");
    const bars = chart?.bars ?? [];
    write(this.told, chart?.told || (bars.length ? `${bars.length} bar${bars.length > 1 ? "s" : ""}` : "no changes: improv hears the chords that you play"));
    this.told.classList.remove("wrong");
    this.preview.replaceChildren(...bars.slice(0, 64).map((bar) => h("span", { class: "mini" }, bar.map((s) => h("span", { class: "symbol" }, symbolOf(s))))));
  }

  bad(error) {
    this.button.disabled = true;
    this.area.setAttribute("aria-invalid", "true");
    this.told.classList.add("wrong");
    const { at } = error;
    const place = Number.isInteger(at) && at < this.area.value.length ? [h("mark", { text: this.area.value.slice(at, at + 12).split(/[\s|]/)[0] || this.area.value[at] }), ": "] : [];
    this.told.replaceChildren(...place, error.message);
  }

  async take() {
    if (this.button.disabled) return;
    const reply = await this.asker.ask({ do: "changes", text: this.text });
    if (!reply) return;
    this.dirty = false;
    this.button.disabled = true;
    this.undo.hidden = true;
    toast("These changes play from the next bar");
  }
}
