// Dialogs: opened by data-dialog="id", shut by data-shut, Escape or a click beside; `ask` is the question before a deed.
import { language } from "./api.js";

const WORDS = { en: { cancel: "Cancel", yes: "Yes" }, zh: { cancel: "取消", yes: "确定" } };

export function install() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.dialog);
      if (dialog && !dialog.open) {
        event.preventDefault();
        open(dialog);
      }
    }
    if (event.target.closest("[data-shut]")) event.target.closest("dialog")?.close();
    if (event.target instanceof HTMLDialogElement && event.target.matches(".dialog:not([data-keep])")) event.target.close();
  });
  // A button or link that says data-confirm="…" asks first, then does what it would have done.
  document.addEventListener("click", confirmed, true);
}

/** Show a dialog in front of the page; the element that had the focus gets it back by itself when it closes. */
export function open(dialog) {
  if (!dialog.isConnected) document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("[autofocus]")?.focus();
  return dialog;
}

/** Ask before a deed: resolves with whether the person agreed. Without `yes` it only tells why it cannot be done. */
export function ask({ title, text = "", yes = WORDS[language()].yes, bad = false }) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  dialog.setAttribute("aria-label", title);
  const form = document.createElement("form");
  form.method = "dialog";
  const head = document.createElement("div"), body = document.createElement("div"), foot = document.createElement("div");
  head.className = "dialog-head";
  body.className = "dialog-body";
  foot.className = "dialog-foot";
  head.append(Object.assign(document.createElement("h2"), { textContent: title }));
  body.append(...text.split("\n").map((line) => Object.assign(document.createElement("p"), { textContent: line })));
  foot.append(Object.assign(document.createElement("button"), { className: "btn", value: "no", textContent: WORDS[language()].cancel, autofocus: !yes }));
  if (yes) foot.append(
    Object.assign(document.createElement("button"), { className: `btn ${bad ? "btn-danger" : "btn-primary"}`, value: "yes", textContent: yes, autofocus: true }),
  );
  form.append(head, ...(text ? [body] : []), foot);
  dialog.append(form);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => { resolve(dialog.returnValue === "yes"); dialog.remove(); });
    open(dialog);
  });
}

async function confirmed(event) {
  const element = event.target.closest("[data-confirm]");
  if (!element || element.dataset.agreed) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const { confirm, confirmText, confirmYes } = element.dataset;
  if (!(await ask({ title: confirm, text: confirmText, yes: confirmYes || element.textContent.trim(), bad: "confirmBad" in element.dataset }))) return;
  element.dataset.agreed = "1";
  element.click();
  delete element.dataset.agreed;
}
