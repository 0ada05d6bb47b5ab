// <ml-rows>: the rows that live with a record as a grid. Enter goes down and makes a row at the end, Tab runs through the
// cells, Ctrl+Delete takes the row away, Alt with the arrows moves it where rows have an order.
import { toast } from "../api.js";
import { changed, define, make, shape } from "./elements.js";
import { say } from "./words.js";

const CELL = "input:not([type=hidden], .stood-for, .native, .sr-only), select:not(.stood-for), textarea, button.cell";

class Rows extends HTMLElement {
  connectedCallback() {
    if (this.ready) return;
    this.ready = true;
    this.body = this.querySelector("tbody");
    this.next = this.rows.length;
    const blank = this.rows.filter((row) => "blank" in row.dataset);
    const pattern = blank.at(-1) ?? this.rows.at(-1);
    // Kept as it came, before the controls in it are dressed: every new row is made of it.
    this.pattern = pattern.cloneNode(true);
    this.place = pattern.dataset.place;
    for (const row of blank) row.remove();
    this.hideOrder(this.querySelector("thead tr"), pattern);
    if (!this.rows.length) this.append_();
    this.adder = make("button", { class: "btn btn-sm btn-link add-row", type: "button", onclick: () => this.add() }, shape("plus"), say("addRow"));
    this.said = make("span", { class: "sr-only", role: "status" });
    this.append(this.adder, this.said);
    this.rows.forEach((row) => this.dress(row));
    this.addEventListener("keydown", (event) => this.key(event), true);
    this.number();
  }

  get rows() { return [...this.body.rows]; }

  dress(row) {
    const actions = row.querySelector(".row-actions");
    const box = actions.querySelector("input[type=checkbox]");
    if (!box) return;
    const buttons = [make("button", { class: "icon-button row-remove", type: "button", tabindex: "-1", onclick: () => this.remove_(row) }, shape("trash"))];
    if (this.dataset.order) buttons.unshift(
      make("button", { class: "icon-button row-up", type: "button", tabindex: "-1", onclick: () => this.move(row, -1) }, shape("up")),
      make("button", { class: "icon-button row-down", type: "button", tabindex: "-1", onclick: () => this.move(row, 1) }, shape("lower")),
    );
    actions.replaceChildren(...buttons);
    this.hideOrder(row, row);
  }

  /** The arrows move rows: their numbers need no column, unless something is wrong with one. */
  hideOrder(row, like) {
    const input = this.dataset.order && this.orderOf(like);
    if (!input) return;
    const at = input.closest("td").cellIndex;
    row.cells[at].hidden = !this.querySelector(`[name$=".${CSS.escape(this.dataset.order)}"][aria-invalid]`);
  }

  append_() {
    const number = this.next++, place = `${this.dataset.name}.${number}.`;
    const row = this.pattern.cloneNode(true);
    row.dataset.place = place;
    for (const each of row.querySelectorAll("*")) {
      for (const attribute of each.attributes) {
        if (attribute.value.includes(this.place)) each.setAttribute(attribute.name, attribute.value.replaceAll(this.place, place));
      }
    }
    this.body.append(row);
    const order = this.dataset.order && this.orderOf(row), before = row.previousElementSibling;
    if (order) order.value = String((before ? Number(this.orderOf(before)?.value) || this.rows.length - 1 : 0) + 1);
    this.dress(row);
    return row;
  }

  /** A new row at the end, with the cursor in its first cell. */
  add() {
    if (this.rows.length >= Number(this.dataset.most)) return toast(say("most", { most: this.dataset.most }), "bad");
    const row = this.append_();
    this.number();
    cells(row)[0]?.focus();
  }

  remove_(row) {
    const number = this.rows.indexOf(row) + 1, after = row.nextElementSibling, focused = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    if (!this.rows.length) this.append_();
    this.number();
    changed(this.querySelector("input"));
    this.said.textContent = say("deleted", { row: number });
    (cells(focused ?? this.rows[0])[0])?.focus();
    toast(say("deleted", { row: number }), "info", { label: say("undo"), run: () => {
      this.body.insertBefore(row, after);
      this.number();
      changed(this.querySelector("input"));
      cells(row)[0]?.focus();
    } });
  }

