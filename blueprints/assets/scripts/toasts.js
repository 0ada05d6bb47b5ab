// Short messages at the edge: window.dispatchEvent(new CustomEvent("toast", {detail: {text, kind, action: {label, run}}})).
import { language } from "./api.js";

const SECONDS = 6, SECONDS_WITH_ACTION = 10, MOST = 4;
const SHUT = { en: "Close", zh: "关闭" };
const SHAPES = {
  good: "M5 12l5 5l10 -10",
  bad: "M12 9v4M12 16v.01M5 19h14a2 2 0 0 0 1.84 -2.75l-7.1 -12.25a2 2 0 0 0 -3.5 0l-7.1 12.25a2 2 0 0 0 1.75 2.75",
  info: "M12 9h.01M11 12h1v4h1M3 12a9 9 0 1 0 18 0a9 9 0 0 0 -18 0",
};
let shelf;

export function install() {
  shelf = document.createElement("div");
  shelf.className = "toasts";
  shelf.popover = "manual"; // above an open dialog, too
  shelf.setAttribute("role", "status");
  shelf.setAttribute("aria-live", "polite");
  document.body.append(shelf);
  window.addEventListener("toast", (event) => show(event.detail ?? {}));
  for (const said of document.querySelectorAll("[data-notice]")) {
    show({ text: said.textContent, kind: "good" });
    said.remove();
    const here = new URL(location.href);
    here.searchParams.delete("done");
    history.replaceState(history.state, "", here);
  }
}

function show({ text, kind = "info", action }) {
  if (!text) return;
  const note = document.createElement("div");
  note.className = `toast-note ${kind}`;
  const words = document.createElement("span");
  words.textContent = text;
  note.append(mark(kind), words);
  if (action) note.append(button(action.label, "", () => { note.remove(); action.run(); }));
  note.append(button("✕", "shut", () => note.remove(), SHUT[language()]));
  while (shelf.children.length >= MOST) shelf.firstChild.remove();
  shelf.append(note);
  shelf.hidePopover?.();
  shelf.showPopover?.();
  let timer;
  const wait = () => { timer = setTimeout(() => { note.remove(); if (!shelf.children.length) shelf.hidePopover?.(); }, (action ? SECONDS_WITH_ACTION : SECONDS) * 1000); };
  // Somebody who reads or reaches for the action is not hurried.
  note.addEventListener("pointerenter", () => clearTimeout(timer));
  note.addEventListener("focusin", () => clearTimeout(timer));
  note.addEventListener("pointerleave", wait);
  note.addEventListener("focusout", wait);
  wait();
}

function button(label, className, run, said = "") {
  const made = document.createElement("button");
  made.type = "button";
  made.className = className;
  made.textContent = label;
  if (said) made.setAttribute("aria-label", said);
  made.addEventListener("click", run);
  return made;
}

function mark(kind) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg"), path = document.createElementNS(space, "path");
  for (const [name, value] of Object.entries({ class: "icon", viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "1.75", "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" })) svg.setAttribute(name, value);
  path.setAttribute("d", SHAPES[kind] ?? SHAPES.info);
  svg.append(path);
  return svg;
}
