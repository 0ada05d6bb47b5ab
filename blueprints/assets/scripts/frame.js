// Menus that shut by themselves, the folded menu, the drawer of a phone, theme at once.
import { api, base, tell } from "./api.js";

const YEAR = 31_536_000;
const keep = (name, value) => { document.cookie = `${name}=${value}; path=/; max-age=${YEAR}; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`; };

export function install() {
  reveal();
  deviceZone();
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target) || (event.target.closest(".menu-item") && !event.target.closest("[data-stay]"))) menu.open = false;
    }
    if (event.target.closest("[data-fold]")) fold();
  });
  document.addEventListener("focusout", (event) => {
    const menu = event.target.closest?.("details.menu[open]");
    if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
  document.addEventListener("click", readNotice);
  document.addEventListener("keydown", inMenu);
  document.addEventListener("submit", preferred);
  addEventListener("hashchange", () => { if (location.hash === "#menu") document.querySelector("#menu a")?.focus(); });
}

function fold() {
  const root = document.documentElement, folded = root.dataset.sidebar !== "folded";
  if (folded) root.dataset.sidebar = "folded";
  else delete root.dataset.sidebar;
  keep("ml_sidebar", folded ? "folded" : "open");
}

function inMenu(event) {
  if (event.key === "Escape" && location.hash === "#menu") history.back();
  const menu = event.target.closest?.("details.menu");
  if (!menu) return;
  if (event.key === "Escape" && menu.open) {
    menu.open = false;
    menu.querySelector("summary").focus();
    event.stopPropagation();
  } else if (["ArrowDown", "ArrowUp"].includes(event.key) && !event.target.matches("input, select, textarea")) {
    event.preventDefault();
    menu.open = true;
    const items = [...menu.querySelectorAll(".menu-item")].filter((each) => each.offsetParent);
    const at = items.indexOf(document.activeElement);
    items[(at + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length]?.focus();
  }
}

/** Who travels is offered the zone that this device is in. */
function deviceZone() {
  const offer = document.querySelector("[data-device-zone]"), here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const known = [...document.querySelectorAll("form[data-preference='timezone'] button")].map((each) => each.value);
  if (!offer || !here?.includes("/") || known.includes(here)) return;
  const button = offer.querySelector("button");
  button.value = here;
  button.querySelector("span").textContent = here.replaceAll("_", " ");
  offer.hidden = false;
}

// A theme needs no new page; a language does, and the form brings it.
async function preferred(event) {
  const form = event.target.closest("form[data-preference='theme']");
  if (!form) return;
  event.preventDefault();
  const theme = event.submitter.value;
  document.documentElement.dataset.theme = theme;
  document.querySelector("meta[name='color-scheme']").content = theme === "system" ? "light dark" : theme;
  keep("ml_theme", theme);
  for (const each of document.querySelectorAll("form[data-preference='theme'] button")) each.setAttribute("aria-pressed", String(each.value === theme));
  dispatchEvent(new CustomEvent("theme", { detail: { theme } }));
  const body = new FormData(form, event.submitter);
  try {
    await api.send("POST", form.getAttribute("action").slice(base().length), body);
  } catch (error) {
    tell(error);
  }
}

// A notification is read when what it is about is opened; the request outlives the page.
function readNotice(event) {
  const line = event.target.closest("[data-notice-read]");
  if (!line || !event.target.closest("a")) return;
  api.send("POST", line.dataset.noticeRead.slice(base().length), undefined, { keepalive: true }).catch(() => {});
  line.classList.remove("unread");
  line.querySelector(".notice-dot")?.remove();
}

/** On a narrow screen the row of views may be longer than the screen: the current one is brought into sight. */
function reveal() {
  const tab = document.querySelector(".list-views [aria-current]"), row = tab?.parentElement;
  const over = tab ? tab.getBoundingClientRect().right - row.getBoundingClientRect().right : 0;
  if (over > 0) row.scrollLeft += over + 12;
}
