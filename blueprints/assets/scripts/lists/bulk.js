// Selecting rows, and what is done with all that are selected: edit, delete, bring back, each with a verdict.
import { api, tell, toast } from "../api.js";
import { ask, open } from "../dialogs.js";
import { again, drawer, fetched, filled, list, onArrival, place, refusal, results, send } from "./state.js";

const MOST = 1000;
const PAUSE_MS = 700;
const LOOKED_AT = 100;
const picked = new Set();
let all = false, last = null;

export function install() {
  if (!document.getElementById("bulk-bar")) return;
  list().addEventListener("click", (event) => {
    if (event.target.matches("[data-pick]")) pick(event);
    else if (event.target.matches("td.tick")) event.target.querySelector("[data-pick]")?.click(); // a finger is wider than a box
  });
  list().addEventListener("change", (event) => {
    if (event.target.matches("[data-pick-all]")) for (const box of boxes()) set(box, event.target.checked);
    if (event.target.matches("[data-pick-all], [data-pick]")) { all = false; shown(); }
  });
  document.addEventListener("click", clicked);
  document.addEventListener("keydown", keyed);
  onArrival(() => { clear(); });
  const dialog = drawer();
  dialog.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-bulk-form]")) return;
    event.preventDefault();
    edit(event.target);
  });
  dialog.addEventListener("change", (event) => event.target.matches("[data-bulk-choose]") && choose(event.target));
}

const boxes = () => [...results().querySelectorAll("[data-pick]")].filter((box) => !box.closest("[hidden]"));
const count = () => Number(results().dataset.count) || 0;
const number = () => (all ? count() : picked.size);

function set(box, checked) {
  const row = box.closest("tr");
  box.checked = checked;
  row.classList.toggle("picked", checked);
  picked[checked ? "add" : "delete"](row.dataset.id);
}

function pick(event) {
  const box = event.target, every = boxes();
  set(box, box.checked);
  if (event.shiftKey && last?.isConnected) {
    const [from, to] = [every.indexOf(last), every.indexOf(box)].sort((one, other) => one - other);
    for (const each of every.slice(from, to + 1)) set(each, box.checked);
  }
  last = box;
}

