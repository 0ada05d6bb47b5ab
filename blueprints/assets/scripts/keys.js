// Keyboard shortcuts, all of them in one table, and the sheet that shows the table. An element of a page that says
// data-key="e" is pressed by that key and stands on the sheet by itself.
import { base, language } from "./api.js";
import { open } from "./dialogs.js";
import { show as showPalette } from "./palette.js";

const go = (path) => () => location.assign(base() + path);
const mac = /Mac|iPhone|iPad/.test(navigator.platform);

const TABLE = [
  { keys: mac ? "⌘ K" : "Ctrl K", en: "Search, jump, act", zh: "搜索、跳转、操作" },
  { keys: "/", en: "Search", zh: "搜索", run: showPalette },
  { keys: "?", en: "This sheet", zh: "显示本表", run: sheet },
  { keys: "c", en: "Create", zh: "新建", run: create },
  { keys: "e", en: "Edit the record", zh: "编辑记录" },
  { keys: "F6", en: "Next part of a form", zh: "表单的下一部分", run: () => {} },
  { keys: "j", en: "Next row or card", zh: "下一行或卡片", run: () => row(1) },
  { keys: "k", en: "Row or card before", zh: "上一行或卡片", run: () => row(-1) },
  { keys: "z", en: "Undo what was just done", zh: "撤销刚才的操作", run: undo },
  { keys: "g h", en: "Go to the first page", zh: "转到首页", run: go("/app") },
  { keys: "g i", en: "Go to the inbox", zh: "转到待办", run: go("/app/-/inbox") },
  { keys: "g n", en: "Go to the notifications", zh: "转到通知", run: go("/app/-/notifications") },
  { keys: "g b", en: "Go to the recycle bin", zh: "转到回收站", run: go("/app/-/bin") },
  { keys: "g a", en: "Go to your account", zh: "转到我的账户", run: go("/auth/account") },
];
const TITLE = { en: "Keyboard shortcuts", zh: "键盘快捷键" };
const GROUPS = { en: ["Everywhere", "On this page", "Go to"], zh: ["所有页面", "当前页面", "转到"] };
const SECOND_MS = 1200;
let began = -SECOND_MS;

export function install() {
  document.addEventListener("keydown", pressed);
  document.addEventListener("click", (event) => event.target.closest("[data-keys]") && sheet());
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  if (event.target.closest?.("input, textarea, select, [contenteditable], [role=textbox], dialog[open], [data-own-keys]")) return;
  const second = performance.now() - began < SECOND_MS;
  began = -SECOND_MS;
  if (!second && event.key === "g") {
    began = performance.now();
    return;
  }
  const keys = second ? `g ${event.key}` : event.key;
  const here = !second && document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  const run = here ? () => here.click() : lines().find((each) => each.keys === keys)?.run ?? TABLE.find((each) => each.keys === keys)?.run;
  if (!run) return;
  event.preventDefault();
  run();
}

/** The lines of the menu: g and the first letter of the thing that no other line has. */
function lines() {
  const taken = new Set(TABLE.filter((each) => each.keys.startsWith("g ")).map((each) => each.keys[2]));
  return [...document.querySelectorAll(".sidebar-lines a")].flatMap((link) => {
    const name = new URL(link.href).pathname.split("/").pop().toLowerCase();
    const letter = [...name].find((each) => /[a-z0-9]/.test(each) && !taken.has(each));
    if (!letter) return [];
    taken.add(letter);
    return [{ keys: `g ${letter}`, [language()]: link.textContent.trim(), run: () => link.click() }];
  });
}

function create() {
  const menu = document.querySelector("details.create");
  if (!menu) return;
  menu.open = true;
  menu.querySelector(".menu-item")?.focus();
}

/** What a message offers for a few seconds, without a way there by mouse. */
function undo() {
  [...document.querySelectorAll(".toasts button:not(.shut)")].at(-1)?.click();
}

// What of a row takes the focus: a card itself, a link, else the first thing in it that can be used.
const handle = (row) => (row.matches("[tabindex]") ? row : row.querySelector("a[href]") ?? row.querySelector("input, button"));

function row(step) {
  const rows = [...document.querySelectorAll("main [data-row], main .board-card, main tbody tr")].filter((each) => each.offsetParent && handle(each));
  if (!rows.length) return;
  const now = rows.findIndex((each) => each.contains(document.activeElement));
  const next = rows[Math.min(Math.max(now + step, 0), rows.length - 1)];
  handle(next).focus();
  next.scrollIntoView({ block: "nearest" });
}

function sheet() {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog wide";
  dialog.setAttribute("aria-label", TITLE[language()]);
  const head = make("div", "dialog-head"), body = make("div", "dialog-body keys"), shut = make("button", "icon-button", "✕");
  shut.type = "button";
  shut.dataset.shut = "";
  shut.setAttribute("aria-label", language() === "zh" ? "关闭" : "Close");
  head.append(make("h2", "", TITLE[language()]), shut);
  const own = [...document.querySelectorAll("[data-key]")].filter((each) => each.offsetParent);
  const said = own.map((each) => ({ keys: each.dataset.key, [language()]: (each.dataset.keyLabel || each.getAttribute("aria-label") || each.title || each.textContent).trim() }));
  const names = new Set(said.map((each) => each.keys));
  const everywhere = TABLE.filter((each) => !each.keys.startsWith("g ") && each.run && !names.has(each.keys));
  const goes = [...lines(), ...TABLE.filter((each) => each.keys.startsWith("g "))];
  for (const [at, entries] of [[TABLE[0], ...everywhere], said, goes].entries()) if (entries.length) body.append(part(GROUPS[language()][at], entries));
  dialog.append(head, body);
  dialog.addEventListener("close", () => dialog.remove());
  open(dialog);
}

function part(title, entries) {
  const found = make("section"), rows = make("dl");
  for (const each of entries) {
    const line = make("div"), keys = make("dt");
    for (const key of each.keys.split(" ")) keys.append(make("kbd", "", key));
    line.append(keys, make("dd", "", each[language()]));
    rows.append(line);
  }
  found.append(make("h3", "", title), rows);
  return found;
}

function make(name, className = "", text = "") {
  return Object.assign(document.createElement(name), { className, textContent: text });
}
