// Columns: their menu, width, order and place; what a person sets is kept for the view.
import { language, tell } from "../api.js";
import { open } from "../dialogs.js";
import { address, again, drawer, fetched, go, list, onArrival, place, refusal, results } from "./state.js";
import { named } from "./rows.js";

const NARROWEST = 56;
let menuHead = null;

export function install() {
  const root = list();
  root.addEventListener("click", clicked);
  root.addEventListener("pointerdown", (event) => event.target.closest("[data-grip]") && resize(event));
  root.addEventListener("keydown", keyed);
  root.addEventListener("dragstart", dragged);
  document.getElementById("column-menu")?.addEventListener("click", chosen);
  onArrival(() => { placePins(); draggable(); named(); });
  addEventListener("resize", placePins);
}

const heads = () => [...results().querySelectorAll("thead th[data-path]")];
const paths = () => heads().map((head) => head.dataset.path);
const columnOf = (head) => results().querySelector("colgroup").children[[...head.parentElement.children].indexOf(head)];

async function keep(look, fresh = true) {
  try {
    const answer = await fetched(place("columns", "look"), { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(look) });
    if (!answer?.ok) return tell(await refusal(answer));
    if (fresh) await again();
  } catch (error) {
    tell(error);
  }
}

function clicked(event) {
  const opener = event.target.closest("[data-column-menu]");
  if (opener) return showMenu(opener);
  const link = event.target.closest("a[data-columns]");
  if (link && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    showDrawer(link.href);
  }
}

// -- the menu of one column

function showMenu(opener) {
  const menu = document.getElementById("column-menu");
  menuHead = opener.closest("th");
  const { sort, by, measures, total } = menuHead.dataset;
  const all = heads(), at = all.indexOf(menuHead);
  const fits = { "sort-up": sort, "sort-down": sort, group: by && !new URL(location.href).searchParams.get("group")?.startsWith(by), left: at > 0, right: at < all.length - 1, pin: true, unpin: all.some((head) => head.matches(".pin")), hide: all.length > 1 };
  for (const item of menu.querySelectorAll("[data-do]")) {
    const { do: what, measure } = item.dataset;
    item.hidden = what === "total" ? !(measure ? measures.split(" ").includes(measure) : total) : !fits[what];
    if (measure) item.setAttribute("aria-checked", String(measure === total));
  }
  for (const line of menu.querySelectorAll("hr")) {
    let next = line.nextElementSibling;
    while (next?.hidden) next = next.nextElementSibling;
    line.hidden = !next || next.matches("hr");
  }
  menu.showPopover();
  const spot = opener.getBoundingClientRect();
  menu.style.setProperty("left", `${Math.max(8, Math.min(spot.left, innerWidth - menu.offsetWidth - 8))}px`);
  menu.style.setProperty("top", `${Math.min(spot.bottom + 4, innerHeight - menu.offsetHeight - 8)}px`);
  menu.querySelector(".menu-item:not([hidden])").focus();
  menu.onkeydown = (pressed) => {
    if (!["ArrowDown", "ArrowUp"].includes(pressed.key)) return;
    pressed.preventDefault();
    const items = [...menu.querySelectorAll(".menu-item:not([hidden])")], now = items.indexOf(document.activeElement);
    items[(now + (pressed.key === "ArrowDown" ? 1 : -1) + items.length) % items.length].focus();
  };
}

function chosen(event) {
  const item = event.target.closest("[data-do]");
  if (!item || !menuHead) return;
  document.getElementById("column-menu").hidePopover();
  const { path, sort, by } = menuHead.dataset, all = paths(), at = all.indexOf(path);
  switch (item.dataset.do) {
    case "sort-up": return go(address({ sort }));
    case "sort-down": return go(address({ sort: `-${sort}` }));
    case "group": return go(address({ group: by }));
    case "total": return keep({ totals: totals(path, item.dataset.measure) });
    case "left": return moved(at, at - 1);
    case "right": return moved(at, at + 1);
    case "pin": return keep({ pinned: at + 1 });
    case "unpin": return keep({ pinned: 0 });
    case "hide": return keep({ columns: all.filter((each) => each !== path) });
  }
}

function totals(path, measure) {
  const found = Object.fromEntries(heads().filter((head) => head.dataset.total).map((head) => [head.dataset.path, head.dataset.total]));
  if (measure && found[path] !== measure) found[path] = measure;
  else delete found[path];
  return found;
}

function moved(from, to) {
  const columns = paths();
  columns.splice(to, 0, ...columns.splice(from, 1));
  return keep({ columns });
}

// -- width

