// Values edited where they stand: by their pencil, a double click, or Tab from the one before. After a save the page is
// loaded anew, for one field may change others.
import { startInlineEdit } from "./inline.js";
import { dirty as composing } from "./record_compose.js";
import { record, reload } from "./records.js";

export function install() {
  document.addEventListener("click", (event) => {
    const pencil = event.target.closest("#record .value-edit");
    if (pencil) edit(pencil.closest(".value"));
  });
  document.addEventListener("dblclick", (event) => {
    const value = event.target.closest("#record .value[data-edit]");
    if (value && !value.querySelector("form") && !event.target.closest("a, button")) edit(value);
  });
  document.addEventListener("inline:next", (event) => {
    const value = event.target.closest("#record .value");
    if (!value) return;
    const all = [...record().querySelectorAll(".value[data-edit]")], next = all[all.indexOf(value) + (event.detail.back ? -1 : 1)];
    following = next ? place(next) : "";
  });
}

let following = "", open = false;

// A field may stand twice on the page: in the head and in a section.
const place = (value) => `.${[...value.parentElement.classList].join(".")} > .value[data-field="${CSS.escape(value.dataset.field)}"]`;

async function edit(value) {
  if (!value || value.classList.contains("editing")) return;
  value.classList.add("editing");
  open = true;
  dispatchEvent(new CustomEvent("editing", { detail: true }));
  const saved = await startInlineEdit(value.querySelector(".value-text"));
  value.classList.remove("editing");
  open = false;
  dispatchEvent(new CustomEvent("editing", { detail: false }));
  if (saved) await reload(undefined, { focus: `${place(value)} .value-edit` });
  else value.querySelector(".value-edit")?.focus({ preventScroll: true });
  const next = following && record().querySelector(following);
  following = "";
  if (next) edit(next);
}

/** Whether something typed on the page is not saved. */
export const dirty = () => open || composing();
