// What is typed: how the server understands it as soon as the person goes on, how many characters are left, room to write.
import { api, base } from "../api.js";
import { later, make } from "./elements.js";
import { say } from "./words.js";

const NEAR = 0.8;

export function install() {
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.("[data-check]")) event.target.checkedText = event.target.value;
  });
  document.addEventListener("focusout", (event) => {
    if (event.target.matches?.("[data-check]")) check(event.target);
  });
  document.addEventListener("input", (event) => {
    if (event.target.matches?.("[data-limit]")) count(event.target);
    if (event.target.matches?.("textarea")) grow(event.target);
    if (event.target.matches?.("[aria-invalid]") && event.target.matches("[data-check]")) forgive(event.target);
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches?.("[data-currency]")) return;
    for (const each of event.target.form.querySelectorAll("[data-code]")) each.textContent = event.target.value;
  });
  for (const each of document.querySelectorAll("textarea")) grow(each);
}

/** The note below a control; made when there is none. */
export function note(control) {
  let found = document.getElementById(`${control.id}-note`);
  if (!found) {
    found = make("div", { id: `${control.id}-note` });
    (control.closest(".field, td, .single") ?? control.parentElement).append(found);
    control.setAttribute("aria-describedby", found.id);
  }
  return found;
}

/** Ask how a text is read: the control gets it in its usual form, or what is wrong with it is said below. */
export async function check(control, text = control.value) {
  if (control.checkedText === text) return;
  control.checkedText = text;
  const url = new URL(control.dataset.check, location.origin);
  url.searchParams.set("text", text);
  const currency = control.form?.querySelector("[data-currency]")?.value;
  if (currency) url.searchParams.set("currency", currency);
  let found;
  try {
    found = text.trim() ? await api.get((url.pathname + url.search).slice(base().length)) : { text: "", shown: "" };
  } catch {
    return; // saving tells what is wrong
  }
  if (control.value !== text) return; // somebody types on
  if (found.problem) return refuse(control, found.problem);
  forgive(control);
  if (found.text !== text) {
    control.value = found.text;
    control.checkedText = found.text;
    control.dispatchEvent(new Event("input", { bubbles: true }));
  }
  const differs = found.shown && found.shown !== found.text && found.shown !== text && control.type === "tel";
  tell(control, differs ? say("read", { text: found.shown }) : "");
}

export function refuse(control, message) {
  control.setAttribute("aria-invalid", "true");
  const at = note(control);
  at.querySelectorAll(".wrong, .read").forEach((each) => each.remove());
  at.prepend(make("div", { class: "wrong", role: "alert", text: message }));
}

function forgive(control) {
  if (!control.hasAttribute("aria-invalid")) return;
  control.removeAttribute("aria-invalid");
  document.getElementById(`${control.id}-note`)?.querySelectorAll(".wrong").forEach((each) => each.remove());
}

function tell(control, text) {
  const at = document.getElementById(`${control.id}-note`);
  at?.querySelector(".read")?.remove();
  if (text) note(control).append(make("div", { class: "read quiet", text }));
}

function count(control) {
  const most = Number(control.dataset.limit), length = [...control.value].length, near = length >= most * NEAR;
  let shown = note(control).querySelector(".count");
  if (!near) return shown?.remove();
  if (!shown) note(control).append((shown = make("div", { class: "count" })));
  shown.textContent = say("of", { count: length, most });
  shown.classList.toggle("over", length > most);
}

/** For browsers whose text areas do not grow by style alone. */
const grow = CSS.supports("field-sizing", "content") ? () => {} : later((area) => {
  area.style.height = "auto";
  area.style.height = `${Math.min(area.scrollHeight + 2, 480)}px`;
}, 0);
