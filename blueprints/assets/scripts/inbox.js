// The inbox: what is done goes from the list at once, and can be taken back; x completes the row that has the focus.
import { api, base, tell, toast } from "./api.js";

export function install() {
  document.addEventListener("submit", (event) => {
    const form = event.target.closest?.("[data-inbox] form[data-inbox-do]");
    if (!form) return;
    event.preventDefault();
    act(form, event.submitter);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "x" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input, textarea, select, details.menu")) return;
    const form = event.target.closest?.("[data-inbox] [data-row]")?.querySelector("form[data-inbox-do='done']");
    if (!form) return;
    event.preventDefault();
    form.requestSubmit();
  });
}

async function act(form, submitter) {
  const row = form.closest("[data-row]"), list = form.closest("[data-inbox]");
  const next = row.nextElementSibling ?? row.previousElementSibling;
  const hadFocus = row.contains(document.activeElement);
  row.inert = true;
  try {
    await api.send("POST", path(form.getAttribute("action")), new FormData(form, submitter));
  } catch (error) {
    row.inert = false;
    return tell(error);
  }
  const place = row.parentElement, before = row.nextElementSibling;
  row.remove();
  count(list);
  if (hadFocus) (next ?? list.querySelector("[data-row]"))?.querySelector("a")?.focus();
  const back = form.dataset.inboxUndo;
  const undo = back && {
    label: list.dataset.undo,
    run: async () => {
      try {
        await api.send("POST", path(back), new FormData());
      } catch (error) {
        return tell(error);
      }
      row.inert = false;
      place.insertBefore(row, before?.parentElement === place ? before : null);
      count(list);
      row.querySelector("a")?.focus();
    },
  };
  toast(list.dataset[form.dataset.inboxDo], "good", undo || undefined);
}

const path = (address) => address.slice(base().length);

// Numbers follow what is there: of each group, of the menu.
function count(list) {
  for (const part of list.querySelectorAll("[data-part]")) part.querySelector("[data-part-count]").textContent = part.querySelectorAll("[data-row]").length;
  list.querySelector("[data-inbox-empty]").hidden = Boolean(list.querySelector("[data-row]"));
  document.body.dispatchEvent(new CustomEvent("tasks"));
}
