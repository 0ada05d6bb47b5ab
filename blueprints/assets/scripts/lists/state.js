// The list of this page: its address is its state. Another filter, order or group fetches the results alone.
import { base, csrf, language, tell, toast } from "../api.js";

export const list = () => document.getElementById("list");
export const results = () => document.getElementById("list-results");
export const drawer = () => document.getElementById("list-drawer");
export const isPhone = () => matchMedia("(max-width: 760px)").matches;

const PARTS = ["#list-results", ".list-tools"];
const listeners = [];
let asked = 0;

/** Run something whenever new results have arrived. */
export const onArrival = (run) => listeners.push(run);
export const arrived = () => listeners.forEach((run) => run());

/** This page's address with some arguments changed; null takes one away, "" keeps it empty. */
export function address(changes = {}) {
  const url = new URL(location.href);
  for (const name of ["after", "done"]) url.searchParams.delete(name);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  return url;
}

/** An address of the platform about this list: `place("columns", "look")`, with the arguments that say which rows. */
export function place(name, rest = "", search = location.search) {
  const { entity, view } = list().dataset;
  const given = new URLSearchParams(search);
  if (!given.get("view")) given.set("view", view);
  given.delete("after");
  return `${base()}/app/-/${name}/${entity}${rest ? `/${rest}` : ""}?${given}`;
}

/** Fetch a piece of HTML or JSON of ours. Rejects like `api` does. */
export async function fetched(url, options = {}) {
  const headers = { "Accept-Language": language(), "X-Fragment": "1", ...options.headers };
  if (options.method) headers["X-CSRF-Token"] = csrf();
  let answer;
  try {
    answer = await fetch(url, { credentials: "same-origin", ...options, headers });
  } catch {
    throw { status: 0, problems: [{ message: language() === "zh" ? "无法连接服务器，请检查网络后重试。" : "The server cannot be reached. Check the connection and try again." }] };
  }
  if (answer.redirected && new URL(answer.url).pathname.endsWith("/auth/sign-in")) return location.reload();
  return answer;
}

export const parsed = (text) => new DOMParser().parseFromString(text, "text/html");

/** What an answer that is no success says. */
export async function refusal(answer) {
  const text = await answer.text();
  if (answer.headers.get("Content-Type")?.includes("json")) return JSON.parse(text);
  const said = [...parsed(text).querySelectorAll("main p, main li")].map((each) => each.textContent.trim()).filter(Boolean);
  return { status: answer.status, problems: (said.length ? said : [String(answer.status)]).map((message) => ({ message })) };
}

/** Show the list of another address. Only the last of several that overtake each other is shown. */
export async function go(url, { keep = true, replace = false } = {}) {
  const mine = (asked += 1);
  results().setAttribute("aria-busy", "true");
  try {
    const answer = await fetched(url);
    if (!answer || mine !== asked) return;
    const page = parsed(await answer.text());
    if (!page.getElementById("list-results")) return location.assign(url);
    for (const selector of PARTS) {
      const now = document.querySelector(selector), next = page.querySelector(selector);
      if (now && next) now.replaceWith(document.adoptNode(next));
    }
    if (keep) history[replace ? "replaceState" : "pushState"]({ list: true }, "", url);
    window.htmx?.process(results());
    arrived();
  } catch (error) {
    if (error?.problems) tell(error);
    else throw error;
  } finally {
    results()?.removeAttribute("aria-busy");
  }
}

/** The same rows once more. */
export const again = () => go(location.href, { keep: false });

/** Send a form of ours; resolves with the answer when it is a success, tells and resolves with null when not. */
export async function send(url, body) {
  try {
    const answer = await fetched(url, { method: "POST", body });
    if (!answer) return null;
    if (answer.ok) return answer;
    tell(await refusal(answer));
  } catch (error) {
    tell(error);
  }
  return null;
}

/** `text` with its holes filled: "{count} selected". */
export const filled = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

export { toast };
