// The command palette (⌘K, Ctrl K, /): records, pages, deeds of this page; a combobox over one list.
import { api, base, language, tell } from "./api.js";
import { open } from "./dialogs.js";

const WAIT = 110;
const WORDS = {
  en: { label: "Search or jump to", hint: "Search records, pages, actions…", actions: "On this page", nothing: "Nothing found for “{}”", help: "Two letters of a name, pinyin initials or the last four digits of a phone number are enough.", keys: "↑↓ choose · Enter open · Esc close", found: "{} results", one: "1 result", close: "Close" },
  zh: { label: "搜索或跳转", hint: "搜索记录、页面、操作…", actions: "当前页面操作", nothing: "未找到“{}”", help: "输入名称的两个字、拼音首字母或电话后四位即可。", keys: "↑↓ 选择 · 回车打开 · Esc 关闭", found: "{} 条结果", one: "1 条结果", close: "关闭" },
};
const words = () => WORDS[language()];
let dialog, input, list, said, at = -1, timer = 0, asked = null, first = null;

export function install() {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette]") && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      show();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "k" && (event.metaKey || event.ctrlKey) && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      dialog?.open ? dialog.close() : show();
    }
  });
}

export function show() {
  if (!document.querySelector("[data-palette]")) return; // nobody is signed in
  if (!dialog) make();
  input.value = "";
  first = null;
  open(dialog);
  input.focus();
  ask("");
}

function make() {
  dialog = element("dialog", { class: "dialog palette", "aria-label": words().label });
  const head = element("div", { class: "palette-head" });
  input = element("input", { type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list", "aria-label": words().label, placeholder: words().hint, autocomplete: "off", autocapitalize: "none", spellcheck: "false", enterkeyhint: "go" });
  list = element("div", { id: "palette-list", role: "listbox", class: "palette-list", "aria-label": words().label });
  const foot = element("div", { class: "palette-foot" });
  foot.textContent = words().keys;
  said = element("div", { class: "sr-only", role: "status" });
  const shut = element("button", { type: "button", class: "icon-button palette-shut", "data-shut": "", "aria-label": words().close });
  shut.append(shape("M18 6l-12 12M6 6l12 12"));
  head.append(shape("M3 10a7 7 0 1 0 14 0a7 7 0 1 0 -14 0M21 21l-6 -6"), input, shut);
  dialog.append(head, list, foot, said);
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => ask(input.value), input.value ? WAIT : 0); });
  input.addEventListener("keydown", pressed);
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option && !event.ctrlKey && !event.metaKey) { event.preventDefault(); choose(option); }
  });
  list.addEventListener("pointermove", (event) => {
    const option = event.target.closest("[role=option]");
    if (option && (event.movementX || event.movementY)) mark(options().indexOf(option), false);
  });
  dialog.addEventListener("close", () => asked?.abort());
}

async function ask(text) {
  asked?.abort();
  asked = new AbortController();
  const typed = text.trim();
  try {
    const answer = !typed && first ? first : await api.get(`/app/-/find?q=${encodeURIComponent(typed)}`, { signal: asked.signal });
    if (!typed) first = answer;
    if (input.value.trim() === typed) fill(typed, answer.groups);
  } catch (error) {
    if (error.name !== "AbortError") tell(error);
  }
}

function deeds(typed) {
  const wanted = typed.toLowerCase();
  return [...document.querySelectorAll("[data-action]")]
    .filter((each) => each.offsetParent && !each.disabled)
    .map((each) => ({ title: (each.dataset.actionLabel || each.getAttribute("aria-label") || each.textContent).trim().replace(/\s+/g, " "), hint: each.dataset.key?.toUpperCase() ?? "", run: () => each.click(), icon: "M13 3v7h6l-8 11v-7h-6l8 -11" }))
    .filter((each) => each.title && each.title.toLowerCase().includes(wanted));
}

function fill(typed, groups) {
  const found = deeds(typed);
  const shown = found.length ? (typed ? [...groups, { label: words().actions, items: found }] : [{ label: words().actions, items: found }, ...groups]) : groups;
  let number = 0;
  list.replaceChildren(...shown.map((group, place) => {
    const box = element("div", { role: "group", "aria-labelledby": `palette-group-${place}` });
    const label = element("div", { class: "menu-label", id: `palette-group-${place}` });
    label.textContent = group.label;
    box.append(label, ...group.items.map((item) => option(item, number++)));
    return box;
  }));
  if (!number) {
    const nothing = element("div", { class: "palette-nothing" });
    const title = element("b"), help = element("span");
    title.textContent = words().nothing.replace("{}", typed);
    help.textContent = words().help;
    nothing.append(title, help);
    list.append(nothing);
  }
  said.textContent = typed ? (number === 1 ? words().one : words().found.replace("{}", number)) : "";
  list.scrollTop = 0;
  mark(number ? 0 : -1);
}

function option(item, number) {
  const made = element(item.url ? "a" : "div", { role: "option", id: `palette-option-${number}`, class: "menu-item", tabindex: "-1", "aria-selected": "false", ...(item.url ? { href: item.url } : {}) });
  const icon = item.run ? shape(item.icon) : shape("");
  if (!item.run) icon.innerHTML = item.icon; // shapes of our own icon file
  const title = element("span");
  title.textContent = item.title;
  made.append(icon, title);
  if (item.hint) {
    const hint = element("small");
    hint.textContent = item.hint;
    made.append(hint);
  }
  made.run = item.run;
  return made;
}

const options = () => [...list.querySelectorAll("[role=option]")];

function mark(next, scroll = true) {
  const all = options();
  all[at]?.setAttribute("aria-selected", "false");
  at = next;
  const chosen = all[at];
  if (!chosen) return input.removeAttribute("aria-activedescendant");
  chosen.setAttribute("aria-selected", "true");
  input.setAttribute("aria-activedescendant", chosen.id);
  if (scroll) at === 0 ? (list.scrollTop = 0) : chosen.scrollIntoView({ block: "nearest" });
}

function pressed(event) {
  if (event.isComposing) return; // an input method is at work: Enter takes its proposal
  const count = options().length;
  if (["ArrowDown", "ArrowUp"].includes(event.key) && count) {
    event.preventDefault();
    mark((at + (event.key === "ArrowDown" ? 1 : -1) + count) % count);
  } else if (event.key === "Enter") {
    event.preventDefault();
    const chosen = options()[at];
    if (chosen) (event.metaKey || event.ctrlKey) && chosen.href ? window.open(chosen.href) : choose(chosen);
  }
}

function choose(option) {
  dialog.close();
  if (option.run) option.run();
  else location.assign(option.href);
}

function element(name, attributes = {}) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function shape(path) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  for (const [name, value] of Object.entries({ class: "icon", viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "1.75", "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" })) svg.setAttribute(name, value);
  if (path) {
    const drawn = document.createElementNS(space, "path");
    drawn.setAttribute("d", path);
    svg.append(drawn);
  }
  return svg;
}

const RECORD = /^\/app\/([^/-][^/]*)\/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;
const LOOKED_MS = 1200;

/** Tell the server that somebody has really looked at the record of this page, so that it is among the recent ones. */
export function remember() {
  const found = RECORD.exec(location.pathname.slice(base().length));
  if (!found || sessionStorage.getItem("recent") === found[2]) return;
  setTimeout(() => {
    if (document.hidden) return;
    sessionStorage.setItem("recent", found[2]);
    api.send("POST", "/app/-/recent", { entity: found[1], id: found[2] }, { keepalive: true }).catch(() => {});
  }, LOOKED_MS);
}