  move(row, by) {
    const rows = this.rows, at = rows.indexOf(row) + by;
    if (at < 0 || at >= rows.length) return;
    const focused = document.activeElement;
    this.body.insertBefore(row, by < 0 ? rows[at] : rows[at].nextElementSibling);
    this.order();
    this.number();
    if (row.contains(focused)) focused.focus();
    changed(this.querySelector("input"));
    this.said.textContent = say("moved", { row: at + 1 });
  }

  /** The numbers by which the rows are sorted follow their places. */
  order() {
    const values = this.rows.map((row) => this.orderOf(row)).filter(Boolean);
    values.forEach((input, at) => { input.value = String(at + 1); });
  }

  orderOf(row) { return row.querySelector(`[name="${CSS.escape(row.dataset.place + this.dataset.order)}"]`); }

  number() {
    this.rows.forEach((row, at) => {
      row.querySelector(".row-number span").textContent = at + 1;
      row.querySelector(".row-remove")?.setAttribute("aria-label", say("remove", { what: say("row", { row: at + 1 }) }));
      row.querySelector(".row-up")?.setAttribute("aria-label", say("up", { row: at + 1 }));
      row.querySelector(".row-down")?.setAttribute("aria-label", say("down", { row: at + 1 }));
    });
  }

  key(event) {
    const row = event.target.closest("tbody tr");
    if (!row || event.isComposing || event.defaultPrevented) return;
    const at = cells(row).indexOf(event.target), rows = this.rows, open = event.target.getAttribute("aria-expanded") === "true";
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && !open && event.target.matches("input, select") && event.target.type !== "checkbox") {
      event.preventDefault();
      event.stopPropagation();
      const next = rows[rows.indexOf(row) + (event.shiftKey ? -1 : 1)];
      if (next) cells(next)[at]?.focus();
      else if (!event.shiftKey && this.filled(row)) this.add();
    } else if (event.key === "Tab" && !event.shiftKey && !event.altKey && row === rows.at(-1) && at === cells(row).length - 1 && this.filled(row)) {
      event.preventDefault();
      this.add();
    } else if (event.key === "Delete" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.remove_(row);
    } else if ((event.key === "ArrowUp" || event.key === "ArrowDown") && event.altKey && this.dataset.order) {
      event.preventDefault();
      event.stopPropagation();
      this.move(row, event.key === "ArrowUp" ? -1 : 1);
    } else if ((event.key === "ArrowUp" || event.key === "ArrowDown") && !event.altKey && !open && event.target.matches("input.form-control:not([role=combobox])") && !event.target.closest("ml-date")) {
      const next = rows[rows.indexOf(row) + (event.key === "ArrowUp" ? -1 : 1)];
      if (!next) return;
      event.preventDefault();
      cells(next)[at]?.focus();
    }
  }

  /** Whether somebody has entered anything: what a new row begins with does not count, nor does its place. */
  filled(row) { return !("blank" in row.dataset) || filled(row, this.dataset.order); }

  /** Make sure that rows with these places are there, for a draft that is put back. */
  ensure(places) {
    for (const place of places) {
      if (this.querySelector(`tr[data-place="${CSS.escape(place)}"]`)) continue;
      this.next = Math.max(this.next, Number(place.split(".")[1]));
      this.append_();
    }
    this.number();
  }
}

const cells = (row) => [...row.querySelectorAll(CELL)].filter((each) => !each.closest(".row-actions, [hidden]") && each.tabIndex >= 0);

function filled(row, order) {
  return [...row.querySelectorAll("input, select, textarea")].some((each) => {
    if (!each.name || each.name.endsWith(".was") || each.type === "button" || (order && each.name.endsWith(`.${order}`))) return false;
    if (each.type === "checkbox" || each.type === "radio") return each.checked !== each.defaultChecked;
    if (each.tagName === "SELECT") return ![...each.options].some((option) => option.defaultSelected && option.selected) && each.value !== each.options[0].value;
    return each.name.endsWith(".id") && each.type === "hidden" && each.name.split(".").length === 3 ? each.value !== "" : each.value !== each.defaultValue;
  });
}

export function install() {
  define("ml-rows", Rows); // first of all controls: its pattern is taken before they are dressed
}
