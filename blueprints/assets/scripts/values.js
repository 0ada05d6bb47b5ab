// Values of special types: the controls that scripts make pleasant, and secrets that are shown on demand.
import { api, language, tell, toast } from "./api.js";
import { changed, define } from "./forms/elements.js";

const WORDS = {
  en: { revealed: "Shown to you; this has been written down.", none: "There is no value.", up: "Move up", hide: "Hide" },
  zh: { revealed: "已向您显示，此次查看已被记录。", none: "没有值。", up: "上移", hide: "隐藏" },
};
const SHOWN_MS = 30_000;

/** An element whose script is fetched when the first one of its kind is on a page. */
const lazily = (load) =>
  class extends HTMLElement {
    connectedCallback() {
      if (this.started) return;
      this.started = load().then((part) => part.start(this));
    }
    restored() { this.started?.then((again) => again?.()); }
  };

class Color extends HTMLElement {
  connectedCallback() {
    const [picker, text] = this.querySelectorAll("input");
    picker.addEventListener("input", () => { text.value = picker.value; changed(text); });
    this.show = () => { if (/^#[0-9a-f]{6}$/i.test(text.value)) picker.value = text.value.toLowerCase(); };
    text.addEventListener("input", (event) => { if (event.isTrusted) this.show(); });
  }
  restored() { this.show(); }
}

class Here extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button"), input = this.querySelector("input");
    if (!navigator.geolocation) { button.hidden = true; return; }
    button.addEventListener("click", () => {
      button.disabled = true;
      navigator.geolocation.getCurrentPosition(
        ({ coords }) => {
          input.value = `${coords.latitude.toFixed(6)}, ${coords.longitude.toFixed(6)}`;
          button.disabled = false;
          changed(input);
        },
        () => { button.disabled = false; toast(this.dataset.refused, "bad"); },
        { enableHighAccuracy: true, timeout: 10_000 },
      );
    });
  }
}

class Files extends HTMLElement {
  connectedCallback() {
    for (const row of this.querySelectorAll("li")) {
      if (row.querySelector("button")) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "icon-button";
      button.textContent = "↑";
      button.setAttribute("aria-label", WORDS[language()].up);
      button.addEventListener("click", () => {
        row.previousElementSibling?.before(row);
        button.focus();
        changed(row.querySelector("input"));
      });
      row.append(button);
    }
  }
}

async function reveal(button) {
  const words = WORDS[language()], { reveal: id, entity, field } = button.dataset;
  button.disabled = true;
  try {
    const { value } = await api.send("POST", `/api/v1/${entity}/${id}/reveal`, { field });
    const holder = button.closest(".value-secret"), before = [...holder.childNodes];
    const text = document.createElement("code");
    text.textContent = value ?? words.none;
    const hide = document.createElement("button");
    hide.type = "button";
    hide.className = "btn btn-sm";
    hide.textContent = words.hide;
    const back = () => { if (text.isConnected) { holder.replaceChildren(...before); button.disabled = false; } };
    hide.addEventListener("click", () => { back(); button.focus(); });
    holder.replaceChildren(text, " ", hide);
    hide.focus();
    setTimeout(back, SHOWN_MS);
    toast(words.revealed, "info");
  } catch (error) {
    button.disabled = false;
    tell(error);
  }
}

export function install() {
  define("ml-color", Color);
  define("ml-here", Here);
  define("ml-files", Files);
  define("ml-rich", lazily(() => import("./values/rich.js")));
  define("ml-sign", lazily(() => import("./values/sign.js")));
  define("ml-region", lazily(() => import("./values/region.js")));
  define("ml-address", lazily(() => import("./values/address.js")));
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-reveal]");
    if (button) reveal(button);
  });
}
