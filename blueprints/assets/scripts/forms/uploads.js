// <ml-drop>: a file by drag, by choice or from the clipboard, sent at once with its progress; the form then names it.
import { base, csrf, language } from "../api.js";
import { changed, define, make, shape } from "./elements.js";
import { say } from "./words.js";

const UNITS = ["B", "KB", "MB", "GB"];

export function sizeText(bytes) {
  let at = 0, size = bytes;
  while (size >= 1000 && at < UNITS.length - 1) { size /= 1024; at++; }
  return `${size.toFixed(size >= 10 || at === 0 ? 0 : 1)} ${UNITS[at]}`;
}

/** Send a file: resolves with `{id, name, media_type, size}`, rejects with a message; `progress(part)` from 0 to 1. */
export function upload(file, progress = () => {}) {
  return new Promise((resolve, reject) => {
    const call = new XMLHttpRequest();
    call.open("POST", `${base()}/api/v1/files`);
    call.setRequestHeader("X-CSRF-Token", csrf());
    call.setRequestHeader("Accept-Language", language());
    call.responseType = "json";
    call.upload.addEventListener("progress", (event) => event.lengthComputable && progress(event.loaded / event.total));
    call.addEventListener("load", () => (call.status === 201 ? resolve(call.response) : reject(call.response?.problems?.[0]?.message ?? say("uploadFailed"))));
    call.addEventListener("error", () => reject(say("uploadFailed")));
    const body = new FormData();
    body.append("file", file);
    call.send(body);
  });
}

class Drop extends HTMLElement {
  connectedCallback() {
    if (this.ready) return;
    this.ready = true;
    this.kept = this.querySelector("input[type=hidden]");
    this.native = this.querySelector("input[type=file]");
    this.there = this.querySelector(".drop-file");
    this.there?.querySelector(".drop-remove")?.replaceWith(this.remover());
    this.native.classList.add("sr-only");
    this.zone = make("div", { class: "drop-zone" }, shape("upload"), make("span", { text: `${say("dropHere")} ` }), make("label", { class: "drop-choose", for: this.native.id, text: say("choose") }));
    this.native.before(this.zone);
    this.native.addEventListener("change", () => this.native.files[0] && this.send(this.native.files[0]));
    for (const name of ["dragenter", "dragover"]) this.addEventListener(name, (event) => this.over(event, true));
    for (const name of ["dragleave", "drop"]) this.addEventListener(name, (event) => this.over(event, false));
    this.addEventListener("drop", (event) => event.dataTransfer?.files[0] && this.send(event.dataTransfer.files[0]));
    this.addEventListener("paste", (event) => event.clipboardData?.files[0] && this.send(event.clipboardData.files[0]));
    this.classList.toggle("filled", this.kept.value !== "");
  }

  over(event, on) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.classList.toggle("over", on);
  }

  async send(file) {
    const bar = make("progress", { max: "1", value: "0", "aria-label": say("uploading", { name: file.name }) });
    this.show(make("div", { class: "drop-file" }, make("span", { class: "drop-name" }, shape("file"), file.name), bar));
    this.setAttribute("aria-busy", "true");
    try {
      const found = await upload(file, (part) => { bar.value = part; });
      this.kept.value = found.id;
      for (const each of this.querySelectorAll('input[type=hidden][name$=".remove"]')) each.remove();
      this.native.value = ""; // it has been sent: the form only names it
      const name = make("span", { class: "drop-name" }, shape("file"), make("a", { href: `${base()}/api/v1/files/${found.id}`, text: found.name }), make("small", { class: "quiet", text: ` ${sizeText(found.size)}` }));
      this.show(make("div", { class: "drop-file" }, name, this.remover()));
      this.classList.add("filled");
      changed(this.kept);
    } catch (message) {
      this.show(make("div", { class: "wrong", role: "alert", text: String(message) }));
      this.native.value = "";
    } finally {
      this.removeAttribute("aria-busy");
    }
  }

  show(element) {
    this.there?.remove();
    this.there = element;
    this.zone.before(element);
  }

  remover() {
    return make("button", { class: "btn btn-sm", type: "button", onclick: () => {
      this.kept.value = "";
      this.there?.remove();
      this.there = null;
      this.classList.remove("filled");
      this.zone.after(make("input", { type: "hidden", name: `${this.kept.name}.remove`, value: "1" }));
      changed(this.kept);
      this.native.focus();
    } }, shape("trash"), say("removeFile"));
  }
}

export function install() {
  define("ml-drop", Drop);
}
