// The composer: a short form in a drawer, or on top of the timeline; Ctrl+Enter saves, Escape puts it away.
import { fragment, open, record, reload, say, toast } from "./records.js";

const FAILED = { en: "This did not work. Load the page again and repeat it.", zh: "操作未成功，请刷新页面后重试。" };
const language = () => (document.documentElement.lang.startsWith("zh") ? "zh" : "en");
const alone = (address) => `${address}${address.includes("?") ? "&" : "?"}part=1`;

export function install() {
  document.addEventListener("click", (event) => {
    if (event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const opener = event.target.closest("[data-compose]");
    if (opener) {
      event.preventDefault();
      start(opener);
    }
    const cancel = event.target.closest("[data-compose-cancel]");
    if (cancel) close(cancel.closest("form"));
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest?.("form[data-compose-form]");
    if (!form) return;
    event.preventDefault();
    save(form);
  });
  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.("form[data-compose-form]");
    if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    } else if (form && event.key === "Escape" && !form.closest("dialog") && !event.defaultPrevented) close(form);
  });
}

/** Open the short form that an address names: inside the timeline's composer, or in a drawer. */
export async function start(opener) {
  const inline = "inline" in opener.dataset ? opener.closest("[data-composer]") : null;
  if (inline) {
    const held = inline.querySelector("form[data-compose-form]");
    // Another kind of the same list keeps what was typed.
    const choice = held && sameList(held.dataset.from, opener.dataset.compose) ? kindIn(held, opener.dataset.compose) : null;
    if (choice) {
      choice.checked = true;
      mark(inline, opener);
      return first(held)?.focus();
    }
    const html = await load(opener.dataset.compose);
    if (html === null) return;
    const place = inline.querySelector("[data-composer-form]");
    place.innerHTML = html;
    mark(inline, opener);
    return ready(place, opener.dataset.compose);
  }
  const html = await load(opener.dataset.compose);
  if (html === null) return;
  const dialog = document.createElement("dialog");
  dialog.className = "dialog side compose-dialog";
  dialog.dataset.keep = "";
  const title = opener.dataset.composeTitle || opener.textContent.trim() || opener.getAttribute("aria-label") || "";
  dialog.setAttribute("aria-label", title);
  const head = document.createElement("div"), body = document.createElement("div");
  head.className = "dialog-head";
  head.append(Object.assign(document.createElement("h2"), { textContent: title }));
  body.className = "dialog-body";
  body.innerHTML = html;
  dialog.append(head, body);
  dialog.addEventListener("close", () => dialog.remove());
  open(dialog);
  ready(body, opener.dataset.compose);
}

const sameList = (one, other) => one && new URL(one, location.href).searchParams.get("of") === new URL(other, location.href).searchParams.get("of");

function kindIn(form, address) {
  for (const [name, value] of new URL(address, location.href).searchParams) {
    const found = form.querySelector(`.kinds input[name="${CSS.escape(name)}"][value="${CSS.escape(value)}"]`);
    if (found) return found;
  }
  return null;
}

function mark(composer, opener) {
  for (const each of composer.querySelectorAll("[data-compose]")) each.removeAttribute("aria-current");
  if (opener) opener.setAttribute("aria-current", "true");
  composer.classList.toggle("open", Boolean(opener));
}

async function load(address) {
  try {
    const answer = await fragment(alone(address));
    if (answer.ok) return answer.text;
    toast(FAILED[language()], "bad");
  } catch {
    toast(FAILED[language()], "bad");
  }
  return null;
}

function ready(place, from) {
  const form = place.querySelector("form");
  form.dataset.from = from;
  window.htmx?.process(place);
  first(form)?.focus();
}

const first = (form) => form.querySelector("[autofocus]") ?? form.querySelector(".compose-fields :is(input:not([type=hidden]), textarea, select)");

function close(form) {
  const dialog = form.closest("dialog");
  if (dialog) return dialog.close();
  const composer = form.closest("[data-composer]");
  const back = composer.querySelector("[aria-current='true']");
  form.remove();
  mark(composer, null);
  back?.focus();
}

/** Whether something typed in a composer is not saved. */
export const dirty = () => [...document.querySelectorAll("form[data-compose-form]")].some((form) => [...form.querySelectorAll(".compose-fields :is(input:not([type=hidden]), textarea)")].some((each) => each.type !== "checkbox" && each.type !== "radio" && each.value !== each.defaultValue));

async function save(form) {
  if (form.getAttribute("aria-busy")) return;
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await fragment(alone(form.getAttribute("action")), { method: "POST", body: new FormData(form) });
    if (answer.status === 422 && !answer.json) {
      const place = form.parentElement, from = form.dataset.from;
      place.innerHTML = answer.text;
      return ready(place, from);
    }
    if (!answer.ok) return toast(answer.json?.problems?.map((each) => each.message).join(" ") || FAILED[language()], "bad");
    toast(say("logged", { what: form.dataset.what }) || form.dataset.said || "✓", "good");
    const dialog = form.closest("dialog");
    if (dialog) dialog.close();
    else close(form);
    dispatchEvent(new CustomEvent("composed", { detail: answer.json }));
    if (record()) await reload();
  } catch {
    toast(FAILED[language()], "bad");
  } finally {
    form.removeAttribute("aria-busy");
  }
}
