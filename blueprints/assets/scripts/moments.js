// Moments as people say them: <time data-time datetime="…">. The server writes them in the person's zone; here they get
// "3 minutes ago" while they are young (data-time="ago"), with the exact moment on the pointer.
import { language } from "./api.js";

const STEPS = [[60, "second", 1], [3600, "minute", 60], [86400, "hour", 3600], [604800, "day", 86400]];

export function ago(moment, now = Date.now()) {
  const seconds = Math.round((moment - now) / 1000), size = Math.abs(seconds);
  const words = new Intl.RelativeTimeFormat(language() === "zh" ? "zh-CN" : "en", { numeric: "auto", style: "short" });
  for (const [below, unit, length] of STEPS) if (size < below) return words.format(Math.round(seconds / length), unit);
  return null;
}

function say(root) {
  for (const element of root.querySelectorAll("time[data-time='ago']")) {
    const moment = Date.parse(element.dateTime), said = ago(moment);
    element.title ||= element.textContent.trim();
    element.textContent = said ?? element.title;
  }
}

export function install() {
  say(document);
  document.addEventListener("htmx:after:swap", () => say(document));
  setInterval(() => document.hidden || say(document), 60_000);
}