function keyed(event) {
  if (event.key !== "x" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([data-pick]), textarea, select, dialog[open], form.single")) return;
  const row = event.target.closest?.("#list-results tr[data-id]");
  const box = row?.querySelector("[data-pick]");
  if (!box) return;
  event.preventDefault();
  all = false;
  set(box, !box.checked);
  last = box;
  shown();
}

function clear() {
  all = false;
  picked.clear();
  for (const box of results().querySelectorAll("[data-pick]:checked")) set(box, false);
  shown();
}

function shown() {
  const bar = document.getElementById("bulk-bar"), said = bar.querySelector("[data-picked]"), matching = bar.querySelector("[data-pick-matching]");
  const top = results().querySelector("[data-pick-all]"), every = boxes();
  bar.hidden = !picked.size && !all;
  list().classList.toggle("picking", !bar.hidden);
  const capped = results().dataset.capped === "true" ? "+" : "";
  said.textContent = filled(all ? said.dataset.all : said.dataset.one, { count: all ? `${count()}${capped}` : picked.size });
  // A phone shows no head with a box for all: there the offer stands as soon as something is selected.
  const enough = top?.checkVisibility() ? every.length : 1;
  matching.hidden = all || picked.size < enough || count() <= picked.size || !picked.size;
  matching.textContent = filled(matching.dataset.label, { count: `${count()}${capped}` });
  const merge = bar.querySelector("[data-bulk='merge']");
  if (merge) {
    merge.hidden = all || picked.size < 2 || picked.size > Number(merge.dataset.most);
    merge.search = new URLSearchParams({ ids: ids() });
  }
  if (top) {
    top.checked = picked.size > 0 && picked.size === every.length;
    top.indeterminate = picked.size > 0 && picked.size < every.length;
  }
}

/** The selection as a form sends it. Null when it is more than can be named one by one. */
export function selection() {
  const body = new FormData();
  if (all) body.set("all", "true");
  else body.set("ids", [...picked].slice(0, MOST).join(","));
  return body;
}
export const ids = () => (all ? "" : [...picked].join(","));

async function clicked(event) {
  const at = (selector) => event.target.closest(selector);
  if (at("[data-pick-matching]")) { all = true; shown(); }
  const doing = at("[data-bulk]")?.dataset.bulk;
  if (doing === "clear") clear();
  if (doing === "edit") openEdit();
  if (doing === "delete") remove(at("[data-bulk]"));
  if (doing === "claim") claim(at("[data-bulk]").dataset.to);
  const gone = at("[data-bulk-remove]");
  if (gone) {
    const field = gone.closest("[data-bulk-field]"), form = field.closest("form");
    field.remove();
    ready(form);
  }
  const undo = at("[data-undo]");
  if (undo) {
    const body = new FormData();
    if (undo.dataset.ids) body.set("ids", undo.dataset.ids);
    if (undo.dataset.job) body.set("job", undo.dataset.job);
    const answer = await send(undo.dataset.undo, body);
    if (answer) told(await answer.text());
  }
  const cancel = at("[data-job-cancel]");
  if (cancel) api.send("POST", cancel.dataset.jobCancel, {}).catch(tell);
}

// -- edit

async function openEdit() {
  const answer = await fetched(place("bulk")).catch(tell);
  if (!answer) return;
  if (!answer.ok) return tell(await refusal(answer));
  fill(await answer.text());
  open(drawer());
  drawer().querySelector("[data-bulk-choose]")?.focus();
}

function fill(html) {
  const dialog = drawer();
  dialog.innerHTML = html;
  window.htmx?.process(dialog);
  const title = dialog.querySelector("[data-title]");
  if (title) title.textContent = filled(number() === 1 ? title.dataset.labelOne : title.dataset.label, { count: number() });
  if (dialog.querySelector("[data-bulk-form]")) ready(dialog.querySelector("[data-bulk-form]"));
}

function ready(form) {
  const chosen = [...form.querySelectorAll("[data-bulk-field]")].map((each) => each.dataset.bulkField);
  form.querySelector("[data-apply]").disabled = !chosen.length;
  for (const option of form.querySelectorAll("[data-bulk-choose] option")) option.hidden = option.disabled = chosen.includes(option.value);
}

async function choose(select) {
  const field = select.value, form = select.form;
  select.value = "";
  if (!field) return;
  const answer = await fetched(`${select.dataset.url}?${new URLSearchParams({ field })}`).catch(tell);
  if (!answer?.ok) return answer && tell(await refusal(answer));
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  const made = template.content.querySelector("[data-bulk-field]");
  form.querySelector("[data-chosen]").append(made);
  ready(form);
  made.querySelector("input:not([type=hidden]), select, textarea")?.focus();
}

async function edit(form) {
  const body = new FormData(form);
  for (const [name, value] of selection()) body.set(name, value);
  const button = form.querySelector("[data-apply]");
  button.disabled = true;
  const answer = await fetched(place("bulk", "edit"), { method: "POST", body }).catch(tell);
  button.disabled = false;
  if (!answer) return;
  if (answer.status !== 422 && !answer.ok) return tell(await refusal(answer));
  if (answer.ok) told(await answer.text());
  else fill(await answer.text());
}

// -- delete

async function remove(button) {
  const zh = document.documentElement.lang.startsWith("zh");
  const text = [zh ? "记录将移入回收站，可从回收站恢复。" : "What is deleted can be restored from the recycle bin."];
  let title = zh ? `删除 ${number()} 条记录？` : `Delete ${number()} records?`, possible = true;
  if (!all && picked.size <= LOOKED_AT) {
    // What goes along and what forbids it is said before anybody agrees.
    const found = await api.get(`/app/-/deleting/${list().dataset.entity}?${new URLSearchParams({ ids: ids() })}`).catch(tell);
    if (!found) return;
    title = found.title;
    possible = !found.blocked.length || picked.size > 1;
    text.unshift(...found.blocked, ...(found.along ? [found.along] : []));
    if (!possible) text.pop();
  }
  if (!(await ask({ title, text: text.join("\n"), yes: possible ? button.textContent.trim() : "", bad: true }))) return;
  const answer = await send(place("bulk", "delete"), selection());
  if (answer) told(await answer.text());
}

// -- claim from a pool

async function claim(to) {
  const body = new FormData();
  body.set("ids", [...picked].slice(0, MOST).join(","));
  const answer = await send(to, body);
  if (answer) told(await answer.text());
}

// -- what became of it

/** Verdicts, or progress that is watched until there are verdicts. One with nothing refused is told in passing. */
function told(html) {
  const dialog = drawer(), template = document.createElement("template");
  template.innerHTML = html;
  const made = template.content.querySelector(".verdicts");
  if (made.dataset.watch) {
    fill(html);
    if (!dialog.open) open(dialog);
    return setTimeout(() => watch(made.dataset.watch), PAUSE_MS);
  }
  again();
  const title = made.querySelector("h2").textContent, undo = made.querySelector("[data-undo]");
  if (made.querySelector(".refused-list, .notice")) {
    fill(html);
    if (!dialog.open) open(dialog);
    return undefined;
  }
  if (dialog.open) dialog.close();
  return toast(title, "good", undo ? { label: undo.textContent.trim(), run: () => { document.body.append(undo); undo.hidden = true; undo.click(); undo.remove(); } } : undefined);
}

async function watch(url) {
  const answer = await fetched(url).catch(() => null);
  if (!answer?.ok) return setTimeout(() => watch(url), 3 * PAUSE_MS);
  return told(await answer.text());
}
