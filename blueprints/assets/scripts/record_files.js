// Files: looked at in a dialog, and attached by dropping them on the record.
import { api, fragment, open, record, reload, say, tell, toast } from "./records.js";

export function install() {
  document.addEventListener("click", (event) => {
    if (event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = event.target.closest("a[data-preview]");
    if (link && ["image", "text"].includes(link.dataset.preview)) {
      event.preventDefault();
      look(link);
    }
  });
  document.addEventListener("keydown", (event) => {
    const dialog = event.target.closest?.("dialog.file-dialog");
    if (dialog && ["ArrowLeft", "ArrowRight"].includes(event.key)) dialog.dispatchEvent(new CustomEvent("turn", { detail: event.key === "ArrowRight" ? 1 : -1 }));
  });
  for (const name of ["dragenter", "dragover"]) document.addEventListener(name, over);
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) record()?.classList.remove("dropping"); });
  document.addEventListener("drop", dropped);
}

// The neighbours are turned to with the arrow keys.
async function look(link) {
  const all = [...document.querySelectorAll("a[data-preview='image'], a[data-preview='text']")];
  const dialog = document.createElement("dialog");
  dialog.className = "dialog file-dialog";
  dialog.innerHTML = '<div class="dialog-head"><h2></h2><span class="quiet" data-place></span><a class="btn btn-sm" data-save download></a><button class="btn btn-sm" type="button" data-shut autofocus></button></div><div class="dialog-body"></div>';
  dialog.addEventListener("close", () => { dialog.remove(); link.focus(); });
  dialog.addEventListener("turn", (event) => {
    const next = all[all.indexOf(link) + event.detail];
    if (next) { link = next; fill(dialog, link, all); }
  });
  dialog.querySelector("[data-shut]").textContent = say("close");
  open(dialog);
  await fill(dialog, link, all);
}

async function fill(dialog, link, all) {
  dialog.setAttribute("aria-label", link.dataset.name);
  dialog.querySelector("h2").textContent = link.dataset.name;
  dialog.querySelector("[data-place]").textContent = all.length > 1 ? `${all.indexOf(link) + 1} / ${all.length}` : "";
  const save = dialog.querySelector("[data-save]");
  save.href = link.dataset.download;
  save.textContent = say("download");
  try {
    const answer = await fragment(`${link.getAttribute("href")}?part=1`);
    if (answer.ok) dialog.querySelector(".dialog-body").innerHTML = answer.text;
    else location.assign(link.href);
  } catch (error) {
    tell(error);
  }
}

const target = () => JSON.parse(record()?.dataset.attach ?? "null");
const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
// A file control takes its own files.
const taken = (event) => event.target.closest?.("input[type=file], [data-drop], form");

function over(event) {
  const here = record();
  if (!here || !carries(event) || !target() || taken(event)) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "copy";
  here.dataset.dropText = say("drop");
  here.classList.add("dropping");
}

async function dropped(event) {
  const here = record(), place = target();
  here?.classList.remove("dropping");
  if (!here || !place || !carries(event) || taken(event)) return;
  event.preventDefault();
  for (const file of [...event.dataTransfer.files].slice(0, 20)) await attach(file, place);
  await reload();
}

async function attach(file, place) {
  toast(say("uploading", { name: file.name }));
  const body = new FormData();
  body.append("file", file);
  try {
    const kept = await api.send("POST", "/api/v1/files", body);
    const values = { ...place.given, [place.field]: place.several ? [kept.id] : kept.id };
    if (place.title) values[place.title] = kept.name.slice(0, 200);
    await api.send(place.method, place.url, values, { idempotencyKey: crypto.randomUUID?.() });
    toast(say("attached", { name: file.name }), "good");
  } catch (error) {
    tell(error);
  }
}
