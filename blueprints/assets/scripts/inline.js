// Editing one value in its place: startInlineEdit(element) for lists, record pages and anything else that shows a value.
import { base, csrf, language, toast } from "./api.js";
import { make } from "./forms/elements.js";
import { refuse } from "./forms/checks.js";
import { say } from "./forms/words.js";
import { agreed } from "./warnings.js";

let current = null;

/**
 * `element` shows one value: data-entity, data-id, data-field (data-version if the page knows it). The control takes its
 * place; Enter and leaving save, Tab saves and goes on, Escape gives up. Resolves with `{version, text, html}` once it
 * is saved, with null when it was given up; fires "inline:saved" (detail as resolved) and, for Tab, "inline:next"
 * (detail {back}) on the element.
 */
export async function startInlineEdit(element) {
  if (current?.element === element) return null;
  await current?.leave();
  const { entity, id, field } = element.dataset;
  const address = `${base()}/app/-/control/${encodeURIComponent(entity)}/${id}/${encodeURIComponent(field)}`;
  let answer;
  try {
    answer = await fetch(address, { headers: { "Accept-Language": language() }, credentials: "same-origin" });
  } catch {
    toast(say("offline"), "bad");
    return null;
  }
  if (answer.redirected) return location.reload();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const form = page.querySelector("form.single");
  if (!answer.ok || !form) {
    toast(page.querySelector("main, body")?.textContent.trim().replace(/\s+/g, " ").slice(0, 200) ?? String(answer.status), "bad");
    return null;
  }
  return new Promise((resolve) => { current = new Edit(element, document.adoptNode(form), resolve); });
}

class Edit {
  constructor(element, form, resolve) {
    Object.assign(this, { element, form, resolve });
    this.before = [...element.childNodes];
    if (element.dataset.version && !form.elements.version) form.append(make("input", { type: "hidden", name: "version", value: element.dataset.version }));
    element.classList.add("editing");
    element.replaceChildren(form);
    this.first = text(form);
    form.addEventListener("keydown", (event) => this.key(event));
    form.addEventListener("submit", (event) => { event.preventDefault(); this.save(); });
    form.addEventListener("focusout", () => setTimeout(() => this.left(), 0));
    // A choice by pointer is the whole of the edit.
    form.addEventListener("change", (event) => { if (event.target.matches("select, input[type=checkbox][role=switch], input[type=radio]") && this.pointer) this.save(); });
    form.addEventListener("pointerdown", () => { this.pointer = true; });
    form.addEventListener("keydown", () => { this.pointer = false; }, true);
    const control = form.querySelector("[autofocus]") ?? form.querySelector("input:not([type=hidden], .stood-for), select, textarea");
    control?.focus();
    if (control?.matches("input[type=text], input[type=tel], input[type=email], input[type=url]")) control.select();
  }

