// Rows: search, order, groups, more rows, and going back.
import { tell } from "../api.js";
import { address, fetched, go, list, parsed, results } from "./state.js";

const PAUSE_MS = 350;

export function install() {
  const root = list();
  let typing;
  root.addEventListener("input", (event) => {
    if (!event.target.matches(".list-search input")) return;
    clearTimeout(typing);
    typing = setTimeout(() => go(address({ q: event.target.value.trim() || null }), { replace: true }), PAUSE_MS);
  });
  root.addEventListener("submit", (event) => {
    if (!event.target.matches("#list-find")) return;
    event.preventDefault();
    clearTimeout(typing);
    go(address({ q: event.target.elements.q?.value.trim() || null }), { replace: true });
  });
  root.addEventListener("change", (event) => {
    if (event.target.matches(".list-quick select")) go(address({ [event.target.name]: event.target.value || null }));
  });
  root.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.button) return;
    const link = event.target.closest("a");
    if (!link) return;
    if (link.matches("[data-sort-by]")) follow(event, () => sort(link, event.shiftKey));
    else if (link.matches("[data-more]")) follow(event, () => more(link));
    else if (link.matches("[data-group-more]")) follow(event, () => moreOfGroup(link));
    else if (link.matches("[data-group-open]")) follow(event, () => toggle(link));
    else if (link.matches("[data-go]")) follow(event, () => go(link.href).then(() => link.dataset.go === "all" && clearSearch()));
  });
  addEventListener("popstate", () => { if (list()) location.reload(); });
}

const follow = (event, run) => { event.preventDefault(); run(); };

function clearSearch() {
  const search = list().querySelector(".list-search input");
  if (search) search.value = "";
}

/** Sort by a column; with Shift by it after those that count already. */
function sort(link, added) {
  if (!added) return go(link.href);
  const head = link.closest("th"), name = head.dataset.sort;
  const now = (new URL(location.href).searchParams.get("sort") ?? "").split(",").filter(Boolean);
  const held = now.length ? now : sorted();
  const at = held.findIndex((each) => each.replace(/^-/, "") === name);
  if (at < 0) held.push(name);
  else if (held[at].startsWith("-")) held.splice(at, 1);
  else held[at] = `-${name}`;
  return go(address({ sort: held.join(",") || null }));
}

/** The order of the view, as its heads show it. */
function sorted() {
  const heads = [...results().querySelectorAll("th[aria-sort]")];
  const place = (head) => Number(head.querySelector(".sort-mark")?.textContent || 1);
  return heads.sort((one, other) => place(one) - place(other)).map((head) => (head.ariaSort === "descending" ? "-" : "") + head.dataset.sort);
}

async function part(url, link) {
  link.setAttribute("aria-busy", "true");
  try {
    const answer = await fetched(url);
    if (answer?.ok) return parsed(await answer.text());
    if (answer) location.assign(url);
  } catch (error) {
    tell(error);
  } finally {
    link.removeAttribute("aria-busy");
  }
  return null;
}

/** The rows after those that are there, and the link to what follows them. */
async function more(link) {
  const page = await part(link.href, link);
  if (!page) return;
  const rows = [...page.querySelectorAll("#rows > tr")], next = page.querySelector("[data-more]");
  results().querySelector("#rows").append(...rows.map((row) => document.adoptNode(row)));
  if (next) {
    link.href = next.href;
    rows[0]?.querySelector("a")?.focus({ preventScroll: true });
  } else link.remove();
  named();
}

/** Where more rows are loaded into the page, the link says so; without scripts it leads to the next page. */
export function named() {
  for (const link of results().querySelectorAll("[data-more][data-label]")) link.textContent = link.dataset.label;
}

async function toggle(link) {
  const group = link.closest("tbody"), open = link.getAttribute("aria-expanded") === "true";
  link.setAttribute("aria-expanded", String(!open));
  const rows = [...group.querySelectorAll("tr:not(.group-head)")];
  if (open || rows.length) return rows.forEach((row) => { row.hidden = open; });
  const page = await part(link.href, link);
  if (page) added(group, page);
}

async function moreOfGroup(link) {
  const group = link.closest("tbody"), page = await part(link.href, link);
  if (!page) return;
  link.closest("tr").remove();
  added(group, page);
}

function added(group, page) {
  const more = page.querySelector("[data-group-more]");
  group.append(...[...page.querySelectorAll("tr")].map((row) => document.adoptNode(row)));
  if (!more) return;
  const row = group.insertRow(), cell = row.insertCell();
  row.className = "group-more";
  cell.colSpan = results().querySelectorAll("thead th").length;
  cell.append(document.adoptNode(more));
}
