// MIDI files that come in a reply: to save, and to drag out of the window.

/** { name, url, bytes } of a reply with `file` and `midi`, base64. */
export function fileOf({ file, midi }) {
  const bytes = Uint8Array.from(atob(midi), (c) => c.charCodeAt(0));
  return { name: file, bytes, url: URL.createObjectURL(new Blob([bytes], { type: "audio/midi" })) };
}

export function saveFile({ name, url }) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}

/** A link that is dragged to the desktop or into a DAW becomes the file, where the browser does that. */
export function dragged(event, { name, url, bytes }) {
  event.dataTransfer.effectAllowed = "copy";
  event.dataTransfer.setData("DownloadURL", `audio/midi:${name}:${url}`);
  try {
    event.dataTransfer.items.add(new File([bytes], name, { type: "audio/midi" }));
  } catch {
    // some browsers take no files here
  }
}
