// Options: <ml-pick> makes a coloured combobox of a long list, <ml-many> chips of many boxes, <ml-tags> chips of words;
// options that depend on another field narrow when it changes.
import { Combobox, fits } from "./combobox.js";
import { changed, define, make, shape, stand } from "./elements.js";
import { say } from "./words.js";

const LONG = 6, MANY = 9;

class Pick extends HTMLElement {
  connectedCallback() {
    if (this.ready) return;
    this.ready = true;
    this.select = this.querySelector("select");
    const colored = this.select.querySelector("option[data-color]");
    if (this.select.options.length <= LONG && !colored) return;
    this.input = make("input", { class: "form-control", type: "text", spellcheck: "false", placeholder: this.select.options[0]?.value === "" ? this.select.options[0].textContent : "" });
    stand(this.input, this.select);
    this.dot = make("span", { class: "dot", hidden: true });
    this.append(this.dot, this.input, shape("down"));
    this.box = new Combobox(this.input, { ask: (text, all) => this.options(text, all), choose: (option) => this.set(option.value) });
    this.input.addEventListener("focus", () => this.input.select());
    this.input.addEventListener("blur", () => this.settle());
    this.select.addEventListener("change", () => this.show());
    this.show();
  }

  options(text, all) {
    const value = this.select.value, required = this.input.hasAttribute("aria-required");
    return [...this.select.options]
      .filter((each) => !each.hidden && !each.disabled && (each.value || !required) && (all || text === this.label || fits(each.textContent.trim(), text)))
      .map((each) => ({ value: each.value, label: each.value ? each.textContent.trim() : "–", color: each.dataset.color ?? "", chosen: each.value === value }));
  }

  get label() { return this.select.value ? this.select.selectedOptions[0].textContent.trim() : ""; }

  set(value) {
    this.select.value = value;
    this.show();
    changed(this.select);
  }

  /** An empty text is no choice; any other that is no label goes back to what was chosen. */
  settle() {
    if (!this.input.value.trim() && this.select.value && this.select.options[0].value === "") this.set("");
    else this.show();
  }

  show() {
    if (!this.input) return;
    const option = this.select.selectedOptions[0], color = option?.dataset.color;
    this.input.value = this.label;
    this.dot.hidden = !color;
    this.className = `pick picked${color ? ` colored tint-${color}` : ""}`;
  }

  restored() { this.show(); }
}

class Many extends HTMLElement {
  connectedCallback() {
    if (this.ready) return;
    this.ready = true;
    this.boxes = [...this.querySelectorAll("input[type=checkbox]")];
    if ("focus" in this.dataset) this.boxes[0]?.setAttribute("autofocus", "");
    if (this.boxes.length < MANY) return;
    this.classList.add("searched");
    const field = this.closest("fieldset, [role=group]");
    const label = field?.querySelector("legend, .sr-only")?.textContent ?? "";
    this.input = make("input", { class: "form-control", type: "text", "aria-label": label, placeholder: say("choose"), ...("focus" in this.dataset ? { autofocus: true } : {}) });
    this.append(this.input);
    this.box = new Combobox(this.input, { ask: (text, all) => this.options(text, all), choose: (option) => this.set(option.value, true) });
    this.input.addEventListener("blur", () => { this.input.value = ""; });
    this.input.addEventListener("keydown", (event) => {
      const last = this.boxes.filter((each) => each.checked).pop();
      if (event.key === "Backspace" && !this.input.value && last) this.set(last.value, false);
    });
    for (const box of this.boxes) {
      box.tabIndex = -1;
      box.closest("label").append(make("button", { class: "chip-remove", type: "button", "aria-label": say("remove", { what: box.closest("label").textContent.trim() }), onclick: (event) => { event.preventDefault(); this.set(box.value, false); } }, shape("x")));
    }
  }

  options(text, all) {
    return this.boxes
      .filter((each) => !each.checked && !each.closest("label").hidden && (all || fits(each.closest("label").textContent.trim(), text)))
      .map((each) => ({ value: each.value, label: each.closest("label").querySelector("span").textContent.trim(), color: /tint-(\w+)/.exec(each.closest("label").className)?.[1] ?? "" }));
  }

