// The page of a record: parts loaded without the rest, values edited in place, stage bar, composer, files, who is here.
import { base, tell, toast, api, csrf } from "./api.js";
import { open } from "./dialogs.js";
import * as attaching from "./record_files.js";
import * as composing from "./record_compose.js";
import * as editing from "./record_edit.js";
import * as presence from "./record_presence.js";
import * as stages from "./record_stages.js";

/** The record on the page, or null. */
export const record = () => document.getElementById("record");
/** A text of the page, with its holes filled. */
export function say(name, values = {}) {
  const words = JSON.parse(record()?.dataset.words ?? "{}");
  return Object.entries(values).reduce((text, [key, value]) => text.replaceAll(`{${key}}`, value), words[name] ?? "");
}

/** A part of a page as HTML. Throws what `api` throws. */
export async function fragment(address, options = {}) {
  const headers = { Accept: "text/html", "X-CSRF-Token": csrf(), "HX-Request": "true", "X-Requested-With": "fetch" };
  const answer = await fetch(address, { credentials: "same-origin", ...options, headers: { ...headers, ...options.headers } });
  const text = await answer.text();
  return { status: answer.status, ok: answer.ok, text, json: answer.headers.get("Content-Type")?.includes("json") ? JSON.parse(text) : null };
}

let loading = 0;

/** Load the record anew, with the tab that is open or another one. What stands elsewhere on the page stays. */
export async function reload(address = record()?.dataset.part, { focus = "" } = {}) {
  const here = record();
  if (!here || !address) return;
  const turn = ++loading;
  here.setAttribute("aria-busy", "true");
  try {
    const answer = await fragment(address);
    if (turn !== loading) return;
    if (!answer.ok) return location.reload();
    const made = document.createElement("template");
    made.innerHTML = answer.text;
    const fresh = made.content.querySelector("#record");
    if (!fresh) return location.reload();
    const active = focus || where(document.activeElement);
    here.replaceWith(fresh);
    window.htmx.process(fresh);
    if (active) fresh.querySelector(active)?.focus({ preventScroll: true });
    dispatchEvent(new CustomEvent("record"));
  } catch {
    here.removeAttribute("aria-busy");
  }
}

// Where the focus was, said so that it can be found again on the loaded page.
function where(element) {
  if (!element?.closest?.("#record")) return "";
  if (element.matches(".record-tabs a")) return `.record-tabs a[href="${CSS.escape(element.getAttribute("href"))}"]`;
  const value = element.closest("[data-field]");
  if (element.matches(".value-edit") && value) return `[data-field="${value.dataset.field}"] .value-edit`;
  return element.matches(".record-stages button") ? `.record-stages button[value="${CSS.escape(element.value)}"]` : "";
}

function clicked(event) {
  const here = record();
  if (!here || event.defaultPrevented || event.button) return;
  const tab = event.target.closest(".record-tabs a[data-tab]");
  if (tab && !(event.metaKey || event.ctrlKey || event.shiftKey)) {
    event.preventDefault();
    for (const each of here.querySelectorAll(".record-tabs a")) each.toggleAttribute("aria-current", false);
    tab.setAttribute("aria-current", "page");
    history.pushState({ record: tab.dataset.tab }, "", tab.href);
    reload(tab.dataset.tab);
  } else if (event.target.closest("[data-copy]")) {
    navigator.clipboard?.writeText(new URL(here.dataset.self, location.href).href).then(() => toast(say("copied"), "good"));
  } else if (event.target.closest("[data-load]")) {
    if (editing.dirty() ? confirm(say("unsaved")) : true) reload();
  } else if (event.target.closest("a[data-delete]")?.closest("#record")) {
    event.preventDefault();
    remove(here);
  }
}

async function remove(here) {
  const { api: path, back, self } = here.dataset;
  const text = say("deleted"), undo = say("undo");
  try {
    await api.send("DELETE", `${path}?version=${here.dataset.version}`);
  } catch (error) {
    return tell(error);
  }
  // The toast has to outlive the page: the list shows it and can undo.
  sessionStorage.setItem("ml_deleted", JSON.stringify({ text, undo, path, self, undone: say("undone") }));
  location.assign(back);
}

function afterDelete() {
  const kept = sessionStorage.getItem("ml_deleted");
  if (!kept) return;
  sessionStorage.removeItem("ml_deleted");
  const { text, undo, path, self } = JSON.parse(kept);
  const run = () => api.send("POST", `${path}/restore`, {}).then(() => location.assign(self), tell);
  setTimeout(() => toast(text, "info", { label: undo, run }));
}

export function install() {
  document.addEventListener("click", clicked);
  addEventListener("popstate", () => {
    const here = record();
    if (!here) return;
    const shown = [...here.querySelectorAll(".record-tabs a")].find((each) => new URL(each.href).search === location.search);
    reload(shown?.dataset.tab ?? here.querySelector(".record-tabs a")?.dataset.tab);
  });
  for (const part of [editing, stages, composing, attaching, presence]) part.install();
  afterDelete();
}
export { api, base, open, tell, toast };
