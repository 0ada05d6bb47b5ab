// Who else is here, and whether the record was saved meanwhile. A quiet question now and then while the page is seen,
// every two seconds while somebody else is on the same record: their saves show at once.
import { api, record, say } from "./records.js";

const BEAT_MS = 20_000, CLOSE_MS = 2_000;
let timer = null, beaten = 0, editing = false, others = 0, shown = "", current = "";

export function install() {
  addEventListener("record", () => { paint(); if (current && record()?.dataset.here !== current) begin(); });
  addEventListener("editing", (event) => { editing = event.detail; beaten = 0; soon(0); });
  document.addEventListener("focusin", (event) => {
    const typing = Boolean(event.target.closest?.("form.form, [data-compose-form]"));
    if (typing && !editing) { editing = true; beaten = 0; soon(300); }
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : soon(0)));
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => event.persisted && begin());
  begin();
}

function begin() {
  current = record()?.dataset.here ?? "";
  beaten = 0;
  people = [];
  if (current && !document.hidden) soon(400);
}

function soon(wait) {
  clearTimeout(timer);
  if (current) timer = setTimeout(beat, wait);
}

let people = [];

async function beat() {
  if (document.hidden || !record()) return;
  const due = Date.now() - beaten >= BEAT_MS - 500;
  try {
    const answer = due ? await api.send("POST", current, { editing }) : await api.get(current);
    if (due) beaten = Date.now();
    people = answer.people;
    others = people.length;
    paint();
    stale(answer);
  } catch (error) {
    if (error?.status === 404 || error?.status === 401) return; // deleted, or not ours any more
    others = 0;
  }
  soon(others ? CLOSE_MS : BEAT_MS);
}

function paint() {
  const place = document.querySelector("#record [data-people]");
  if (!place) return;
  const mark = JSON.stringify(people);
  if (mark === shown && place.childElementCount === Math.min(people.length, 4) + (people.some((each) => each.editing) ? 1 : 0)) return;
  shown = mark;
  place.replaceChildren();
  for (const each of people.slice(0, 4)) {
    const face = document.createElement("span");
    face.className = `face-mark${each.editing ? " editing" : ""}`;
    face.textContent = each.name.slice(0, 1).toUpperCase();
    face.title = each.editing ? say("editing", { who: each.name }) : say("here", { who: each.name });
    place.append(face);
  }
  const busy = people.filter((each) => each.editing).map((each) => each.name);
  if (busy.length) place.append(Object.assign(document.createElement("small"), { textContent: say("editing", { who: busy.slice(0, 2).join(", ") }) }));
  place.title = people.length ? say("here", { who: people.map((each) => each.name).join(", ") }) : "";
}

function stale({ version, by }) {
  const here = record(), note = here?.querySelector("[data-stale]");
  if (!note) return;
  const old = version > Number(here.dataset.version);
  note.hidden = !old;
  if (old) note.querySelector("span").textContent = say("changed", { who: by || say("somebody") });
}

function leave() {
  if (!current || !beaten) return;
  api.send("POST", `${current}/leave`, {}, { keepalive: true }).catch(() => {});
}
