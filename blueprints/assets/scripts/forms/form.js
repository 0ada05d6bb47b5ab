// <ml-form>: a form at work. Drafts, the guard against leaving, saving by keyboard, one save for two clicks, the first error.
import { ask } from "../dialogs.js";
import { toast } from "../api.js";
import { narrowAll } from "./choosing.js";
import * as drafts from "./drafts.js";
import { define, later, make } from "./elements.js";
import { say } from "./words.js";

const MAC = /Mac|iPhone|iPad/.test(navigator.platform);

class Form extends HTMLElement {
  connectedCallback() {
    if (this.ready) return;
    this.ready = true;
    this.form = this.querySelector("form");
    this.state = this.querySelector("[data-state]");
    this.page = this.dataset.kind === "page";
    const key = this.querySelector("[data-save-key]");
    if (key) key.textContent = MAC ? "⌘S" : "Ctrl S";
    narrowAll(this);
    if (this.form.dataset.rules) import("./rules.js").then((rules) => rules.attach(this.form));
    queueMicrotask(() => this.begin());
    this.form.addEventListener("input", () => this.touched());
    this.form.addEventListener("change", () => this.touched());
    this.form.addEventListener("submit", (event) => this.submitted(event));
    this.addEventListener("keydown", (event) => this.key(event));
    if (!this.page) return;
    this.guard = (event) => { if (this.dirty && !this.saving) event.preventDefault(); };
    addEventListener("beforeunload", this.guard);
    addEventListener("pageshow", (event) => { if (event.persisted) this.rest(); });
    this.querySelector("[data-cancel]")?.addEventListener("click", (event) => this.cancel(event));
    this.querySelector("[data-whole]")?.addEventListener("click", () => { this.saving = true; });
  }

  disconnectedCallback() { removeEventListener("beforeunload", this.guard); }

  begin() {
    this.start = drafts.held(this.form);
    this.again = this.querySelector("[data-summary], [data-conflict]") !== null;
    if (this.page && !this.again) this.offer();
    if (this.again) this.dirty = true;
    this.tell(this.querySelector("[data-conflict] b, [data-summary] b")?.textContent ?? "");
    const focused = this.querySelector("[autofocus]") ?? this.querySelector("[data-focus] input:not([type=hidden])");
    if (focused && (this.again || !document.activeElement || document.activeElement === document.body)) focused.focus({ preventScroll: !this.again });
  }

  /** A draft is put back at once and said: one click takes it away again. */
  offer() {
    const draft = drafts.find(this.dataset.draft);
    if (!draft) return;
    const stale = draft.version && this.form.elements.version && Number(draft.version) < Number(this.form.elements.version.value);
    drafts.restore(draft, this.form);
    const time = new Date(draft.at), today = time.toDateString() === new Date().toDateString();
    const shown = time.toLocaleString(document.documentElement.lang, today ? { hour: "2-digit", minute: "2-digit" } : { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
    const discard = make("button", { class: "btn btn-sm", type: "button", text: say("discard"), onclick: () => {
      drafts.drop(this.dataset.draft);
      this.saving = true;
      location.reload();
    } });
    this.querySelector(".form-sections").prepend(make("div", { class: "notice draft", role: "status" }, make("span", { text: say(stale ? "draftOld" : "draft", { time: shown }) }), discard));
    this.dirty = true;
    this.tell(say("kept"));
  }

  touched = later(() => {
    if (!this.start) return;
    this.dirty = this.again || drafts.differences(this.start, drafts.held(this.form)).length > 0;
    if (this.page) drafts.keep(this.dataset.draft, this.form, this.start);
    this.tell(this.dirty ? say(this.page ? "kept" : "unsaved") : "");
  }, 400);

  tell(text) { if (this.state) this.state.textContent = text; }

  /** The first field of the next part, as F6 goes to the next pane elsewhere: rows lie many fields below the first. */
  part(step) {
    const open = "input:not([type=hidden], .stood-for, .native, .sr-only), select:not(.stood-for), textarea, summary, button.cell, [contenteditable=true]";
    const first = (section) => [...section.querySelectorAll(open)].find((each) => each.offsetParent && each.tabIndex >= 0 && !each.disabled);
    const parts = [...this.querySelectorAll(".form-section")].filter(first);
    const now = parts.findIndex((each) => each.contains(document.activeElement));
    const next = parts[now < 0 ? 0 : (now + step + parts.length) % parts.length];
    if (next) first(next).focus();
  }

  key(event) {
    const save = (event.key === "Enter" && (event.ctrlKey || event.metaKey)) || (event.key.toLowerCase() === "s" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey);
    if (!save) return;
    event.preventDefault();
    event.stopPropagation();
    document.activeElement?.blur?.();
    this.form.requestSubmit(this.querySelector("[data-save]"));
  }

  async cancel(event) {
    if (!this.dirty) return;
    event.preventDefault();
    const href = event.currentTarget.href;
    if (!(await ask({ title: say("leave"), text: say("leaveText"), yes: say("discard"), bad: true }))) return;
    drafts.drop(this.dataset.draft);
    this.saving = true;
    location.assign(href);
  }

  submitted(event) {
    if (this.saving) return event.preventDefault();
    if (this.querySelector("ml-drop[aria-busy]")) {
      event.preventDefault();
      return toast(say("waitUpload"), "info");
    }
    this.saving = true;
    this.tell(say("saving"));
    this.classList.add("saving");
    if (!this.page) return;
    drafts.keep(this.dataset.draft, this.form, this.start);
    drafts.sent(this.dataset.draft);
  }

  rest() {
    this.saving = false;
    this.classList.remove("saving");
    this.tell("");
  }
}

export function install() {
  define("ml-form", Form);
  drafts.tidy();
  document.addEventListener("submit", (event) => {
    if (/\/auth\/sign-out$/.test(event.target.getAttribute?.("action") ?? "")) drafts.forgetAll();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "F6" || event.ctrlKey || event.metaKey || event.altKey) return;
    const form = document.querySelector("dialog[open] ml-form") ?? document.querySelector("main ml-form");
    if (!form) return;
    event.preventDefault();
    form.part(event.shiftKey ? -1 : 1);
  });
  // Save from wherever the cursor is.
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
    const form = document.querySelector("dialog[open] ml-form") ?? document.querySelector("main ml-form");
    if (!form) return;
    event.preventDefault();
    form.form.requestSubmit(form.querySelector("[data-save]"));
  });
}
