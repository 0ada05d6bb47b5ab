// Boards, calendars and dashboards: small things at once, the heavy ones when a page has them.
const ISLANDS = [
  ["[data-board]", () => import("./board.js")],
  ["[data-calendar]", () => import("./calendar.js")],
];

function look(root) {
  for (const [selector, load] of ISLANDS) {
    const found = [...(root.matches?.(selector) ? [root] : []), ...root.querySelectorAll(selector)].filter((each) => !each.dataset.ready);
    if (!found.length) continue;
    for (const each of found) each.dataset.ready = "1";
    load().then((island) => found.forEach((each) => island.start(each)));
  }
}

export function install() {
  const begin = () => look(document);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
  document.addEventListener("htmx:after:swap", begin);
  document.addEventListener("htmx:afterSwap", begin);
  // Quick filters apply at once; the button is for those without scripts.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-sift]");
    if (form && event.target.matches("select")) form.requestSubmit();
  });
  // A chart in large is drawn by a library that nobody loads who does not ask for it.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-large]");
    const dialog = button && document.querySelector("[data-chart-dialog]");
    if (!dialog) return;
    dialog.querySelector("h2").textContent = button.dataset.label;
    const chart = document.createElement("div");
    chart.className = "chart";
    chart.dataset.chart = button.dataset.large;
    chart.dataset.label = button.dataset.label;
    dialog.querySelector(".dialog-body").replaceChildren(chart);
    dialog.showModal();
    (await import("./charts.js")).start(chart);
  });
  // What is empty does not have to stand in the address.
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-sift]")) return;
    for (const each of event.target.elements) if (each.name && !each.value) each.disabled = true;
  });
}
