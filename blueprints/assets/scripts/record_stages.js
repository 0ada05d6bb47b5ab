// The stage bar: a click moves the record, a refusal says why, and a move can be undone. Arrow keys go along the steps.
import { api, record, reload, say, tell, toast } from "./records.js";
import { complete, needsMore } from "./completing.js";
import { sendAsking } from "./warnings.js";

export function install() {
  document.addEventListener("submit", (event) => {
    const form = event.target.closest?.("#record form[data-stages]");
    if (!form) return;
    event.preventDefault();
    const value = event.submitter?.value;
    if (value && value !== form.dataset.current) move(form, event.submitter, value);
  });
  document.addEventListener("keydown", (event) => {
    const step = event.target.closest?.(".record-stages button");
    if (!step || !["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
    event.preventDefault();
    const all = [...step.closest("ol").querySelectorAll("button")], at = all.indexOf(step);
    all[{ ArrowLeft: Math.max(0, at - 1), ArrowRight: Math.min(all.length - 1, at + 1), Home: 0, End: all.length - 1 }[event.key]].focus();
  });
  addEventListener("record", centre);
  centre();
}

// On a phone the step where the record stands is in sight.
function centre() {
  const current = document.querySelector(".record-stages .current"), bar = current?.closest("ol");
  if (bar) bar.scrollLeft = current.offsetLeft - (bar.clientWidth - current.offsetWidth) / 2;
}

async function move(form, button, value) {
  const { field, label, current } = form.dataset, here = record(), said = button.textContent.trim();
  const path = here.dataset.api;
  form.setAttribute("aria-busy", "true");
  button.closest("li").classList.add("moving");
  try {
    const saved = await sendAsking("PATCH", path, { [field]: value, version: Number(here.dataset.version) });
    const undo = () => sendAsking("PATCH", path, { [field]: current || null, version: saved.version }).then(() => { toast(say("undone"), "good"); return reload(); }, tell);
    toast(say("moved", { field: label, value: said }), "good", { label: say("undo"), run: undo });
    await reload(undefined, { focus: `.record-stages button[value="${CSS.escape(value)}"]` });
  } catch (error) {
    if (here.dataset.edit && needsMore(error, field)) {
      if (!(await complete(error, here.dataset.edit, field, value))) return;
      toast(say("moved", { field: label, value: said }), "good");
      await reload();
      return;
    }
    tell(error);
    if (error.status === 409) await reload();
  } finally {
    form.removeAttribute("aria-busy");
    button.closest("li")?.classList.remove("moving");
  }
}