function resize(event) {
  event.preventDefault();
  const head = event.target.closest("th"), col = columnOf(head), table = head.closest("table");
  const start = event.clientX, width = head.offsetWidth;
  // What the browser has shared out becomes what it is, so that the others stay while one changes.
  for (const each of table.querySelectorAll("thead th")) columnOf(each).width = each.offsetWidth;
  const whole = table.offsetWidth;
  const sized = (to) => { col.width = Math.max(NARROWEST, Math.round(to)); table.width = whole - width + Number(col.width); placePins(); };
  const move = (moving) => sized(width + moving.clientX - start);
  const up = () => {
    removeEventListener("pointermove", move);
    document.documentElement.classList.remove("resizing");
    keepWidths();
  };
  document.documentElement.classList.add("resizing");
  addEventListener("pointermove", move);
  addEventListener("pointerup", up, { once: true });
}

const keepWidths = () => keep({ widths: Object.fromEntries(heads().map((head) => [head.dataset.path, head.offsetWidth])) }, false);

// -- keyboard: Alt and an arrow moves a column, with Shift it changes its width

function keyed(event) {
  const head = event.target.closest("th[data-path]");
  if (!head || !event.altKey || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  event.preventDefault();
  const step = event.key === "ArrowLeft" ? -1 : 1, all = heads(), at = all.indexOf(head), path = head.dataset.path;
  if (event.shiftKey) {
    columnOf(head).width = Math.max(NARROWEST, head.offsetWidth + 16 * step);
    keepWidths();
  } else if (all[at + step]) moved(at, at + step).then(() => heads().find((each) => each.dataset.path === path)?.querySelector("a, button")?.focus());
}

// -- order by dragging a head

function draggable() {
  for (const head of heads()) {
    head.draggable = true;
    for (const inner of head.querySelectorAll("a")) inner.draggable = false;
  }
}

function dragged(event) {
  const head = event.target.closest("th[data-path]");
  if (!head || document.documentElement.matches(".resizing")) return event.preventDefault();
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", head.dataset.path);
  const row = head.parentElement, from = heads().indexOf(head);
  let to = from;
  const over = (moving) => {
    const beneath = moving.target.closest?.("th[data-path]");
    if (!beneath) return;
    moving.preventDefault();
    const spot = beneath.getBoundingClientRect(), after = moving.clientX > spot.left + spot.width / 2;
    for (const each of heads()) each.classList.remove("drop-before", "drop-after");
    beneath.classList.add(after ? "drop-after" : "drop-before");
    to = heads().indexOf(beneath) + (after ? 1 : 0);
  };
  const end = () => {
    row.removeEventListener("dragover", over);
    for (const each of heads()) each.classList.remove("drop-before", "drop-after");
    const at = to > from ? to - 1 : to;
    if (at !== from) moved(from, at);
  };
  row.addEventListener("dragover", over);
  row.addEventListener("drop", (dropped) => dropped.preventDefault(), { once: true });
  head.addEventListener("dragend", end, { once: true });
}

// -- columns that stay while the others scroll

function placePins() {
  const table = results()?.querySelector(".list-table");
  if (!table) return;
  let left = 0;
  for (const [at, head] of [...table.querySelectorAll("thead th")].entries()) {
    if (at > 5) break;
    table.style.setProperty(`--pin-${at + 1}`, `${left}px`);
    left += head.offsetWidth;
  }
}

// -- the drawer

async function showDrawer(url) {
  const answer = await fetched(url).catch(tell);
  if (!answer) return;
  const dialog = drawer();
  dialog.innerHTML = await answer.text();
  open(dialog);
  const form = dialog.querySelector("form"), shown = form.querySelector("[data-column-list]"), rest = form.querySelector("[data-column-rest]");
  form.addEventListener("change", (event) => {
    const line = event.target.closest(".column-line");
    if (line && event.target.matches("[type=checkbox]")) (event.target.checked ? shown : rest)[event.target.checked ? "append" : "prepend"](line);
  });
  form.addEventListener("input", (event) => event.target.matches("[data-field-search]") && search(form, event.target.value));
  form.addEventListener("keydown", (event) => {
    const line = event.target.closest(".column-line");
    if (!line || !event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const other = event.key === "ArrowUp" ? line.previousElementSibling : line.nextElementSibling;
    if (other) other[event.key === "ArrowUp" ? "before" : "after"](line);
    event.target.focus();
  });
  form.addEventListener("submit", async (event) => {
    if (event.submitter?.name === "reset") return; // the page comes anew
    event.preventDefault();
    const columns = [...shown.querySelectorAll("input:checked")].map((each) => each.value);
    dialog.close();
    await keep({ columns, pinned: Number(form.elements.pinned.value) || 0 });
  });
  const { default: Sortable } = await import("sortablejs");
  for (const each of [shown, rest]) {
    Sortable.create(each, { group: "columns", handle: "[data-handle]", animation: 120, onAdd: ({ item, to }) => { item.querySelector("input").checked = to === shown; } });
  }
}

/** Show only the lines of a list of fields that hold what is typed. */
export function search(root, typed) {
  const wanted = typed.trim().toLocaleLowerCase(language());
  for (const line of root.querySelectorAll(".column-line, [data-field]")) line.hidden = !line.textContent.toLocaleLowerCase(language()).includes(wanted);
}
