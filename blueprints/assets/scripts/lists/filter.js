// The filter as chips: each is a condition that the server has understood; a change goes there and comes back as text.
import { tell } from "../api.js";
import { open } from "../dialogs.js";
import { search } from "./columns.js";
import { address, drawer, fetched, go, isPhone, list, onArrival, place, refusal, results } from "./state.js";

let editing = null; // {chip | group | null}: what the popover is about
let suggesting;

const bar = () => document.querySelector("[data-filter]");
const popover = () => document.getElementById("list-popover");

export function install() {
  document.addEventListener("click", clicked);
  popover()?.addEventListener("submit", applied);
  popover()?.addEventListener("change", changed);
  popover()?.addEventListener("input", typed);
  onArrival(() => { if (drawer()?.open && drawer().matches(".filtering")) intoDrawer(); });
  drawer()?.addEventListener("close", () => {
    if (!drawer().matches(".filtering")) return;
    drawer().classList.remove("filtering");
    const moved = drawer().querySelector("[data-filter]");
    if (moved) results().prepend(moved);
  });
}

function clicked(event) {
  const at = (selector) => event.target.closest(selector);
  let found;
  if ((found = at("[data-chip-remove]"))) removed(found.closest("[data-condition]"));
  else if ((found = at("[data-chip-edit]"))) edit(found.closest("[data-condition]"));
  else if ((found = at("[data-chip-add]"))) choose(found, found.closest("[data-group-op]"));
  else if ((found = at("[data-group-add]"))) choose(found, "new");
  else if ((found = at("[data-joint]"))) joined(found);
  else if ((found = at("[data-field-picker] [data-field]"))) condition(found.dataset.field);
  else if ((found = at("[data-filters-open]"))) openDrawer(found);
  else if ((found = at("[data-suggestion]"))) picked(found);
}

// -- what is there now

const read = (chip) => JSON.parse(chip.dataset.condition);

/** The filter as the chips say it. `change` gives what stands in the place of a chip, or nothing. */
function whole(change = (chip) => read(chip), op = bar().dataset.op) {
  const parts = [];
  for (const each of bar().children) {
    if (each.matches("[data-condition]")) parts.push(change(each));
    else if (each.matches("[data-group-op]")) {
      const inner = [...each.querySelectorAll("[data-condition]")].map(change).filter(Boolean);
      if (each === editing?.group && editing.added) inner.push(editing.added);
      if (inner.length) parts.push({ op: each.dataset.groupOp, parts: inner });
    }
  }
  return { op, parts: parts.filter(Boolean) };
}

/** Have the server say it as text, and show what it finds. False when something is wrong; then it is told. */
async function apply(joined) {
  let answer;
  try {
    answer = await fetched(place("filter"), { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ joined }) });
  } catch (error) {
    tell(error);
    return false;
  }
  const { where, problems } = answer.ok ? await answer.json() : await refusal(answer);
  if (problems) {
    const wrong = popover().open && popover().querySelector("[data-wrong]");
    if (wrong) wrong.textContent = problems.map((each) => each.message).join(" ");
    else tell({ problems });
    return false;
  }
  popover().close();
  await go(address({ where: where || (isSaved() ? "" : null) }));
  return true;
}

/** A saved view has a condition of its own: an empty one in the address takes it away. */
const isSaved = () => /^[0-9a-f]{8}-/.test(list().dataset.view);

const removed = (chip) => apply(whole((each) => (each === chip ? null : read(each))));

function joined(button) {
  const group = button.closest("[data-group-op]");
  const other = (op) => (op === "and" ? "or" : "and");
  if (!group) return apply(whole(undefined, other(bar().dataset.op)));
  group.dataset.groupOp = other(group.dataset.groupOp);
  return apply(whole());
}

// -- the popover

function show(anchor, html) {
  const dialog = popover();
  dialog.innerHTML = html;
  if (!dialog.open) {
    open(dialog);
    if (!isPhone()) {
      const spot = anchor.getBoundingClientRect();
      dialog.style.setProperty("left", `${Math.max(12, Math.min(spot.left, innerWidth - dialog.offsetWidth - 12))}px`);
      dialog.style.setProperty("top", `${Math.max(12, Math.min(spot.bottom + 6, innerHeight - 420))}px`);
    }
  }
  const first = dialog.querySelector("[data-field-search], input:checked, [data-values] input, [data-values] select, select");
  first?.focus();
  if (first?.matches("input:not([type=checkbox], [type=date])")) first.select();
}

async function load(url, anchor) {
  try {
    const answer = await fetched(url);
    if (!answer.ok) return tell(await refusal(answer));
    show(anchor, await answer.text());
    changed({ target: popover().querySelector("[name=op]") ?? popover() });
    const records = popover().querySelector("[data-suggest-input]");
    if (records) suggest(records);
  } catch (error) {
    tell(error);
  }
}

