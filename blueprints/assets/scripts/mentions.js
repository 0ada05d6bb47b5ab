// While somebody types @ and a few letters: people who may see the record, by arrow keys, Enter or a tap.
import { api, base, language } from "./api.js";

const WORDS = { en: "People", zh: "人员" };
const NOBODY = { en: "Nobody who may see this", zh: "没有可查看此内容的人员" };
const PAUSE_MS = 180;
const TYPED = /(?:^|[^\p{L}\p{N}_@./\]])@([\p{L}\p{N}_.+-]{0,40})$/u;
let box, area, options = [], at = 0, timer, asked = 0;

export function install() {
  document.addEventListener("input", (event) => {
    const target = event.target.closest?.("textarea[data-mention], .rich-area");
    if (target) look(target);
  });
  document.addEventListener("keydown", keys, true);
  document.addEventListener("focusout", (event) => event.target === area && setTimeout(shut, 150));
  document.addEventListener("scroll", () => box && place(), true);
}

const source = (target) => (target.matches("textarea") ? target : target.closest("ml-rich")?.querySelector("textarea[data-mention]"))?.dataset.mention;

/** What stands before the cursor, in a text area or in a rich text. */
function before(target) {
  if (target.matches("textarea")) return target.value.slice(0, target.selectionStart);
  const selection = getSelection(), node = selection.focusNode;
  return node?.nodeType === Node.TEXT_NODE && target.contains(node) ? node.data.slice(0, selection.focusOffset) : "";
}

function look(target) {
  clearTimeout(timer);
  const found = source(target) && TYPED.exec(before(target));
  if (!found) return shut();
  area = target;
  timer = setTimeout(() => ask(found[1]), PAUSE_MS);
}

async function ask(text) {
  const mine = ++asked, address = new URL(source(area), location.origin);
  address.searchParams.set("q", text);
  // A short form is about the record of its page.
  const about = /\/app\/-\/compose\/([^/]+)\/([0-9a-f-]{36})/.exec(area.closest("form")?.getAttribute("action") ?? "");
  if (about && !address.searchParams.has("id")) address.searchParams.set("about", `${about[1]}:${about[2]}`);
  let found;
  try {
    found = (await api.get((address.pathname + address.search).slice(base().length))).data;
  } catch {
    return; // names can still be typed
  }
  if (mine === asked && document.activeElement === area) show(found);
}

function show(found) {
  options = found;
  at = 0;
  box?.remove();
  box = document.createElement("ul");
  box.className = "mention-list";
  box.id = "mention-list";
  box.setAttribute("role", "listbox");
  box.setAttribute("aria-label", WORDS[language()]);
  if (!found.length) {
    const none = document.createElement("li");
    none.className = "quiet";
    none.textContent = NOBODY[language()];
    box.append(none);
  }
  for (const [number, each] of found.entries()) {
    const line = document.createElement("li"), name = document.createElement("b");
    line.id = `mention-${number}`;
    line.setAttribute("role", "option");
    name.textContent = each.name;
    line.append(name);
    if (/^@[^[]/.test(each.typed)) line.append(Object.assign(document.createElement("small"), { textContent: each.typed }));
    line.addEventListener("mousedown", (event) => {
      event.preventDefault();
      at = number;
      take();
    });
    box.append(line);
  }
  (area.closest("dialog") ?? document.body).append(box);
  area.setAttribute("aria-controls", box.id);
  place();
  mark();
}

// Below the text area, or above where there is no room.
function place() {
  const edge = area.getBoundingClientRect(), own = box.getBoundingClientRect();
  const below = edge.bottom + own.height + 8 < innerHeight;
  const left = Math.min(edge.left, innerWidth - own.width - 8);
  box.style.setProperty("left", `${Math.max(left, 8)}px`);
  box.style.setProperty("top", `${below ? edge.bottom + 4 : Math.max(edge.top - own.height - 4, 8)}px`);
}

function mark() {
  for (const [number, line] of [...box.querySelectorAll("[role=option]")].entries()) {
    line.setAttribute("aria-selected", String(number === at));
    if (number === at) line.scrollIntoView({ block: "nearest" });
  }
  if (options.length) area.setAttribute("aria-activedescendant", `mention-${at}`);
}

function keys(event) {
  if (!box || event.target !== area || event.isComposing) return;
  const plain = !(event.ctrlKey || event.metaKey || event.altKey || event.shiftKey);
  if (event.key === "Escape") shut();
  else if (!options.length || !plain) return;
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    at = (at + (event.key === "ArrowDown" ? 1 : -1) + options.length) % options.length;
    mark();
  } else if (event.key === "Enter" || event.key === "Tab") take();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** Put the chosen one in the place of what was typed. */
function take() {
  const chosen = options[at], text = before(area), found = TYPED.exec(text);
  if (!chosen || !found) return shut();
  const length = found[1].length + 1, said = `${chosen.typed} `;
  if (area.matches("textarea")) {
    const end = area.selectionStart;
    area.setRangeText(said, end - length, end, "end");
  } else {
    const selection = getSelection(), node = selection.focusNode, end = selection.focusOffset;
    node.replaceData(end - length, length, said);
    selection.collapse(node, end - length + said.length);
  }
  shut();
  area.dispatchEvent(new Event("input", { bubbles: true }));
  shut();
}

function shut() {
  clearTimeout(timer);
  asked += 1;
  area?.removeAttribute("aria-activedescendant");
  area?.removeAttribute("aria-controls");
  box?.remove();
  box = undefined;
}
