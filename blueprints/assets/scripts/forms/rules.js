// Rules of the record while it is typed: what is hidden, needed, closed or no longer offered, and what they say beside
// the fields. The server decides, as it will when the form is saved; this only shows it.
import { api, base } from "../api.js";
import { note } from "./checks.js";
import { changed, later, make } from "./elements.js";

const WAIT = 250;
const TEXTS = "input:not([type=hidden], [type=checkbox], [type=radio], [type=file]), textarea";

export function attach(form) {
  const at = new Rules(form);
  if (form.dataset.ruled) at.apply(JSON.parse(form.dataset.ruled));
  else at.ask(); // the form came back with what was wrong with it
  const listen = (event) => at.typed(event);
  form.addEventListener("input", listen);
  form.addEventListener("change", listen);
}

class Rules {
  constructor(form) {
    this.form = form;
    this.touched = new Set();
    this.asked = 0;
    this.setting = false;
  }

  typed(event) {
    if (this.setting || !event.target.name) return;
    this.touched.add(event.target.name.split(".")[0]);
    this.soon();
  }

  soon = later(() => this.ask(), WAIT);

  async ask() {
    const mine = ++this.asked, sent = new FormData();
    for (const [name, value] of new FormData(this.form)) if (typeof value === "string") sent.append(name, value);
    let found;
    try {
      found = await api.send("POST", this.form.dataset.rules.slice(base().length), sent);
    } catch {
      return; // saving tells what is wrong
    }
    if (mine === this.asked && this.form.isConnected) this.apply(found);
  }

  /** The part of the form that a field has; several controls may share one. A drawer calls them otherwise. */
  field(key) {
    const names = [`f-${key}`, `df-${key}`].map((id) => CSS.escape(id));
    return this.form.querySelector(names.map((id) => `#${id}, [aria-labelledby="${id}-label"]`).join(", "))?.closest(".field");
  }

  apply(found) {
    this.each("hidden", found.hidden, (field, on) => this.hide(field, on));
    this.each("required", found.required, (field, on) => this.need(field, on));
    this.each("closed", found.closed, (field, on) => this.close(field, on));
    this.offer(found.options);
    this.fill(found.set);
    this.tell(found.said.filter((each) => each.about.some((key) => this.touched.has(key))));
    this.empty();
  }

  /** Do what has begun or ended to be so since the last time. */
  each(name, keys, act) {
    const before = this[name] ?? new Set(), now = new Set(keys);
    for (const key of new Set([...before, ...now])) {
      const field = before.has(key) === now.has(key) ? null : this.field(key);
      if (field) act(field, now.has(key));
    }
    this[name] = now;
  }

  /** What has the cursor stays until the cursor goes. */
  hide(field, on) {
    if (!on || !field.contains(document.activeElement)) {
      field.hidden = on;
      return;
    }
    field.addEventListener("focusout", () => setTimeout(() => {
      const key = [...this.hidden].find((each) => this.field(each) === field);
      if (key && !field.contains(document.activeElement)) field.hidden = true;
      this.empty();
    }), { once: true });
  }

  /** A section of which nothing is shown is not shown either. */
  empty() {
    for (const section of this.form.querySelectorAll(".form-section")) {
      const fields = [...section.querySelectorAll(".field")];
      section.hidden = fields.length > 0 && fields.every((each) => each.hidden);
    }
  }

  need(field, on) {
    const caption = field.querySelector(".form-label, .form-check-label");
    const control = field.querySelector(`${TEXTS}, select, [role=radiogroup]`);
    if (!caption || (on && caption.querySelector(".need"))) return;
    if (on) caption.append(make("span", { class: "need", "data-ruled": true, "aria-hidden": "true", text: "*" }));
    else caption.querySelector(".need[data-ruled]")?.remove();
    if (on) control?.setAttribute("aria-required", "true");
    else control?.removeAttribute("aria-required");
  }

  /** Nothing is disabled: what is not sent would count as left out. */
  close(field, on) {
    field.classList.toggle("closed", on);
    for (const each of field.querySelectorAll(TEXTS)) each.readOnly = on;
    for (const each of field.querySelectorAll("select, .segments, .choices, .form-check, button")) each.inert = on;
  }

  offer(options) {
    const before = this.narrowed ?? {};
    for (const key of new Set([...Object.keys(before), ...Object.keys(options)])) {
      const field = this.field(key), allowed = options[key];
      if (!field || JSON.stringify(before[key]) === JSON.stringify(allowed)) continue;
      for (const each of field.querySelectorAll("option, .segment, .box")) {
        const input = each.querySelector?.("input"), value = input ? input.value : each.value;
        const chosen = input ? input.checked : each.selected;
        const out = Boolean(allowed && value && !allowed.includes(value) && !chosen);
        if (!out && !each.dataset.out) continue;
        each.hidden = out;
        if (input) input.disabled = out;
        else each.disabled = out;
        if (out) each.dataset.out = "1";
        else delete each.dataset.out;
      }
    }
    this.narrowed = options;
  }

  fill(values) {
    for (const [key, value] of Object.entries(values)) {
      const field = this.field(key);
      if (!field || field.contains(document.activeElement)) continue;
      const radio = field.querySelector(`input[type=radio][value="${CSS.escape(value)}"]`);
      const box = field.querySelector("input[type=checkbox][role=switch]");
      const control = field.querySelector(`select, ${TEXTS}`);
      this.setting = true;
      if (radio) this.put(radio, "checked", true);
      else if (box) this.put(box, "checked", value === "true");
      else if (control) this.put(control, "value", value);
      field.querySelector("ml-pick")?.show?.();
      this.setting = false;
    }
  }

  put(control, name, value) {
    if (control[name] === value) return;
    control[name] = value;
    if (name === "value") control.checkedText = value;
    changed(control);
  }

  /** Said politely beside the field, or above the form when it is about none. */
  tell(said) {
    const before = this.told ?? [];
    this.told = said;
    if (JSON.stringify(before) === JSON.stringify(said)) return;
    for (const each of this.form.querySelectorAll(".rule-said")) each.replaceChildren();
    for (const { field: key, message, warn } of said) {
      const field = key ? this.field(key.split(".")[0]) : null;
      this.place(field).append(make("div", { class: warn ? "warned" : "wrong", text: message }));
    }
  }

  place(field) {
    const holder = field?.querySelector(`${TEXTS}, select`);
    const at = holder?.id ? note(holder) : field ?? this.form.querySelector(".form-sections");
    let found = [...at.children].find((each) => each.classList.contains("rule-said"));
    if (!found) {
      found = make("div", { class: "rule-said", role: "status", "aria-live": "polite" });
      at.prepend(found);
    }
    return found;
  }
}
