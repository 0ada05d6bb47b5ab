// A calendar in the hand: records are dragged to another day or sent there by a dialog; every move can be undone.
import { api, toast } from "./api.js";

const HALF_HOUR = 30;
const two = (number) => String(number).padStart(2, "0");

/** Milliseconds that a zone is ahead of UTC at a moment. */
function ahead(moment, zone) {
  const parts = new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" }).formatToParts(moment);
  const { year, month, day, hour, minute, second } = Object.fromEntries(parts.map((each) => [each.type, Number(each.value)]));
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(moment / 1000) * 1000;
}

/** The moment at which a clock in a zone shows a day and time. */
function instant(day, time, zone) {
  const wall = Date.parse(`${day}T${time}:00Z`);
  const guess = wall - ahead(wall, zone);
  return wall - ahead(guess, zone);
}

const addDays = (day, number) => new Date(Date.parse(`${day}T00:00:00Z`) + number * 86_400_000).toISOString().slice(0, 10);
const daysBetween = (one, two) => Math.round((Date.parse(`${two}T00:00:00Z`) - Date.parse(`${one}T00:00:00Z`)) / 86_400_000);

export function start(root) {
  const movable = root.dataset.movable === "true";
  const timed = root.dataset.timed === "true";
  const { zone, entity } = root.dataset;
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  const say = (text) => { const live = root.querySelector("[data-live]"); if (live) live.textContent = text; };
  const why = (error) => error.problems?.map((each) => each.message).join(" ") ?? String(error);

  /** The same page as it is now: sorted, counted and drawn by the server. */
  async function renew() {
    const scroll = root.querySelector(".cal-hours")?.scrollTop;
    const html = await api.get(location.pathname + location.search);
    const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("[data-calendar]");
    if (!fresh) return;
    root.replaceChildren(...fresh.childNodes);
    window.htmx?.process?.(root);
    dress();
    const hours = root.querySelector(".cal-hours");
    if (hours && scroll !== undefined) hours.scrollTop = scroll;
  }

  function changed(event, day, time) {
    const { start, until } = event.dataset;
    const values = {};
    if (timed) {
      const begin = instant(day, time || event.dataset.time, zone);
      values[root.dataset.start] = new Date(begin).toISOString();
      if (until) values[root.dataset.until] = new Date(Date.parse(until) + begin - Date.parse(start)).toISOString();
    } else {
      const moved = daysBetween(event.dataset.day, day);
      values[root.dataset.start] = addDays(start, moved);
      if (until) values[root.dataset.until] = addDays(until, moved);
    }
    return values;
  }

  async function move(event, day, time) {
    const { event: id, version, title, start, until } = event.dataset;
    const values = changed(event, day, time);
    if (values[root.dataset.start] === start || (timed && Date.parse(values[root.dataset.start]) === Date.parse(start))) return;
    const before = { [root.dataset.start]: start, ...(until ? { [root.dataset.until]: until } : {}) };
    root.querySelectorAll(`[data-event="${id}"]`).forEach((each) => each.setAttribute("aria-busy", "true"));
    const send = (fields, known) => api.send("PATCH", `/api/v1/${entity}/${id}`, { ...fields, version: known });
    try {
      const saved = await send(values, Number(version));
      const text = `${title}: ${fill(root.dataset.moved, { day: time ? `${day} ${time}` : day })}`;
      await renew();
      say(text);
      toast(text, "good", {
        label: root.dataset.undo,
        run: async () => {
          try {
            await send(before, saved.version);
            toast(root.dataset.undone, "info");
          } catch (error) {
            toast(fill(root.dataset.refused, { why: why(error) }), "bad");
          }
          await renew();
          root.querySelector(`[data-event="${id}"] a`)?.focus();
        },
      });
      root.querySelector(`[data-event="${id}"] a`)?.focus();
    } catch (error) {
      const text = fill(root.dataset.refused, { why: why(error) });
      toast(text, "bad");
      say(text);
      await renew();
    }
  }

  // -- by mouse

  let dragged = null;

  function timeAt(column, y) {
    const box = column.getBoundingClientRect();
    const row = Math.max(0, Math.min(Number(column.dataset.rows) - 1, Math.floor(((y - dragged.grip - box.top) / box.height) * Number(column.dataset.rows) + 0.5)));
    const minutes = Number(column.dataset.hour) * 60 + row * HALF_HOUR;
    return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  }

  root.addEventListener("dragstart", (event) => {
    const item = event.target.closest?.("[data-event]");
    if (!item || !movable) return;
    dragged = { item, grip: event.clientY - item.getBoundingClientRect().top };
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", item.dataset.title);
    requestAnimationFrame(() => root.querySelectorAll(`[data-event="${item.dataset.event}"]`).forEach((each) => each.classList.add("dragged")));
  });
  root.addEventListener("dragend", () => {
    root.querySelectorAll(".dragged, .over").forEach((each) => each.classList.remove("dragged", "over"));
    dragged = null;
  });
  root.addEventListener("dragover", (event) => {
    const day = dragged && event.target.closest("[data-day]:not([data-event])");
    root.querySelectorAll(".over").forEach((each) => each !== day && each.classList.remove("over"));
    if (!day) return;
    event.preventDefault();
    day.classList.add("over");
  });
  root.addEventListener("drop", (event) => {
    const day = dragged && event.target.closest("[data-day]:not([data-event])");
    if (!day) return;
    event.preventDefault();
    const { item } = dragged;
    // Grabbed in the middle of several days, it moves by as many days as the hand did.
    const from = item.closest("[data-day]:not([data-event])")?.dataset.day ?? item.dataset.day;
    const target = addDays(item.dataset.day, daysBetween(from, day.dataset.day));
    const time = day.matches(".cal-hours-day") ? timeAt(day, event.clientY) : undefined;
    move(item, target, time);
  });

  // -- by dialog

  const dialog = document.querySelector("[data-move-menu]");
  const form = dialog?.querySelector("form");
  let asked = null;
  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    if (button && dialog) {
      asked = button.closest("[data-event]");
      form.day.value = asked.dataset.day;
      if (form.time) form.time.value = asked.dataset.time;
      dialog.returnValue = "";
      dialog.showModal();
      return;
    }
    // An empty place of a day is the way to something new on it.
    const day = event.target.closest("td[data-day], .cal-week [data-day], .cal-hours-day");
    if (day && !event.target.closest("a, button, [data-event]")) {
      const link = day.querySelector("[data-add]") ?? root.querySelector(`.cal-hours-head [data-add][href*="${day.dataset.day}"]`);
      if (!link) return;
      let url = link.getAttribute("href");
      if (day.matches(".cal-hours-day")) {
        dragged = { grip: 0 };
        url = url.replace(/T\d\d(%3A|:)\d\d/, `T${timeAt(day, event.clientY - 10)}`);
        dragged = null;
      }
      const there = link.cloneNode();
      there.setAttribute("href", url);
      there.hidden = true;
      link.after(there);
      there.click();
    }
  });
  root.addEventListener("saved", renew);
  dialog?.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(""); });
  dialog?.addEventListener("close", () => {
    if (dialog.returnValue === "move" && asked?.isConnected) move(asked, form.day.value, form.time?.value);
  });

  function dress() {
    if (!movable) return;
    root.querySelectorAll("[data-event]").forEach((each) => {
      each.draggable = true;
      each.querySelectorAll("a").forEach((link) => { link.draggable = false; });
      each.querySelector("[data-move]")?.removeAttribute("hidden");
    });
  }
  dress();
}
