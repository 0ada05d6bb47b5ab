// Links: <ml-finder> finds one record by what is typed, <ml-links> holds several; a new one is made in a drawer.
import { api, base } from "../api.js";
import { Combobox } from "./combobox.js";
import { openForm } from "./drawer.js";
import { changed, define, make, shape } from "./elements.js";
import { recent, remember } from "./recent.js";
import { say } from "./words.js";

const ENTITY = "__entity__";

class Finder extends HTMLElement {
  connectedCallback() {
    if (this.ready) return;
    this.ready = true;
    this.text = this.querySelector("input[type=text]");
    this.id_ = this.querySelector("[data-id]");
    this.was = this.querySelector("[data-was]");
    this.several = this.closest("ml-links");
    this.box = new Combobox(this.text, { ask: (text, all) => this.ask(text, all), choose: (option) => this.choose(option), wait: 120 });
    this.clear = make("button", { class: "control-clear", type: "button", tabindex: "-1", "aria-label": say("clear"), onclick: () => this.set("", "") }, shape("x"));
    this.append(this.clear);
    this.text.addEventListener("blur", () => this.settle());
    this.text.addEventListener("input", () => this.mark());
    this.chooser?.addEventListener("change", () => this.set("", ""));
    this.mark();
  }

  get chooser() { return this.dataset.chooser ? document.getElementById(this.dataset.chooser) : null; }

  address(template) {
    return template.replace(ENTITY, encodeURIComponent(this.chooser?.value ?? "")).replace(encodeURIComponent(ENTITY), encodeURIComponent(this.chooser?.value ?? ""));
  }

  /** With several kinds to choose from, only some may be made on the way. */
  get creatable() { return this.dataset.new && (!this.chooser || this.dataset.creates.split(" ").includes(this.chooser.value)); }

  get entity() { return this.address(this.dataset.source).split("/").pop(); }

  async ask(text, all) {
    const found = (await api.get(`${this.address(this.dataset.source).slice(base().length)}?q=${encodeURIComponent(text)}`).catch(() => ({ data: [] }))).data;
    this.found = found;
    const used = all || !text ? recent(this.dataset.who, this.entity) : [];
    const known = new Set(used.map((each) => each.id));
    const taken = new Set(this.several ? this.several.ids : [all ? this.id_.value : ""]);
    const options = [...used.map((each, at) => ({ ...option(each), heading: at === 0 ? say("recent") : "" })), ...found.filter((each) => !known.has(each.id)).map(option)];
    const shown = options.filter((each) => !this.several || !taken.has(each.value)).map((each) => ({ ...each, chosen: taken.has(each.value) }));
    if (this.creatable) shown.push({ action: "new", label: text ? say("create", { text }) : say("createNew"), text });
    return shown;
  }

  choose(chosen) {
    if (chosen.action) this.create(chosen.text);
    else this.take(chosen.value, chosen.label);
  }

  async create(text) {
    const address = this.address(this.dataset.new);
    const made = await openForm(`${address}${text ? `&.title=${encodeURIComponent(text)}` : ""}`);
    if (made) this.take(made.id, made.title);
    this.text.focus();
  }

  take(id, title) {
    remember(this.dataset.who, this.entity, { id, title });
    if (this.several) {
      this.several.add(id, title);
      this.set("", "");
    } else this.set(id, title);
    this.text.setSelectionRange?.(this.text.value.length, this.text.value.length);
  }

  set(id, title) {
    this.id_.value = id;
    this.text.value = this.was.value = title;
    this.text.removeAttribute("aria-invalid");
    this.mark();
    changed(this.id_);
  }

  /** A title that was typed in full is the record of that title; any other text has to be chosen from. */
  settle() {
    const typed = this.text.value.trim();
    if (!typed || typed === this.was.value) return this.mark();
    const same = (this.found ?? []).filter((each) => each.title.toLowerCase() === typed.toLowerCase());
    if (same.length === 1) this.take(same[0].id, same[0].title);
    else this.mark();
  }

  mark() {
    const typed = this.text.value.trim();
    this.classList.toggle("filled", typed !== "");
    this.classList.toggle("unsettled", typed !== "" && typed !== this.was.value);
  }

  /** What was kept in a draft has been put back into the inputs. */
  restored() { this.mark(); }
}

const option = (each) => ({ value: each.id, label: each.title, detail: each.detail ?? "" });

class Links extends HTMLElement {
  connectedCallback() {
    if (this.ready) return;
    this.ready = true;
    this.chips = this.querySelector(".chips");
    for (const chip of this.chips.querySelectorAll("label")) dress(chip);
    this.addEventListener("click", (event) => {
      const chip = event.target.closest(".chip-remove")?.closest(".chip");
      if (chip) this.drop(chip);
    });
    this.addEventListener("keydown", (event) => {
      if (event.key === "Backspace" && event.target.matches("input[type=text]") && !event.target.value && this.chips.lastElementChild) this.drop(this.chips.lastElementChild);
    });
  }

  get name() { return this.querySelector("input[type=hidden]").name; }
  get ids() { return [...this.chips.querySelectorAll("input:checked")].map((each) => each.value); }

  add(id, title) {
    const known = [...this.chips.querySelectorAll("input")].find((each) => each.value === id);
    if (known) known.checked = true;
    else {
      const box = make("input", { type: "checkbox", name: this.name, value: id });
      box.checked = true;
      this.chips.append(dress(make("label", { class: "chip" }, box, make("span", { text: title }))));
    }
    changed(this);
  }

  drop(chip) {
    chip.remove();
    this.querySelector("input[type=text]")?.focus();
    changed(this);
  }
}

function dress(chip) {
  const box = chip.querySelector("input");
  box.tabIndex = -1;
  box.classList.add("sr-only");
  const title = chip.querySelector("span").textContent;
  chip.append(make("button", { class: "chip-remove", type: "button", "aria-label": say("remove", { what: title }) }, shape("x")));
  return chip;
}

export function install() {
  define("ml-links", Links);
  define("ml-finder", Finder);
}
