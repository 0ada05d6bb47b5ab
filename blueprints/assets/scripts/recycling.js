// The recycle bin and merging: choose many, undo what was just deleted, let values follow the record that stays.
import { api, language, tell, toast } from "./api.js";

const UNDO = { en: "Undo", zh: "撤销" }, BACK = { en: "Restored.", zh: "已恢复。" };
const MOST = 500;

/** Offer to bring back records that were just deleted: `text` says what was done, `then` runs when they are back. */
export function offerUndo(entity, ids, text, then = () => {}) {
  toast(text, "good", { label: UNDO[language()], run: () => restore(entity, ids, then) });
}

async function restore(entity, ids, then) {
  try {
    for (let at = 0; at < ids.length; at += MOST) {
      const operations = ids.slice(at, at + MOST).map((id) => ({ action: "restore", id }));
      await api.send("POST", `/api/v1/${entity}/bulk`, { operations, all_or_nothing: true });
    }
    toast(BACK[language()], "good");
    then();
  } catch (error) {
    tell(error);
  }
}

export function install() {
  window.addEventListener("deleted", ({ detail: { entity, ids, text, then } }) => offerUndo(entity, ids, text, then));
  document.addEventListener("change", (event) => {
    const { target } = event;
    if (target.matches("[data-submit]")) target.form.requestSubmit();
    if (target.matches("[data-bin] input[type=checkbox]")) pick(target);
    if (target.matches("[data-merge] input[name=survivor]")) follow(target);
    else if (target.matches("[data-merge] input[type=radio]")) target.closest("tr").dataset.touched = "";
  });
  for (const form of document.querySelectorAll("[data-bin]")) count(form);
  for (const stays of document.querySelectorAll("[data-merge] input[name=survivor]:checked")) mark(stays);
}

function pick(box) {
  const form = box.form;
  if ("pickEvery" in box.dataset) {
    for (const each of form.querySelectorAll("input[name=item]")) each.checked = box.checked;
  }
  count(form);
}

function count(form) {
  const all = form.querySelectorAll("input[name=item]"), chosen = form.querySelectorAll("input[name=item]:checked");
  const every = form.querySelector("[data-pick-every]"), button = form.querySelector("[data-chosen]");
  every.checked = chosen.length > 0 && chosen.length === all.length;
  every.indeterminate = chosen.length > 0 && chosen.length < all.length;
  button.disabled = chosen.length === 0;
}

/** Lines that nobody touched take the value of the record that stays, where it has one. */
function follow(stays) {
  for (const row of stays.form.querySelectorAll("tr[role=radiogroup]:not([data-touched])")) {
    const offers = [...row.querySelectorAll("input[type=radio]")];
    const full = (offer) => !offer.closest(".merge-offer").classList.contains("is-empty");
    const best = offers.find((each) => each.value === stays.value && full(each)) ?? offers.find(full);
    if (best) best.checked = true;
  }
  mark(stays);
}

function mark(stays) {
  const heads = [...stays.closest("tr").querySelectorAll("th")];
  const at = heads.indexOf(stays.closest("th"));
  for (const row of stays.form.querySelectorAll(".merge-table tr")) {
    [...row.children].forEach((cell, place) => cell.classList.toggle("stays", place === at + 1));
  }
}
