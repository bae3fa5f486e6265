// Elements in few words, and nothing that needs inline styles or scripts.

/** An element. props: attributes; `on` has listeners by name, `text` the text; null and false are left out. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "text") {
      element.textContent = value;
    } else if (name === "value" || name === "checked") {
      element[name] = value;
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const find = (id) => document.getElementById(id);

/** Write a text where it differs: a screen reader is told of changes only. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

let ids = 0;
export const freshId = (stem) => `${stem}-${++ids}`;

/** A text for a moment, at the foot of the page; screen readers speak it. */
export function toast(text, bad = false) {
  let rack = find("toasts");
  if (!rack) {
    rack = h("div", { id: "toasts", class: "toasts", role: "status", "aria-live": "polite" });
    document.body.append(rack);
  }
  while (rack.children.length > 2) rack.firstChild.remove();
  const said = h("p", { class: bad ? "toast bad" : "toast", text });
  rack.append(said);
  setTimeout(() => said.remove(), bad ? 8000 : 4000);
}

/** A chord symbol as musicians print it: the root large, the rest smaller, with real accidentals. */
export function symbolOf(symbol) {
  const found = /^([A-H](?:bb|##|b|#)?)(.*?)(\/[A-H](?:b|#)?)?$/.exec(symbol);
  const part = (name, text) => text && h("span", { class: name }, engraved(pretty(text)));
  if (!found) return [part("root", symbol || "–")];
  return [part("root", found[1]), part("kind", found[2]), part("bass", found[3])].filter(Boolean);
}

/** Fonts have thin accidentals, or none: ours are drawn (see .flat and .sharp), and stay text for who listens. */
function engraved(text) {
  const names = { "♭": "flat", "♯": "sharp" };
  return text.split(/(?=[♭♯])|(?<=[♭♯])/).map((piece) => (piece in names ? h("span", { class: names[piece], text: piece }) : piece));
}

/** b and # as flats and sharps. */
export function pretty(text) {
  return text.replace(/([A-H♭])b/g, "$1♭").replace(/b(?=\d)/g, "♭").replace(/#/g, "♯");
}

export const reduced = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