async function choose(anchor, group) {
  editing = { anchor, group: group === "new" ? null : group, fresh: group === "new" };
  await fields(anchor);
}

async function fields(anchor) {
  await load(place("filter", "fields"), anchor);
  popover().querySelector("[data-field-search]")?.addEventListener("input", (event) => search(popover(), event.target.value));
  popover().querySelector("[data-field-search]")?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const first = [...popover().querySelectorAll("[data-field]")].find((each) => !each.hidden);
    if (first) condition(first.dataset.field);
  });
}

const asking = (path, op, values) => {
  const given = new URLSearchParams([["path", path], ["op", op], ...values.map((each) => ["value", each])]);
  return `${place("filter", "condition", "").split("?")[0]}?${given}`;
};

const condition = (path) => load(asking(path, "", []), editing.anchor);

function edit(chip) {
  editing = { anchor: chip, chip };
  const { path, op, values } = read(chip);
  return load(asking(path, op, values), chip);
}

function changed({ target }) {
  const form = popover().querySelector("[data-condition-form]");
  if (!form) return;
  if (target.matches("[name=op]")) form.querySelector("[data-values]").hidden = form.dataset.without.split(" ").includes(target.value);
  const date = form.querySelector("[type=date]");
  if (date) date.disabled = form.querySelector("[data-today]").checked;
}

async function applied(event) {
  const form = event.target;
  event.preventDefault();
  if (!form.matches("[data-condition-form]")) return;
  const given = new FormData(form);
  const made = { path: form.dataset.path, op: given.get("op"), values: given.getAll("value").map((each) => each.trim()).filter(Boolean) };
  const { chip, group, fresh } = editing;
  if (chip) return apply(whole((each) => (each === chip ? made : read(each))));
  if (group) {
    editing.added = made;
    if (!(await apply(whole()))) editing.added = null;
    return;
  }
  if (fresh && !editing.first) {
    // A group has two conditions at least, and joins them the other way round: that is what it is for.
    editing.first = made;
    return fields(editing.anchor);
  }
  const all = whole(), other = all.op === "and" ? "or" : "and";
  all.parts.push(fresh ? { op: other, parts: [editing.first, made] } : made);
  await apply(all);
}

// -- records to choose

function typed(event) {
  if (!event.target.matches("[data-suggest-input]")) return;
  clearTimeout(suggesting);
  suggesting = setTimeout(() => suggest(event.target), 180);
}

async function suggest(input) {
  const picker = input.closest("[data-record-picker]"), found = picker.querySelector("[data-suggestions]");
  const answer = await fetched(`${picker.dataset.suggest}?${new URLSearchParams({ q: input.value })}`).catch(() => null);
  if (!answer?.ok) return;
  const { data } = await answer.json();
  const chosen = new Set([...picker.querySelectorAll("[name=value]")].map((each) => each.value));
  found.replaceChildren(...data.filter((each) => !chosen.has(each.id)).map((each) => {
    const item = Object.assign(document.createElement("button"), { type: "button", className: "menu-item" });
    item.dataset.suggestion = each.id;
    item.append(Object.assign(document.createElement("span"), { textContent: each.title }));
    return item;
  }));
}

function picked(item) {
  const picker = item.closest("[data-record-picker]"), label = document.createElement("label"), box = document.createElement("input");
  label.className = "menu-item";
  Object.assign(box, { type: "checkbox", name: "value", value: item.dataset.suggestion, checked: true, className: "form-check-input" });
  label.append(box, Object.assign(document.createElement("span"), { textContent: item.textContent }));
  picker.querySelector("[data-chosen]").append(label);
  item.remove();
  picker.querySelector("[data-suggest-input]").focus();
}

// -- on a phone the filter is behind one button

function openDrawer(button) {
  const dialog = drawer(), head = document.createElement("div"), title = document.createElement("h2"), shut = document.createElement("button");
  head.className = "dialog-head";
  title.textContent = button.querySelector("span").textContent;
  Object.assign(shut, { type: "button", className: "icon-button", textContent: "✕" });
  shut.dataset.shut = "";
  shut.setAttribute("aria-label", document.documentElement.lang.startsWith("zh") ? "关闭" : "Close");
  head.append(title, shut);
  const body = document.createElement("div");
  body.className = "dialog-body";
  dialog.classList.add("filtering");
  dialog.replaceChildren(head, body);
  intoDrawer();
  open(dialog);
}

function intoDrawer() {
  const body = drawer().querySelector(".dialog-body"), fresh = results().querySelector("[data-filter]");
  if (fresh) body.replaceChildren(fresh);
}
