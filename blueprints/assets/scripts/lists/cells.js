// Cells: the keyboard's way through them, and editing one in its place.
import { startInlineEdit } from "../inline.js";
import { fetched, list, onArrival, parsed, place, results } from "./state.js";

export function install() {
  const root = list();
  root.addEventListener("dblclick", (event) => {
    const cell = event.target.closest("tbody td");
    if (cell && !event.target.closest("a, button, input, form")) begin(cell);
  });
  root.addEventListener("click", (event) => {
    const cell = event.target.closest(".list-table.editable tbody td");
    if (cell && !event.target.closest("a, button, input, form, label") && !cell.matches(".editing")) focus(cell);
  });
  root.addEventListener("keydown", keyed);
  root.addEventListener("inline:next", (event) => next(event.target, event.detail.back));
  root.addEventListener("inline:saved", (event) => fresh(event.target.closest("tr")));
  onArrival(() => {});
}

const heads = () => [...results().querySelectorAll("thead th")];
const fieldOf = (cell) => {
  const head = heads()[cell.cellIndex];
  return head && "editable" in head.dataset ? head.dataset.path : null;
};

function focus(cell) {
  cell.tabIndex = -1;
  cell.focus({ preventScroll: true });
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function begin(cell) {
  const field = fieldOf(cell), row = cell.closest("tr[data-id]");
  if (!field || !row || !cell.closest(".list-table.editable")) return;
  Object.assign(cell.dataset, { entity: list().dataset.entity, id: row.dataset.id, field });
  cell.tabIndex = -1;
  startInlineEdit(cell);
}

/** The cell beside one that can be edited: along the row, then into the next. */
function next(cell, back) {
  const cells = [...results().querySelectorAll("tbody tr[data-id] > td")].filter((each) => fieldOf(each) && !each.closest("[hidden]"));
  const other = cells[cells.indexOf(cell) + (back ? -1 : 1)];
  if (other) begin(other);
}

function keyed(event) {
  const cell = event.target.closest("tbody td");
  if (!cell || event.target !== cell) return keyedInRow(event);
  const row = cell.parentElement;
  const beside = (step) => { let at = row; do at = step < 0 ? at.previousElementSibling : at.nextElementSibling; while (at && !at.dataset.id); return at?.cells[cell.cellIndex]; };
  const to = { ArrowLeft: cell.previousElementSibling, ArrowRight: cell.nextElementSibling, ArrowUp: beside(-1), ArrowDown: beside(1) }[event.key];
  if (to) {
    event.preventDefault();
    focus(to);
  } else if (event.key === "Enter" || event.key === "F2") {
    event.preventDefault();
    if (fieldOf(cell)) begin(cell);
    else cell.querySelector("a")?.click();
  }
}

/** From the link of a row the arrow leads into its cells. */
function keyedInRow(event) {
  const link = event.target.closest?.("td > a.open");
  if (link && event.key === "ArrowRight") {
    event.preventDefault();
    focus(link.closest("td").nextElementSibling ?? link.closest("td"));
  } else if (link && event.key === "F2") {
    event.preventDefault();
    begin(link.closest("td"));
  }
}

/** A value may change others of its record: the row is shown as it is now. */
async function fresh(row) {
  const answer = await fetched(place("list", `row/${row.dataset.id}`)).catch(() => null);
  if (!answer?.ok) return;
  const now = parsed(await answer.text()).querySelector("tr");
  for (const [at, cell] of [...(now?.cells ?? [])].entries()) {
    const old = row.cells[at];
    if (at > 0 && old && !old.matches(".editing") && old.innerHTML !== cell.innerHTML) old.replaceChildren(...cell.childNodes);
  }
}
