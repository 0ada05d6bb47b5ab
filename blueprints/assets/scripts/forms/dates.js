// <ml-date>: the text of a day or a moment with the browser's own calendar beside it; arrows move by days.
import { check } from "./checks.js";
import { define, make, shape } from "./elements.js";
import { say } from "./words.js";

const ISO = /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}:\d{2})(?::\d{2})?)?$/;

class DateControl extends HTMLElement {
  connectedCallback() {
    if (this.ready) return;
    this.ready = true;
    this.text = this.querySelector("input");
    const moment = this.dataset.kind === "moment";
    this.native = make("input", { class: "native", type: moment ? "datetime-local" : "date", tabindex: "-1", "aria-hidden": "true" });
    const label = this.text.getAttribute("aria-label") ?? this.closest(".field")?.querySelector(".form-label")?.textContent.replace("*", "") ?? "";
    this.button = make("button", { class: "control-button", type: "button", tabindex: "-1", "aria-label": `${say("calendar")}: ${label.trim()}`, onclick: () => this.open() }, shape("calendar"));
    this.append(this.native, this.button);
    this.native.addEventListener("change", () => {
      if (this.native.value) this.put(this.native.value.replace("T", " "));
    });
    this.text.addEventListener("keydown", (event) => this.key(event));
  }

  put(text) {
    this.text.value = text;
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
    this.text.dispatchEvent(new Event("change", { bubbles: true }));
    check(this.text);
  }

  open() {
    const known = ISO.exec(this.text.value.trim());
    this.native.value = known ? (this.dataset.kind === "moment" ? `${known[1]}-${known[2]}-${known[3]}T${known[4] ?? "09:00"}` : known[0].slice(0, 10)) : "";
    this.text.focus();
    try {
      this.native.showPicker();
    } catch {
      // a browser without pickers: the text is enough
    }
  }

  key(event) {
    if (event.key === "ArrowDown" && event.altKey) {
      event.preventDefault();
      return this.open();
    }
    const known = ISO.exec(this.text.value.trim());
    if ((event.key !== "ArrowDown" && event.key !== "ArrowUp") || !known) return;
    event.preventDefault();
    const day = new Date(Date.UTC(Number(known[1]), Number(known[2]) - 1, Number(known[3]) + (event.key === "ArrowUp" ? 1 : -1)));
    const text = day.toISOString().slice(0, 10);
    this.put(known[4] ? `${text} ${known[4]}` : text);
    this.text.checkedText = this.text.value;
  }
}

export function install() {
  define("ml-date", DateControl);
}
