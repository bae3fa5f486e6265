// Presets, bookmarks, marks, and the last bars as a MIDI file.

import { h, toast } from "./dom.js";
import { fileOf, saveFile, dragged } from "./files.js";

export class KeepTab {
  constructor(asker) {
    this.asker = asker;
    this.element = h("div", { class: "pane" });
    this.presets = this.shelf("Presets", "Settings under a name.", "preset", "save", "Keep these settings as");
    this.bookmarks = this.shelf("Bookmarks", "A state of the music to go back to.", "recall", "keep", "Keep this moment as");
    this.element.append(this.capture(), this.mark(), this.bookmarks.element, this.presets.element);
    asker.store.on("presets hello", () => this.presets.show(asker.store.scene.presets));
    asker.store.on("bookmarks hello", () => this.bookmarks.show(asker.store.scene.bookmarks));
  }

  /** Names to press, and a field for another. */
  shelf(title, help, recall, keep, label) {
    const list = h("ul", { class: "names" });
    const input = h("input", { type: "text", maxlength: 64, "aria-label": label, placeholder: "name", autocomplete: "off" });
    const submit = async (event) => {
      event.preventDefault();
      const name = input.value.trim();
      if (!name) return;
      if (await this.asker.ask({ do: keep, name }, true)) {
        input.value = "";
        toast(`Kept: ${name}`);
      }
    };
    const element = h(
      "section",
      { class: "group" },
      h("h2", { text: title }),
      h("p", { class: "help", text: help }),
      list,
      h("form", { class: "with-button", on: { submit } }, input, h("button", { type: "submit", text: "Keep" })),
    );
    const show = (names) => {
      if (list.dataset.names === names.join("\n") && list.children.length) return;
      list.dataset.names = names.join("\n");
      const chip = (name) => h("li", {}, h("button", { type: "button", class: "chip", text: name, on: { click: () => this.asker.ask({ do: recall, name }, true) } }));
      list.replaceChildren(...(names.length ? names.map(chip) : [h("li", { class: "none", text: "none yet" })]));
    };
    show([]);
    return { element, show };
  }

  mark() {
    const input = h("input", { type: "text", maxlength: 256, "aria-label": "What to write at this place of the record", placeholder: "that was good", autocomplete: "off" });
    const submit = async (event) => {
      event.preventDefault();
      if (await this.asker.ask({ do: "mark", text: input.value.trim() })) {
        input.value = "";
        toast("Marked");
      }
    };
    return h(
      "section",
      { class: "group" },
      h("h2", { text: "Mark" }),
      h("p", { class: "help", text: "A place in the recording that you want to find again." }),
      h("form", { class: "with-button", on: { submit } }, input, h("button", { type: "submit", text: "Mark" })),
    );
  }

  capture() {
    const bars = h("input", { type: "number", id: "bars", min: 1, max: 1000, value: 16 });
    const out = h("ul", { class: "files" });
    const submit = async (event) => {
      event.preventDefault();
      const reply = await this.asker.ask({ do: "capture", bars: Number(bars.value) || 16 });
      if (!reply?.midi) return;
      const file = fileOf(reply);
      const link = h("a", { class: "file", href: file.url, download: file.name, draggable: "true", title: "Drag it into your DAW", text: file.name });
      link.addEventListener("dragstart", (e) => dragged(e, file));
      out.prepend(h("li", {}, link));
      while (out.children.length > 5) {
        URL.revokeObjectURL(out.lastChild.querySelector("a").href);
        out.lastChild.remove();
      }
      saveFile(file);
    };
    return h(
      "section",
      { class: "group" },
      h("h2", { text: "Capture" }),
      h("p", { class: "help", text: "What was just played, as a MIDI file: saved, and to be dragged into a DAW." }),
      h("form", { class: "with-button", on: { submit } }, h("label", { class: "inline", for: "bars", text: "the last" }), bars, h("span", { class: "inline", text: "bars" }), h("button", { type: "submit", class: "strong", text: "Capture" })),
      out,
    );
  }
}

