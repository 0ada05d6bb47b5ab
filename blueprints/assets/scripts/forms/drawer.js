// A form in a drawer: for quick creation from lists, related lists and links. Resolves with what was saved, or null.
import { csrf, language, toast } from "../api.js";
import { ask, open } from "../dialogs.js";
import { make } from "./elements.js";
import { say } from "./words.js";

/**
 * Open the form at an address; `{id, title, entity, url}` of the saved record, null when nobody saved. `why` it opens by
 * itself is said above it.
 */
export async function openForm(address, { why = "" } = {}) {
  const url = new URL(address, location.origin);
  url.searchParams.set("drawer", "1");
  const page = await load(url, {});
  if (!page) return null;
  const dialog = make("dialog", { class: "dialog side", "data-keep": true });
  dialog.classList.toggle("wide", url.searchParams.get("quick") !== "1");
  fill(dialog, page.html);
  if (why) dialog.querySelector(".dialog-head").after(make("p", { class: "notice warn drawer-why", role: "status", text: why }));
  return new Promise((resolve) => {
    let saved = null;
    const close = async () => {
      const form = dialog.querySelector("ml-form");
      if (form?.dirty && !(await ask({ title: say("leave"), text: say("leaveText"), yes: say("discard"), bad: true }))) return;
      dialog.close();
    };
    dialog.addEventListener("cancel", (event) => { event.preventDefault(); close(); });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("[data-close]")) close();
    });
    dialog.addEventListener("submit", async (event) => {
      if (event.defaultPrevented) return;
      event.preventDefault();
      const form = event.target, body = new FormData(form, event.submitter);
      const answer = await load(new URL(form.action), { method: "POST", body });
      if (answer?.json) {
        saved = answer.json;
        dialog.close();
      } else if (answer?.html) fill(dialog, answer.html);
      else dialog.querySelector("ml-form")?.rest();
    });
    dialog.addEventListener("close", () => { dialog.remove(); resolve(saved); });
    open(dialog);
  });
}

async function load(url, { method = "GET", body }) {
  const headers = { Accept: "application/json, text/html", "Accept-Language": language(), ...(method === "GET" ? {} : { "X-CSRF-Token": csrf() }) };
  let answer;
  try {
    answer = await fetch(url, { method, body, headers, credentials: "same-origin" });
  } catch {
    toast(say("offline"), "bad");
    return null;
  }
  if (answer.redirected) { // the sign-in page, when the session has ended
    location.reload();
    return null;
  }
  if (answer.headers.get("Content-Type")?.includes("json")) return { json: await answer.json() };
  const html = await answer.text();
  if (html.includes("<ml-form")) return { html };
  toast(new DOMParser().parseFromString(html, "text/html").querySelector("main, body")?.textContent.trim().replace(/\s+/g, " ").slice(0, 200) || String(answer.status), "bad");
  return null;
}

function fill(dialog, html) {
  const parsed = new DOMParser().parseFromString(html, "text/html").querySelector(".form-drawer");
  const head = parsed.querySelector("h2");
  head.id = `drawer-${Math.random().toString(36).slice(2)}`;
  dialog.setAttribute("aria-labelledby", head.id);
  for (const each of parsed.querySelectorAll("[id]")) rename(parsed, each);
  dialog.replaceChildren(document.adoptNode(parsed));
}

/** Ids of the drawer's form must not be those of the form below it. */
function rename(root, element) {
  if (!element.id.startsWith("f-")) return;
  const old = element.id, id = `d${old}`;
  element.id = id;
  for (const name of ["for", "aria-describedby", "aria-labelledby", "data-chooser"]) {
    for (const each of root.querySelectorAll(`[${name}="${CSS.escape(old)}"]`)) each.setAttribute(name, id);
  }
  for (const each of root.querySelectorAll(`a[href="#${CSS.escape(old)}"]`)) each.setAttribute("href", `#${id}`);
}

export function install() {
  // <a data-drawer href="/app/contact/new?account=…">: the form opens here; data-drawer="quick" opens the short one.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[data-drawer]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    const url = new URL(link.href);
    if (link.dataset.drawer === "quick") url.searchParams.set("quick", "1");
    const saved = await openForm(url.href);
    if (!saved) return;
    const told = link.dispatchEvent(new CustomEvent("saved", { bubbles: true, cancelable: true, detail: saved }));
    toast(say("created", { title: saved.title }), "good", { label: say("open"), run: () => location.assign(saved.url) });
    if (told && link.dataset.then === "reload") location.reload();
  });
}