  set(value, checked) {
    this.boxes.find((each) => each.value === value).checked = checked;
    this.input.value = "";
    changed(this);
    this.input.focus();
  }
}

const PARTS = /[,;、，；\n]/;

class Tags extends HTMLElement {
  connectedCallback() {
    if (this.ready) return;
    this.ready = true;
    this.kept = this.querySelector("input");
    this.input = make("input", { class: "tag-input", type: "text", autocomplete: "off", placeholder: this.kept.placeholder });
    stand(this.input, this.kept);
    this.kept.type = "hidden";
    this.chips = make("span", { class: "chips" });
    this.append(this.chips, this.input);
    this.addEventListener("click", (event) => {
      const chip = event.target.closest(".chip-remove");
      if (chip) this.words = this.words.filter((each) => each !== chip.dataset.word);
      if (!chip || chip) this.input.focus();
    });
    this.input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if ((event.key === "Enter" || event.key === ",") && this.input.value.trim()) {
        event.preventDefault();
        event.stopPropagation();
        this.add(this.input.value);
      } else if (event.key === "Backspace" && !this.input.value) this.words = this.words.slice(0, -1);
    });
    this.input.addEventListener("input", () => PARTS.test(this.input.value) && this.add(this.input.value));
    this.input.addEventListener("blur", () => this.add(this.input.value));
    this.show();
  }

  get words() { return this.kept.value.split(PARTS).map((each) => each.trim()).filter(Boolean); }

  set words(words) {
    this.kept.value = words.join(", ");
    this.show();
    changed(this.kept);
  }

  add(text) {
    const more = text.split(PARTS).map((each) => each.trim()).filter(Boolean);
    this.input.value = "";
    const known = new Set(this.words.map((each) => each.toLowerCase()));
    if (more.length) this.words = [...this.words, ...more.filter((each) => !known.has(each.toLowerCase()))];
  }

  show() {
    this.chips.replaceChildren(...this.words.map((word) => make("span", { class: "chip" }, make("span", { text: word }),
      make("button", { class: "chip-remove", type: "button", "data-word": word, "aria-label": say("remove", { what: word }) }, shape("x")))));
    this.input.placeholder = this.words.length ? "" : this.kept.placeholder;
  }

  restored() { this.show(); }
}

/** Offer of an option list only what fits the other field; when that changes, a choice that no longer fits goes. */
function narrow(holder, value, changed) {
  const options = [...holder.querySelectorAll("[data-given]")];
  for (const each of options) {
    const chosen = each.selected || each.querySelector?.("input")?.checked;
    const fit = each.dataset.given.split(" ").includes(value) || (chosen && !changed);
    each.hidden = !fit;
    if (each.tagName === "OPTION") each.disabled = !fit;
    const box = each.querySelector?.("input");
    if (box) box.disabled = !fit;
    if (!fit && box?.checked) box.checked = false;
    if (!fit && each.selected) holder.querySelector("select").value = "";
  }
  const none = holder.querySelector(".segment.none input");
  if (none && !holder.querySelector("input[type=radio]:checked")) none.checked = true;
  holder.show?.();
}

const valueOf = (form, name) => {
  const found = [...form.elements].filter((each) => each.name === name);
  const radio = found.find((each) => each.type === "radio" && each.checked);
  return (radio ?? found.find((each) => each.type !== "hidden" && each.type !== "radio") ?? found.at(-1))?.value ?? "";
};

export function narrowAll(root) {
  for (const holder of root.querySelectorAll("[data-depends]")) {
    const form = holder.closest("form");
    if (form) narrow(holder, valueOf(form, holder.dataset.depends));
  }
}

export function install() {
  define("ml-pick", Pick);
  define("ml-many", Many);
  define("ml-tags", Tags);
  document.addEventListener("change", (event) => {
    const form = event.target.closest?.("form");
    if (!form || !event.target.name) return;
    for (const holder of form.querySelectorAll(`[data-depends="${CSS.escape(event.target.name)}"]`)) narrow(holder, valueOf(form, event.target.name), true);
  });
}
