// The one list to choose from: options below an input, by keyboard and pointer, as the ARIA pattern of a combobox asks.
import { make } from "./elements.js";
import { say } from "./words.js";

let numbers = 0;

/**
 * `ask(text, all)` gives options `{value, label, detail, color, heading, action}` or a promise of them; `all` is true
 * when the list was opened without typing. `choose(option)` is told what was chosen.
 */
export class Combobox {
  constructor(input, { ask, choose, anchor = input, openOnFocus = false, wait = 0 }) {
    Object.assign(this, { input, ask, choose, anchor, wait });
    this.at = -1;
    this.asked = 0;
    this.list = make("div", { class: "options", role: "listbox", id: `options-${++numbers}`, popover: "manual", tabindex: "-1" });
    this.list.addEventListener("pointerdown", (event) => event.preventDefault()); // the input keeps the cursor
    this.list.addEventListener("click", (event) => this.take(event.target.closest("[role=option]")));
    for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-haspopup": "listbox", autocomplete: "off" })) input.setAttribute(name, value);
    input.addEventListener("input", () => this.typed());
    input.addEventListener("keydown", (event) => this.key(event));
    input.addEventListener("blur", () => this.close());
    input.addEventListener("click", () => this.isOpen || this.open(true));
    if (openOnFocus) input.addEventListener("focus", () => this.open(true));
  }

  get isOpen() { return this.list.isConnected && this.list.matches(":popover-open"); }

  typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(false), this.wait);
  }

  async open(all) {
    const mine = ++this.asked;
    const options = await this.ask(all ? "" : this.input.value.trim(), all);
    if (mine !== this.asked || document.activeElement !== this.input) return;
    this.show(options, !all && this.input.value.trim() !== "");
  }

  show(options, marked) {
    this.options = options;
    this.list.replaceChildren();
    if (!options.length) this.list.append(make("div", { class: "options-none", text: say("nothing") }));
    options.forEach((each, at) => {
      if (each.heading) this.list.append(make("div", { class: "options-heading", "aria-hidden": "true", text: each.heading }));
      const label = make("span", { class: "option-label", text: each.label });
      const item = make("div", { class: `option${each.color ? ` tint-${each.color}` : ""}${each.action ? " option-action" : ""}`, role: "option", id: `${this.list.id}-${at}`, "aria-selected": "false" });
      if (each.color) item.append(make("span", { class: "dot" }));
      item.append(label);
      if (each.detail) item.append(make("small", { class: "option-detail", text: each.detail }));
      if (each.chosen) item.classList.add("chosen");
      item.option = each;
      this.list.append(item);
    });
    if (!this.list.isConnected) (this.input.closest("dialog, main") ?? document.body).append(this.list);
    this.input.setAttribute("aria-controls", this.list.id);
    this.input.setAttribute("aria-expanded", "true");
    if (!this.isOpen) this.list.showPopover();
    this.put();
    this.at = -1;
    const chosen = options.findIndex((each) => each.chosen);
    if (marked && options.length) this.mark(options.findIndex((each) => !each.action) >= 0 ? 0 : -1);
    else if (chosen >= 0) this.mark(chosen);
    this.follow ??= () => (this.isOpen ? this.put() : null);
    addEventListener("scroll", this.follow, { capture: true, passive: true });
    addEventListener("resize", this.follow);
  }

  /** Below the control, or above it where there is more room. */
  put() {
    const box = this.anchor.getBoundingClientRect(), room = window.visualViewport?.height ?? innerHeight;
    const below = room - box.bottom - 8, above = box.top - 8, up = below < 180 && above > below;
    const width = Math.max(box.width, Math.min(240, innerWidth - 16));
    const style = this.list.style;
    style.width = `${width}px`;
    style.left = `${Math.max(8, Math.min(box.left, innerWidth - width - 8))}px`;
    style.maxHeight = `${Math.min(320, up ? above : below)}px`;
    style.top = up ? "auto" : `${box.bottom + 4}px`;
    style.bottom = up ? `${innerHeight - box.top + 4}px` : "auto";
  }

  mark(next) {
    const items = [...this.list.querySelectorAll("[role=option]")];
    if (!items.length || next < 0) return;
    this.at = (next + items.length) % items.length;
    items.forEach((item, at) => item.setAttribute("aria-selected", String(at === this.at)));
    items[this.at].scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", items[this.at].id);
  }

  take(item) {
    if (!item) return;
    this.close();
    this.choose(item.option);
  }

  close() {
    clearTimeout(this.timer);
    this.asked++;
    this.at = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    removeEventListener("scroll", this.follow, { capture: true });
    removeEventListener("resize", this.follow);
    if (this.isOpen) this.list.hidePopover();
    this.list.remove();
  }

  key(event) {
    if (event.isComposing) return; // Enter ends a word of an input method
    const items = this.isOpen ? this.list.querySelectorAll("[role=option]") : [];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (event.altKey && event.key === "ArrowUp") return this.close();
      event.preventDefault();
      if (!this.isOpen) this.open(true);
      else this.mark(this.at < 0 && event.key === "ArrowUp" ? items.length - 1 : this.at + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && this.isOpen && this.at >= 0 && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      event.stopPropagation();
      this.take(items[this.at]);
    } else if (event.key === "Tab" && this.isOpen) {
      const item = items[this.at];
      this.close();
      if (item && this.input.value.trim() && !item.option.action) this.take(item);
    } else if (event.key === "Escape" && this.isOpen) {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    }
  }
}

/** Whether an option fits what is typed: every word of it begins or stands somewhere in the label. */
export function fits(label, typed) {
  const text = label.toLowerCase();
  return typed.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}