  key(event) {
    if (event.isComposing || event.defaultPrevented) return;
    const lines = event.target.matches("textarea");
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.give(null);
      this.element.focus?.();
    } else if (event.key === "Enter" && (!lines || event.ctrlKey || event.metaKey) && !event.target.matches("button")) {
      event.preventDefault();
      event.stopPropagation();
      this.save().then((saved) => saved && this.element.focus?.());
    } else if (event.key === "Tab" && this.isLast(event.target, event.shiftKey)) {
      event.preventDefault();
      const back = event.shiftKey;
      this.save().then((saved) => saved && this.element.dispatchEvent(new CustomEvent("inline:next", { bubbles: true, detail: { back } })));
    }
  }

  isLast(target, back) {
    const controls = [...this.form.querySelectorAll("input:not([type=hidden]), select, textarea, button")].filter((each) => each.tabIndex >= 0 && !each.disabled);
    return target === (back ? controls[0] : controls.at(-1)) || !controls.includes(target);
  }

  left() {
    if (this.done || this.busy || this.form.contains(document.activeElement) || !document.hasFocus()) return;
    if (document.querySelector("dialog[open]") && !this.element.closest("dialog")) return; // a record is being made to be chosen
    if (!this.refused) this.save();
  }

  async leave() {
    if (!this.done) await this.save();
    if (!this.done) this.give(null);
  }

  async save(confirmed = []) {
    if (this.done || this.busy) return this.done;
    if (text(this.form) === this.first && !this.conflict) {
      this.give(null);
      return true;
    }
    this.busy = true;
    this.element.setAttribute("aria-busy", "true");
    let answer, found;
    const body = new FormData(this.form);
    for (const each of confirmed) body.append("confirm", each);
    try {
      answer = await fetch(this.form.action, { method: "POST", body, headers: { Accept: "application/json", "Accept-Language": language(), "X-CSRF-Token": csrf() }, credentials: "same-origin" });
      found = await answer.json();
    } catch {
      this.wrong(say("offline"));
      return false;
    } finally {
      this.busy = false;
      this.element.removeAttribute("aria-busy");
    }
    if (answer.ok) {
      this.give(found);
      return true;
    }
    if (found.conflict) {
      this.choose(found.conflict);
      return false;
    }
    const more = (await agreed(found.problems)).filter((each) => !confirmed.includes(each));
    if (more.length) return this.save([...confirmed, ...more]);
    this.wrong(found.problems?.map((each) => each.message).join(" ") ?? String(answer.status));
    return false;
  }

  wrong(message) {
    this.refused = true;
    const control = this.form.querySelector("input:not([type=hidden], .stood-for), select, textarea");
    if (control) refuse(control, message);
    else toast(message, "bad");
    control?.focus();
    this.form.addEventListener("input", () => { this.refused = false; }, { once: true });
  }

  /** Somebody else saved another value meanwhile: both are shown, one is taken. */
  choose(conflict) {
    this.conflict = true;
    this.refused = true;
    this.form.querySelector(".inline-conflict")?.remove();
    const take = (mine) => async () => {
      this.form.elements.version.value = conflict.version;
      this.form.elements.base.value = conflict.base;
      this.refused = false;
      if (mine) return (await this.save()) && this.element.focus?.();
      const answer = await fetch(this.form.action, { method: "POST", body: theirs(this.form), headers: { Accept: "application/json", "Accept-Language": language(), "X-CSRF-Token": csrf() }, credentials: "same-origin" });
      if (answer.ok) this.give(await answer.json());
      this.element.focus?.();
    };
    const side = (label, value, button, mine) => make("div", { class: "sided" }, make("b", { text: label }), make("span", { class: "side-value", text: value || "–" }), make("button", { class: "btn btn-sm", type: "button", text: button, onclick: take(mine) }));
    const who = conflict.by ? say("theirs", { who: conflict.by }) : say("theirsNobody");
    const box = make("div", { class: "inline-conflict", role: "alert" }, side(say("mine"), conflict.mine, say("keepMine"), true), side(`${who} ${conflict.at}`, conflict.theirs, say("takeTheirs"), false));
    this.form.append(box);
    box.querySelector("button").focus();
  }

  give(saved) {
    if (this.done) return;
    this.done = true;
    if (current === this) current = null;
    this.element.classList.remove("editing");
    if (saved) {
      const shown = make("template");
      shown.innerHTML = saved.html;
      this.element.replaceChildren(shown.content);
      for (const each of sameRecord(this.element)) each.dataset.version = saved.version;
      this.element.dispatchEvent(new CustomEvent("inline:saved", { bubbles: true, detail: saved }));
    } else this.element.replaceChildren(...this.before);
    this.resolve(saved);
  }
}

const text = (form) => JSON.stringify([...new FormData(form)].filter(([name]) => !["csrf", "base", "version"].includes(name) && !name.endsWith(".was")).map(([name, value]) => [name, value instanceof File ? value.name : value]));

const theirs = (form) => {
  const body = new FormData(form);
  body.set(`choice.${form.closest("[data-field]").dataset.field}`, "theirs");
  return body;
};

const sameRecord = (element) => document.querySelectorAll(`[data-id="${CSS.escape(element.dataset.id)}"][data-version]`);
