// Calls of our own server: JSON in and out, the secret of the session with every write, problems as what is thrown.
const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";

/** The prefix of every address of this tenant, e.g. "/t/acme" or "". */
export const base = () => meta("base");
/** The secret that writes by cookie have to send. */
export const csrf = () => meta("csrf");
/** The language of the page: "en" or "zh". */
export const language = () => (document.documentElement.lang.startsWith("zh") ? "zh" : "en");

const address = (path) => (path.startsWith("/") && !(base() && path.startsWith(`${base()}/`)) ? base() + path : path);

const LOST = {
  en: "The server cannot be reached. Check the connection and try again.",
  zh: "无法连接服务器，请检查网络后重试。",
};

async function call(method, path, body, { idempotencyKey, signal, keepalive } = {}) {
  const headers = { Accept: "application/json", "Accept-Language": language() };
  if (method !== "GET") headers["X-CSRF-Token"] = csrf();
  if (idempotencyKey) headers["Idempotency-Key"] = idempotencyKey;
  const sent = body === undefined || body instanceof FormData || body instanceof Blob ? body : JSON.stringify(body);
  if (typeof sent === "string") headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(address(path), { method, headers, body: sent, signal, keepalive, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw { status: 0, problems: [{ code: "offline", path: "", message: LOST[language()] }] };
  }
  const json = answer.headers.get("Content-Type")?.includes("json");
  const content = answer.status === 204 ? null : json ? await answer.json() : await answer.text();
  if (answer.ok) return content;
  if (answer.status === 401) location.assign(`${base()}/auth/sign-in?next=${encodeURIComponent(location.pathname.slice(base().length) + location.search)}`);
  const problems = json ? content.problems ?? [] : [];
  throw { status: answer.status, problems: problems.length ? problems : [{ code: "http", path: "", message: (json && content.title) || String(answer.status) }], content };
}

export const api = {
  get: (path, options) => call("GET", path, undefined, options),
  send: (method, path, body, options) => call(method, path, body, options),
};

/** Show a message for some seconds: kind is good, bad or info; action is {label, run()}. */
export function toast(text, kind = "info", action = undefined) {
  window.dispatchEvent(new CustomEvent("toast", { detail: { text, kind, action } }));
}

/** Show what was refused, from whatever `api` threw. */
export function tell(error) {
  toast(error?.problems?.map((each) => each.message).join(" ") || String(error?.message ?? error), "bad");
}
